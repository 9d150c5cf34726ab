//! The state of a run: a fold of its events over its plan.
//!
//! Invariants: only `apply` changes it; two states folded from the same events are equal, whole;
//! every queue, counter and timer in it follows from the nodes' own facts (`refresh`), so that
//! nothing has to be rebuilt after a crash.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coord_lang::expr::Value;
use coord_lang::ids::{
    AgentId, BudgetId, DomainId, Id, MetricId, ModeId, NodeId, PhaseId, RecurringId, ResourceId,
    Table, WorkflowId,
};
use coord_plan::plan::Plan;

use crate::agents::AgentState;
use crate::budgets::Spending;
use crate::duty::{Duty, DutyId};
use crate::gate_run::{GateRun, GateRunId};
use crate::index::{BayId, Index, LaneId, Rank, TeamId};
use crate::item::{Item, ItemId};
use crate::metrics::{self, Tally};
use crate::node_state::NodeState;
use crate::occasion::Occasion;
use crate::options::Options;
use crate::outcome::Stopping;
use crate::queue::{BayState, LaneState, TeamState};
use crate::situation::{Situation, SituationId};
use crate::status::{RunStatus, Status};
use crate::timers::{Background, RuleTimer, TimerKind};
use crate::undo::Undoing;
use crate::workflows::WorkflowState;

/// What a run is waiting for, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Waiting {
    NotStarted,
    /// Processes are at work.
    Running,
    /// Nothing moves before somebody answers.
    ForPeople,
    /// Nothing moves before a timer.
    ForTime,
    Paused,
    Ended,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PhaseState {
    #[default]
    NotOpen,
    Open,
    Closed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum NeedState {
    #[default]
    Open,
    Met,
    Impossible,
    /// Its limit passed and its task went on without it.
    Waived,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WantState {
    pub(crate) ended: bool,
    pub(crate) expired: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum PhaseStep {
    Open,
    Close,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Follows from the plan and from `given_to`.
    #[serde(skip)]
    pub(crate) index: Arc<Index>,
    /// What was given to somebody else, in order: the index is the plan's, and these.
    pub(crate) given_to: Vec<(NodeId, Vec<AgentId>)>,
    pub(crate) run: String,
    pub(crate) status: RunStatus,
    pub(crate) options: Options,
    pub(crate) stopping: Option<Stopping>,
    /// The failure that is to stop the run.
    pub(crate) halt_wanted: Option<NodeId>,
    pub(crate) now_ms: i64,
    pub(crate) started_ms: Option<i64>,
    pub(crate) ended_ms: Option<i64>,
    pub(crate) nodes: Table<NodeId, NodeState>,
    pub(crate) needs: Vec<NeedState>,
    /// True for open needs that wait for nothing but what is held.
    pub(crate) needs_held: Vec<bool>,
    pub(crate) wants: Vec<WantState>,
    pub(crate) items: Table<ItemId, Item>,
    pub(crate) gate_runs: Table<GateRunId, GateRun>,
    pub(crate) phases: Table<PhaseId, PhaseState>,

    pub(crate) unfinished: u32,
    pub(crate) failed: u32,
    pub(crate) open_items: BTreeSet<ItemId>,
    pub(crate) checks_due: BTreeSet<GateRunId>,
    pub(crate) checks_at_work: BTreeSet<GateRunId>,
    pub(crate) phases_due: BTreeSet<(PhaseStep, PhaseId)>,
    pub(crate) timers: BTreeSet<(i64, NodeId, TimerKind)>,
    /// Nodes for which something is to be decided now.
    pub(crate) agenda: BTreeSet<NodeId>,

    pub(crate) agents: Table<AgentId, u32>,
    pub(crate) resources: Table<ResourceId, u32>,
    pub(crate) machine_at_work: u32,
    pub(crate) assigned_waiting: u32,
    pub(crate) lanes: Table<LaneId, LaneState>,
    pub(crate) bays: Table<BayId, BayState>,
    pub(crate) teams: Table<TeamId, TeamState>,
    /// What each team that has room would start first.
    pub(crate) open_machine: BTreeSet<Rank>,
    pub(crate) open_people: BTreeSet<Rank>,
    pub(crate) unassigned: BTreeSet<Rank>,
    /// The one task that others let pass: see `queue`.
    pub(crate) reservation: Option<NodeId>,
    pub(crate) doubts: BTreeSet<NodeId>,
    /// At work for longer than they promised.
    pub(crate) overdue: BTreeSet<NodeId>,
    /// Conflicts that were found: who waits, behind whom, and which attempt of that.
    pub(crate) found: BTreeSet<(NodeId, NodeId, u32)>,
    pub(crate) at_work: u32,
    /// Nodes that hold slots, resources or claims.
    pub(crate) holders: BTreeSet<NodeId>,
    /// Priorities that rules gave.
    pub(crate) priorities: BTreeMap<NodeId, u8>,

    pub(crate) situations: Table<SituationId, Situation>,
    pub(crate) open_situations: BTreeSet<SituationId>,
    /// The same by the nodes that they are about and that wait for them; None: they are about
    /// none.
    pub(crate) open_at: BTreeSet<(Option<NodeId>, SituationId)>,
    /// The same by what they came out of.
    pub(crate) open_under: BTreeSet<(SituationId, SituationId)>,
    pub(crate) open_incidents: BTreeSet<SituationId>,
    /// Those about which something is to be decided now.
    pub(crate) situations_due: BTreeSet<SituationId>,
    /// Handoffs that were accepted: giver and taker.
    pub(crate) accepted: BTreeSet<(NodeId, NodeId)>,
    pub(crate) duties: BTreeMap<DutyId, Duty>,
    pub(crate) duties_due: BTreeSet<DutyId>,
    pub(crate) duties_seen: u32,
    pub(crate) reactions_due: BTreeSet<(u32, Occasion)>,
    /// What lasts, and when it will have lasted long enough.
    pub(crate) watches: BTreeMap<(u32, Occasion), i64>,
    pub(crate) rule_timers: BTreeSet<(i64, RuleTimer)>,
    /// Timers that keep no run alive.
    pub(crate) background: BTreeSet<(i64, Background)>,
    pub(crate) mode: Option<ModeId>,
    /// The most tasks at work right after a mode.
    pub(crate) ramp: Option<u32>,
    /// How often rules left a mode since a task was last completed.
    pub(crate) modes_left: u32,
    pub(crate) agent_states: Table<AgentId, AgentState>,
    /// Agents that failed too often in a row.
    pub(crate) ill: BTreeSet<AgentId>,
    pub(crate) workflows: Table<WorkflowId, WorkflowState>,
    pub(crate) workflows_due: BTreeSet<WorkflowId>,
    /// Tasks that have called a workflow, or wait to.
    pub(crate) calling: BTreeSet<(WorkflowId, NodeId)>,
    pub(crate) metrics: BTreeMap<MetricId, Value>,
    /// What metrics are computed from, where there are any.
    pub(crate) tally: Option<Box<Tally>>,
    /// What an event has changed, until it is counted.
    #[serde(skip)]
    pub(crate) touched: Vec<NodeId>,
    /// To be measured now.
    pub(crate) measures_due: BTreeSet<MetricId>,
    /// Those whose program is at work.
    pub(crate) measuring: BTreeSet<MetricId>,
    pub(crate) exhausted: BTreeSet<ResourceId>,
    pub(crate) halted_domains: BTreeSet<DomainId>,
    pub(crate) undoing: Undoing,
    /// What can be undone, in the order in which it was completed.
    pub(crate) undoable: BTreeSet<(i64, NodeId)>,
    /// What the host has to land.
    pub(crate) landings: BTreeSet<NodeId>,
    /// Recurring syncs with requirements still to be asked.
    pub(crate) reports_due: BTreeSet<(RecurringId, u32)>,
    pub(crate) spending: Table<BudgetId, Spending>,
    /// Reactions to the end of the run have been due.
    pub(crate) finish_told: bool,
}

impl State {
    /// The state before the first event.
    pub fn new(plan: &Plan) -> Self {
        let index = Index::new(plan);
        let mut state = State {
            run: String::new(),
            status: RunStatus::NotStarted,
            options: Options::default(),
            stopping: None,
            halt_wanted: None,
            now_ms: i64::MIN,
            started_ms: None,
            ended_ms: None,
            nodes: (plan
                .nodes
                .iter()
                .map(|(id, node)| new_node(node, plan.is_active(id))))
            .collect(),
            needs: vec![NeedState::Open; index.need_count()],
            needs_held: vec![false; index.need_count()],
            wants: vec![WantState::default(); index.want_count()],
            items: Table::default(),
            gate_runs: Table::default(),
            phases: plan.phases.ids().map(|_| PhaseState::NotOpen).collect(),
            unfinished: plan.nodes.ids().filter(|id| plan.is_active(*id)).count() as u32,
            failed: 0,
            open_items: BTreeSet::new(),
            checks_due: BTreeSet::new(),
            checks_at_work: BTreeSet::new(),
            phases_due: BTreeSet::new(),
            timers: BTreeSet::new(),
            agenda: BTreeSet::new(),
            agents: plan.agents.ids().map(|_| 0).collect(),
            resources: plan.resources.ids().map(|_| 0).collect(),
            machine_at_work: 0,
            assigned_waiting: 0,
            lanes: index.lanes.ids().map(|_| LaneState::default()).collect(),
            bays: index.bays.ids().map(|_| BayState::default()).collect(),
            teams: index.teams.ids().map(|_| TeamState::default()).collect(),
            open_machine: BTreeSet::new(),
            open_people: BTreeSet::new(),
            unassigned: BTreeSet::new(),
            reservation: None,
            doubts: BTreeSet::new(),
            overdue: BTreeSet::new(),
            found: BTreeSet::new(),
            at_work: 0,
            holders: BTreeSet::new(),
            priorities: BTreeMap::new(),
            situations: Table::default(),
            open_situations: BTreeSet::new(),
            open_at: BTreeSet::new(),
            open_under: BTreeSet::new(),
            open_incidents: BTreeSet::new(),
            situations_due: BTreeSet::new(),
            accepted: BTreeSet::new(),
            duties: BTreeMap::new(),
            duties_due: BTreeSet::new(),
            duties_seen: 0,
            reactions_due: BTreeSet::new(),
            watches: BTreeMap::new(),
            rule_timers: BTreeSet::new(),
            background: BTreeSet::new(),
            mode: None,
            ramp: None,
            modes_left: 0,
            agent_states: plan.agents.ids().map(|_| AgentState::default()).collect(),
            workflows: plan
                .workflows
                .ids()
                .map(|_| WorkflowState::default())
                .collect(),
            ill: BTreeSet::new(),
            workflows_due: BTreeSet::new(),
            calling: BTreeSet::new(),
            metrics: BTreeMap::new(),
            tally: metrics::counts(plan).then(Box::default),
            touched: Vec::new(),
            measures_due: BTreeSet::new(),
            measuring: BTreeSet::new(),
            exhausted: BTreeSet::new(),
            halted_domains: BTreeSet::new(),
            undoing: Undoing::default(),
            undoable: BTreeSet::new(),
            landings: BTreeSet::new(),
            reports_due: BTreeSet::new(),
            spending: (plan.rules.budgets.values())
                .map(|budget| Spending {
                    allowed: budget.most,
                    ..Spending::default()
                })
                .collect(),
            finish_told: false,
            index: Arc::new(index),
            given_to: Vec::new(),
        };
        state.phases_due.extend(
            plan.active_phases()
                .filter(|id| plan.phases[*id].open.is_none())
                .map(|id| (PhaseStep::Open, id)),
        );
        state
    }

    /// The run's id; empty before it started.
    pub fn run(&self) -> &str {
        &self.run
    }

    pub fn status(&self) -> RunStatus {
        self.status
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Why the run starts nothing more, while it does not.
    pub fn stopping(&self) -> Option<&Stopping> {
        self.stopping.as_ref()
    }

    pub fn started_ms(&self) -> Option<i64> {
        self.started_ms
    }

    pub fn ended_ms(&self) -> Option<i64> {
        self.ended_ms
    }

    /// When the last event happened.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    pub fn node(&self, node: NodeId) -> &NodeState {
        &self.nodes[node]
    }

    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &NodeState)> {
        self.nodes.iter()
    }

    pub fn item(&self, item: ItemId) -> Option<&Item> {
        self.items.get(item)
    }

    pub fn items(&self) -> impl Iterator<Item = (ItemId, &Item)> {
        self.items.iter()
    }

    pub fn open_items(&self) -> impl Iterator<Item = (ItemId, &Item)> {
        self.open_items.iter().map(|id| (*id, &self.items[*id]))
    }

    pub fn gate_run(&self, run: GateRunId) -> Option<&GateRun> {
        self.gate_runs.get(run)
    }

    pub fn gate_runs(&self) -> impl Iterator<Item = (GateRunId, &GateRun)> {
        self.gate_runs.iter()
    }

    pub fn phase(&self, phase: PhaseId) -> PhaseState {
        self.phases[phase]
    }

    /// Nodes that have not ended.
    pub fn unfinished(&self) -> u32 {
        self.unfinished
    }

    pub fn failed(&self) -> u32 {
        self.failed
    }

    /// Tasks at work that the host has a process for.
    pub fn machine_at_work(&self) -> u32 {
        self.machine_at_work
    }

    /// Tasks that `agent` is at work on.
    pub fn load(&self, agent: AgentId) -> u32 {
        self.agents[agent]
    }

    /// The priority that a rule gave to a task.
    pub fn priority(&self, node: NodeId) -> Option<u8> {
        self.priorities.get(&node).copied()
    }

    /// How much of `resource` is taken.
    pub fn taken(&self, resource: ResourceId) -> u32 {
        self.resources[resource]
    }

    /// The earliest timer; the host wakes the machine with a `Tick` then.
    pub fn next_due(&self) -> Option<i64> {
        let runs = self.status.is_live() && self.status != RunStatus::Cancelling;
        let background = self.background.first().map(|(due, _)| *due);
        let background = background.filter(|_| runs);
        self.next_due_of_work().into_iter().chain(background).min()
    }

    /// When a run in which nothing is left to do may end, if it has to wait for that.
    fn stays_until(&self) -> Option<i64> {
        self.options
            .stay_until_ms
            .filter(|_| self.is_over() && self.is_drained())
    }

    /// True when everything has ended, or nothing can move any more.
    pub(crate) fn is_over(&self) -> bool {
        self.has_ended() || self.is_stuck()
    }

    /// True when nothing is left to do.
    pub(crate) fn has_ended(&self) -> bool {
        self.unfinished == 0 && self.open_situations.is_empty() && self.undoing.left.is_empty()
    }

    /// True when the host has nothing under way.
    pub(crate) fn is_drained(&self) -> bool {
        self.machine_at_work == 0
            && self.checks_at_work.is_empty()
            && !self.undoing.at_work
            // what is not due is at work
            && self.duties.len() == self.duties_due.len()
            && self.measuring.is_empty()
            && self.landings.is_empty()
    }

    /// The earliest timer of something that does not merely come again.
    pub fn next_due_of_work(&self) -> Option<i64> {
        let runs = self.status.is_live() && self.status != RunStatus::Cancelling;
        let node = self.timers.first().map(|(due, _, _)| *due);
        let rule = self.rule_timers.first().map(|(due, _)| *due);
        let stays = self.stays_until();
        node.into_iter()
            .chain(rule)
            .chain(stays)
            .chain(self.next_hope())
            .min()
            .filter(|_| runs)
    }

    pub fn waiting(&self) -> Waiting {
        match self.status {
            RunStatus::NotStarted => Waiting::NotStarted,
            RunStatus::Paused => Waiting::Paused,
            RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled => Waiting::Ended,
            RunStatus::Running
            | RunStatus::Draining
            | RunStatus::Halting
            | RunStatus::Cancelling => self.live_waiting(),
        }
    }

    fn live_waiting(&self) -> Waiting {
        if !self.is_drained() {
            Waiting::Running
        } else if !self.open_items.is_empty() || self.waits_in_mode() {
            Waiting::ForPeople
        } else {
            Waiting::ForTime
        }
    }

    /// Nothing but the end of a mode lets it go on.
    fn waits_in_mode(&self) -> bool {
        self.mode.is_some() && self.timers.is_empty() && self.rule_timers.is_empty()
    }

    pub fn situation(&self, id: SituationId) -> Option<&Situation> {
        self.situations.get(id)
    }

    pub fn situations(&self) -> impl Iterator<Item = (SituationId, &Situation)> {
        self.situations.iter()
    }

    pub fn open_situations(&self) -> impl Iterator<Item = (SituationId, &Situation)> {
        self.open_situations
            .iter()
            .map(|id| (*id, &self.situations[*id]))
    }

    /// The last value of a metric that somebody or something measured.
    pub fn metric(&self, metric: MetricId) -> Option<&Value> {
        self.metrics.get(&metric)
    }

    /// True when somebody or something said that there is nothing left of it.
    pub fn is_exhausted(&self, resource: ResourceId) -> bool {
        self.exhausted.contains(&resource)
    }

    pub fn exhausted(&self) -> impl Iterator<Item = ResourceId> + '_ {
        self.exhausted.iter().copied()
    }

    /// Domains whose work somebody ended.
    pub fn halted_domains(&self) -> impl Iterator<Item = DomainId> + '_ {
        self.halted_domains.iter().copied()
    }

    /// How often, and when last, each workflow beside the entry was started.
    pub fn workflows(&self) -> impl Iterator<Item = (WorkflowId, &WorkflowState)> {
        self.workflows.iter().filter(|(_, of)| of.starts > 0)
    }

    pub(crate) fn has(&self, node: NodeId) -> bool {
        node.index() < self.nodes.len()
    }

    /// Brings everything that follows from a node's own facts up to date.
    pub(crate) fn refresh(&mut self, plan: &Plan, node: NodeId) {
        if self.tally.is_some() {
            self.touched.push(node);
        }
        self.refresh_holdings(plan, node);
        self.refresh_queue(plan, node);
        self.refresh_timers(plan, node);
        self.refresh_call(plan, node);
        self.refresh_undo(plan, node);
        self.refresh_agenda(plan, node);
        self.refresh_blocked(plan, node);
    }

    pub(crate) fn refresh_agenda(&mut self, plan: &Plan, node: NodeId) {
        let wanted = self.decision(plan, node).is_some();
        if wanted == self.nodes[node].in_agenda {
            return;
        }
        self.nodes[node].in_agenda = wanted;
        if wanted {
            self.agenda.insert(node);
        } else {
            self.agenda.remove(&node);
        }
    }

    /// After a change of the run's own state.
    pub(crate) fn refresh_all(&mut self, plan: &Plan) {
        for node in plan.nodes.ids() {
            self.refresh(plan, node);
        }
    }

    /// Counts an end, and tells everybody who waits for it.
    pub(crate) fn after_status(&mut self, plan: &Plan, node: NodeId, from: Status) {
        let to = self.nodes[node].status;
        self.note_held(plan, node);
        if from.is_ended() != to.is_ended() || (from.is_ended() && from != to) {
            self.unfinished += u32::from(from.is_ended());
            self.unfinished -= u32::from(to.is_ended());
            self.failed -= u32::from(from == Status::Failed);
            self.failed += u32::from(to == Status::Failed);
            self.nodes[node].ended_ms = to.is_ended().then_some(self.now_ms);
            if from.is_ended() != to.is_ended() {
                self.count_in_workflow(plan, node, to.is_ended());
            }
            self.mark_phases(node);
            if to.is_ended() {
                self.withdraw_situations(plan, node);
            }
            self.tell_dependents(plan, node);
        }
        if to == Status::Completed && plan.task(node).is_some() {
            self.ramp = None;
        }
        if to != Status::Review {
            self.landings.remove(&node);
            self.nodes[node].not_landed = None;
        }
        self.notice_status(plan, node, from);
        self.assigned_waiting -= u32::from(from == Status::Assigned);
        self.assigned_waiting += u32::from(to == Status::Assigned);
        self.refresh(plan, node);
    }

    fn mark_phases(&mut self, node: NodeId) {
        if !self.nodes[node].status.ended_well() {
            return;
        }
        let index = Arc::clone(&self.index);
        for phase in index.opens.get(&node).into_iter().flatten() {
            if self.phases[*phase] == PhaseState::NotOpen {
                self.phases_due.insert((PhaseStep::Open, *phase));
            }
        }
        for phase in index.closes.get(&node).into_iter().flatten() {
            if self.phases[*phase] != PhaseState::Closed {
                self.phases_due.insert((PhaseStep::Close, *phase));
            }
        }
    }
}

/// The work of other workflows is over before it begins.
pub(crate) fn new_node(node: &coord_plan::plan::Node, active: bool) -> NodeState {
    NodeState {
        status: if active {
            Status::Created
        } else {
            Status::Skipped
        },
        unmet: node.needs.len() as u32,
        unmet_unlimited: node
            .needs
            .iter()
            .filter(|need| need.within.is_none())
            .count() as u32,
        wants_open: node.wants.len() as u32,
        ..NodeState::default()
    }
}
