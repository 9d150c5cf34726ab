//! What somebody brings into a run: `raise`, `safe-mode`, `halt`, `start`, `measure`.

use super::args::{Common, Halt, Measure, Raise, SafeMode, Start, Turn};
use super::exit::{Failure, Outcome};
use super::home;
use super::order::{self, Desk};
use super::report;
use super::rules;
use super::screen::Screen;
use coord_engine::{About, Of};
use coord_host::control::Order;
use coord_host::run::Run;
use coord_lang::expr::Value;
use coord_lang::ids::{ModeId, WorkflowId};
use coord_lang::model::ParamType;
use coord_lang::schema;

/// The mode that a project without a choice means.
const USUAL_MODE: &str = "safe-mode";

/// What can be raised besides an incident.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Incident,
    Conflict,
    Escalation,
    Agent,
    Resource,
}

const KINDS: [(&str, Kind); 5] = [
    ("incident", Kind::Incident),
    ("conflict", Kind::Conflict),
    ("escalation", Kind::Escalation),
    ("agent", Kind::Agent),
    ("resource", Kind::Resource),
];

/// `WHAT` taken apart.
struct Words<'a> {
    kind: Kind,
    name: &'a str,
    text: String,
}

fn words<'a>(args: &'a Raise) -> Result<Words<'a>, Failure> {
    let said: Vec<&str> = args.what.iter().map(String::as_str).collect();
    let given = said
        .first()
        .and_then(|word| KINDS.iter().find(|(name, _)| name == word));
    let (kind, name, text) = match (given, said.as_slice()) {
        (Some((_, kind)), [_, name]) => (*kind, *name, None),
        (Some((_, kind)), [_, name, text]) => (*kind, *name, Some(*text)),
        (Some((word, _)), _) => {
            return Err(Failure::wrong(format!("`coord raise {word}` needs a name"))
                .help(format!("as in `coord raise {word} NAME \"what is wrong\"`")));
        }
        (None, [name]) => (Kind::Incident, *name, None),
        (None, [name, text]) => (Kind::Incident, *name, Some(*text)),
        (None, _) => {
            let word = said.first().copied().unwrap_or_default();
            let kinds = || KINDS.iter().map(|(name, _)| *name);
            let failure = Failure::wrong(format!("`{word}` is nothing that can be raised"));
            return Err(match schema::closest(word, kinds()).first() {
                Some(meant) => failure.help(format!("did you mean `{meant}`?")),
                None => failure.help(format!(
                    "raise the name of an incident, or {} and its name; put a text of several words in quotes",
                    schema::one_of(kinds())
                )),
            });
        }
    };
    let note = args.acting.note.as_deref();
    let text: Vec<&str> = [text, note].into_iter().flatten().collect();
    Ok(Words {
        kind,
        name,
        text: text.join("\n"),
    })
}

pub(crate) fn raise(common: &Common, screen: &Screen, args: &Raise) -> Outcome {
    let words = words(args)?;
    let desk = Desk::open(common, screen, args.run.as_deref())?;
    let (order, said) = match words.kind {
        Kind::Agent | Kind::Resource => availability(&desk.run, &words, args)?,
        Kind::Incident | Kind::Conflict | Kind::Escalation => situation(&desk.run, &words, args)?,
    };
    desk.give(order, args.acting.by.dry_run, &said)
}

fn situation(run: &Run, words: &Words<'_>, args: &Raise) -> Result<(Order, String), Failure> {
    if args.over {
        return Err(
            Failure::wrong("`--over` is for an agent or a resource that is there again")
                .help("a situation is closed by answering it: `coord inbox`"),
        );
    }
    let name = words.name;
    let of = match words.kind {
        Kind::Conflict => Of::Conflict(rules::conflict(run, name)?),
        Kind::Escalation => Of::Escalation(rules::escalation(run, name)?),
        _ => Of::Incident(incident(run, name)?),
    };
    let order = Order::Raise {
        of,
        about: about(run, args)?,
        by: order::by(&args.acting.by),
        note: words.text.clone(),
    };
    Ok((
        order,
        format!("{} is raised", run.state.title(&run.plan, of)),
    ))
}

/// A word that is no incident may have been meant as one of the kinds.
fn incident(run: &Run, name: &str) -> Result<coord_lang::ids::IncidentId, Failure> {
    rules::incident(run, name).map_err(|failure| {
        let meant = schema::closest(name, KINDS.iter().map(|(kind, _)| *kind));
        let known = failure
            .help
            .as_deref()
            .is_some_and(|help| help.starts_with("did you mean"));
        match meant.first() {
            Some(kind) if !known => {
                failure.help(format!("did you mean `coord raise {kind} NAME`?"))
            }
            _ => failure,
        }
    })
}

fn about(run: &Run, args: &Raise) -> Result<About, Failure> {
    let node = args.task.as_deref();
    let agents = args.between.iter().filter(|name| !name.is_empty());
    Ok(About {
        node: node.map(|task| home::node(run, task)).transpose()?,
        agents: agents
            .map(|name| rules::agent(run, name))
            .collect::<Result<_, _>>()?,
        ..About::default()
    })
}

fn availability(run: &Run, words: &Words<'_>, args: &Raise) -> Result<(Order, String), Failure> {
    if args.task.is_some() || !args.between.is_empty() {
        return Err(Failure::wrong(
            "`--task` and `--between` are for a conflict, an escalation or an incident",
        )
        .help("leave them out"));
    }
    let name = words.name;
    let keeps = words.kind == Kind::Agent && !args.over;
    if !keeps && !words.text.is_empty() {
        return Err(Failure::wrong("nothing is kept of what is said here").help(
            "leave the text out; `coord decide \"…\"` writes down what is to be remembered",
        ));
    }
    Ok(match (words.kind, args.over) {
        (Kind::Agent, false) => (
            Order::AgentFailed {
                agent: rules::agent(run, name)?,
                why: match words.text.is_empty() {
                    true => said_by(args),
                    false => words.text.clone(),
                },
            },
            format!("agent {name} is taken to have failed"),
        ),
        (Kind::Agent, true) => (
            Order::AgentBack {
                agent: rules::agent(run, name)?,
            },
            format!("agent {name} is back"),
        ),
        (_, false) => (
            Order::ResourceExhausted {
                resource: rules::resource(run, name)?,
            },
            format!("{name} is exhausted"),
        ),
        (_, true) => (
            Order::ResourceBack {
                resource: rules::resource(run, name)?,
            },
            format!("{name} is there again"),
        ),
    })
}

fn said_by(args: &Raise) -> String {
    order::by(&args.acting.by)
        .map_or_else(|| "somebody said so".into(), |by| format!("{by} said so"))
}

pub(crate) fn safe_mode(common: &Common, screen: &Screen, args: &SafeMode) -> Outcome {
    let desk = Desk::open(common, screen, args.run.as_deref())?;
    let run = &desk.run;
    let (by, because) = (order::by(&args.acting.by), order::note(&args.acting));
    let named = args
        .mode
        .as_deref()
        .map(|name| rules::mode(run, name))
        .transpose()?;
    let (order, said) = match args.turn {
        Turn::Enter => {
            let mode = named.map_or_else(|| usual_mode(run), Ok)?;
            if let Some(on) = run.state.mode() {
                return Err(mode_is_on(run, on, mode));
            }
            (
                Order::EnterMode { mode, by, because },
                format!("{} is on", mode_name(run, mode)),
            )
        }
        Turn::Exit => {
            let Some(mode) = named.or(run.state.mode()) else {
                return Err(Failure::wrong(format!("run `{}` is in no mode", run.id))
                    .help("there is nothing to leave"));
            };
            (
                Order::LeaveMode { mode, by },
                format!("{} is left", mode_name(run, mode)),
            )
        }
    };
    desk.give(order, args.acting.by.dry_run, &said)
}

fn mode_is_on(run: &Run, on: ModeId, wanted: ModeId) -> Failure {
    let name = mode_name(run, on);
    let failure = Failure::wrong(format!("run `{}` is in {name} already", run.id));
    failure.help(match on == wanted {
        true => "there is nothing to enter; `coord safe-mode exit` leaves it".to_string(),
        false => format!("leave {name} first: `coord safe-mode exit`"),
    })
}

fn mode_name(run: &Run, mode: ModeId) -> &str {
    &run.plan.rules.modes[mode].name
}

fn usual_mode(run: &Run) -> Result<ModeId, Failure> {
    let modes = &run.plan.rules.modes;
    let ids: Vec<ModeId> = modes.ids().collect();
    let usual = ids.iter().find(|id| modes[**id].name == USUAL_MODE);
    match (usual, ids.as_slice()) {
        (Some(mode), _) => Ok(*mode),
        (None, [only]) => Ok(*only),
        (None, []) => Err(Failure::wrong(format!(
            "the project of run `{}` declares no mode",
            run.id
        ))
        .help("declare one: `mode safe-mode { }`; a run keeps the rules that it began with")),
        (None, _) => Err(Failure::wrong("there are several modes").help(format!(
            "name one with `--mode`: {}",
            schema::one_of(modes.values().map(|mode| mode.name.as_str()))
        ))),
    }
}

pub(crate) fn halt(common: &Common, screen: &Screen, args: &Halt) -> Outcome {
    let desk = Desk::open(common, screen, args.run.as_deref())?;
    let order = Order::HaltDomain {
        domain: rules::domain(&desk.run, &args.domain)?,
        by: order::by(&args.acting.by),
        reason: order::note(&args.acting),
    };
    let said = format!("the work of {} ends", args.domain);
    desk.give(order, args.acting.by.dry_run, &said)
}

pub(crate) fn start(common: &Common, screen: &Screen, args: &Start) -> Outcome {
    let desk = Desk::open(common, screen, args.run.as_deref())?;
    let workflow = rules::workflow(&desk.run, &args.workflow)?;
    let order = Order::StartWorkflow {
        workflow,
        arguments: arguments(&desk.run, workflow, &args.set)?,
    };
    let said = format!("workflow {} starts", args.workflow);
    desk.give(order, args.dry_run, &said)
}

fn arguments(
    run: &Run,
    workflow: WorkflowId,
    set: &[String],
) -> Result<Vec<(String, String)>, Failure> {
    let of = &run.plan.workflows[workflow];
    let names = || of.params.iter().map(|(name, _)| name.as_str());
    let mut given: Vec<(String, String)> = Vec::new();
    for pair in set {
        let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(Failure::wrong(format!("`--set {pair}` has no value"))
                .help("as in `--set region=eu`"));
        };
        if !names().any(|known| known == name) {
            let failure =
                Failure::wrong(format!("workflow `{}` has no parameter `{name}`", of.name));
            return Err(match schema::closest(name, names()).first() {
                Some(meant) => failure.help(format!("did you mean `{meant}`?")),
                None if of.params.is_empty() => failure.help("it has none"),
                None => failure.help(format!("there is {}", schema::one_of(names()))),
            });
        }
        given.retain(|(known, _)| known != name);
        given.push((name.to_string(), value.to_string()));
    }
    let missing = of
        .params
        .iter()
        .find(|(name, default)| default.is_none() && !given.iter().any(|(known, _)| known == name));
    match missing {
        Some((name, _)) => Err(Failure::wrong(format!("`{name}` has no value"))
            .help(format!("give it one: `--set {name}=…`"))),
        None => Ok(given),
    }
}

pub(crate) fn measure(common: &Common, screen: &Screen, args: &Measure) -> Outcome {
    let desk = Desk::open(common, screen, args.run.as_deref())?;
    let metric = rules::metric(&desk.run, &args.metric)?;
    let (number, by) = report::found(&desk.run, metric, &args.value, args.by.r#as.as_deref())?;
    let value = match number {
        Some(number) => number,
        None if desk.run.plan.rules.metrics[metric].target.is_some() => {
            return Err(Failure::wrong(format!("`{}` is no number", args.value))
                .help("as in `coord measure quality 93%`, `4.5` or `4h`"));
        }
        None => value(&args.value),
    };
    let said = format!("{} is {value}", args.metric);
    let order = Order::Measured {
        metric,
        value,
        by: by.or_else(|| order::by(&args.by)),
    };
    desk.give(order, args.by.dry_run, &said)
}

/// As it would be read in a project: a number, a percent, a duration, true or false, else a text.
fn value(text: &str) -> Value {
    let types = [
        ParamType::Int,
        ParamType::Percent,
        ParamType::Duration,
        ParamType::Bool,
    ];
    let typed = types
        .into_iter()
        .find_map(|ty| coord_lang::lower::param_value(ty, text).ok());
    typed
        .or_else(|| decimal(text))
        .unwrap_or_else(|| Value::Text(text.to_string()))
}

/// In thousandths, which is as fine as the language goes.
fn decimal(text: &str) -> Option<Value> {
    let number: f64 = text.parse().ok()?;
    let milli = (number * 1000.0).round();
    (milli.abs() < 9e15).then_some(Value::Decimal(milli as i64))
}
