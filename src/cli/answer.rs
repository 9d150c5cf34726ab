//! Answers to items: `done`, `approve`, `reject`, `accept`, `answer`, `decide`.

use super::args::{Acting, Answer, Choice, Choose, Common, Decide};
use super::exit::{Failure, Outcome};
use super::order::{self, Desk};
use super::render::words;
use super::rules;
use super::screen::Screen;
use coord_engine::{Ask, Item, ItemId, Verdict};
use coord_host::brief::{KNOWN_ISSUES, SUCCESS_CRITERIA};
use coord_host::control::Order;
use coord_host::run::Run;
use coord_lang::ids::AgentId;
use coord_lang::schema;
use std::collections::BTreeMap;

pub(crate) fn answer(common: &Common, screen: &Screen, args: &Answer, verdict: Verdict) -> Outcome {
    let desk = Desk::open(common, screen, args.run.as_deref())?;
    let item = item_named(&desk.run, &args.item)?;
    let outputs = outputs(&desk.run, item, args)?;
    give(&desk, item, verdict, None, &args.acting, outputs)
}

pub(crate) fn choose(common: &Common, screen: &Screen, args: &Choose) -> Outcome {
    let desk = Desk::open(common, screen, args.run.as_deref())?;
    let item = item_named(&desk.run, &args.item)?;
    let to = taker(&desk.run, args.choice, args.to.as_deref())?;
    let verdict = verdict(args.choice);
    give(&desk, item, verdict, to, &args.acting, BTreeMap::new())
}

/// Of an item, or a decision that nobody was asked for.
pub(crate) fn decide(common: &Common, screen: &Screen, args: &Decide) -> Outcome {
    let desk = Desk::open(common, screen, args.run.as_deref())?;
    let what = &args.what;
    let item = args.choice.is_some() || number(what).is_some() || is_asked(&desk.run, what);
    let names_item = args.domain.is_none() && item;
    if !names_item {
        return record(&desk, args);
    }
    let item = item_named(&desk.run, &args.what)?;
    let choice = args.choice.unwrap_or(Choice::Done);
    let to = taker(&desk.run, choice, args.to.as_deref())?;
    let acting = Acting {
        by: args.acting.by.clone(),
        note: args.text.clone().or_else(|| args.acting.note.clone()),
    };
    give(&desk, item, verdict(choice), to, &acting, BTreeMap::new())
}

/// True when people are to decide about a task of that name.
fn is_asked(run: &Run, task: &str) -> bool {
    let node = run.plan.find(task);
    let decides = |item: &Item| item.ask.name() == "decide" && item.node == node;
    node.is_some() && run.state.open_items().any(|(_, item)| decides(item))
}

fn record(desk: &Desk<'_>, args: &Decide) -> Outcome {
    let domain = args.domain.as_deref();
    let order = Order::Decide {
        domain: domain
            .map(|name| rules::domain(&desk.run, name))
            .transpose()?,
        by: order::by(&args.acting.by),
        title: args.what.clone(),
        text: args
            .text
            .clone()
            .unwrap_or_else(|| order::note(&args.acting)),
    };
    let said = format!("decided: {}", args.what);
    desk.give(order, args.acting.by.dry_run, &said)
}

fn verdict(choice: Choice) -> Verdict {
    match choice {
        Choice::Done => Verdict::Done,
        Choice::Accept => Verdict::Accept,
        Choice::Retry => Verdict::Retry,
        Choice::Skip => Verdict::Skip,
        Choice::Reassign => Verdict::Reassign,
        Choice::Abort => Verdict::Abort,
    }
}

/// Who is named to take over.
fn taker(run: &Run, choice: Choice, to: Option<&str>) -> Result<Option<AgentId>, Failure> {
    match to {
        Some(_) if choice != Choice::Reassign => Err(Failure::wrong(
            "`--to` says who takes over, and nobody does with this answer",
        )
        .help("answer `reassign`, or leave `--to` out")),
        Some(name) => rules::agent(run, name).map(Some),
        None => Ok(None),
    }
}

fn give(
    desk: &Desk<'_>,
    id: ItemId,
    verdict: Verdict,
    to: Option<AgentId>,
    acting: &Acting,
    outputs: BTreeMap<String, String>,
) -> Outcome {
    let run = &desk.run;
    let item = run.state.item(id);
    if item.is_none() {
        return Err(no_item(run, id));
    }
    let verdict = item.map_or(verdict, |item| meant(verdict, item.ask));
    if let Some(item) = item.filter(|item| item.is_open()) {
        fits(run, id, item, verdict)?;
    }
    let by = who(run, id, acting.by.r#as.as_deref());
    if acting.by.r#as.is_none() {
        one_of_many(run, id, by.as_deref())?;
    }
    let order = Order::Answer {
        item: id.0,
        by,
        verdict,
        to,
        note: order::note(acting),
        outputs,
    };
    let said = format!("item {}: {}", id.0, words::answered(verdict));
    desk.give(order, acting.by.dry_run, &said)
}

fn no_item(run: &Run, id: ItemId) -> Failure {
    let failure = Failure::wrong(format!("there is no item {} in run `{}`", id.0, run.id));
    failure.help(open_ones(run))
}

/// What could have been meant.
fn open_ones(run: &Run) -> String {
    let named: Vec<String> = (run.state.open_items())
        .map(|(id, _)| words::asked(&run.plan, &run.state, id))
        .collect();
    match named.is_empty() {
        true => "no item is open".into(),
        false => format!("open are: {}", named.join("; ")),
    }
}

/// A yes is a yes, and a no a no, whatever it is called for this kind of item.
fn meant(verdict: Verdict, ask: Ask) -> Verdict {
    match (verdict, ask) {
        (Verdict::Approve | Verdict::Accept, Ask::Work | Ask::Doubt) => Verdict::Done,
        (
            Verdict::Accept,
            Ask::Confirm { .. } | Ask::Require { .. } | Ask::Approve { .. } | Ask::Report { .. },
        ) => Verdict::Approve,
        (Verdict::Approve, Ask::Undo) => Verdict::Done,
        (Verdict::Accept, Ask::Undo) => Verdict::Skip,
        (Verdict::Reject | Verdict::Abort, Ask::Doubt) => Verdict::Fail,
        (Verdict::Abort, Ask::Work | Ask::Approve { .. }) => Verdict::Reject,
        (verdict, _) => verdict,
    }
}

fn fits(run: &Run, id: ItemId, item: &Item, verdict: Verdict) -> Result<(), Failure> {
    if item.ask.takes(verdict) {
        return Ok(());
    }
    let question = words::question(&run.plan, &run.state, item);
    Err(Failure::wrong(format!(
        "`{}` does not answer item {}: {question}",
        verdict.name(),
        id.0
    ))
    .help(format!(
        "answer it with {}",
        words::answers(&run.plan, id, item)
    )))
}

/// Given, or the only one who is asked, or the login name.
fn who(run: &Run, item: ItemId, given: Option<&str>) -> Option<String> {
    if let Some(name) = given {
        return Some(name.to_string());
    }
    let of = run.state.item(item).map_or(&[][..], |i| &i.of);
    match of {
        [only] => Some(run.plan.agents[*only].name.clone()),
        _ => order::login(),
    }
}

/// Of several who are asked, somebody has to say who answers.
fn one_of_many(run: &Run, id: ItemId, login: Option<&str>) -> Result<(), Failure> {
    let Some(item) = run.state.item(id).filter(|item| item.is_open()) else {
        return Ok(());
    };
    let names = || {
        item.of
            .iter()
            .map(|agent| run.plan.agents[*agent].name.as_str())
    };
    match names().next() {
        Some(first) if !names().any(|name| Some(name) == login) => Err(Failure::wrong(format!(
            "item {} is for {}: who answers?",
            id.0,
            schema::one_of(names())
        ))
        .help(format!("say it with `--as {first}`"))),
        _ => Ok(()),
    }
}

fn outputs(run: &Run, id: ItemId, args: &Answer) -> Result<BTreeMap<String, String>, Failure> {
    let mut outputs = BTreeMap::new();
    for pair in &args.outputs {
        match pair.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                outputs.insert(name.to_string(), value.to_string());
            }
            _ => {
                return Err(Failure::wrong(format!("`--output {pair}` has no value"))
                    .help("as in `--output version=2`"));
            }
        }
    }
    let told = [
        (KNOWN_ISSUES, &args.issues),
        (SUCCESS_CRITERIA, &args.criteria),
    ];
    let work = run.state.item(id).is_none_or(|item| item.ask == Ask::Work);
    if !work && told.iter().any(|(_, lines)| !lines.is_empty()) {
        return Err(Failure::wrong(format!(
            "item {} is no work, so there is nothing to hand over",
            id.0
        ))
        .help("name issues and criteria when the work is done; here, say it with `--note`"));
    }
    for (name, lines) in told {
        if !lines.is_empty() {
            outputs.insert(name.to_string(), lines.join("\n"));
        }
    }
    Ok(outputs)
}

/// `3`, `i3` or `#3`.
fn number(text: &str) -> Option<u32> {
    text.strip_prefix(['i', '#']).unwrap_or(text).parse().ok()
}

/// By its number, or by the name of a task with exactly one open item.
fn item_named(run: &Run, text: &str) -> Result<ItemId, Failure> {
    if let Some(number) = number(text) {
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
            let failure = Failure::wrong(format!(
                "nothing is asked about `{text}` in run `{}`",
                run.id
            ));
            Err(failure.help(open_ones(run)))
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
