//! How long one step of the machine takes, by how much work there is: `cargo bench -p coord-engine
//! --features trials --bench steps`. A project with rules of every kind runs to its rest in virtual
//! time; nothing but the machine and its virtual host is measured.

#![expect(
    clippy::disallowed_methods,
    reason = "the ban is the library's; this program looks at a clock"
)]

use std::time::Instant;

use coord_engine::simulation::{Chance, Dice, Simulation};
use coord_engine::trials::draft::{Draft, approval, limit, program, retry, run};
use coord_engine::{Options, Status};
use coord_lang::ids::{AgentId, EscalationId, ModeId, NodeId};
use coord_plan::plan::*;
use coord_plan::rules::*;

const AGENTS: u32 = 64;

fn main() {
    let sizes = std::env::args().filter_map(|word| word.parse().ok());
    let mut sizes: Vec<u32> = sizes.collect();
    if sizes.is_empty() {
        sizes = vec![100, 1_000, 10_000, 100_000];
    }
    println!(
        "{:>8} {:>10} {:>9} {:>9} {:>9} {:>11}  completed, failed",
        "tasks", "events", "steps", "begin ms", "run ms", "µs a step"
    );
    for tasks in sizes {
        measure(tasks);
    }
}

fn measure(tasks: u32) {
    let plan = project(tasks);
    let world = Chance {
        fails_percent: 5,
        check_fails_percent: 5,
        rejects_percent: 5,
        silent_percent: 0,
        ..Chance::new(7)
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
    while simulation.next_of_work_ms().is_some() && simulation.advance() {}
    let ran = start.elapsed();
    let steps = simulation.commits().len();
    let count = |wanted: Status| {
        let nodes = simulation.state().nodes();
        nodes.filter(|(_, of)| of.status == wanted).count()
    };
    println!(
        "{tasks:>8} {:>10} {steps:>9} {:>9.1} {:>9.1} {:>11.2}  {}, {}",
        simulation.events().len(),
        begun.as_secs_f64() * 1e3,
        ran.as_secs_f64() * 1e3,
        ran.as_secs_f64() * 1e6 / steps as f64,
        count(Status::Completed),
        count(Status::Failed),
    );
}

/// Layers of 64 tasks that need two of the layer before, with rules of every kind.
fn project(tasks: u32) -> Plan {
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
            standby: vec![workers[(i + 1) % workers.len()]],
            ..Profile::default()
        }));
    }
    rules(&mut draft.plan, &people);
    for i in 0..tasks {
        let by = workers[dice.below(u64::from(AGENTS)) as usize];
        let task = draft.task(&format!("t{i}"), |task| {
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
                task.approvals.push(approval(1, &people));
            }
            let span = |ms| Span { ms, working: false };
            task.estimate = Some(Estimate {
                low: span(500),
                likely: span(2_000),
                high: span(4_500),
            });
            task.more = Some(Box::new(TaskRules {
                undo: dice.percent(10).then(program),
                ..TaskRules::default()
            }));
        });
        let first = (i / AGENTS) * AGENTS;
        if first > 0 {
            for _ in 0..2 {
                let on = NodeId(first - 1 - dice.below(u64::from(AGENTS)) as u32);
                let need = draft.need(task, on, Wanted::Finished);
                need.within = dice
                    .percent(10)
                    .then(|| limit(600_000, Otherwise::Proceed))
                    .flatten()
                    .map(Box::new);
            }
        }
    }
    draft.plan
}

fn rules(plan: &mut Plan, people: &[AgentId]) {
    let party = |agents: &[AgentId]| Party {
        agents: agents.to_vec(),
        ..Party::default()
    };
    let level = |name: &str, agent: AgentId| Level {
        name: name.into(),
        title: None,
        by: party(&[agent]),
        quorum: 1,
        within_ms: Some(60_000),
        actions: vec![],
    };
    plan.rules.escalations.push(Escalation {
        name: "ladder".into(),
        title: None,
        levels: vec![level("lead", people[0]), level("head", people[1])],
        sla_ms: Some(600_000),
        otherwise: Ending::Fail,
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
