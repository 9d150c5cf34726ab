//! Answers and interventions: `done`, `approve`, `reject`, `retry`, `skip`, `cancel`.

use super::args::{Answer, Cancel, Common, Intervene};
use super::exit::{Exit, Failure, Outcome};
use super::home;
use super::render::words;
use super::screen::Screen;
use coord_engine::{Ask, ItemId, Verdict};
use coord_host::control::{Carried, Order, Request, give};
use coord_host::home::Home;
use coord_host::run::Run;
use std::collections::BTreeMap;

pub(crate) fn answer(common: &Common, screen: &Screen, args: &Answer, verdict: Verdict) -> Outcome {
    let home = home::existing(common)?;
    let run = {
        let reader = home::reader(&home)?;
        home::open_run(&reader, args.run.as_deref())?
    };
    let item = item_named(&run, &args.item)?;
    let ask = run.state.item(item).map(|i| i.ask);
    // a yes is a yes, whatever it is called for this kind of item
    let verdict = match (verdict, ask) {
        (Verdict::Approve, Some(Ask::Work | Ask::Doubt)) => Verdict::Done,
        (Verdict::Reject, Some(Ask::Doubt)) => Verdict::Fail,
        (verdict, _) => verdict,
    };
    let outputs = outputs(&args.outputs)?;
    let order = Order::Answer {
        item: item.0,
        by: who(&run, item, args.r#as.as_deref()),
        verdict,
        to: None,
        note: args.note.clone().unwrap_or_default(),
        outputs,
    };
    give_order(
        common,
        screen,
        &home,
        &run,
        order,
        &format!("item {}: {}", item.0, words::answered(verdict)),
    )
}

/// Given, or the only one who is asked, or the login name.
fn who(run: &Run, item: ItemId, given: Option<&str>) -> Option<String> {
    if let Some(name) = given {
        return Some(name.to_string());
    }
    let of = run.state.item(item).map_or(&[][..], |i| &i.of);
    match of {
        [only] => Some(run.plan.agents[*only].name.clone()),
        _ => login(),
    }
}

fn login() -> Option<String> {
    std::env::var("USER")
        .ok()
        .or_else(|| std::env::var("LOGNAME").ok())
        .filter(|name| !name.is_empty())
}

fn outputs(given: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    given
        .iter()
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_string(), value.to_string())),
            _ => Err(Failure::wrong(format!("`--output {pair}` has no value"))
                .help("as in `--output version=2`")),
        })
        .collect()
}

/// `3`, `i3`, or the name of a task with exactly one open item.
fn item_named(run: &Run, text: &str) -> Result<ItemId, Failure> {
    let digits = text.strip_prefix(['i', '#']).unwrap_or(text);
    if let Ok(number) = digits.parse::<u32>() {
        return Ok(ItemId(number));
    }
    let open: Vec<_> = run
        .state
        .open_items()
        .filter(|(_, item)| {
            item.node
                .is_some_and(|node| run.plan.nodes[node].name == text)
        })
        .collect();
    match open.as_slice() {
        [(id, _)] => Ok(*id),
        [] => {
            let named: Vec<String> = run
                .state
                .open_items()
                .map(|(id, _)| words::asked(&run.plan, &run.state, id))
                .collect();
            let failure = Failure::wrong(format!(
                "nothing is asked about `{text}` in run `{}`",
                run.id
            ));
            Err(if named.is_empty() {
                failure.help("no item is open")
            } else {
                failure.help(format!("open are: {}", named.join("; ")))
            })
        }
        many => {
            let ids: Vec<String> = many.iter().map(|(id, _)| id.0.to_string()).collect();
            Err(Failure::wrong(format!(
                "`{text}` has {} open items: {}",
                many.len(),
                ids.join(", ")
            ))
            .help("name one by its number"))
        }
    }
}

pub(crate) fn retry(common: &Common, screen: &Screen, args: &Intervene) -> Outcome {
    intervene(common, screen, args, Verdict::Retry)
}

pub(crate) fn skip(common: &Common, screen: &Screen, args: &Intervene) -> Outcome {
    intervene(common, screen, args, Verdict::Skip)
}

/// Retries or skips a task; for one that is in doubt that is the answer to its item.
fn intervene(common: &Common, screen: &Screen, args: &Intervene, verdict: Verdict) -> Outcome {
    let home = home::existing(common)?;
    let (run, task) = {
        let reader = home::reader(&home)?;
        home::run_and_task(&reader, &args.run_or_task, args.task.as_deref())?
    };
    let node = home::node(&run, &task)?;
    let by = args.r#as.clone().or_else(login);
    let note = args.note.clone().unwrap_or_default();
    let doubt = run
        .state
        .open_items()
        .find(|(_, item)| item.node == Some(node) && item.ask == Ask::Doubt);
    let (order, done) = match (doubt, verdict) {
        (Some((item, _)), Verdict::Retry) => (
            Order::Answer {
                item: item.0,
                by,
                verdict,
                to: None,
                note,
                outputs: BTreeMap::new(),
            },
            "to be tried again",
        ),
        (None, Verdict::Retry) => (Order::Retry { node, by }, "to be tried again"),
        _ => (
            Order::Skip {
                node,
                by,
                reason: note,
            },
            "skipped",
        ),
    };
    give_order(
        common,
        screen,
        &home,
        &run,
        order,
        &format!("{task}: {done}"),
    )
}

pub(crate) fn cancel(common: &Common, screen: &Screen, args: &Cancel) -> Outcome {
    let home = home::existing(common)?;
    let run = {
        let reader = home::reader(&home)?;
        home::open_run(&reader, args.run.as_deref())?
    };
    let by = args.r#as.clone().or_else(login);
    let order = Order::Cancel {
        by,
        reason: args.note.clone().unwrap_or_default(),
    };
    let carried = carry(&home, &run, order)?;
    let id = &run.id;
    say(
        common,
        screen,
        &match carried {
            Carried::Live => format!("run {id} is being cancelled\n"),
            Carried::Recorded(status) if status.is_ended() => format!("run {id} is cancelled\n"),
            Carried::Recorded(_) => format!(
                "run {id} is to be cancelled; it was cut off: `coord resume {id}` brings it to its end\n"
            ),
        },
    );
    Ok(Exit::Done)
}

/// Has an order carried out, and says so.
fn give_order(
    common: &Common,
    screen: &Screen,
    home: &Home,
    run: &Run,
    order: Order,
    said: &str,
) -> Outcome {
    say(
        common,
        screen,
        &match carry(home, run, order)? {
            Carried::Live => format!("{said}\n"),
            Carried::Recorded(status) if status.is_ended() => format!("{said}\n"),
            Carried::Recorded(_) => format!(
                "{said}; nobody runs it now: `coord resume {}` goes on\n",
                run.id
            ),
        },
    );
    Ok(Exit::Done)
}

fn carry(home: &Home, run: &Run, order: Order) -> Result<Carried, Failure> {
    let request = Request {
        run: run.id.clone(),
        order,
    };
    give(home, request, &home::command_line()).map_err(home::control_failure)
}

fn say(common: &Common, screen: &Screen, text: &str) {
    if !common.quiet {
        screen.err(text);
    }
}
