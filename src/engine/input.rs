//! Everything that can wake the machine.

use std::collections::BTreeMap;

use coord_lang::expr::Value;
use coord_lang::ids::{AgentId, DomainId, MetricId, ModeId, NodeId, ResourceId, WorkflowId};

use crate::duty::DutyId;
use crate::event::{LogFacts, Process};
use crate::gate_run::CheckId;
use crate::item::{ItemId, Verdict};
use crate::landing::Landing;
use crate::options::Options;
use crate::outcome::Outcome;
use crate::situation::{About, Of};
use crate::subject::Subject;

#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Start {
        run: String,
        options: Options,
    },
    /// A host takes up a run that was paused, or that another process of it left behind. By
    /// then every process of the run is dead.
    Resume {
        /// Attempts (with their numbers) that are known never to have been spawned.
        never_spawned: Vec<(NodeId, u32)>,
        /// Replaces the options of the start.
        options: Option<Options>,
    },
    AttemptSpawned {
        node: NodeId,
        attempt: u32,
        process: Process,
    },
    AttemptEnded {
        node: NodeId,
        attempt: u32,
        outcome: Outcome,
        outputs: BTreeMap<String, String>,
        log: Option<LogFacts>,
    },
    /// What came of landing what an attempt did apart.
    LandingEnded {
        node: NodeId,
        attempt: u32,
        landing: Landing,
    },
    CheckEnded {
        check: CheckId,
        passed: bool,
        evidence: String,
    },
    Answer {
        item: ItemId,
        /// The name of the person; None: whoever sits at the terminal.
        by: Option<String>,
        verdict: Verdict,
        /// Who is to take over, of a reassignment; None: whoever can.
        to: Option<AgentId>,
        note: String,
        outputs: BTreeMap<String, String>,
    },
    /// Try a failed task or sync again.
    Retry {
        node: NodeId,
        by: Option<String>,
    },
    /// Go on without a node that has not begun, has failed, or is in doubt.
    Skip {
        node: NodeId,
        by: Option<String>,
        reason: String,
    },
    /// End everything.
    Cancel {
        by: Option<String>,
        reason: String,
    },
    /// Start nothing more; pause when running work has ended.
    Stop {
        by: Option<String>,
    },
    /// Give a task to somebody else: to this agent, or to whoever can.
    Reassign {
        node: NodeId,
        to: Option<AgentId>,
        by: Option<String>,
    },
    /// Somebody, or the host, finds a conflict, declares an incident or opens a ladder.
    Raise {
        of: Of,
        about: About,
        by: Option<String>,
        note: String,
    },
    /// The program of a rule's action ended.
    ActionEnded {
        duty: DutyId,
        ok: bool,
        evidence: String,
    },
    UndoEnded {
        node: NodeId,
        ok: bool,
        evidence: String,
    },
    /// An agent does not answer, or its check says that it is ill.
    AgentFailed {
        agent: AgentId,
        why: String,
    },
    /// How the health check of an agent went.
    HealthChecked {
        agent: AgentId,
        well: bool,
        evidence: String,
    },
    AgentBack {
        agent: AgentId,
    },
    EnterMode {
        mode: ModeId,
        by: Option<String>,
        because: String,
    },
    LeaveMode {
        mode: ModeId,
        by: Option<String>,
    },
    /// Who may halt a domain does: its work ends.
    HaltDomain {
        domain: DomainId,
        by: Option<String>,
        reason: String,
    },
    StartWorkflow {
        workflow: WorkflowId,
        arguments: Vec<(String, String)>,
    },
    Measured {
        metric: MetricId,
        value: Value,
        by: Option<String>,
    },
    /// The program of a metric gave no number.
    NotMeasured {
        metric: MetricId,
        why: String,
    },
    /// What the host has to say for the record: a notice that could not be delivered.
    Note {
        text: String,
    },
    ResourceExhausted {
        resource: ResourceId,
    },
    ResourceBack {
        resource: ResourceId,
    },
    /// A decision is written down.
    Decide {
        domain: Option<DomainId>,
        by: Option<String>,
        title: String,
        text: String,
    },
    /// What the work of a node consists of now, for whoever lets it through. About a task that is
    /// about to be spawned: before that, not after.
    Looked {
        node: NodeId,
        subject: Subject,
    },
    /// Time passed.
    Tick,
}
