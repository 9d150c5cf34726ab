//! Plans for tests, straight as values.

use coord_lang::ids::{AgentId, GateId, Id, NodeId, PhaseId, ResourceId, Table};
use coord_plan::plan::*;

pub struct Draft {
    pub plan: Plan,
}

impl Default for Draft {
    fn default() -> Self {
        Draft::new()
    }
}

impl Draft {
    /// A plan with the agent `local` (capacity: the cores).
    pub fn new() -> Self {
        let plan = Plan {
            ir: IR,
            project: "test".into(),
            title: None,
            origin_ms: None,
            timezone: "UTC".into(),
            hours: coord_plan::calendar::Hours::default(),
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
            rules: coord_plan::rules::Rules::default(),
        };
        let mut draft = Draft { plan };
        draft.agent("local", 0, Driver::Shell);
        draft
    }

    pub fn agent(&mut self, name: &str, capacity: u32, driver: Driver) -> AgentId {
        self.plan.agents.push(Agent {
            name: name.into(),
            title: None,
            role: None,
            capacity,
            driver,
            env: Vec::new(),
            wave: 0,
            profile: None,
        })
    }

    pub fn human(&mut self, name: &str) -> AgentId {
        self.agent(name, 1, Driver::Human)
    }

    pub fn resource(&mut self, name: &str, capacity: u32) -> ResourceId {
        self.plan.resources.push(Resource {
            name: name.into(),
            title: None,
            capacity,
            claim: false,
        })
    }

    pub fn gate(
        &mut self,
        checks: Vec<Evidence>,
        approvals: Vec<Approval>,
        on_fail: GateFailure,
    ) -> GateId {
        let checks = checks
            .into_iter()
            .map(|evidence| Check {
                title: "check".into(),
                evidence,
            })
            .collect();
        self.plan.gates.push(Gate {
            name: "g".into(),
            title: None,
            checks,
            approvals,
            on_fail,
            on_fail_do: Vec::new(),
        })
    }

    /// A shell task of `local`, changed by `edit`.
    pub fn task(&mut self, name: &str, edit: impl FnOnce(&mut Task)) -> NodeId {
        let mut task = Task {
            program: Some(program()),
            ..Task::by(By::All(vec![AgentId(0)]))
        };
        edit(&mut task);
        self.node(name, NodeKind::Task(Box::new(task)))
    }

    /// A task that a person does.
    pub fn chore(&mut self, name: &str, who: AgentId) -> NodeId {
        self.task(name, |task| {
            task.by = By::All(vec![who]);
            task.program = None;
        })
    }

    pub fn sync(&mut self, name: &str, edit: impl FnOnce(&mut Sync)) -> NodeId {
        let mut sync = Sync {
            participants: Vec::new(),
            requires: Vec::new(),
            gates: Vec::new(),
            agenda: Vec::new(),
            within: None,
        };
        edit(&mut sync);
        self.node(name, NodeKind::Sync(Box::new(sync)))
    }

    pub fn milestone(&mut self, name: &str) -> NodeId {
        self.node(name, NodeKind::Milestone(Milestone { due_ms: None }))
    }

    pub fn join(&mut self, name: &str) -> NodeId {
        self.node(name, NodeKind::Join)
    }

    pub fn phase(&mut self, name: &str, open: Option<NodeId>, end: NodeId) -> PhaseId {
        self.plan.phases.push(Phase {
            name: name.into(),
            title: None,
            open,
            end,
            window_ms: None,
            workflow: None,
        })
    }

    pub fn node(&mut self, name: &str, kind: NodeKind) -> NodeId {
        let id = self.plan.nodes.push(Node {
            name: name.into(),
            title: None,
            phase: None,
            needs: Vec::new(),
            wants: Vec::new(),
            not_before_ms: None,
            rank_ms: 0,
            workflow: None,
            kind,
        });
        self.plan.order.push(id);
        id
    }

    pub fn need(&mut self, node: NodeId, on: NodeId, wanted: Wanted) -> &mut Need {
        let needs = &mut self.plan.nodes[node].needs;
        needs.push(Need {
            on,
            or: Vec::new(),
            wanted,
            within: None,
            origin: Origin::Declared,
        });
        needs.last_mut().expect("just pushed")
    }

    pub fn after(&mut self, node: NodeId, on: &[NodeId]) {
        for on in on {
            self.need(node, *on, Wanted::Done);
        }
    }

    pub fn want(&mut self, node: NodeId, on: NodeId, within_ms: i64) {
        self.plan.nodes[node].wants.push(Want { on, within_ms });
    }

    /// Write claims of two tasks that intersect.
    pub fn exclude(&mut self, one: NodeId, other: NodeId) -> ResourceId {
        let claim = self.resource("src/**", 1);
        self.plan.resources[claim].claim = true;
        self.task_mut(one).uses.push((claim, 1));
        self.task_mut(other).uses.push((claim, 1));
        claim
    }

    pub fn task_mut(&mut self, node: NodeId) -> &mut Task {
        match &mut self.plan.nodes[node].kind {
            NodeKind::Task(task) => task,
            NodeKind::Sync(_) | NodeKind::Milestone(_) | NodeKind::Join => panic!("no task"),
        }
    }
}

pub fn program() -> Program {
    Program::Argv(vec!["true".into()])
}

pub fn run() -> Evidence {
    Evidence::Run(program())
}

pub fn approval(quorum: u32, of: &[AgentId]) -> Approval {
    Approval {
        quorum,
        of: of.to_vec(),
        within: None,
    }
}

pub fn limit(ms: i64, otherwise: Otherwise) -> Option<Limit> {
    Some(Limit {
        ms,
        otherwise,
        also: Vec::new(),
    })
}

pub fn retry(times: u32, every_ms: i64) -> Option<Retry> {
    Some(Retry {
        times,
        every_ms,
        factor_milli: 1000,
        up_to_ms: 0,
        on_exit: Vec::new(),
        on_timeout: false,
    })
}

/// The nodes of a plan by number.
pub fn nodes(plan: &Plan) -> impl Iterator<Item = NodeId> {
    (0..plan.nodes.len()).map(NodeId::from_index)
}
