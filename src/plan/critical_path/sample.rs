//! Plans for tests: built by hand, or at random from a seed.

use crate::calendar::Hours;
use crate::plan::{
    Agent, By, Driver, Estimate, IR, Milestone, Need, Node, NodeKind, Origin, Plan, Profile,
    Resource, Span, Task, Wanted,
};
use coord_lang::ids::{AgentId, Id, NodeId, ResourceId, Table};
use coord_lang::time::HOUR_MS;

pub(crate) fn elapsed(ms: i64) -> Span {
    Span { ms, working: false }
}

pub(crate) fn working(ms: i64) -> Span {
    Span { ms, working: true }
}

pub(crate) fn estimate(likely: Span) -> Estimate {
    let half = Span {
        ms: likely.ms / 2,
        ..likely
    };
    let double = Span {
        ms: likely.ms * 2,
        ..likely
    };
    Estimate {
        low: half,
        likely,
        high: double,
    }
}

pub(crate) fn empty_plan() -> Plan {
    Plan {
        ir: IR,
        project: "sample".into(),
        title: None,
        origin_ms: None,
        timezone: "UTC".into(),
        hours: Hours::default(),
        parallel: None,
        stop_on_failure: false,
        agents: Table::default(),
        resources: Table::default(),
        gates: Table::default(),
        phases: Table::default(),
        nodes: Table::default(),
        order: Vec::new(),
        workflows: Table::default(),
        entry: None,
        secrets: Vec::new(),
        rules: crate::rules::Rules::default(),
    }
}

pub(crate) fn add_agent(plan: &mut Plan, name: &str, capacity: u32) -> AgentId {
    plan.agents.push(Agent {
        name: name.into(),
        title: None,
        role: None,
        capacity,
        driver: Driver::Shell,
        env: Vec::new(),
        wave: 0,
        profile: None,
    })
}

pub(crate) fn add_resource(plan: &mut Plan, name: &str, capacity: u32) -> ResourceId {
    plan.resources.push(Resource {
        name: name.into(),
        title: None,
        capacity,
        claim: false,
    })
}

pub(crate) fn need(on: NodeId) -> Need {
    any_need(&[on])
}

pub(crate) fn any_need(on: &[NodeId]) -> Need {
    Need {
        on: on[0],
        or: on[1..].to_vec(),
        wanted: Wanted::Done,
        within: None,
        origin: Origin::Declared,
    }
}

/// Nodes are added in topological order.
pub(crate) fn add_task(plan: &mut Plan, by: By, likely: Option<Span>, needs: Vec<Need>) -> NodeId {
    let task = Task {
        estimate: likely.map(estimate),
        ..Task::by(by)
    };
    add_node(plan, NodeKind::Task(Box::new(task)), needs)
}

pub(crate) fn add_milestone(plan: &mut Plan, needs: Vec<Need>) -> NodeId {
    add_node(plan, NodeKind::Milestone(Milestone { due_ms: None }), needs)
}

pub(crate) fn add_node(plan: &mut Plan, kind: NodeKind, needs: Vec<Need>) -> NodeId {
    let id = NodeId(plan.nodes.len() as u32);
    plan.order.push(id);
    plan.nodes.push(Node {
        name: format!("n{}", id.0),
        title: None,
        phase: None,
        needs,
        wants: Vec::new(),
        not_before_ms: None,
        rank_ms: 0,
        workflow: None,
        kind,
    })
}

pub(crate) fn task_mut(plan: &mut Plan, id: NodeId) -> &mut Task {
    match &mut plan.nodes[id].kind {
        NodeKind::Task(task) => task,
        other => panic!("no task: {other:?}"),
    }
}

/// Makes two tasks exclude each other, by a claim.
pub(crate) fn exclude(plan: &mut Plan, a: NodeId, b: NodeId) -> ResourceId {
    let claim = add_resource(plan, "shared/**", 1);
    plan.resources[claim].claim = true;
    for task in [a, b] {
        task_mut(plan, task).uses.push((claim, 1));
    }
    claim
}

/// Fills in ranks: the longest way from each node's start, by likely lengths.
pub(crate) fn set_ranks(plan: &mut Plan) {
    for id in plan.order.clone().into_iter().rev() {
        let length = plan
            .task(id)
            .and_then(|task| task.estimate)
            .map_or(0, |e| e.likely.ms);
        plan.nodes[id].rank_ms += length;
        let rank = plan.nodes[id].rank_ms;
        for on in plan.nodes[id]
            .needs
            .clone()
            .iter()
            .flat_map(|need| need.nodes())
        {
            plan.nodes[on].rank_ms = plan.nodes[on].rank_ms.max(rank);
        }
    }
}

/// xorshift64*
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What a random plan may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) tasks: u64,
    /// 0 elapsed, 1 working, 2 mixed.
    pub(crate) time: u64,
    pub(crate) unit_ms: i64,
    pub(crate) alternatives: bool,
    pub(crate) branches: bool,
    pub(crate) limits: bool,
    pub(crate) windows: bool,
    pub(crate) urgencies: bool,
}

pub(crate) fn random_plan(seed: u64, shape: Shape) -> Plan {
    let mut dice = Dice::new(seed);
    let mut plan = empty_plan();
    if dice.chance(50) {
        plan.origin_ms = Some(1_742_800_000_000 + 3_600_000 * dice.below(400) as i64);
        plan.timezone = "Europe/Berlin".into();
    }
    for agent in 0..1 + dice.below(4) {
        let capacity = if shape.limits {
            dice.below(4) as u32
        } else {
            0
        };
        add_agent(&mut plan, &format!("a{agent}"), capacity);
    }
    for resource in 0..dice.below(3) {
        add_resource(&mut plan, &format!("r{resource}"), 1 + dice.below(5) as u32);
    }
    if shape.limits && dice.chance(30) {
        plan.parallel = Some(1 + dice.below(4) as u32);
    }
    for _ in 0..shape.tasks {
        add_random_node(&mut plan, &mut dice, shape);
    }
    if shape.limits {
        add_claims(&mut plan, &mut dice);
    }
    set_ranks(&mut plan);
    plan
}

/// Gives some agents hours of their own, in other zones too. All of them work on Wednesdays around
/// noon, so that no two are apart for ever; bounds are whole half hours.
pub(crate) fn give_hours(plan: &mut Plan, seed: u64) {
    let mut dice = Dice::new(seed);
    for (_, agent) in plan.agents.iter_mut() {
        if dice.chance(40) {
            agent.driver = Driver::Human;
        }
        if dice.chance(30) {
            continue;
        }
        let half_hours = |n: u64| 30 * n as u32;
        let from = half_hours(dice.below(20));
        let to = half_hours(30 + dice.below(18));
        let ranges = match dice.chance(30) {
            true => vec![(from, half_hours(24)), (half_hours(25), to)],
            false => vec![(from, to)],
        };
        let zones = [
            None,
            Some("UTC"),
            Some("Europe/Berlin"),
            Some("Europe/Lisbon"),
        ];
        let hours = Hours {
            weekdays: std::array::from_fn(|day| day == 2 || dice.chance(60)),
            ranges,
            holidays: Vec::new(),
            timezone: zones[dice.below(4) as usize].map(str::to_string),
        };
        agent.profile = Some(Box::new(Profile {
            hours: Some(hours),
            ..Profile::default()
        }));
    }
}

fn add_random_node(plan: &mut Plan, dice: &mut Dice, shape: Shape) {
    let needs = random_needs(plan, dice, shape);
    let id = match dice.below(12) {
        0 => add_milestone(plan, needs),
        1 => add_node(plan, NodeKind::Join, needs),
        _ => {
            let by = random_by(plan, dice);
            let likely = random_span(dice, shape);
            let id = add_task(plan, by, likely, needs);
            if shape.limits {
                add_uses(plan, dice, id);
            }
            if shape.urgencies {
                task_mut(plan, id).priority = dice.below(4) as u8;
            }
            if dice.chance(10) {
                task_mut(plan, id).deadline_ms = Some(dice.below(200) as i64 * shape.unit_ms);
            }
            id
        }
    };
    if shape.windows && dice.chance(15) {
        plan.nodes[id].not_before_ms = Some(dice.below(100) as i64 * HOUR_MS);
    }
}

fn random_span(dice: &mut Dice, shape: Shape) -> Option<Span> {
    if dice.chance(8) {
        return None;
    }
    let ms = dice.below(30) as i64 * shape.unit_ms;
    let works = shape.time == 1 || (shape.time == 2 && dice.chance(50));
    Some(if works { working(ms) } else { elapsed(ms) })
}

fn random_needs(plan: &Plan, dice: &mut Dice, shape: Shape) -> Vec<Need> {
    let nodes = plan.nodes.len() as u64;
    if nodes == 0 {
        return Vec::new();
    }
    let some_node = |dice: &mut Dice| NodeId(dice.below(nodes) as u32);
    let mut needs = Vec::new();
    for _ in 0..dice.below(4) {
        let mut on = vec![some_node(dice)];
        if shape.alternatives && dice.chance(25) {
            on.push(some_node(dice));
        }
        let mut need = any_need(&on);
        if shape.branches && dice.chance(7) {
            need.wanted = Wanted::Failed;
        }
        needs.push(need);
    }
    needs
}

fn random_by(plan: &Plan, dice: &mut Dice) -> By {
    let agents = plan.agents.len() as u64;
    let mut chosen: Vec<AgentId> = Vec::new();
    for _ in 0..1 + dice.below(2) {
        let agent = AgentId::from_index(dice.below(agents) as usize);
        if !chosen.contains(&agent) {
            chosen.push(agent);
        }
    }
    match dice.below(10) {
        0 => By::All(Vec::new()),
        1..=3 => By::Any(chosen),
        _ => By::All(chosen),
    }
}

fn add_uses(plan: &mut Plan, dice: &mut Dice, id: NodeId) {
    for resource in plan.resources.ids() {
        if dice.chance(40) {
            let capacity = u64::from(plan.resources[resource].capacity);
            let amount = 1 + dice.below(capacity) as u32;
            task_mut(plan, id).uses.push((resource, amount));
        }
    }
}

fn add_claims(plan: &mut Plan, dice: &mut Dice) {
    let tasks: Vec<NodeId> = plan.tasks().map(|(id, _, _)| id).collect();
    for _ in 0..dice.below(1 + tasks.len() as u64 / 2) {
        let a = tasks[dice.below(tasks.len() as u64) as usize];
        let b = tasks[dice.below(tasks.len() as u64) as usize];
        if a != b {
            exclude(plan, a, b);
        }
    }
}
