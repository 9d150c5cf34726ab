//! The whole state space of small projects, over the real machine.
//!
//! Every input that anybody could give is given in every state that can be reached; what holds is
//! held in each of them. The space is small because the projects are: one or two tasks, a few
//! people, a bound on tries (and, of `lifecycle`, on the number of inputs). Time goes on only to the next timer. Two states are the same when
//! everything that can still matter is: all but the times of what is over.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::rc::Rc;

use coord_lang::ids::{DomainId, Id, ModeId, NodeId, WorkflowId};
use coord_plan::plan::{
    By, Driver, GateFailure, OnFail, Otherwise, Plan, Profile, TaskRules, Wanted,
};
use coord_plan::rules::{Domain, Mode};

use super::draft::{Draft, approval, limit, nodes, retry, run};
use crate::audit::audit;
use crate::{
    Ask, Closed, Event, Fact, GateRunId, Input, ItemId, Move, Options, Outcome, RuleFact, State,
    Status, Verdict, apply, next_status, step,
};

/// A state, and how it was reached: its last events, and those before.
struct Reached {
    state: State,
    events: Rc<Path>,
    /// Inputs on the way.
    depth: u32,
}

struct Path {
    last: Vec<Event>,
    before: Option<Rc<Path>>,
}

impl Path {
    fn whole(self: &Rc<Path>) -> Vec<Event> {
        let mut parts = Vec::new();
        let mut next = Some(self);
        while let Some(path) = next {
            parts.push(&path.last);
            next = path.before.as_ref();
        }
        parts.into_iter().rev().flatten().cloned().collect()
    }
}

#[derive(Default)]
struct Space {
    states: usize,
    /// Inputs that were taken, and that were refused.
    taken: usize,
    refused: usize,
    /// States that were not gone on from.
    cut: usize,
    moves: BTreeSet<(Status, String)>,
}

impl Space {
    fn print(&self, of: &str) {
        let Space {
            states,
            taken,
            refused,
            cut,
            ..
        } = self;
        println!("{of}: {states} states, {taken} inputs taken, {refused} refused, {cut} cut");
    }
}

/// Explores everything; `inputs` says what can be said in a state.
fn explore(plan: &Plan, deepest: u32, inputs: impl Fn(&State) -> Vec<Input>) -> Space {
    let mut space = Space::default();
    let mut seen = HashSet::new();
    let mut state = State::new(plan);
    let options = Options {
        cores: 2,
        lookahead: 1,
        ..Options::default()
    };
    let run = "r".to_string();
    let last = step(plan, &mut state, 0, Input::Start { run, options }).unwrap();
    note_moves(plan, &State::new(plan), &last, &mut space);
    seen.insert(normal_form(plan, &state));
    let mut todo = VecDeque::from([Reached {
        state,
        events: Rc::new(Path { last, before: None }),
        depth: 0,
    }]);
    while let Some(reached) = todo.pop_front() {
        space.states += 1;
        assert!(space.states < 400_000, "the space is not small");
        if reached.depth >= deepest {
            space.cut += 1;
            continue;
        }
        for input in inputs(&reached.state) {
            let before = &reached.state;
            let at_ms = match input {
                Input::Tick => before.next_due().unwrap_or(before.now_ms()),
                _ => before.now_ms(),
            };
            let mut state = before.clone();
            let Ok(last) = step(plan, &mut state, at_ms, input.clone()) else {
                assert!(state == *before, "a refusal changes nothing: {input:?}");
                space.refused += 1;
                continue;
            };
            space.taken += 1;
            note_moves(plan, before, &last, &mut space);
            hold(plan, before, &state, &last, &input);
            if !seen.insert(normal_form(plan, &state)) {
                continue;
            }
            let events = Rc::new(Path {
                last,
                before: Some(Rc::clone(&reached.events)),
            });
            assert_eq!(audit(plan, &events.whole()), Ok(()), "after {input:?}");
            let depth = reached.depth + 1;
            todo.push_back(Reached {
                state,
                events,
                depth,
            });
        }
    }
    space
}

/// Everything that can still matter, without the plan's own index.
fn normal_form(plan: &Plan, state: &State) -> String {
    let teams: Vec<_> = nodes(plan)
        .map(|n| state.index.team_of(n).map(|t| &t.agents))
        .collect();
    let node = |node: NodeId| {
        let of = state.node(node);
        let mut of = of.clone();
        of.ended_ms = None;
        of.first_started_ms = None;
        of.timers = Vec::new();
        format!("{of:?}")
    };
    let all: Vec<String> = nodes(plan).map(node).collect();
    let items: Vec<_> = state
        .items()
        .map(|(_, item)| {
            (
                item.ask,
                item.node,
                &item.of,
                item.quorum,
                &item.closed,
                who(item),
            )
        })
        .collect();
    format!(
        "{:?}",
        (
            (state.status, &state.stopping, state.now_ms, teams, all),
            (&state.needs, &state.gate_runs, items, &state.timers),
            (&state.situations, &state.duties, &state.rule_timers),
            (
                &state.mode,
                &state.ramp,
                &state.agent_states,
                &state.undoing
            ),
            (&state.workflows, &state.reactions_due, &state.halt_wanted),
        )
    )
}

fn who(item: &crate::Item) -> BTreeMap<Option<String>, Verdict> {
    let answers = item.answers.iter();
    answers.map(|a| (a.by.clone(), a.verdict)).collect()
}

/// Which entry of the transition table a fact stands for.
fn step_of(fact: &Fact) -> Option<Move> {
    Some(match fact {
        Fact::Assigned { .. } => Move::Assign,
        Fact::Unassigned { .. } => Move::Unassign,
        Fact::Started { .. } => Move::Start,
        Fact::Unspawned { .. } => Move::Unspawn,
        Fact::Spawned { .. }
        | Fact::Terminating { .. }
        | Fact::Exited { .. }
        | Fact::Interrupted { .. } => Move::Note,
        Fact::InDoubt { .. } => Move::Doubt,
        Fact::RetryScheduled { .. } => Move::Retry,
        Fact::Review { .. } | Fact::SyncOpened { .. } => Move::Review,
        Fact::Rework { .. } => Move::Rework,
        Fact::Completed { .. } | Fact::SyncPassed { .. } => Move::Complete,
        Fact::MilestoneReached { .. } | Fact::JoinPassed { .. } => Move::Pass,
        Fact::Failed { .. } => Move::Fail,
        Fact::Skipped { .. } => Move::Skip,
        Fact::Cancelled { .. } => Move::Cancel,
        Fact::Reopened { .. } => Move::Reopen,
        _ => return None,
    })
}

/// Which entries of the table were used, and that ends are final.
fn note_moves(plan: &Plan, before: &State, events: &[Event], space: &mut Space) {
    let mut state = before.clone();
    for event in events {
        let was: Vec<Status> = nodes(plan).map(|n| state.node(n).status).collect();
        apply(plan, &mut state, event).unwrap();
        let starts_anew = matches!(event.fact, Fact::Rule(RuleFact::WorkflowStarted { .. }));
        let cancels_all = matches!(event.fact, Fact::RunCancelled);
        for node in nodes(plan) {
            let (from, to) = (was[node.index()], state.node(node).status);
            if cancels_all && from != to {
                space.moves.insert((from, format!("{:?}", Move::Cancel)));
            } else if event.fact.subject() == Some(node)
                && let Some(step) = step_of(&event.fact)
            {
                assert_eq!(next_status(from, step), Some(to));
                space.moves.insert((from, format!("{step:?}")));
            } else {
                assert!(from == to || starts_anew, "{:?}", event.fact);
            }
            let helped = matches!(event.fact, Fact::Reopened { .. } | Fact::Skipped { .. });
            let final_end = from.is_ended() && from != to;
            assert!(
                !final_end || starts_anew || (from == Status::Failed && helped),
                "{from:?} became {to:?}: {:?}",
                event.fact
            );
        }
    }
}

/// What every step keeps.
fn hold(plan: &Plan, before: &State, after: &State, events: &[Event], input: &Input) {
    let mut decided = BTreeSet::new();
    for event in events {
        match &event.fact {
            Fact::GatePassed { run, .. } => {
                assert!(decided.insert(*run), "one decision a gate run");
                assert!(before.gate_run(*run).is_none_or(|run| run.is_open()));
                voices_hold(plan, after, *run);
            }
            Fact::GateFailed { run, .. } => {
                assert!(decided.insert(*run), "one decision a gate run");
                assert!(before.gate_run(*run).is_none_or(|run| run.is_open()));
            }
            Fact::Assigned { node, .. } | Fact::Started { node, .. } => {
                let exempt = plan.nodes[*node].workflow != plan.entry;
                let off = before.mode().is_none() || after.mode().is_none();
                assert!(off || exempt, "{:?} in a mode after {input:?}", event.fact);
            }
            Fact::ItemAnswered { item, .. } => {
                assert!(before.item(*item).is_some_and(|item| item.is_open()));
            }
            _ => {}
        }
    }
    if let Input::AttemptEnded { node, attempt, .. } = input {
        let of = before.node(*node);
        let current = of.is_at_work() && of.attempt_number() == *attempt;
        assert!(
            current,
            "attempt {attempt} is over: what it reports is refused"
        );
    }
    for (id, item) in after.items() {
        let done = item.closed == Some(Closed::Answered);
        if done && let (Ask::Approve { .. }, Some(node)) = (item.ask, item.node) {
            approvers_hold(plan, after, id, node);
        }
    }
}

/// An item that let work through has as many different people behind it as it wants, all of
/// those that it names, and none who did the work.
fn approvers_hold(plan: &Plan, state: &State, id: ItemId, node: NodeId) {
    let item = state.item(id).unwrap();
    if item.answers.iter().any(|a| !a.verdict.agrees()) {
        return;
    }
    let names: BTreeSet<&String> = item.answers.iter().filter_map(|a| a.by.as_ref()).collect();
    assert!(names.len() >= item.quorum as usize, "{:?}", item.answers);
    assert_eq!(names.len(), item.answers.len(), "nobody counts twice");
    let task = plan.task(node).unwrap();
    for name in names {
        let agent = plan.agents.iter().find(|(_, agent)| agent.name == **name);
        let agent = agent.map(|(id, _)| id);
        assert!(item.of.is_empty() || agent.is_some_and(|a| item.of.contains(&a)));
        assert!(
            agent.is_none_or(|a| !task.by.agents().contains(&a)),
            "{name} did it"
        );
        assert!(agent.is_none_or(|a| plan.agents[a].driver == Driver::Human));
    }
}

fn voices_hold(plan: &Plan, state: &State, run: GateRunId) {
    for (id, item) in state.items() {
        if let (
            Ask::Approve {
                gate: Some(gate), ..
            },
            Some(node),
        ) = (item.ask, item.node)
            && gate == run
            && item.closed == Some(Closed::Answered)
        {
            approvers_hold(plan, state, id, node);
        }
    }
}

/// Ends of every attempt that there was, is, or might be.
fn ends(plan: &Plan, state: &State, outcomes: &[Outcome], out: &mut Vec<Input>) {
    for node in nodes(plan).filter(|n| plan.task(*n).is_some()) {
        for attempt in 0..=state.node(node).attempts + 1 {
            for outcome in outcomes {
                out.push(Input::AttemptEnded {
                    node,
                    attempt,
                    outcome: outcome.clone(),
                    outputs: BTreeMap::new(),
                    log: None,
                });
            }
        }
    }
}

/// Everybody says everything to every item, open or not.
fn answers(state: &State, names: &[Option<&str>], verdicts: &[Verdict], out: &mut Vec<Input>) {
    for (item, _) in state.items() {
        for by in names {
            for verdict in verdicts {
                out.push(Input::Answer {
                    item,
                    by: by.map(str::to_string),
                    verdict: *verdict,
                    to: None,
                    note: String::new(),
                    outputs: BTreeMap::new(),
                });
            }
        }
    }
}

fn checks(state: &State, out: &mut Vec<Input>) {
    for (id, run) in state.gate_runs() {
        for passed in [true, false] {
            out.push(Input::CheckEnded {
                check: run.current(id),
                passed,
                evidence: String::new(),
            });
        }
    }
}

fn resume() -> Input {
    Input::Resume {
        never_spawned: Vec::new(),
        options: None,
    }
}

fn tries(plan: &Plan, state: &State) -> u32 {
    nodes(plan)
        .map(|n| state.node(n).attempts)
        .max()
        .unwrap_or(0)
}

/// Two of three approve; the requester is among those that are named.
fn approvals() -> Space {
    let mut draft = Draft::new();
    let people = ["ann", "bob", "cid", "dan"].map(|name| draft.human(name));
    let gate = draft.gate(vec![], vec![approval(2, &people)], GateFailure::Halt);
    draft.task("work", |task| {
        task.by = By::All(vec![people[0]]);
        task.program = None;
        task.approvals = vec![approval(2, &people[..3])];
        task.requires = vec![gate];
    });
    let plan = draft.plan;
    let names = [
        None,
        Some("ann"),
        Some("bob"),
        Some("cid"),
        Some("local"),
        Some("eve"),
    ];
    explore(&plan, u32::MAX, |state| {
        let mut inputs = vec![Input::Tick];
        if tries(&plan, state) < 2 || state.node(NodeId(0)).status == Status::Review {
            let verdicts = [Verdict::Approve, Verdict::Reject, Verdict::Done];
            answers(state, &names, &verdicts, &mut inputs);
        }
        inputs
    })
}

/// One task of two agents who stand by for each other, on a line that loses messages.
fn leases(idempotent: bool) -> Space {
    let mut draft = Draft::new();
    let one = draft.agent("one", 1, Driver::Remote("one".into()));
    let other = draft.agent("other", 1, Driver::Remote("other".into()));
    for (agent, standby) in [(one, other), (other, one)] {
        draft.plan.agents[agent].profile = Some(Box::new(Profile {
            standby: vec![standby],
            ..Profile::default()
        }));
    }
    draft.task("t", |task| {
        task.by = By::All(vec![one]);
        task.idempotent = idempotent;
        task.retry = retry(1, 1_000);
        task.timeout_ms = Some(60_000);
    });
    let plan = draft.plan;
    let outcomes = [
        Outcome::Exit(0),
        Outcome::Exit(1),
        Outcome::Lost(String::new()),
    ];
    explore(&plan, u32::MAX, |state| {
        let mut inputs = Vec::new();
        let reassigned = state.node(NodeId(0)).reassigned;
        if tries(&plan, state) > 2 || reassigned > 2 {
            return inputs;
        }
        inputs.push(Input::Tick);
        ends(&plan, state, &outcomes, &mut inputs);
        answers(
            state,
            &[None],
            &[Verdict::Retry, Verdict::Done],
            &mut inputs,
        );
        for agent in [one, other] {
            let why = String::new();
            inputs.push(Input::AgentFailed { agent, why });
            inputs.push(Input::AgentBack { agent });
        }
        inputs.push(resume());
        inputs
    })
}

/// Two tasks, one behind the other, a workflow that a person starts, and a mode.
fn modes(cancels: bool) -> Space {
    let mut draft = Draft::new();
    let first = draft.task("first", |task| task.idempotent = true);
    let second = draft.task("second", |task| task.idempotent = true);
    draft.after(second, &[first]);
    let repair = draft.task("repair", |task| task.idempotent = true);
    draft.plan.workflows.push(coord_plan::plan::Workflow {
        name: "w".into(),
        title: None,
        params: vec![],
        param_ids: vec![],
        every: None,
    });
    draft.plan.nodes[repair].workflow = Some(WorkflowId(0));
    draft.plan.rules.modes.push(Mode {
        name: "safe-mode".into(),
        title: None,
        enter: vec![],
        exit: vec![],
        restart: Some(1),
        cancels,
    });
    let plan = draft.plan;
    let (mode, workflow) = (ModeId(0), WorkflowId(0));
    explore(&plan, u32::MAX, |state| {
        let mut inputs = Vec::new();
        if tries(&plan, state) > 2 {
            return inputs;
        }
        let (by, because) = (None, String::new());
        ends(
            &plan,
            state,
            &[Outcome::Exit(0), Outcome::Exit(1)],
            &mut inputs,
        );
        inputs.push(Input::EnterMode { mode, by, because });
        inputs.push(Input::LeaveMode { mode, by: None });
        inputs.push(resume());
        if state.workflow(workflow).is_none_or(|of| of.starts < 2) {
            let arguments = Vec::new();
            inputs.push(Input::StartWorkflow {
                workflow,
                arguments,
            });
        }
        inputs
    })
}

/// Everything that can happen to a task, a sync, a milestone and a join.
fn lifecycle(on_fail: OnFail, idempotent: bool) -> Space {
    let mut draft = Draft::new();
    let ann = draft.human("ann");
    let gate = draft.gate(vec![run()], vec![], GateFailure::Halt);
    let (one, other) = (
        draft.agent("one", 1, Driver::Shell),
        draft.agent("other", 1, Driver::Shell),
    );
    let work = draft.task("work", |task| {
        task.by = By::Any(vec![one, other]);
        task.ensures = vec![gate];
        task.approvals = vec![approval(1, &[ann])];
        task.idempotent = idempotent;
        task.on_fail = on_fail;
    });
    let next = draft.task("next", |task| task.idempotent = idempotent);
    let sync = draft.sync("sync", |sync| {
        sync.participants = vec![ann];
        sync.within = limit(5_000, Otherwise::Skip);
        sync.requires.push(coord_plan::plan::Requirement {
            text: "fine".into(),
            by: vec![],
        });
    });
    let done = draft.milestone("done");
    draft.need(next, work, Wanted::Done).within = limit(9_000, Otherwise::Fail).map(Box::new);
    draft.after(sync, &[work]);
    draft.after(done, &[next]);
    let plan = draft.plan;
    explore(&plan, 6, |state| {
        let mut inputs = Vec::new();
        let reopened = nodes(&plan).map(|n| state.node(n).reopened).sum::<u32>();
        if tries(&plan, state) > 2 || reopened > 1 {
            return inputs;
        }
        inputs.push(Input::Tick);
        ends(
            &plan,
            state,
            &[Outcome::Exit(0), Outcome::Exit(1)],
            &mut inputs,
        );
        checks(state, &mut inputs);
        let verdicts = [
            Verdict::Done,
            Verdict::Reject,
            Verdict::Retry,
            Verdict::Skip,
            Verdict::Fail,
        ];
        answers(state, &[Some("ann")], &verdicts, &mut inputs);
        for node in nodes(&plan) {
            inputs.push(Input::Retry { node, by: None });
            inputs.push(Input::Skip {
                node,
                by: None,
                reason: String::new(),
            });
        }
        inputs.push(Input::Cancel {
            by: None,
            reason: String::new(),
        });
        inputs.push(Input::Stop { by: None });
        inputs.push(resume());
        let never_spawned = (nodes(&plan).filter(|n| state.node(*n).is_at_work()))
            .map(|n| (n, state.node(n).attempt_number()))
            .collect();
        inputs.push(Input::Resume {
            never_spawned,
            options: None,
        });
        inputs
    })
}

/// A task that is assigned ahead of a free slot, when it is skipped or its domain is halted.
fn assigned_ahead() -> Space {
    let mut draft = Draft::new();
    let one = draft.agent("one", 1, Driver::Shell);
    draft.plan.rules.domains.push(Domain {
        name: "d".into(),
        title: None,
        lead: None,
        support: None,
        reviewers: None,
        approvals: vec![],
        may_halt: None,
        paths: vec![],
        record: None,
    });
    for name in ["first", "second"] {
        draft.task(name, |task| {
            task.by = By::All(vec![one]);
            task.more = Some(Box::new(TaskRules {
                domain: Some(DomainId(0)),
                ..TaskRules::default()
            }));
        });
    }
    let plan = draft.plan;
    explore(&plan, u32::MAX, |state| {
        let (by, reason) = (None, String::new());
        let skips = nodes(&plan).map(|node| Input::Skip {
            node,
            by: None,
            reason: String::new(),
        });
        let mut inputs: Vec<Input> = skips.collect();
        inputs.push(Input::HaltDomain {
            domain: DomainId(0),
            by,
            reason,
        });
        ends(
            &plan,
            state,
            &[Outcome::Exit(0), Outcome::Exit(1)],
            &mut inputs,
        );
        inputs
    })
}

#[test]
fn approvals_hold_in_every_state() {
    let space = approvals();
    space.print("approvals");
    assert!(space.states > 50 && space.refused > 1_000 && space.cut == 0);
}

#[test]
fn leases_hold_in_every_state() {
    for idempotent in [true, false] {
        let space = leases(idempotent);
        space.print("leases");
        assert!(space.states > 500 && space.cut == 0);
    }
}

#[test]
fn modes_hold_in_every_state() {
    for cancels in [true, false] {
        let space = modes(cancels);
        space.print("modes");
        assert!(space.states > 50 && space.cut == 0);
    }
}

/// Every entry of the table that is legal happens in the life of some run, and no other.
#[test]
fn every_transition_of_the_table_happens() {
    let mut moves = BTreeSet::new();
    for (on_fail, idempotent) in [(OnFail::Block, false), (OnFail::Skip, true)] {
        let space = lifecycle(on_fail, idempotent);
        space.print("lifecycle");
        moves.extend(space.moves);
    }
    moves.extend(leases(true).moves);
    moves.extend(modes(true).moves);
    moves.extend(assigned_ahead().moves);
    let missing: Vec<_> = legal().difference(&moves).cloned().collect();
    assert_eq!(missing, vec![]);
}

fn legal() -> BTreeSet<(Status, String)> {
    let statuses = [
        Status::Created,
        Status::Assigned,
        Status::InProgress,
        Status::Review,
        Status::Completed,
        Status::Failed,
        Status::Skipped,
        Status::Cancelled,
        Status::InDoubt,
    ];
    let moves = [
        Move::Assign,
        Move::Unassign,
        Move::Start,
        Move::Unspawn,
        Move::Note,
        Move::Doubt,
        Move::Retry,
        Move::Review,
        Move::Rework,
        Move::Complete,
        Move::Pass,
        Move::Fail,
        Move::Skip,
        Move::Cancel,
        Move::Reopen,
    ];
    let pairs = statuses
        .iter()
        .flat_map(|s| moves.iter().map(move |m| (*s, *m)));
    let legal = pairs.filter(|(from, step)| next_status(*from, *step).is_some());
    legal
        .map(|(from, step)| (from, format!("{step:?}")))
        .collect()
}
