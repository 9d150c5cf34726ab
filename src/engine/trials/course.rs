//! A random course of events in a random project with rules, and what holds for every one.

use std::collections::BTreeSet;

use coord_lang::expr::Value;
use coord_lang::ids::*;
use coord_plan::plan::Plan;

use super::rules::ruled_plan;
use crate::audit::audit;
use crate::simulation::{Chance, Deed, Dice, Finding, Reply, Simulation, World};
use crate::{
    About, Ask, CheckId, DutyId, Fact, Input, ItemId, Landing, Of, Options, Outcome, RuleFact,
    RunStatus, SituationId, State, Subject, SubjectPart, Verdict, Waiting, replay,
};

const STEPS: usize = 20_000;
/// A course begins at ten o'clock on a working day.
pub(super) const BEGIN_MS: i64 = 10 * 3_600_000;
/// After so many health checks all agents stay well: a run waits for one that may be well again, and
/// one that is ill again and again would keep it from its rest.
const HEALTH_CHECKS: u32 = 60;

/// How often a course is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crashes {
    None,
    Many,
}

/// Lives through one course of events in one project, and holds it against what is promised: the
/// audit of its journal, a replay that comes to the same state, its ladders, and a rest that is an
/// end or a question. The number of events.
pub fn trial(seed: u64, crashes: Crashes) -> Result<u64, String> {
    let plan = plan(seed, crashes);
    let simulation = play(&plan, seed, crashes);
    hold(&plan, &simulation)?;
    Ok(simulation.events().len() as u64)
}

/// The project of a seed.
pub fn plan(seed: u64, crashes: Crashes) -> Plan {
    ruled_plan(&mut Dice(match crashes {
        Crashes::None => seed,
        Crashes::Many => seed ^ 0x1_0000,
    }))
}

fn hold(plan: &Plan, simulation: &Simulation<'_, Rough>) -> Result<(), String> {
    audit(plan, simulation.events()).map_err(|breach| format!("{breach:?}"))?;
    let again = replay(plan, simulation.events()).map_err(|illegal| illegal.to_string())?;
    holds(again == *simulation.state(), || {
        "a replay differs".to_string()
    })?;
    ladders_hold(simulation)?;
    // a schedule starts its workflow for as long as the run goes on
    if plan.workflows.values().any(|w| w.every.is_some()) {
        return Ok(());
    }
    holds(simulation.next_of_work_ms().is_none(), || {
        "it does not come to rest".to_string()
    })?;
    let rests = [Waiting::Ended, Waiting::ForPeople, Waiting::Paused];
    let waiting = simulation.state().waiting();
    holds(rests.contains(&waiting), || format!("it is {waiting:?}"))
}

/// A ladder that came to its end is closed, and each of its rungs was reached once.
fn ladders_hold(simulation: &Simulation<'_, Rough>) -> Result<(), String> {
    let mut reached = BTreeSet::new();
    let mut closed = BTreeSet::new();
    for event in simulation.events() {
        match &event.fact {
            Fact::Rule(RuleFact::SituationReached { situation, level }) => {
                let new = reached.insert((*situation, *level)) && !closed.contains(situation);
                holds(new, || {
                    format!("rung {level} of {situation:?} is reached twice, or after its end")
                })?;
            }
            Fact::Rule(RuleFact::SituationClosed { situation, .. }) => {
                holds(closed.insert(*situation), || {
                    format!("{situation:?} is closed twice")
                })?;
            }
            _ => {}
        }
    }
    if simulation.state().status() == RunStatus::Completed {
        let all = simulation.state().situations().map(|(id, _)| id);
        let open: Vec<SituationId> = all.filter(|id| !closed.contains(id)).collect();
        holds(open.is_empty(), || format!("{open:?} open behind the end"))?;
    }
    Ok(())
}

fn holds(it: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if it { Ok(()) } else { Err(what()) }
}

/// A world of chance in which agents die, programs of rules fail and an undo does not work.
#[derive(Clone, Debug)]
pub struct Rough {
    chance: Chance,
    dice: Dice,
    dies_percent: u64,
    health_checks: u32,
}

impl World for Rough {
    fn attempt(&mut self, plan: &Plan, state: &State, node: NodeId) -> Option<Deed> {
        let mut deed = self.chance.attempt(plan, state, node)?;
        if self.dice.percent(self.dies_percent) {
            deed.outcome = match self.dice.percent(50) {
                true => Outcome::Lost("it is gone".into()),
                false => Outcome::SpawnFailed("no such program".into()),
            };
        }
        Some(deed)
    }

    fn check(&mut self, plan: &Plan, state: &State, check: CheckId) -> Finding {
        self.chance.check(plan, state, check)
    }

    fn replies(&mut self, plan: &Plan, state: &State, item: ItemId) -> Vec<Reply> {
        let mut replies = self.chance.replies(plan, state, item);
        let undo = state.item(item).is_some_and(|item| item.ask == Ask::Undo);
        for reply in replies.iter_mut().filter(|_| undo) {
            let all = [Verdict::Retry, Verdict::Done, Verdict::Skip];
            reply.verdict = all[self.dice.below(3) as usize];
        }
        replies
    }

    fn action(&mut self, _: &Plan, _: &State, _: DutyId) -> Finding {
        self.finding()
    }

    fn measure(&mut self, _: &Plan, _: &State, _: MetricId) -> Option<Value> {
        let value = Value::Int(self.dice.below(8) as i64);
        self.dice.percent(80).then_some(value)
    }

    fn undo(&mut self, _: &Plan, _: &State, _: NodeId) -> Finding {
        self.finding()
    }

    fn health(&mut self, _: &Plan, _: &State, _: AgentId) -> Finding {
        self.health_checks += 1;
        match self.health_checks > HEALTH_CHECKS {
            true => Finding::fine(),
            false => self.finding(),
        }
    }

    fn land(&mut self, plan: &Plan, _: &State, _: NodeId) -> (i64, Landing) {
        let landing = match self.dice.below(10) {
            0 => Landing::Clash {
                paths: vec!["src/a/x".into()],
                note: "both changed it".into(),
            },
            1 if !plan.gates.is_empty() => Landing::Gate {
                gate: GateId(0),
                evidence: "it does not hold together".into(),
            },
            2 => Landing::Failed("the disk is full".into()),
            _ => Landing::Landed {
                commit: "c".into(),
                tree: "t".into(),
            },
        };
        (self.dice.below(2_000) as i64, landing)
    }
}

impl Rough {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed ^ 0xF00D);
        Rough {
            chance: Chance {
                fails_percent: dice.below(4) * 10,
                check_fails_percent: dice.below(3) * 10,
                rejects_percent: dice.below(3) * 10,
                silent_percent: dice.below(3) * 20,
                ..Chance::new(seed)
            },
            dies_percent: dice.below(3) * 15,
            dice,
            health_checks: 0,
        }
    }

    fn finding(&mut self) -> Finding {
        Finding {
            takes_ms: self.dice.below(3_000) as i64,
            passed: !self.dice.percent(20),
            evidence: String::new(),
        }
    }
}

fn options(dice: &mut Dice) -> Options {
    Options {
        cores: 1 + dice.below(4) as u32,
        lookahead: dice.below(4) as u32,
        respect_calendar: dice.percent(20),
        fail_fast: dice.percent(5),
        ..Options::default()
    }
}

/// What people, agents and hosts may say at any moment.
fn interference(dice: &mut Dice, plan: &Plan, state: &State) -> Input {
    let node = NodeId(dice.below(plan.nodes.len() as u64) as u32);
    let agent = AgentId(dice.below(plan.agents.len() as u64) as u32);
    let about = About {
        node: dice.percent(50).then_some(node),
        agents: if dice.percent(50) {
            vec![agent]
        } else {
            vec![]
        },
        ..About::default()
    };
    let raise = |of: Of| Input::Raise {
        of,
        about: about.clone(),
        by: None,
        note: String::new(),
    };
    let by = None;
    match dice.below(34) {
        0 => raise(Of::Escalation(EscalationId(dice.below(2) as u32))),
        1 | 2 => raise(Of::Conflict(ConflictId(dice.below(3) as u32))),
        3 | 4 => raise(Of::Incident(IncidentId(dice.below(2) as u32))),
        5 | 6 => Input::AgentFailed {
            agent,
            why: "ill".into(),
        },
        7 | 8 => Input::AgentBack { agent },
        9 => Input::EnterMode {
            mode: ModeId(0),
            by,
            because: String::new(),
        },
        10 | 11 => Input::LeaveMode {
            mode: ModeId(0),
            by,
        },
        12 => Input::Reassign {
            node,
            to: dice.percent(50).then_some(agent),
            by,
        },
        13 => Input::StartWorkflow {
            workflow: WorkflowId(dice.below(2) as u32),
            arguments: vec![],
        },
        14 | 15 => Input::Measured {
            metric: MetricId(dice.below(plan.rules.metrics.len() as u64) as u32),
            value: Value::Int(dice.below(8) as i64),
            by,
        },
        16 => Input::ResourceExhausted {
            resource: ResourceId(0),
        },
        17 => Input::ResourceBack {
            resource: ResourceId(0),
        },
        18 if dice.percent(10) => Input::HaltDomain {
            domain: DomainId(0),
            by,
            reason: String::new(),
        },
        19 | 20 => Input::Retry { node, by },
        21 => Input::Skip {
            node,
            by,
            reason: String::new(),
        },
        22 if dice.percent(5) => Input::Cancel {
            by,
            reason: String::new(),
        },
        23 if dice.percent(20) => Input::Stop { by },
        // a host takes up again what has come to a pause
        24 | 27 if state.waiting() == Waiting::Paused => Input::Resume {
            never_spawned: vec![],
            options: None,
        },
        25 | 26 => answer(dice, plan, state),
        27 => late_result(dice, state, node),
        28 | 29 => looked(dice, node),
        30 => Input::HealthChecked {
            agent,
            well: dice.percent(50),
            evidence: String::new(),
        },
        31 => Input::NotMeasured {
            metric: MetricId(dice.below(plan.rules.metrics.len() as u64) as u32),
            why: "nobody knows".into(),
        },
        32 => Input::Decide {
            domain: dice.percent(50).then_some(DomainId(0)),
            by,
            title: "so".into(),
            text: String::new(),
        },
        _ => Input::Tick,
    }
}

/// Somebody says something to an item, be it open or not, theirs or not.
fn answer(dice: &mut Dice, plan: &Plan, state: &State) -> Input {
    let all = [
        Verdict::Done,
        Verdict::Approve,
        Verdict::Reject,
        Verdict::Retry,
        Verdict::Skip,
        Verdict::Fail,
        Verdict::Accept,
        Verdict::Abort,
    ];
    let somebody = AgentId(dice.below(plan.agents.len() as u64) as u32);
    Input::Answer {
        item: ItemId(1 + dice.below(state.items().count() as u64) as u32),
        by: (dice.percent(80)).then(|| plan.agents[somebody].name.clone()),
        verdict: all[dice.below(all.len() as u64) as usize],
        to: None,
        note: String::new(),
        outputs: Default::default(),
    }
}

/// The host has looked at what a yes is given for.
fn looked(dice: &mut Dice, node: NodeId) -> Input {
    let part = SubjectPart {
        what: "command".into(),
        value: dice.below(3).to_string(),
    };
    let subject = Subject {
        digest: part.value.clone(),
        parts: vec![part],
    };
    Input::Looked { node, subject }
}

/// A process that nobody waits for any more reports what it did.
fn late_result(dice: &mut Dice, state: &State, node: NodeId) -> Input {
    let attempt = state.node(node).attempts;
    Input::AttemptEnded {
        node,
        attempt: dice.below(u64::from(attempt)) as u32,
        outcome: Outcome::Exit(0),
        outputs: Default::default(),
        log: None,
    }
}

/// Lets things happen: what the world brings, what people say in between, and crashes.
pub fn play(plan: &Plan, seed: u64, crashes: Crashes) -> Simulation<'_, Rough> {
    let mut dice = Dice(seed ^ 0xABBA);
    let mut simulation = Simulation::new(plan, Rough::new(seed), BEGIN_MS);
    simulation
        .start("r", options(&mut dice))
        .expect("a new run starts");
    for _ in 0..200 {
        simulation.advance();
        if dice.percent(15) {
            let input = interference(&mut dice, plan, simulation.state());
            drop(simulation.input(input));
        }
        if crashes == Crashes::Many && dice.percent(4) {
            simulation = crash(plan, simulation, &mut dice);
        }
    }
    // what comes again and again never comes to rest: so long as there is other work
    for _ in 0..STEPS {
        if simulation.next_of_work_ms().is_none() || !simulation.advance() {
            break;
        }
    }
    simulation
}

/// The last events may never have reached the disk.
fn crash<'p>(
    plan: &'p Plan,
    simulation: Simulation<'p, Rough>,
    dice: &mut Dice,
) -> Simulation<'p, Rough> {
    let keep = (simulation.events().len()).saturating_sub(dice.below(5) as usize);
    let events = simulation.events()[..keep.max(1)].to_vec();
    let now_ms = simulation.now_ms();
    Simulation::recover(plan, simulation.world, &events, now_ms, vec![])
        .expect("what was recorded can be read back")
}
