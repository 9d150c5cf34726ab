//! The record of a run, gathered from its journal. The same journal gives the same record.

pub(crate) mod html;
pub(crate) mod markdown;
pub(crate) mod page;

use super::{rule_words, words};
use coord_engine::metrics::{Tally, is_on_time, meets};
use coord_engine::promises::judge;
use coord_engine::{
    Ask, Event, Fact, How, Item, ItemId, Of, Part, RuleFact, Situation, SituationId, State,
};
use coord_host::clock::rfc3339;
use coord_host::run::Run;
use coord_lang::ids::NodeId;
use coord_lang::model::Builtin;
use coord_plan::plan::Plan;
use coord_plan::rules::{Claim, Goal, MetricSource};
use schemars::JsonSchema;
use serde::Serialize;

/// The whole record.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Report {
    schema: &'static str,
    run: String,
    project: String,
    title: Option<String>,
    file: String,
    coord: String,
    source_digest: String,
    state: &'static str,
    started_at: Option<String>,
    ended_at: Option<String>,
    took_ms: Option<i64>,
    tasks: Vec<Task>,
    metrics: Vec<Metric>,
    computed: Vec<Computed>,
    promises: Vec<Promise>,
    escalations: Vec<Case>,
    conflicts: Vec<Case>,
    incidents: Vec<Case>,
    handoffs: Vec<Handoff>,
    decisions: Vec<Decision>,
    answers: Vec<Answer>,
    notices: Vec<Notice>,
    undone: Vec<Undone>,
    timeline: Vec<Moment>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Task {
    id: String,
    title: Option<String>,
    phase: Option<String>,
    agents: Vec<String>,
    state: &'static str,
    attempts: u32,
    started_at: Option<String>,
    ended_at: Option<String>,
    took_ms: Option<i64>,
    /// The likely time, as it was estimated.
    estimate_ms: Option<i64>,
    on_time: Option<bool>,
    reason: Option<String>,
    artifacts: Vec<String>,
    /// From the start of the run, for the picture.
    #[serde(skip)]
    #[schemars(skip)]
    span_ms: Option<(i64, i64)>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Metric {
    id: String,
    title: Option<String>,
    from: String,
    target: Option<String>,
    value: Option<String>,
    met: Option<bool>,
    unit: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Computed {
    id: &'static str,
    value: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Promise {
    text: String,
    holds: Option<bool>,
    found: String,
}

/// An escalation, a conflict or an incident.
#[derive(Debug, Serialize, JsonSchema)]
struct Case {
    number: u32,
    name: String,
    about: String,
    by: Option<String>,
    note: String,
    opened_at: String,
    /// Who was asked what, in order.
    rungs: Vec<Rung>,
    /// Until everybody who had to had answered, of an incident.
    answered_ms: Option<i64>,
    closed_at: Option<String>,
    how: Option<&'static str>,
    closed_by: Option<String>,
    closing_note: String,
    took_ms: Option<i64>,
    /// What happened meanwhile, of an incident.
    timeline: Vec<Moment>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Rung {
    what: String,
    asked: Vec<String>,
    opened_at: String,
    answer: String,
    by: Option<String>,
    took_ms: Option<i64>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Handoff {
    name: String,
    from: String,
    to: String,
    opened_at: String,
    closed_at: Option<String>,
    how: Option<&'static str>,
    by: Option<String>,
    /// How often the receiver asked back.
    asked_back: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Decision {
    at: String,
    by: Option<String>,
    domain: Option<String>,
    title: String,
    text: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Answer {
    item: u32,
    question: String,
    asked: Vec<String>,
    opened_at: String,
    answer: String,
    by: Option<String>,
    took_ms: Option<i64>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Notice {
    at: String,
    to: Vec<String>,
    via: Option<String>,
    text: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Undone {
    at: String,
    task: String,
    well: bool,
    found: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Moment {
    at: String,
    mark: char,
    text: String,
    #[serde(skip)]
    #[schemars(skip)]
    at_ms: i64,
}

/// What is gathered while a journal is read.
#[derive(Default)]
pub(crate) struct Record {
    tally: Tally,
    timeline: Vec<Moment>,
    decisions: Vec<Decision>,
    notices: Vec<Notice>,
    undone: Vec<Undone>,
    answered: Vec<(SituationId, i64)>,
}

impl Record {
    /// One event of the journal; `state` has it applied.
    pub(crate) fn see(&mut self, plan: &Plan, state: &State, event: &Event) {
        self.tally.see(state, event);
        if let Some((mark, text)) = line(plan, state, event) {
            self.timeline.push(Moment {
                at: rfc3339(event.at_ms),
                mark,
                text,
                at_ms: event.at_ms,
            });
        }
        let at = rfc3339(event.at_ms);
        let Fact::Rule(fact) = &event.fact else {
            return;
        };
        match fact {
            RuleFact::DecisionRecorded {
                domain,
                by,
                title,
                text,
            } => self.decisions.push(Decision {
                at,
                by: by.clone(),
                domain: domain
                    .and_then(|id| plan.rules.domains.get(id))
                    .map(|domain| domain.name.clone()),
                title: title.clone(),
                text: text.clone(),
            }),
            RuleFact::NoticeSent { of, via, text, .. } => self.notices.push(Notice {
                at,
                to: agents(plan, of),
                via: via
                    .and_then(|id| plan.rules.channels.get(id))
                    .map(|channel| channel.name.clone()),
                text: text.clone(),
            }),
            RuleFact::UndoEnded { node, ok, evidence } => self.undone.push(Undone {
                at,
                task: plan.nodes[*node].name.clone(),
                well: *ok,
                found: evidence.clone(),
            }),
            RuleFact::SituationAnswered { situation } => {
                self.answered.push((*situation, event.at_ms));
            }
            _ => {}
        }
    }

    pub(crate) fn report(self, run: &Run) -> Report {
        let (plan, state) = (&*run.plan, &run.state);
        let ended = state.ended_ms();
        let now = ended.unwrap_or(state.now_ms());
        let cases = |wanted: fn(Of) -> bool| -> Vec<Case> {
            (state.situations())
                .filter(|(_, of)| wanted(of.of))
                .map(|(id, of)| self.case(plan, state, id, of))
                .collect()
        };
        Report {
            schema: "coord.report/1",
            run: run.id.clone(),
            project: plan.project.clone(),
            title: plan.title.clone(),
            file: run.file.clone(),
            coord: run.meta.coord.clone(),
            source_digest: run.source_digest.clone(),
            state: state.status().name(),
            started_at: state.started_ms().map(rfc3339),
            ended_at: ended.map(rfc3339),
            took_ms: state.started_ms().map(|from| now - from),
            tasks: (state.tasks(plan).map(|(id, _, _)| id))
                .map(|id| task(plan, state, id, now))
                .collect(),
            metrics: metrics(plan, state),
            computed: (Builtin::ALL.iter())
                .map(|(id, builtin)| Computed {
                    id,
                    value: (self.tally.value(plan, state, *builtin, now))
                        .map(|value| rounded(&value)),
                })
                .collect(),
            promises: (plan.rules.expects.iter())
                .filter(|promise| !matches!(promise.claim, Claim::Measure { .. }))
                .map(|promise| {
                    let judged = judge(plan, state, promise);
                    Promise {
                        text: promise.title.clone(),
                        holds: judged.holds,
                        found: judged.found,
                    }
                })
                .collect(),
            escalations: cases(|of| matches!(of, Of::Escalation(_))),
            conflicts: cases(|of| matches!(of, Of::Conflict(_))),
            incidents: cases(|of| matches!(of, Of::Incident(_))),
            handoffs: (state.situations())
                .filter(|(_, of)| matches!(of.of, Of::Handoff(_)))
                .map(|(id, of)| handoff(plan, state, id, of))
                .collect(),
            answers: answers(plan, state),
            decisions: self.decisions,
            notices: self.notices,
            undone: self.undone,
            timeline: self.timeline,
        }
    }

    fn case(&self, plan: &Plan, state: &State, id: SituationId, of: &Situation) -> Case {
        let closed = of.closed.as_ref();
        let until = closed.map_or(i64::MAX, |(at, _)| *at);
        let meanwhile = |moment: &&Moment| (of.opened_ms..=until).contains(&moment.at_ms);
        let timeline = match of.of {
            Of::Incident(_) => self.timeline.iter().filter(meanwhile).cloned().collect(),
            Of::Escalation(_) | Of::Conflict(_) | Of::Handoff(_) => Vec::new(),
        };
        let answered = self.answered.iter().find(|(other, _)| *other == id);
        Case {
            number: id.0,
            name: state.title(plan, of.of),
            about: match of.about.node {
                Some(node) => plan.nodes[node].name.clone(),
                None => agents(plan, &of.about.agents).join(", "),
            },
            by: of.by.clone(),
            note: of.note.clone(),
            opened_at: rfc3339(of.opened_ms),
            rungs: items_of(state, id)
                .map(|(item, asked)| rung(plan, state, of, item, asked))
                .collect(),
            answered_ms: answered.map(|(_, at)| at - of.opened_ms),
            closed_at: closed.map(|(at, _)| rfc3339(*at)),
            how: closed.map(|(_, end)| end.how.name()),
            closed_by: closed.and_then(|(_, end)| end.by.clone()),
            closing_note: closed.map_or_else(String::new, |(_, end)| end.note.clone()),
            took_ms: closed.map(|(at, _)| at - of.opened_ms),
            timeline,
        }
    }
}

/// The sentences of a run's log, with its beginning and its end.
fn line(plan: &Plan, state: &State, event: &Event) -> Option<(char, String)> {
    let own = match &event.fact {
        Fact::RunStarted { .. } => Some(('─', "the run starts".to_string())),
        Fact::RunResumed { .. } => Some(('─', "the run goes on".to_string())),
        Fact::RunPaused => Some(('─', "the run pauses".to_string())),
        Fact::RunReopened { .. } => Some(('─', "the run is taken up again".to_string())),
        Fact::RunCompleted => Some(('✔', "the run is completed".to_string())),
        Fact::RunFailed { .. } => Some(('✘', "the run failed".to_string())),
        Fact::Reopened { node, by } => {
            let by = by.as_ref().map_or(String::new(), |by| format!(" by {by}"));
            let name = &plan.nodes[*node].name;
            Some(('↻', format!("{name} is to be tried again{by}")))
        }
        Fact::RunCancelled => Some(('⊘', "the run is cancelled".to_string())),
        _ => None,
    };
    let (mark, text) = own.or_else(|| words::event(plan, state, event))?;
    // the commands that answer an item are of no use in a record
    let text = text.lines().next().unwrap_or_default().to_string();
    Some((mark, text))
}

fn task(plan: &Plan, state: &State, id: NodeId, now: i64) -> Task {
    let (node, of) = (&plan.nodes[id], state.node(id));
    let task = plan.task(id);
    let started = state.started_ms().unwrap_or(now);
    let end = of.ended_ms.unwrap_or(now);
    let reason = match (&of.ending, of.status.is_ended()) {
        (Some(ending), _) => Some(words::ending(plan, state, id, ending)),
        (None, true) => None,
        (None, false) => {
            let found = coord_engine::reasons(plan, state, id);
            let said = found.iter().map(|why| words::reason(plan, state, id, why));
            Some(said.collect::<Vec<_>>().join("; ")).filter(|text| !text.is_empty())
        }
    };
    Task {
        id: node.name.clone(),
        title: node.title.clone(),
        phase: node.phase.map(|phase| plan.phases[phase].name.clone()),
        agents: agents(plan, state.doers(plan, id)),
        state: of.status.name(),
        attempts: of.attempts,
        started_at: of.first_started_ms.map(rfc3339),
        ended_at: of.ended_ms.map(rfc3339),
        took_ms: of.first_started_ms.map(|from| end - from),
        estimate_ms: task.and_then(|task| Some(task.estimate?.likely.ms)),
        on_time: task.and_then(|task| is_on_time(plan, state, id, task, now)),
        reason,
        artifacts: (of.outputs.iter())
            .filter_map(|(key, value)| {
                let name = key.strip_prefix("artifacts.")?;
                Some(format!("{name}: {value}"))
            })
            .collect(),
        span_ms: (of.first_started_ms).map(|from| (from - started, end - started)),
    }
}

fn metrics(plan: &Plan, state: &State) -> Vec<Metric> {
    let metrics = plan.rules.metrics.iter();
    metrics
        .map(|(id, metric)| {
            let value = state.metric(id);
            let met = (value.zip(metric.target.as_ref())).map(|(value, goal)| meets(goal, value));
            Metric {
                id: metric.name.clone(),
                title: metric.title.clone(),
                from: match &metric.from {
                    MetricSource::Builtin(name) => name.clone(),
                    MetricSource::Run(_) => "its program".to_string(),
                    MetricSource::Person(of) if of.is_empty() => "by hand".to_string(),
                    MetricSource::Person(of) => format!("by {}", agents(plan, of).join(", ")),
                },
                target: metric.target.as_ref().map(goal),
                value: value.map(rounded),
                met,
                unit: metric.unit.clone(),
            }
        })
        .collect()
}

fn goal(goal: &Goal) -> String {
    match goal {
        Goal::Compared { op, value } => format!("{} {value}", op.symbol()),
        Goal::Between { low, high } => format!("{low}..{high}"),
    }
}

/// For people: a tenth of a percent, and no more than whole seconds of a minute.
fn rounded(value: &coord_lang::expr::Value) -> String {
    use coord_lang::expr::Value;
    match value {
        Value::Percent(milli) => format!("{:.1}%", *milli as f64 / 1000.0),
        Value::Decimal(milli) => format!("{:.2}", *milli as f64 / 1000.0),
        Value::Duration(ms) => words::seconds(*ms),
        other => other.to_string(),
    }
}

fn items_of(state: &State, id: SituationId) -> impl Iterator<Item = (ItemId, &Item)> {
    state.items().filter(
        move |(_, of)| matches!(of.ask, Ask::Situation { situation, .. } if situation == id),
    )
}

fn rung(plan: &Plan, state: &State, of: &Situation, id: ItemId, item: &Item) -> Rung {
    let answer = answer(plan, state, id, item);
    let what = match item.ask {
        Ask::Situation {
            part: Part::Level(level),
            ..
        } => rule_words::rung(plan, of.of, level),
        ask => ask.name().to_string(),
    };
    Rung {
        what,
        asked: answer.asked,
        opened_at: answer.opened_at,
        answer: answer.answer,
        by: answer.by,
        took_ms: answer.took_ms,
    }
}

/// What people were asked beside their work, and what they said.
fn answers(plan: &Plan, state: &State) -> Vec<Answer> {
    let asked = state.items().filter(|(_, item)| match item.ask {
        Ask::Situation { .. } => false,
        Ask::Work => !item.answers.is_empty(),
        _ => true,
    });
    asked
        .map(|(id, item)| answer(plan, state, id, item))
        .collect()
}

fn answer(plan: &Plan, state: &State, id: ItemId, item: &Item) -> Answer {
    let last = item.answers.last();
    let said = match (last, item.closed) {
        (Some(last), _) => {
            let note = match last.note.as_str() {
                "" => String::new(),
                note => format!(": {}", words::plain(note)),
            };
            format!("{}{note}", words::answered(last.verdict))
        }
        (None, Some(closed)) => closed.name().to_string(),
        (None, None) => "open".to_string(),
    };
    Answer {
        item: id.0,
        question: words::question(plan, state, item),
        asked: agents(plan, &item.of),
        opened_at: rfc3339(item.opened_ms),
        answer: said,
        by: last.and_then(|last| last.by.clone()),
        took_ms: last.map(|last| last.at_ms - item.opened_ms),
    }
}

fn handoff(plan: &Plan, state: &State, id: SituationId, of: &Situation) -> Handoff {
    let node = |node: Option<NodeId>| {
        node.map_or_else(String::new, |node| {
            let who = agents(plan, state.doers(plan, node)).join(", ");
            format!("{} ({who})", plan.nodes[node].name)
        })
    };
    let back = items_of(state, id)
        .flat_map(|(_, item)| &item.answers)
        .filter(|answer| !answer.verdict.agrees())
        .count();
    let closed = of.closed.as_ref();
    Handoff {
        name: state.title(plan, of.of),
        from: node(of.about.giver),
        to: node(of.about.node),
        opened_at: rfc3339(of.opened_ms),
        closed_at: closed.map(|(at, _)| rfc3339(*at)),
        how: closed.map(|(_, end)| match end.how {
            How::Settled => How::Accepted.name(),
            other => other.name(),
        }),
        by: closed.and_then(|(_, end)| end.by.clone()),
        asked_back: back,
    }
}

fn agents(plan: &Plan, of: &[coord_lang::ids::AgentId]) -> Vec<String> {
    of.iter().map(|a| plan.agents[*a].name.clone()).collect()
}
