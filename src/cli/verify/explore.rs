//! Explores what may come of a plan: the course in which all goes well first, then those with one
//! mishap, with two, and so on. No two states that are alike are gone on from.

use super::super::virtual_time;
use super::course::{self, Move, likeness, moves};
use super::rules;
use crate::cli::render::words;
use coord_engine::{
    Event, Fact, FailReason, Input, ItemId, Reason, RuleFact, RunStatus, State, Status, reasons,
    step,
};
use coord_lang::ids::{GateId, ModeId, NodeId};
use coord_plan::plan::{NodeKind, Plan};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

/// How far to look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) mishaps: usize,
    pub(super) states: usize,
}

/// What was seen.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) states: usize,
    /// The most mishaps of a course.
    pub(super) mishaps: usize,
    /// Some courses were not followed to their end, or not at all.
    pub(super) cut: bool,
    /// A course with more mishaps than are looked for was left out.
    pub(super) more_mishaps: bool,
    pub(super) started: BTreeSet<NodeId>,
    pub(super) gates_opened: BTreeMap<GateId, Course>,
    pub(super) gates_passed: BTreeSet<GateId>,
    /// States in which nothing moves and nobody is asked, by what waits there.
    pub(super) dead: BTreeMap<Vec<NodeId>, Dead>,
    /// Questions that nobody may answer.
    pub(super) unanswerable: BTreeMap<(Option<NodeId>, &'static str), (String, Course)>,
    pub(super) modes: BTreeSet<ModeId>,
    /// Conditions that only a real run can answer were met.
    pub(super) unknown: bool,
}

pub(super) struct Dead {
    pub(super) course: Course,
    pub(super) why: String,
}

/// The steps from the start to a state.
#[derive(Clone, Debug, Default)]
pub(super) struct Course(Vec<(i64, Input)>);

struct Trail {
    steps: Vec<(u32, i64, Input)>,
}

impl Trail {
    fn course(&self, mut at: u32) -> Course {
        let mut course = Vec::new();
        while at > 0 {
            let (before, at_ms, input) = &self.steps[at as usize - 1];
            course.push((*at_ms, input.clone()));
            at = *before;
        }
        course.reverse();
        Course(course)
    }

    fn add(&mut self, before: u32, at_ms: i64, input: Input) -> u32 {
        self.steps.push((before, at_ms, input));
        self.steps.len() as u32
    }
}

pub(super) fn explore(plan: &Plan, bounds: Bounds) -> Seen {
    let mut seen = Seen {
        mishaps: bounds.mishaps,
        ..Seen::default()
    };
    let mut alike: HashSet<u64> = HashSet::new();
    let mut trail = Trail { steps: Vec::new() };
    let mut rows: Vec<VecDeque<(u32, Option<Move>)>> = vec![VecDeque::new(); bounds.mishaps + 1];
    rows[0].push_back((0, None));
    for mishaps in 0..rows.len() {
        while let Some((from, first)) = rows[mishaps].pop_front() {
            let mut state = replayed(plan, &trail.course(from), &mut |_, _| {});
            let mut at = from;
            let mut next = first;
            let mut fresh = from == 0;
            loop {
                if let Some(taken) = next.take() {
                    let Ok(events) = step(plan, &mut state, taken.at_ms, taken.input.clone())
                    else {
                        break;
                    };
                    at = trail.add(at, taken.at_ms, taken.input);
                    note(plan, &state, &events, &trail, at, &mut seen);
                    fresh = true;
                } else if fresh && at == 0 {
                    let (_, events) = started(plan);
                    note(plan, &state, &events, &trail, 0, &mut seen);
                }
                if !alike.insert(likeness(plan, &state)) {
                    break;
                }
                if alike.len() > bounds.states {
                    seen.cut = true;
                    break;
                }
                let mut found = moves(plan, &state).into_iter();
                let mut good = None;
                let mut any = false;
                for one in found.by_ref() {
                    any = true;
                    if !one.mishap && good.is_none() {
                        good = Some(one);
                    } else if let Some(row) = rows.get_mut(mishaps + usize::from(one.mishap)) {
                        row.push_back((at, Some(one)));
                    } else {
                        seen.more_mishaps = true;
                    }
                }
                if !any || state.open_items().next().is_some() {
                    standstill(plan, &state, &trail, at, &mut seen);
                }
                if good.is_none() {
                    break;
                }
                next = good;
            }
            if seen.cut {
                seen.states = bounds.states;
                return seen;
            }
        }
    }
    seen.states = alike.len();
    seen
}

fn started(plan: &Plan) -> (State, Vec<Event>) {
    let mut state = State::new(plan);
    let start = Input::Start {
        run: "verified".to_string(),
        options: virtual_time::options(plan),
    };
    let at_ms = virtual_time::start_ms(plan);
    // a fresh run takes a start
    let events = step(plan, &mut state, at_ms, start).unwrap_or_default();
    (state, events)
}

/// The state at the end of a course; `look` sees every event on the way.
pub(super) fn replayed(
    plan: &Plan,
    course: &Course,
    look: &mut dyn FnMut(&State, &Event),
) -> State {
    let (mut state, events) = started(plan);
    events.iter().for_each(|event| look(&state, event));
    for (at_ms, input) in &course.0 {
        let events = step(plan, &mut state, *at_ms, input.clone()).unwrap_or_default();
        events.iter().for_each(|event| look(&state, event));
    }
    state
}

fn note(plan: &Plan, state: &State, events: &[Event], trail: &Trail, at: u32, seen: &mut Seen) {
    for event in events {
        match &event.fact {
            Fact::Started { node, .. }
            | Fact::SyncOpened { node }
            | Fact::MilestoneReached { node }
            | Fact::JoinPassed { node } => drop(seen.started.insert(*node)),
            Fact::Completed { node, .. } | Fact::SyncPassed { node } => {
                seen.started.insert(*node);
            }
            Fact::GateOpened { gate, .. } => {
                let opened = seen.gates_opened.entry(*gate);
                opened.or_insert_with(|| trail.course(at));
            }
            Fact::GatePassed { run, .. } => {
                seen.gates_passed
                    .extend(state.gate_run(*run).map(|run| run.gate));
            }
            Fact::Failed {
                why: FailReason::Condition { .. },
                ..
            } => seen.unknown = true,
            Fact::Rule(RuleFact::ModeEntered { mode, .. }) => drop(seen.modes.insert(*mode)),
            _ => {}
        }
    }
    // once a run stops, nobody's answer counts any more
    if state.status() != RunStatus::Running || state.stopping().is_some() {
        return;
    }
    for (id, item) in state.open_items() {
        let key = (item.node, item.ask.name());
        if !seen.unanswerable.contains_key(&key) && nobody_may(plan, state, id) {
            let asked = words::asked(plan, state, id);
            seen.unanswerable.insert(key, (asked, trail.course(at)));
        }
    }
}

fn nobody_may(plan: &Plan, state: &State, id: ItemId) -> bool {
    let Some(item) = state.item(id) else {
        return false;
    };
    course::speaker(plan, state, id, item).is_none()
}

/// Notes a state in which nothing moves, nobody is asked, and no failure says why.
fn standstill(plan: &Plan, state: &State, trail: &Trail, at: u32, seen: &mut Seen) {
    let asked = state
        .open_items()
        .any(|(id, _)| !nobody_may(plan, state, id));
    let over = matches!(state.status(), RunStatus::Completed | RunStatus::Cancelled);
    if asked || over || state.stopping().is_some() || state.next_due_of_work().is_some() {
        return;
    }
    // what leaves the mode may still come from outside
    if state.mode().is_some_and(|mode| rules::leaves(plan, mode)) {
        return;
    }
    let open = |node: NodeId| matches!(state.node(node).status, Status::Created | Status::Assigned);
    let mut waiting: Vec<NodeId> = Vec::new();
    for (id, node) in plan.nodes.iter() {
        if !open(id) || state.sleeps(plan, id) || node.kind == NodeKind::Join {
            continue;
        }
        // a failure that others wait for is no riddle: the run ends with it, and says so
        if state.failed_before(plan, id).is_empty() {
            waiting.push(id);
        }
    }
    let first = |id: &NodeId| {
        let behind = reasons(plan, state, *id);
        !behind
            .iter()
            .flat_map(Reason::nodes)
            .any(|other| waiting.contains(&other))
    };
    let roots: Vec<NodeId> = waiting.iter().copied().filter(first).collect();
    let roots = if roots.is_empty() { waiting } else { roots };
    let Some(one) = roots.first().copied() else {
        return;
    };
    if seen.dead.contains_key(&roots) {
        return;
    }
    let why: Vec<String> = reasons(plan, state, one)
        .iter()
        .filter(|reason| !matches!(reason, Reason::Run { .. }))
        .map(|why| match why {
            Reason::Agent { agent, .. } if state.agent(*agent).isolated => {
                format!("agent `{}` is isolated", plan.agents[*agent].name)
            }
            why => words::reason(plan, state, one, why),
        })
        .collect();
    let why = match (why.is_empty(), state.mode()) {
        (_, Some(mode)) => format!("mode {} is on", plan.rules.modes[mode].name),
        (true, None) => "nothing starts it".to_string(),
        (false, None) => why.join("; "),
    };
    let course = trail.course(at);
    seen.dead.insert(roots, Dead { course, why });
}
