//! The virtual host: the same machine under a clock and a world that are made up.
//!
//! Owns virtual time and what is under way. The [`World`] says how long things take and how they
//! end; [`Chance`] is one that draws from a seed. A simulation can be cut off at any event and
//! taken up again, as a crash would.

use std::collections::{BTreeMap, BTreeSet};

use coord_lang::expr::Value;
use coord_lang::ids::{AgentId, MetricId, NodeId};
use coord_plan::plan::Plan;

use crate::action::{Action, action_of};
use crate::duty::DutyId;
use crate::event::Event;
use crate::gate_run::CheckId;
use crate::input::Input;
use crate::item::{Ask, Item, ItemId, Part, Verdict};
use crate::landing::Landing;
use crate::options::Options;
use crate::outcome::Outcome;
use crate::recovery::pending_actions;
use crate::refusal::Refusal;
use crate::state::State;
use crate::status::IllegalTransition;
use crate::step::step;

/// How an attempt goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    pub takes_ms: i64,
    pub outcome: Outcome,
    pub outputs: BTreeMap<String, String>,
}

/// How a check goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub takes_ms: i64,
    pub passed: bool,
    pub evidence: String,
}

/// What somebody says to an item, so long after it opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub after_ms: i64,
    pub by: Option<String>,
    pub verdict: Verdict,
    /// Whom a reassignment names.
    pub to: Option<AgentId>,
    pub note: String,
}

/// Everything outside the machine.
pub trait World {
    /// None: the attempt never ends by itself.
    fn attempt(&mut self, plan: &Plan, state: &State, node: NodeId) -> Option<Deed>;
    fn check(&mut self, plan: &Plan, state: &State, check: CheckId) -> Finding;
    /// Everything that people will say to the item; empty: silence.
    fn replies(&mut self, plan: &Plan, state: &State, item: ItemId) -> Vec<Reply>;
    /// How the program of a rule's action goes.
    fn action(&mut self, _: &Plan, _: &State, _: DutyId) -> Finding {
        Finding::fine()
    }
    /// What the program of a metric finds; None: no number.
    fn measure(&mut self, _: &Plan, _: &State, _: MetricId) -> Option<Value> {
        None
    }
    /// How the health check of an agent goes.
    fn health(&mut self, _: &Plan, _: &State, _: AgentId) -> Finding {
        Finding::fine()
    }
    /// How a task's `undo` goes.
    fn undo(&mut self, _: &Plan, _: &State, _: NodeId) -> Finding {
        Finding::fine()
    }
}

impl Finding {
    /// At once, and well.
    pub fn fine() -> Finding {
        Finding {
            takes_ms: 0,
            passed: true,
            evidence: String::new(),
        }
    }
}

/// What is under way, and may be ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Attempt(NodeId),
    Check(CheckId),
}

impl End {
    fn of(input: &Input) -> Option<End> {
        match input {
            Input::AttemptEnded { node, .. } => Some(End::Attempt(*node)),
            Input::CheckEnded { check, .. } => Some(End::Check(*check)),
            _ => None,
        }
    }
}

pub struct Simulation<'p, W> {
    pub world: W,
    plan: &'p Plan,
    state: State,
    events: Vec<Event>,
    now_ms: i64,
    /// What will reach the machine, by time and then in order of scheduling.
    coming: BTreeMap<(i64, u64), Input>,
    /// Where in that the ends of attempts and checks are.
    ends: BTreeMap<End, BTreeSet<(i64, u64)>>,
    scheduled: u64,
    /// The sizes of the journal after each step: what a host commits together.
    commits: Vec<usize>,
    /// Inputs given for a time that the machine refused then.
    refusals: Vec<Refusal>,
}

impl<'p, W: World> Simulation<'p, W> {
    pub fn new(plan: &'p Plan, world: W, now_ms: i64) -> Self {
        Simulation {
            world,
            plan,
            state: State::new(plan),
            events: Vec::new(),
            now_ms,
            coming: BTreeMap::new(),
            ends: BTreeMap::new(),
            scheduled: 0,
            commits: Vec::new(),
            refusals: Vec::new(),
        }
    }

    /// Takes up a run from its journal, as a host does after a crash: every process is dead, and
    /// of those in `never_spawned` it is known that they never were.
    pub fn recover(
        plan: &'p Plan,
        world: W,
        events: &[Event],
        now_ms: i64,
        never_spawned: Vec<(NodeId, u32)>,
    ) -> Result<Self, IllegalTransition> {
        let mut simulation = Simulation::new(plan, world, now_ms);
        simulation.state = crate::replay(plan, events)?;
        simulation.events = events.to_vec();
        let resume = Input::Resume {
            never_spawned,
            options: None,
        };
        if let Ok(new) = step(plan, &mut simulation.state, now_ms, resume) {
            simulation.events.extend(new);
            simulation.commits.push(simulation.events.len());
            for action in pending_actions(&simulation.state) {
                simulation.perform(action);
            }
        }
        Ok(simulation)
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn events(&self) -> &[Event] {
        &self.events
    }

    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Gives the machine an input at a time to come.
    pub fn give_at(&mut self, at_ms: i64, input: Input) {
        self.schedule(at_ms.saturating_sub(self.now_ms), input);
    }

    /// What of the inputs that came at their time was refused: late answers, and what cannot be.
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// When the next thing happens, if anything does.
    pub fn next_ms(&self) -> Option<i64> {
        self.coming_ms()
            .into_iter()
            .chain(self.state.next_due())
            .min()
    }

    /// The same without what comes again and again.
    pub fn next_of_work_ms(&self) -> Option<i64> {
        self.coming_ms()
            .into_iter()
            .chain(self.state.next_due_of_work())
            .min()
    }

    fn coming_ms(&self) -> Option<i64> {
        self.coming.first_key_value().map(|((at_ms, _), _)| *at_ms)
    }

    pub fn commits(&self) -> &[usize] {
        &self.commits
    }

    pub fn start(&mut self, run: &str, options: Options) -> Result<(), Refusal> {
        self.input(Input::Start {
            run: run.to_string(),
            options,
        })
    }

    /// Gives the machine an input now, and performs what follows.
    pub fn input(&mut self, input: Input) -> Result<(), Refusal> {
        let new = step(self.plan, &mut self.state, self.now_ms, input)?;
        let actions: Vec<Action> = new
            .iter()
            .filter_map(|e| action_of(&self.state, e))
            .collect();
        self.events.extend(new);
        self.commits.push(self.events.len());
        actions.into_iter().for_each(|action| self.perform(action));
        Ok(())
    }

    /// Goes on to the next thing that happens; false when nothing will. Inputs that the machine
    /// refuses (an answer that came too late) are dropped, as a host would.
    pub fn advance(&mut self) -> bool {
        let coming = self.coming.first_key_value().map(|((at_ms, _), _)| *at_ms);
        let due = self.state.next_due();
        match (coming, due) {
            (None, None) => return false,
            (Some(at_ms), None) => self.deliver(at_ms),
            (Some(at_ms), Some(due)) if at_ms <= due => self.deliver(at_ms),
            (_, Some(due)) => {
                self.now_ms = self.now_ms.max(due);
                drop(self.input(Input::Tick));
            }
        }
        true
    }

    /// Lets everything happen, but at most `steps` things; true when nothing is left.
    pub fn run(&mut self, steps: usize) -> bool {
        (0..steps).any(|_| !self.advance())
    }

    fn deliver(&mut self, at_ms: i64) {
        self.now_ms = self.now_ms.max(at_ms);
        let Some((key, input)) = self.coming.pop_first() else {
            return;
        };
        if let Some(end) = End::of(&input)
            && let Some(keys) = self.ends.get_mut(&end)
        {
            keys.remove(&key);
            if keys.is_empty() {
                self.ends.remove(&end);
            }
        }
        if let Err(refusal) = self.input(input) {
            self.refusals.push(refusal);
        }
    }

    fn schedule(&mut self, after_ms: i64, input: Input) {
        self.scheduled += 1;
        let at_ms = self.now_ms.saturating_add(after_ms.max(0));
        let key = (at_ms, self.scheduled);
        if let Some(end) = End::of(&input) {
            self.ends.entry(end).or_default().insert(key);
        }
        self.coming.insert(key, input);
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Spawn { node, attempt, .. } => self.spawn(node, attempt),
            // whether it fits is not known before it is done
            Action::Land { node, attempt } => {
                let landing = Landing::Landed {
                    commit: String::new(),
                    tree: String::new(),
                };
                self.schedule(
                    0,
                    Input::LandingEnded {
                        node,
                        attempt,
                        landing,
                    },
                );
            }
            Action::Terminate { node, attempt, .. } => {
                self.forget(End::Attempt(node));
                self.end_attempt(node, attempt, 0, Outcome::Signal(15), BTreeMap::new());
            }
            Action::RunCheck { check, .. } => {
                let found = self.world.check(self.plan, &self.state, check);
                let (passed, evidence) = (found.passed, found.evidence);
                self.schedule(
                    found.takes_ms,
                    Input::CheckEnded {
                        check,
                        passed,
                        evidence,
                    },
                );
            }
            Action::TerminateCheck { check } => {
                self.forget(End::Check(check));
                let evidence = "ended".to_string();
                self.schedule(
                    0,
                    Input::CheckEnded {
                        check,
                        passed: false,
                        evidence,
                    },
                );
            }
            Action::Notify { item } => {
                for reply in self.world.replies(self.plan, &self.state, item) {
                    let Reply {
                        after_ms,
                        by,
                        verdict,
                        to,
                        note,
                    } = reply;
                    let outputs = BTreeMap::new();
                    self.schedule(
                        after_ms,
                        Input::Answer {
                            item,
                            by,
                            verdict,
                            to,
                            note,
                            outputs,
                        },
                    );
                }
            }
            Action::RunProgram { duty } => {
                let found = self.world.action(self.plan, &self.state, duty);
                let (ok, evidence) = (found.passed, found.evidence);
                let ended = Input::ActionEnded { duty, ok, evidence };
                self.schedule(found.takes_ms, ended);
            }
            Action::Undo { node } => {
                let found = self.world.undo(self.plan, &self.state, node);
                let (ok, evidence) = (found.passed, found.evidence);
                self.schedule(found.takes_ms, Input::UndoEnded { node, ok, evidence });
            }
            Action::CheckHealth { agent } => {
                let found = self.world.health(self.plan, &self.state, agent);
                let (well, evidence) = (found.passed, found.evidence);
                let checked = Input::HealthChecked {
                    agent,
                    well,
                    evidence,
                };
                self.schedule(found.takes_ms, checked);
            }
            // nothing changes behind the back of a run here, and what people read changes nothing
            Action::Look { .. }
            | Action::Tell { .. }
            | Action::Digest { .. }
            | Action::Record { .. }
            | Action::HandOver { .. } => {}
            Action::Measure { metric } => {
                let measured = match self.world.measure(self.plan, &self.state, metric) {
                    Some(value) => Input::Measured {
                        metric,
                        value,
                        by: None,
                    },
                    None => Input::NotMeasured {
                        metric,
                        why: "nothing measures it in a simulation".to_string(),
                    },
                };
                self.schedule(0, measured);
            }
        }
    }

    fn spawn(&mut self, node: NodeId, attempt: u32) {
        if let Some(deed) = self.world.attempt(self.plan, &self.state, node) {
            self.end_attempt(node, attempt, deed.takes_ms, deed.outcome, deed.outputs);
        }
    }

    fn end_attempt(
        &mut self,
        node: NodeId,
        attempt: u32,
        after_ms: i64,
        outcome: Outcome,
        outputs: BTreeMap<String, String>,
    ) {
        let input = Input::AttemptEnded {
            node,
            attempt,
            outcome,
            outputs,
            log: None,
        };
        self.schedule(after_ms, input);
    }

    fn forget(&mut self, end: End) {
        for key in self.ends.remove(&end).into_iter().flatten() {
            self.coming.remove(&key);
        }
    }
}

/// SplitMix64: small, seeded, the same everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 up to, not including, `n`; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.roll() % n }
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// Dice that depend on `facts` alone.
    fn about(seed: u64, facts: &[u64]) -> Dice {
        facts
            .iter()
            .fold(Dice(seed), |mut dice, fact| Dice(dice.roll() ^ fact))
    }
}

/// A world of chance. Everything is a function of the seed, the node and how often it was tried
/// for good: a crash does not change what happens, only when.
#[derive(Clone, Debug)]
pub struct Chance {
    pub seed: u64,
    pub takes_up_to_ms: u64,
    pub fails_percent: u64,
    pub check_fails_percent: u64,
    pub rejects_percent: u64,
    pub silent_percent: u64,
}

impl Chance {
    pub fn new(seed: u64) -> Self {
        Chance {
            seed,
            takes_up_to_ms: 5_000,
            fails_percent: 20,
            check_fails_percent: 15,
            rejects_percent: 15,
            silent_percent: 0,
        }
    }

    fn dice(&self, state: &State, node: NodeId, about: u64) -> Dice {
        let of = state.node(node);
        let tries = u64::from(of.failures) << 32 | of.feedback.len() as u64;
        Dice::about(self.seed, &[u64::from(node.0), tries, about])
    }
}

impl World for Chance {
    fn attempt(&mut self, _: &Plan, state: &State, node: NodeId) -> Option<Deed> {
        let mut dice = self.dice(state, node, 1);
        let takes_ms = dice.below(self.takes_up_to_ms) as i64;
        let outcome = match dice.percent(self.fails_percent) {
            false => Outcome::Exit(0),
            true if dice.percent(10) => Outcome::Signal(9),
            true => Outcome::Exit(if dice.percent(50) { 75 } else { 1 }),
        };
        let outputs = BTreeMap::from([("n".to_string(), dice.below(10).to_string())]);
        Some(Deed {
            takes_ms,
            outcome,
            outputs,
        })
    }

    fn check(&mut self, _: &Plan, state: &State, check: CheckId) -> Finding {
        let Some(run) = state.gate_run(check.gate) else {
            return Finding {
                takes_ms: 0,
                passed: true,
                evidence: String::new(),
            };
        };
        let about = u64::from(run.gate.0) << 32 | u64::from(check.check) << 8;
        let mut dice = self.dice(state, run.node, about | u64::from(check.round));
        let takes_ms = dice.below(1_000) as i64;
        let passed = !dice.percent(self.check_fails_percent);
        Finding {
            takes_ms,
            passed,
            evidence: format!("found in {takes_ms} ms"),
        }
    }

    fn replies(&mut self, plan: &Plan, state: &State, item: ItemId) -> Vec<Reply> {
        let Some(of) = state.item(item) else {
            return Vec::new();
        };
        let about = u64::from_le_bytes(*b"replies\0") ^ ask_number(of.ask);
        let mut dice = match of.node {
            Some(node) => self.dice(state, node, about),
            None => Dice::about(self.seed, &[u64::from(item.0), about]),
        };
        if dice.percent(self.silent_percent) {
            return Vec::new();
        }
        let rejects = dice.percent(self.rejects_percent);
        let verdict = match of.ask {
            Ask::Doubt | Ask::Undo => Verdict::Retry,
            Ask::Report { .. } | Ask::Budget { .. } => Verdict::Done,
            Ask::Situation { part, .. } => match part {
                Part::Level(_) | Part::Decide => {
                    let all = [
                        Verdict::Done,
                        Verdict::Accept,
                        Verdict::Retry,
                        Verdict::Skip,
                        Verdict::Reassign,
                        Verdict::Abort,
                    ];
                    all[dice.below(all.len() as u64) as usize]
                }
                Part::View | Part::Respond | Part::Confirm(_) | Part::Give(_) | Part::Accept => {
                    Verdict::Done
                }
            },
            Ask::Work | Ask::Confirm { .. } | Ask::Approve { .. } | Ask::Require { .. } => {
                if rejects {
                    Verdict::Reject
                } else {
                    Verdict::Done
                }
            }
        };
        voices(plan, state, of)
            .into_iter()
            .map(|by| Reply {
                after_ms: dice.below(10_000) as i64,
                by: Some(by),
                verdict,
                to: None,
                note: "as simulated".to_string(),
            })
            .collect()
    }
}

fn ask_number(ask: Ask) -> u64 {
    match ask {
        Ask::Work => 0,
        Ask::Confirm { check, .. } => 1 << 8 | u64::from(check),
        Ask::Approve { gate, approval } => {
            (if gate.is_some() { 2 << 8 } else { 3 << 8 }) | u64::from(approval)
        }
        Ask::Require { requirement } => 4 << 8 | u64::from(requirement),
        Ask::Doubt => 5 << 8,
        Ask::Situation { situation, .. } => 6 << 40 | u64::from(situation.0),
        Ask::Report { sync, requirement } => {
            7 << 40 | u64::from(sync.0) << 8 | u64::from(requirement)
        }
        Ask::Undo => 8 << 8,
        Ask::Budget { budget } => 9 << 40 | u64::from(budget.0),
    }
}

/// As many names as the item needs, of those who may answer.
fn voices(plan: &Plan, state: &State, item: &Item) -> Vec<String> {
    let does = |agent: &AgentId| {
        let node = item.node;
        node.is_some_and(|node| state.sure_doers(plan, node).contains(agent))
    };
    let approves = matches!(item.ask, Ask::Approve { .. });
    let name = |agent: &AgentId| plan.agents[*agent].name.clone();
    let spoke = |name: &String| item.answers.iter().any(|a| a.by.as_ref() == Some(name));
    let mut names: Vec<String> = item
        .of
        .iter()
        .filter(|agent| !approves || !does(agent))
        .map(name)
        .collect();
    if item.of.is_empty() {
        names.extend((0..item.quorum.max(1)).map(|n| format!("person {n}")));
    }
    names.retain(|name| !spoke(name));
    names.truncate(item.quorum.max(1) as usize - item.answers.len().min(item.quorum as usize));
    names
}
