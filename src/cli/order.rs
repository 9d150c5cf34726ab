//! How a command gives an order to a run: to the process that runs it, or into its journal.

use super::args::{Acting, By, Cancel, Common, Intervene, Reassign};
use super::exit::{Exit, Failure, Outcome};
use super::home;
use super::render::words;
use super::rules;
use super::screen::Screen;
use coord_engine::{Ask, Event, ItemId, Verdict};
use coord_host::control::{Carried, Order, Request, give, rehearse};
use coord_host::home::Home;
use coord_host::run::Run;
use coord_lang::ids::NodeId;
use std::collections::BTreeMap;

/// A run, and what is to be done with it.
pub(crate) struct Desk<'c> {
    common: &'c Common,
    screen: &'c Screen,
    home: Home,
    pub(crate) run: Run,
}

impl<'c> Desk<'c> {
    /// At the run of that name, else at the last one that has not ended.
    pub(crate) fn open(
        common: &'c Common,
        screen: &'c Screen,
        run: Option<&str>,
    ) -> Result<Desk<'c>, Failure> {
        let home = home::existing(common)?;
        let run = home::open_run(&home::reader(&home)?, run)?;
        Ok(Desk {
            common,
            screen,
            home,
            run,
        })
    }

    /// At `RUN TASK`, or at a task of the last run alone.
    fn at_task(
        common: &'c Common,
        screen: &'c Screen,
        first: &str,
        second: Option<&str>,
    ) -> Result<(Desk<'c>, NodeId), Failure> {
        let home = home::existing(common)?;
        let (run, task) = home::run_and_task(&home::reader(&home)?, first, second)?;
        let node = home::node(&run, &task)?;
        let desk = Desk {
            common,
            screen,
            home,
            run,
        };
        Ok((desk, node))
    }

    /// Has an order carried out and says so; of a rehearsal, what would follow from it.
    pub(crate) fn give(&self, order: Order, dry_run: bool, said: &str) -> Outcome {
        if dry_run {
            return self.rehearse(order);
        }
        let id = &self.run.id;
        self.say(&match self.carry(order)? {
            Carried::Live => format!("{said}\n"),
            Carried::Recorded(status) if status.is_ended() => format!("{said}\n"),
            Carried::Recorded(_) => {
                format!("{said}; nobody runs it now: `coord resume {id}` goes on\n")
            }
        });
        Ok(Exit::Done)
    }

    fn carry(&self, order: Order) -> Result<Carried, Failure> {
        let request = Request {
            run: self.run.id.clone(),
            order,
        };
        give(&self.home, request, &home::command_line()).map_err(home::control_failure)
    }

    fn rehearse(&self, order: Order) -> Outcome {
        let (state, events) =
            rehearse(&self.home, &self.run, order).map_err(home::control_failure)?;
        let told = |event: &Event| words::event(&self.run.plan, &state, event);
        let lines: Vec<String> = events
            .iter()
            .filter_map(told)
            .map(|(mark, text)| format!("  {mark} {text}\n"))
            .collect();
        let follows = match lines.is_empty() {
            true => "it would be recorded; nothing follows from it at once\n".to_string(),
            false => format!("at once would follow\n{}", lines.concat()),
        };
        self.screen.out(&follows);
        Ok(Exit::Done)
    }

    fn say(&self, text: &str) {
        if !self.common.quiet {
            self.screen.err(text);
        }
    }
}

/// Whoever is named, else the login name.
pub(crate) fn by(given: &By) -> Option<String> {
    given.r#as.clone().or_else(login)
}

pub(crate) fn login() -> Option<String> {
    std::env::var("USER")
        .ok()
        .or_else(|| std::env::var("LOGNAME").ok())
        .filter(|name| !name.is_empty())
}

pub(crate) fn note(acting: &Acting) -> String {
    acting.note.clone().unwrap_or_default()
}

pub(crate) fn retry(common: &Common, screen: &Screen, args: &Intervene) -> Outcome {
    intervene(common, screen, args, Verdict::Retry)
}

pub(crate) fn skip(common: &Common, screen: &Screen, args: &Intervene) -> Outcome {
    intervene(common, screen, args, Verdict::Skip)
}

/// Retries or skips a task; for one that is in doubt that is the answer to its item.
fn intervene(common: &Common, screen: &Screen, args: &Intervene, verdict: Verdict) -> Outcome {
    let (desk, node) = Desk::at_task(common, screen, &args.run_or_task, args.task.as_deref())?;
    let by = by(&args.acting.by);
    let note = note(&args.acting);
    let doubt = doubt(&desk.run, node);
    let (order, done) = match (doubt, verdict) {
        (Some(item), Verdict::Retry) => (
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
    let task = &desk.run.plan.nodes[node].name;
    desk.give(order, args.acting.by.dry_run, &format!("{task}: {done}"))
}

fn doubt(run: &Run, node: NodeId) -> Option<ItemId> {
    let mut open = run.state.open_items();
    open.find(|(_, item)| item.node == Some(node) && item.ask == Ask::Doubt)
        .map(|(id, _)| id)
}

pub(crate) fn reassign(common: &Common, screen: &Screen, args: &Reassign) -> Outcome {
    let (desk, node) = Desk::at_task(common, screen, &args.run_or_task, args.task.as_deref())?;
    let to = args.to.as_deref();
    let to = to.map(|name| rules::agent(&desk.run, name)).transpose()?;
    let order = Order::Reassign {
        node,
        to,
        by: by(&args.by),
    };
    let task = &desk.run.plan.nodes[node].name;
    let said = match &args.to {
        Some(name) => format!("{task}: {name} does it"),
        None => format!("{task}: somebody else does it"),
    };
    desk.give(order, args.by.dry_run, &said)
}

pub(crate) fn cancel(common: &Common, screen: &Screen, args: &Cancel) -> Outcome {
    let desk = Desk::open(common, screen, args.run.as_deref())?;
    let order = Order::Cancel {
        by: by(&args.acting.by),
        reason: note(&args.acting),
    };
    if args.acting.by.dry_run {
        return desk.rehearse(order);
    }
    let id = &desk.run.id;
    desk.say(&match desk.carry(order)? {
        Carried::Live => format!("run {id} is being cancelled\n"),
        Carried::Recorded(status) if status.is_ended() => format!("run {id} is cancelled\n"),
        Carried::Recorded(_) => format!(
            "run {id} is to be cancelled; it was cut off: `coord resume {id}` brings it to its end\n"
        ),
    });
    Ok(Exit::Done)
}
