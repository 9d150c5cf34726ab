//! `test` blocks: scenarios in virtual time.
//!
//! They read like sentences. `is` and `be` may stand before a word that says how something is.

use super::args::{Args, shown};
use super::declare::Declared;
use super::{Kind, Lower};
use crate::diagnostic::Diagnostic;
use crate::ids::{ConflictId, EscalationId, GateId, IncidentId, WorkflowId};
use crate::model::{
    Becomes, Given, Level, Observed, Outcome, Resolution, RunEnd, Scenario, Situation,
    SituationStep, When, WorkRef,
};
use crate::schema::{self, Place, closest, one_of};
use crate::source::{Span, Spanned};
use crate::syntax::tree::{Arg, ArgKind, Statement};

/// What a `given` line may start with, besides somebody's name.
const GIVEN: [&str; 13] = [
    "task",
    "agent",
    "gate",
    "escalation",
    "conflict",
    "incident",
    "metric",
    "resource",
    "mode",
    "handoff",
    "param",
    "recovery",
    "crash",
];

/// What an `expect` line may start with, besides the name of work or of somebody.
const EXPECT: [&str; 12] = [
    "escalation",
    "conflict",
    "incident",
    "gate",
    "mode",
    "workflow",
    "agent",
    "handoff",
    "digest",
    "sync",
    "undo",
    "run",
];

impl<'s> Lower<'_, 's> {
    pub(super) fn scenarios(&mut self, declared: &Declared<'_, 's>) {
        let Some(row) = schema::find(Place::File, "test") else {
            return;
        };
        for statement in &declared.scenarios {
            if statement.is_broken() {
                continue;
            }
            let mut args = Args::new(statement, row);
            let Some(title) = args.text(self, "a title in quotes") else {
                continue;
            };
            let workflow = match args.eat("of") {
                Some(_) => args.named::<WorkflowId>(self, Kind::Workflow, "a workflow"),
                None => None,
            };
            args.end(self);
            let scenario = self.scenario(title, workflow, statement);
            self.model.scenarios.push(scenario);
        }
    }

    fn scenario(
        &mut self,
        title: Spanned<String>,
        workflow: Option<Spanned<WorkflowId>>,
        statement: &Statement<'s>,
    ) -> Scenario {
        self.workflow = workflow.as_ref().map(|w| w.value);
        let mut scenario = Scenario {
            title,
            doc: self.doc(statement),
            workflow,
            givens: Vec::new(),
            expects: Vec::new(),
        };
        for field in self.fields(Place::Test, statement) {
            let mut args = field.args();
            let span = field.statement.head_span();
            if field.row.word == "given" {
                if let Some(given) = self.given(&mut args) {
                    scenario.givens.push(Spanned::new(given, span));
                    args.end(self);
                }
            } else if let Some(outcome) = self.outcome(&mut args) {
                scenario.expects.push(Spanned::new(outcome, span));
                args.end(self);
            }
        }
        self.workflow = None;
        scenario
    }

    // ---- given -----------------------------------------------------------------------------

    fn given(&mut self, args: &mut Args<'_, 's>) -> Option<Given> {
        let word = args.peek().and_then(Arg::word).unwrap_or_default();
        if !GIVEN.contains(&word) || self.names.who.contains_key(word) {
            return self.given_who(args);
        }
        args.next();
        match word {
            "task" => self.given_task(args),
            "agent" => self.given_agent(args),
            "gate" => {
                let gate = args.named_gate(self)?;
                args.choice(self, "what it does", &[("fails", ())])?;
                Some(Given::GateFails {
                    gate,
                    times: self.times(args)?,
                })
            }
            "escalation" => {
                let escalation = args.named(self, Kind::Escalation, "an escalation")?.value;
                self.opens(args)?;
                Some(Given::Escalation {
                    escalation,
                    at_ms: self.at(args)?,
                })
            }
            "conflict" => self.given_conflict(args),
            "incident" => self.given_incident(args),
            "metric" => {
                let metric = args.named(self, Kind::Metric, "a metric")?.value;
                args.choice(self, "a verb", &[("is", ())])?;
                let value = self.value_of(args)?;
                Some(Given::Metric {
                    metric,
                    value,
                    at_ms: self.at(args)?,
                })
            }
            "resource" => {
                let Some((name, span)) = args.word() else {
                    args.expected(self, "a resource");
                    return None;
                };
                let resource = self.resource_named(name, span)?;
                args.eat("is");
                args.choice(self, "how it is", &[("exhausted", ()), ("gone", ())])?;
                Some(Given::ResourceGone {
                    resource,
                    at_ms: self.at(args)?,
                })
            }
            "mode" => {
                let mode = args.named(self, Kind::Mode, "a mode")?.value;
                args.eat("is");
                let entered = self.entered(args)?;
                Some(Given::Mode {
                    mode,
                    entered,
                    at_ms: self.at(args)?,
                })
            }
            "handoff" => {
                let handoff = args.named(self, Kind::Handoff, "a handoff")?.value;
                args.eat("is");
                args.choice(self, "what becomes of it", &[("refused", ())])?;
                Some(Given::HandoffRefused {
                    handoff,
                    times: self.times(args)?,
                })
            }
            "param" => {
                let Some((name, span)) = args.word() else {
                    args.expected(self, "a parameter");
                    return None;
                };
                let param = self.param_named(name, span)?;
                let value = args.text_or_word(self, "its value")?.value;
                Some(Given::Set { param, value })
            }
            "recovery" => {
                args.choice(self, "what it does", &[("fails", ())])?;
                Some(Given::RecoveryFails)
            }
            _ => Some(Given::Crash {
                at_ms: self.at(args)?,
            }),
        }
    }

    fn given_task(&mut self, args: &mut Args<'_, 's>) -> Option<Given> {
        let Some((name, span)) = args.word() else {
            args.expected(self, "a task");
            return None;
        };
        let task = self.task_named(name, span)?;
        let verbs = [("fails", 0), ("takes", 1), ("outputs", 2)];
        match args.choice(self, "what a task does", &verbs)?.value {
            0 => Some(Given::TaskFails {
                task,
                times: self.times(args)?,
            }),
            1 => Some(Given::TaskTakes {
                task,
                ms: args.duration(self, "a duration")?.value,
            }),
            _ => {
                let Some((output, _)) = args.word() else {
                    args.expected(self, "the name of an output");
                    return None;
                };
                let value = args.text_or_word(self, "its value")?.value;
                Some(Given::TaskOutputs {
                    task,
                    name: output.to_string(),
                    value,
                })
            }
        }
    }

    fn given_agent(&mut self, args: &mut Args<'_, 's>) -> Option<Given> {
        let Some((name, span)) = args.word() else {
            args.expected(self, "an agent");
            return None;
        };
        let agent = self.agent_named(name, span)?;
        args.eat("is");
        let verbs = [("fails", 0), ("recovers", 1), ("silent", 2)];
        let verb = args.choice(self, "what an agent does", &verbs)?.value;
        Some(match verb {
            0 => Given::AgentFails {
                agent,
                at_ms: self.at(args)?,
            },
            1 => Given::AgentRecovers {
                agent,
                at_ms: self.at(args)?,
            },
            _ => Given::Silent(vec![agent]),
        })
    }

    fn given_conflict(&mut self, args: &mut Args<'_, 's>) -> Option<Given> {
        let kind = args.named(self, Kind::Conflict, "a conflict")?.value;
        self.opens(args)?;
        let at_ms = self.at(args)?;
        let between = match args.eat("between") {
            Some(_) => self.agents_of(args, "a list of agents")?,
            None => Vec::new(),
        };
        Some(Given::Conflict {
            kind,
            at_ms,
            between,
        })
    }

    fn given_incident(&mut self, args: &mut Args<'_, 's>) -> Option<Given> {
        let incident = args.named(self, Kind::Incident, "an incident")?.value;
        self.opens(args)?;
        let at_ms = self.at(args)?;
        let by = match args.eat("by") {
            Some(_) => {
                let Some((name, span)) = args.word() else {
                    args.expected(self, "an agent");
                    return None;
                };
                Some(self.agent_named(name, span)?)
            }
            None => None,
        };
        Some(Given::Incident {
            incident,
            at_ms,
            by,
        })
    }

    /// `WHO silent`, `WHO answers …`; also a mode by its bare name.
    fn given_who(&mut self, args: &mut Args<'_, 's>) -> Option<Given> {
        if let Some((name, span)) = self.bare_mode(args) {
            args.next();
            let mode = self.named(Kind::Mode, name, span)?;
            args.eat("is");
            let entered = self.entered(args)?;
            return Some(Given::Mode {
                mode,
                entered,
                at_ms: self.at(args)?,
            });
        }
        self.known_start(args, &GIVEN)?;
        let agents = self.agents_of(args, "who, or what it is about")?;
        args.eat("is");
        let verbs = [("silent", 0), ("answers", 1), ("rejects", 2), ("halts", 3)];
        match args.choice(self, "what they do", &verbs)?.value {
            0 => Some(Given::Silent(agents)),
            1 => {
                let with = match args.peek().and_then(Arg::word) {
                    Some("after") | None => None,
                    Some(_) => Some(args.choice(self, "an answer", &Resolution::ALL)?.value),
                };
                let after_ms = match args.eat("after") {
                    Some(_) => args.duration(self, "a duration")?.value,
                    None => 0,
                };
                Some(Given::Answers {
                    agents,
                    with,
                    after_ms,
                })
            }
            2 => Some(Given::Rejects {
                agents,
                times: self.times(args)?,
            }),
            _ => {
                let domain = args.named(self, Kind::Domain, "a domain")?.value;
                Some(Given::Halts {
                    agents,
                    domain,
                    at_ms: self.at(args)?,
                })
            }
        }
    }

    // ---- expect ----------------------------------------------------------------------------

    fn outcome(&mut self, args: &mut Args<'_, 's>) -> Option<Outcome> {
        let mut negated = args.eat("no").is_some();
        let what = self.observed(args, &mut negated)?;
        negated |= args.eat("never").is_some();
        let when = self.when_seen(args)?;
        Some(Outcome {
            what,
            when,
            negated,
        })
    }

    fn when_seen(&mut self, args: &mut Args<'_, 's>) -> Option<When> {
        let words = ["at", "before", "after", "within"];
        let Some(word) = words.into_iter().find(|word| args.eat(word).is_some()) else {
            return Some(When::Ever);
        };
        let ms = args.duration(self, "a duration")?.value;
        Some(match word {
            "at" => When::At(ms),
            "before" => When::Before(ms),
            "after" => When::After(ms),
            _ => When::Within(ms),
        })
    }

    fn observed(&mut self, args: &mut Args<'_, 's>, negated: &mut bool) -> Option<Observed> {
        let word = args.peek().and_then(Arg::word).unwrap_or_default();
        if !EXPECT.contains(&word) || self.is_work(word).is_some() {
            return self.observed_name(args, negated);
        }
        args.next();
        match word {
            "escalation" => {
                let id: EscalationId = args.named(self, Kind::Escalation, "an escalation")?.value;
                let levels = self.model.escalations[id].levels.clone();
                self.situation(args, Situation::Escalation(id), &levels, negated)
            }
            "conflict" => {
                let id: ConflictId = args.named(self, Kind::Conflict, "a conflict")?.value;
                let levels = self.model.conflicts[id].levels.clone();
                self.situation(args, Situation::Conflict(id), &levels, negated)
            }
            "incident" => {
                let id: IncidentId = args.named(self, Kind::Incident, "an incident")?.value;
                self.situation(args, Situation::Incident(id), &[], negated)
            }
            "gate" => {
                let gate = args.named_gate(self)?;
                *negated |= args.eat("never").is_some();
                let verbs = [("passes", true), ("fails", false)];
                let passes = args.choice(self, "what a gate does", &verbs)?.value;
                Some(Observed::Gate { gate, passes })
            }
            "mode" => {
                let mode = args.named(self, Kind::Mode, "a mode")?.value;
                *negated |= args.eat("never").is_some();
                args.eat("is");
                let entered = self.entered(args)?;
                Some(Observed::Mode { mode, entered })
            }
            "workflow" => {
                let workflow = args.named(self, Kind::Workflow, "a workflow")?.value;
                *negated |= args.eat("never").is_some();
                let verbs = [("starts", false), ("completes", true)];
                let completes = args.choice(self, "what a workflow does", &verbs)?.value;
                Some(Observed::Workflow {
                    workflow,
                    completes,
                })
            }
            "agent" => {
                let Some((name, span)) = args.word() else {
                    args.expected(self, "an agent");
                    return None;
                };
                let agent = self.agent_named(name, span)?;
                *negated |= args.eat("never").is_some();
                args.eat("is");
                let states = [("isolated", true), ("back", false)];
                let isolated = args.choice(self, "how an agent is", &states)?.value;
                Some(Observed::Agent { agent, isolated })
            }
            "handoff" => {
                let handoff = args.named(self, Kind::Handoff, "a handoff")?.value;
                args.eat("is");
                args.choice(self, "what becomes of it", &[("accepted", ())])?;
                Some(Observed::Handoff(handoff))
            }
            "digest" => {
                args.eat("of");
                let sync = args.named(self, Kind::Recurring, "a recurring sync")?;
                Some(Observed::Digest(sync.value))
            }
            "sync" => self.observed_sync(args, negated),
            "undo" => {
                args.eat("of");
                let Some((name, span)) = args.word() else {
                    args.expected(self, "a task");
                    return None;
                };
                Some(Observed::Undone(self.task_named(name, span)?))
            }
            _ => self.observed_run(args, negated),
        }
    }

    fn situation(
        &mut self,
        args: &mut Args<'_, 's>,
        of: Situation,
        levels: &[Level],
        negated: &mut bool,
    ) -> Option<Observed> {
        *negated |= args.eat("never").is_some();
        args.eat("is");
        let verbs = [
            ("opens", 0),
            ("reaches", 1),
            ("closes", 2),
            ("ends", 2),
            ("settled", 2),
            ("decided", 2),
            ("asks", 3),
        ];
        let step = match args.choice(self, "what becomes of it", &verbs)?.value {
            0 => SituationStep::Opens,
            1 => SituationStep::Reaches(self.level_of(args, levels)?),
            2 => SituationStep::Closes,
            _ => {
                let agents = self.agents_of(args, "who is asked")?;
                return Some(Observed::Asks { of, agents });
            }
        };
        Some(Observed::Situation { of, step })
    }

    fn level_of(&mut self, args: &mut Args<'_, 's>, levels: &[Level]) -> Option<u32> {
        let Some((name, span)) = args.word() else {
            args.expected(self, "a level");
            return None;
        };
        let found = levels.iter().position(|level| level.name.value == name);
        if found.is_none() {
            let names = || levels.iter().map(|l| l.name.value.as_str());
            let d = Diagnostic::new("E0201", span, format!("no level named `{name}`"))
                .label("not declared");
            let near = closest(name, names());
            self.report(match near.first() {
                Some(meant) => d
                    .fix(
                        span,
                        (*meant).to_string(),
                        format!("did you mean `{meant}`?"),
                    )
                    .guessed(name, &near),
                None if levels.is_empty() => d.help("it has no levels"),
                None => d.help(format!("there are {}", one_of(names()))),
            });
        }
        let index = found?;
        self.refer(name, span, Some(levels[index].name.span));
        u32::try_from(index).ok()
    }

    /// A sync of a phase passes or fails; one that comes again is held.
    fn observed_sync(&mut self, args: &mut Args<'_, 's>, negated: &mut bool) -> Option<Observed> {
        let Some((name, span)) = args.word() else {
            args.expected(self, "a sync");
            return None;
        };
        *negated |= args.eat("never").is_some();
        args.eat("is");
        if self.is_work(name).is_none() {
            let sync = self.named(Kind::Recurring, name, span)?;
            args.choice(self, "what becomes of it", &[("held", ())])?;
            return Some(Observed::Digest(sync));
        }
        let work = self.work_named(name, span)?;
        let verbs = [
            ("passes", Becomes::Completes),
            ("held", Becomes::Completes),
            ("fails", Becomes::Fails),
            ("starts", Becomes::Starts),
        ];
        let becomes = args.choice(self, "what a sync does", &verbs)?.value;
        Some(Observed::Work { work, becomes })
    }

    fn observed_run(&mut self, args: &mut Args<'_, 's>, negated: &mut bool) -> Option<Observed> {
        *negated |= args.eat("never").is_some();
        if args.eat("enters").is_some() {
            let mode = args.named(self, Kind::Mode, "a mode")?.value;
            return Some(Observed::Mode {
                mode,
                entered: true,
            });
        }
        if args.eat("leaves").is_some() {
            let mode = args.named(self, Kind::Mode, "a mode")?.value;
            return Some(Observed::Mode {
                mode,
                entered: false,
            });
        }
        let ends = [
            ("completes", RunEnd::Completes),
            ("fails", RunEnd::Fails),
            ("halts", RunEnd::Halts),
        ];
        let end = args.choice(self, "how a run ends", &ends)?.value;
        Some(Observed::Run(end))
    }

    /// `X starts`, `WHO notified`, or a mode by its bare name.
    fn observed_name(&mut self, args: &mut Args<'_, 's>, negated: &mut bool) -> Option<Observed> {
        if let Some((name, span)) = self.bare_mode(args) {
            args.next();
            let mode = self.named(Kind::Mode, name, span)?;
            *negated |= args.eat("never").is_some();
            args.eat("is");
            let entered = self.entered(args)?;
            return Some(Observed::Mode { mode, entered });
        }
        let word = args.peek().and_then(Arg::word).unwrap_or_default();
        let is_task = word == "task" && !self.names.who.contains_key(word);
        if is_task {
            args.next();
        }
        let name = args.peek().and_then(Arg::word).unwrap_or_default();
        if is_task || self.is_work(name).is_some() && !self.says_who(args) {
            return self.observed_work(args, negated);
        }
        self.known_start(args, &EXPECT)?;
        let agents = self.agents_of(args, "work, somebody, or what it is about")?;
        *negated |= args.eat("never").is_some();
        if args.eat("is").is_none() {
            args.eat("are");
        }
        let verbs = [("notified", true), ("asked", false)];
        let notified = args.choice(self, "what happens to them", &verbs)?.value;
        if !notified {
            return Some(Observed::Asked(agents));
        }
        let via = match args.eat("via") {
            Some(_) => Some(args.named(self, Kind::Channel, "a channel")?.value),
            None => None,
        };
        Some(Observed::Notified { agents, via })
    }

    fn observed_work(&mut self, args: &mut Args<'_, 's>, negated: &mut bool) -> Option<Observed> {
        let Some((name, span)) = args.word() else {
            args.expected(self, "a task");
            return None;
        };
        let work = self.work_named(name, span)?;
        *negated |= args.eat("never").is_some();
        args.eat("is");
        let verbs = [
            ("starts", Some(Becomes::Starts)),
            ("completes", Some(Becomes::Completes)),
            ("passes", Some(Becomes::Completes)),
            ("reached", Some(Becomes::Completes)),
            ("fails", Some(Becomes::Fails)),
            ("skipped", Some(Becomes::Skipped)),
            ("blocked", Some(Becomes::Blocked)),
            ("cancelled", Some(Becomes::Cancelled)),
            ("reassigned", None),
            ("done", None),
        ];
        let verb = args.choice(self, "what becomes of it", &verbs)?;
        let Some(becomes) = verb.value else {
            let task = self.task_named(name, span)?;
            if args.eat("by").is_some() {
                let Some((agent, span)) = args.word() else {
                    args.expected(self, "an agent");
                    return None;
                };
                let agent = self.agent_named(agent, span)?;
                return Some(Observed::DoneBy { task, agent });
            }
            return Some(Observed::Reassigned(task));
        };
        if becomes == Becomes::Starts {
            if args.eat("with").is_some() {
                args.eat("a");
                args.choice(self, "with what", &[("warning", ())])?;
                return Some(Observed::Warned(self.task_named(name, span)?));
            }
            if let Some(other) = self.other_work(args) {
                return Some(
                    other.map_or(Observed::Work { work, becomes }, |(after, other)| {
                        let (first, then) = if after { (other, work) } else { (work, other) };
                        Observed::Order { first, then }
                    }),
                );
            }
        }
        Some(Observed::Work { work, becomes })
    }

    /// `before Y` or `after Y`, with Y the name of work; true for `after`.
    fn other_work(&mut self, args: &mut Args<'_, 's>) -> Option<Option<(bool, WorkRef)>> {
        let after = match args.peek().and_then(Arg::word)? {
            "after" => true,
            "before" => false,
            _ => return None,
        };
        let (name, span) = args.second_word()?;
        args.next();
        args.next();
        Some(self.work_named(name, span).map(|other| (after, other)))
    }

    // ---- small parts -----------------------------------------------------------------------

    /// True when what follows the name is said of somebody, not of work.
    fn says_who(&self, args: &Args<'_, 's>) -> bool {
        let second = args.second_word().map(|(word, _)| word);
        matches!(second, Some("notified" | "asked"))
    }

    fn bare_mode(&self, args: &Args<'_, 's>) -> Option<(&'s str, Span)> {
        let arg = args.peek()?;
        let name = arg.word()?;
        let is_mode = self.names.named.contains_key(&(Kind::Mode, name));
        (is_mode && !self.names.who.contains_key(name)).then_some((name, arg.span))
    }

    /// E0101 with what was probably meant, when a line starts with nothing known.
    fn known_start(&mut self, args: &Args<'_, 's>, words: &[&'static str]) -> Option<()> {
        let Some(arg) = args.peek() else {
            args.expected(
                self,
                &format!("somebody, or {}", one_of(words.iter().copied())),
            );
            return None;
        };
        let Some(word) = arg.word() else {
            return Some(());
        };
        let known = self.names.who.contains_key(word) || matches!(word, "all" | "any");
        let near = closest(word, words.iter().copied());
        match near.first() {
            Some(meant) if !known => {
                self.report(
                    Diagnostic::new(
                        "E0109",
                        arg.span,
                        format!("nothing is called {}", shown(word)),
                    )
                    .label("not known here")
                    .fix(
                        arg.span,
                        (*meant).to_string(),
                        format!("did you mean `{meant}`?"),
                    ),
                );
                None
            }
            _ => Some(()),
        }
    }

    fn opens(&mut self, args: &mut Args<'_, 's>) -> Option<()> {
        args.choice(self, "what it does", &[("opens", ())])
            .map(|_| ())
    }

    fn entered(&mut self, args: &mut Args<'_, 's>) -> Option<bool> {
        let states = [("entered", true), ("left", false)];
        args.choice(self, "how it is", &states).map(|s| s.value)
    }

    /// `[N times]`.
    fn times(&mut self, args: &mut Args<'_, 's>) -> Option<Option<u32>> {
        if args.eat("once").is_some() {
            return Some(Some(1));
        }
        if !matches!(args.peek().map(|a| &a.kind), Some(ArgKind::Number(_))) {
            return Some(None);
        }
        let n = args.count(self, "how many times", 1..=1000)?;
        if args.eat("times").is_none() {
            args.expected(self, "`times`");
            return None;
        }
        Some(Some(n.value))
    }

    /// `[at D]`; at the start when absent.
    fn at(&mut self, args: &mut Args<'_, 's>) -> Option<i64> {
        match args.eat("at") {
            Some(_) => Some(args.duration(self, "a duration")?.value),
            None => Some(0),
        }
    }

    fn value_of(&mut self, args: &mut Args<'_, 's>) -> Option<crate::expr::Value> {
        let Some(arg) = args.peek() else {
            args.expected(self, "a value");
            return None;
        };
        args.next();
        let value = self.literal(arg);
        if value.is_none() && !arg.is_broken() {
            args.expected(self, "a value");
        }
        value
    }
}

impl<'s> Args<'_, 's> {
    fn second_word(&self) -> Option<(&'s str, Span)> {
        let arg = self.second()?;
        arg.word().map(|word| (word, arg.span))
    }

    fn named_gate(&mut self, lower: &mut Lower<'_, 's>) -> Option<GateId> {
        let Some((name, span)) = self.word() else {
            self.expected(lower, "a gate");
            return None;
        };
        lower.gate_named(name, span)
    }
}
