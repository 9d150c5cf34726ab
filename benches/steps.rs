//! How long one step of the machine takes, by how much work there is: `cargo bench -p coord-engine
//! --features trials --bench steps`. Projects with rules of every kind run to their rest in virtual
//! time; nothing but the machine and its virtual host is measured. Words choose the shapes, numbers
//! the sizes: `-- layers silent 100 10000`.

#![expect(
    clippy::disallowed_methods,
    reason = "the ban is the library's; this program looks at a clock"
)]

use std::collections::BTreeMap;
use std::time::Instant;

use coord_engine::simulation::{Chance, Deed, Dice, Finding, Reply, Simulation, World};
use coord_engine::trials::draft::{Draft, approval, limit, program, retry, run};
use coord_engine::{
    CheckId, Event, Fact, Input, ItemId, Options, Outcome, RuleFact, State, Status, Verdict,
};
use coord_lang::ids::*;
use coord_lang::model::Builtin;
use coord_plan::plan::*;
use coord_plan::rules::*;

const AGENTS: u32 = 64;

/// What makes a project hard for a machine that looks at everything at every step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Layers of 64 tasks that need two of the layer before, a sync after every tenth.
    Layers,
    /// The same, and nobody ever answers: all that was asked stays open.
    Silent,
    /// One phase: every task stands before the same sync.
    Flat,
    /// Every two tasks have a claim of their own, and all use one resource.
    Claims,
    /// Each task needs the one before it.
    Chain,
    /// Agents fail all the time, and their work goes to others.
    Failover,
}

const SHAPES: [(&str, Shape); 6] = [
    ("layers", Shape::Layers),
    ("silent", Shape::Silent),
    ("flat", Shape::Flat),
    ("claims", Shape::Claims),
    ("chain", Shape::Chain),
    ("failover", Shape::Failover),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut sizes: Vec<u32> = words.iter().filter_map(|w| w.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![100, 1_000, 10_000, 100_000];
    }
    let named = |name: &str| words.iter().any(|w| w == name);
    let all = !SHAPES.iter().any(|(name, _)| named(name));
    println!(
        "{:<9} {:>7} {:>8} {:>8} {:>9} {:>8} {:>10} {:>11}  completed, failed; questions, situations",
        "shape", "tasks", "events", "steps", "begin ms", "run ms", "µs a step", "µs an event"
    );
    for (name, shape) in SHAPES.iter().filter(|(name, _)| all || named(name)) {
        for tasks in &sizes {
            measure(name, *shape, *tasks);
        }
    }
}

fn measure(name: &str, shape: Shape, tasks: u32) {
    let plan = project(shape, tasks);
    let world = Crowd {
        silent: shape == Shape::Silent,
        lost_percent: if shape == Shape::Failover { 30 } else { 0 },
        chance: Chance {
            fails_percent: 5,
            check_fails_percent: 5,
            rejects_percent: 5,
            silent_percent: 0,
            ..Chance::new(7)
        },
    };
    let mut simulation = Simulation::new(&plan, world, 0);
    let options = Options {
        cores: 16,
        lookahead: 16,
        ..Options::default()
    };
    let start = Instant::now();
    if let Err(refusal) = simulation.start("bench", options) {
        panic!("it does not start: {refusal}");
    }
    let begun = start.elapsed();
    let start = Instant::now();
    let mut seen = 0;
    while simulation.next_of_work_ms().is_some() && simulation.advance() {
        let new = &simulation.events()[seen..];
        let back: Vec<AgentId> = new.iter().filter_map(isolated).collect();
        seen += new.len();
        for agent in back {
            let at_ms = simulation.now_ms() + 30_000;
            simulation.give_at(at_ms, Input::AgentBack { agent });
        }
    }
    let ran = start.elapsed();
    let steps = simulation.commits().len();
    let state = simulation.state();
    let count = |wanted: Status| state.nodes().filter(|(_, of)| of.status == wanted).count();
    let events = simulation.events().len();
    println!(
        "{name:<9} {tasks:>7} {events:>8} {steps:>8} {:>9.1} {:>8.1} {:>10.2} {:>11.2}  {}, {}; {}, {}",
        begun.as_secs_f64() * 1e3,
        ran.as_secs_f64() * 1e3,
        ran.as_secs_f64() * 1e6 / steps as f64,
        ran.as_secs_f64() * 1e6 / events as f64,
        count(Status::Completed),
        count(Status::Failed),
        state.items().count(),
        state.situations().count(),
    );
}

/// An agent that is taken out of the work for a while.
fn isolated(event: &Event) -> Option<AgentId> {
    match &event.fact {
        Fact::Rule(RuleFact::AgentIsolated { agent }) => Some(*agent),
        _ => None,
    }
}

/// A world of chance in which nobody gives up.
struct Crowd {
    chance: Chance,
    silent: bool,
    lost_percent: u64,
}

impl World for Crowd {
    fn attempt(&mut self, plan: &Plan, state: &State, node: NodeId) -> Option<Deed> {
        let mut deed = self.chance.attempt(plan, state, node)?;
        let mut dice = Dice(u64::from(node.0) << 32 | state.node(node).attempts as u64);
        // an agent is ill for a while
        let ill = dice.percent(self.lost_percent) && (node.0 / 512).is_multiple_of(2);
        if ill {
            deed.outcome = Outcome::Lost("gone".to_string());
            deed.outputs = BTreeMap::new();
        }
        Some(deed)
    }

    fn check(&mut self, plan: &Plan, state: &State, check: CheckId) -> Finding {
        self.chance.check(plan, state, check)
    }

    fn replies(&mut self, plan: &Plan, state: &State, item: ItemId) -> Vec<Reply> {
        if self.silent {
            return Vec::new();
        }
        let mut replies = self.chance.replies(plan, state, item);
        for reply in &mut replies {
            if reply.verdict == Verdict::Abort {
                reply.verdict = Verdict::Skip;
            }
        }
        replies
    }
}

fn project(shape: Shape, tasks: u32) -> Plan {
    let mut dice = Dice(42);
    let mut draft = Draft::new();
    let workers: Vec<AgentId> = (0..AGENTS)
        .map(|i| draft.agent(&format!("a{i}"), 2, Driver::Remote(format!("a{i}"))))
        .collect();
    let people = ["ann", "bob", "cid"].map(|name| draft.human(name));
    let gpu = draft.resource("gpu", 16);
    let gate = draft.gate(vec![run()], vec![], GateFailure::Retry(1));
    for (i, agent) in workers.iter().enumerate() {
        draft.plan.agents[*agent].profile = Some(Box::new(Profile {
            standby: vec![
                workers[(i + 1) % workers.len()],
                workers[(i + 2) % workers.len()],
            ],
            ..Profile::default()
        }));
    }
    rules(&mut draft.plan, &people, shape);
    for i in 0..3 {
        let work = draft.task(&format!("w{i}"), |task| {
            task.by = By::All(vec![workers[i as usize]]);
            task.idempotent = true;
        });
        draft.plan.nodes[work].workflow = Some(WorkflowId(0));
    }
    let mut last_sync: Option<NodeId> = None;
    let mut layers: Vec<Vec<NodeId>> = vec![vec![]];
    for i in 0..tasks {
        let by = workers[dice.below(u64::from(AGENTS)) as usize];
        let task = draft.task(&format!("t{i}"), |task| {
            edit(task, by, &mut dice, gpu, gate, &people);
            if shape == Shape::Claims {
                task.uses = vec![(gpu, 1)];
            }
            if shape == Shape::Silent {
                task.retry = None;
                task.requires.clear();
                task.approvals.clear();
                task.more = None;
            } else if i % 100 == 7 {
                call(task);
            }
        });
        let before = layers.len().checked_sub(2).map(|n| &layers[n]);
        match shape {
            Shape::Flat => {}
            Shape::Claims => {
                if i % 2 == 1 {
                    draft.exclude(NodeId(task.0 - 1), task);
                }
            }
            Shape::Chain => {
                if let Some(before) = layers[0].last() {
                    draft.need(task, *before, Wanted::Finished);
                }
            }
            Shape::Layers | Shape::Silent | Shape::Failover => {
                let before = before.filter(|b| !b.is_empty());
                for before in before.iter().flat_map(|b| [b, b]) {
                    let on = before[dice.below(before.len() as u64) as usize];
                    let need = draft.need(task, on, Wanted::Finished);
                    need.within = dice
                        .percent(10)
                        .then(|| limit(600_000, Otherwise::Proceed))
                        .flatten()
                        .map(Box::new);
                }
                if let Some(sync) = last_sync.filter(|_| layers.len() % 10 == 1) {
                    draft.need(task, sync, Wanted::Finished);
                }
            }
        }
        let layered = matches!(shape, Shape::Layers | Shape::Silent | Shape::Failover);
        let layer = layers.last_mut().expect("there is one");
        layer.push(task);
        if layered && layer.len() == AGENTS as usize {
            if layers.len() % 10 == 0 {
                let all: Vec<NodeId> = layers[layers.len() - 10..].concat();
                last_sync = Some(sync(&mut draft, &all, &people));
            }
            layers.push(vec![]);
        }
    }
    if shape == Shape::Flat {
        sync(&mut draft, &layers.concat(), &people);
    }
    draft.plan
}

/// A task with everything, by chance.
fn edit(
    task: &mut Task,
    by: AgentId,
    dice: &mut Dice,
    gpu: ResourceId,
    gate: GateId,
    people: &[AgentId],
) {
    task.by = By::All(vec![by]);
    task.idempotent = true;
    task.retry = retry(2, 100);
    task.priority = dice.below(4) as u8;
    task.timeout_ms = dice.percent(20).then_some(20_000);
    if dice.percent(20) {
        task.uses.push((gpu, 1));
    }
    if dice.percent(10) {
        task.ensures.push(gate);
    }
    if dice.percent(3) {
        task.approvals.push(approval(1, people));
    }
    let span = |ms| Span { ms, working: false };
    task.estimate = Some(Estimate {
        low: span(500),
        likely: span(2_000),
        high: span(4_500),
    });
    task.more = Some(Box::new(TaskRules {
        undo: dice.percent(10).then(program),
        handoff: dice.percent(10).then_some(HandoffId(0)),
        ..TaskRules::default()
    }));
}

/// It is the work of a workflow.
fn call(task: &mut Task) {
    task.by = By::All(vec![]);
    task.program = None;
    task.retry = None;
    task.timeout_ms = None;
    task.more = Some(Box::new(TaskRules {
        call: Some((WorkflowId(0), vec![])),
        ..TaskRules::default()
    }));
}

fn sync(draft: &mut Draft, after: &[NodeId], people: &[AgentId]) -> NodeId {
    let number = draft.plan.nodes.len();
    let sync = draft.sync(&format!("s{number}"), |sync| {
        sync.participants = people.to_vec();
        sync.requires.push(Requirement {
            text: "all is well".into(),
            by: people.to_vec(),
        });
        sync.within = limit(60_000, Otherwise::Proceed);
    });
    for on in after {
        draft.need(sync, *on, Wanted::Finished);
    }
    sync
}

fn rules(plan: &mut Plan, people: &[AgentId], shape: Shape) {
    let party = |agents: &[AgentId]| Party {
        agents: agents.to_vec(),
        ..Party::default()
    };
    let level = |name: &str, agent: AgentId| Level {
        name: name.into(),
        title: None,
        by: party(&[agent]),
        quorum: 1,
        within_ms: (shape != Shape::Silent).then_some(60_000),
        actions: vec![],
    };
    plan.rules.escalations.push(Escalation {
        name: "ladder".into(),
        title: None,
        levels: vec![level("lead", people[0]), level("head", people[1])],
        sla_ms: (shape != Shape::Silent).then_some(600_000),
        otherwise: Ending::Fail,
    });
    plan.rules.handoffs.push(Handoff {
        name: "over".into(),
        title: None,
        requires: vec![("it is known".into(), true)],
        checks: vec![],
        fields: vec![],
        accept_within_ms: None,
        accept_otherwise: vec![],
        format: None,
    });
    for (name, _) in Builtin::ALL {
        plan.rules.metrics.push(Metric {
            name: name.to_string(),
            title: None,
            target: None,
            from: MetricSource::Builtin(name.to_string()),
            unit: None,
        });
    }
    plan.workflows.push(Workflow {
        name: "procedure".into(),
        title: None,
        params: vec![],
        param_ids: vec![],
        every: None,
    });
    plan.rules.modes.push(Mode {
        name: "safe-mode".into(),
        title: None,
        enter: vec![program()],
        exit: vec![],
        restart: Some(8),
        cancels: false,
    });
    plan.rules.recurring.push(Recurring {
        name: "daily".into(),
        title: None,
        every: Some(Every {
            period: Period::Elapsed(60_000),
            at: None,
        }),
        participants: people.to_vec(),
        requires: vec![],
        agenda: vec![],
        within: None,
        via: None,
    });
    let notify = || Action::Notify {
        who: party(people),
        via: None,
    };
    let escalate = || Action::Escalate {
        to: EscalationId(0),
        level: None,
    };
    let reactions = [
        (
            Happening::TaskFailed(None),
            vec![vec![Action::Retry(Some(1)), escalate()]],
        ),
        (Happening::TaskLate(None), vec![vec![notify()]]),
        (Happening::TaskStalled(None), vec![vec![escalate()]]),
        (Happening::TaskBlocked(None), vec![vec![notify()]]),
        (
            Happening::AgentFailed(None),
            vec![vec![Action::Isolate], vec![Action::Redistribute]],
        ),
        (Happening::GateFailed(None), vec![vec![notify()]]),
        (Happening::RunFinished, vec![vec![Action::Leave(ModeId(0))]]),
    ];
    for (on, actions) in reactions {
        plan.rules.reactions.push(Reaction {
            on,
            for_ms: None,
            when: None,
            because: None,
            actions,
        });
    }
}
