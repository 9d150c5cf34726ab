//! One defect: what, where, and the way there.

use coord_lang::ids::{ConflictId, EscalationId, GateId, NodeId, WorkflowId};
use coord_lang::model::Model;
use coord_lang::source::{Sources, Span};
use coord_plan::plan::{NodeKind, Plan};

/// What of the plan it is about.
#[derive(Clone, Debug)]
pub(super) enum At {
    Node(NodeId),
    Gate(GateId),
    Ladder(EscalationId),
    Conflict(ConflictId),
    Level(Box<At>, usize),
    Workflow(WorkflowId),
    Project,
}

impl At {
    pub(super) fn level(&self, level: usize) -> At {
        At::Level(Box::new(self.clone()), level)
    }

    fn span(&self, model: &Model, plan: &Plan) -> Option<Span> {
        match self {
            At::Node(node) => node_span(model, plan, *node),
            At::Gate(gate) => model.gates.get(*gate).map(|of| of.name.span),
            At::Ladder(ladder) => model.escalations.get(*ladder).map(|of| of.name.span),
            At::Conflict(conflict) => model.conflicts.get(*conflict).map(|of| of.kind.span),
            At::Workflow(workflow) => model.workflows.get(*workflow).map(|of| of.name.span),
            At::Level(of, level) => {
                let levels = match &**of {
                    At::Ladder(ladder) => &model.escalations.get(*ladder)?.levels,
                    At::Conflict(conflict) => &model.conflicts.get(*conflict)?.levels,
                    _ => return of.span(model, plan),
                };
                levels.get(*level).map(|level| level.name.span)
            }
            At::Project => model.project.name.as_ref().map(|name| name.span),
        }
    }
}

fn node_span(model: &Model, plan: &Plan, node: NodeId) -> Option<Span> {
    let name = &plan.nodes[node].name;
    let spans: Vec<(&String, Span)> = match &plan.nodes[node].kind {
        NodeKind::Task(_) => (model.tasks.values())
            .map(|of| (&of.name.value, of.name.span))
            .collect(),
        NodeKind::Sync(_) => (model.syncs.values())
            .map(|of| (&of.name.value, of.name.span))
            .collect(),
        NodeKind::Milestone(_) => (model.milestones.values())
            .map(|of| (&of.name.value, of.name.span))
            .collect(),
        NodeKind::Join => Vec::new(),
    };
    let found = spans.into_iter().find(|(other, _)| *other == name);
    found.map(|(_, span)| span)
}

#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// The kind of defect.
    pub(super) what: &'static str,
    pub(super) message: String,
    at: At,
    /// What happens until it shows, a sentence each.
    pub(super) trace: Vec<String>,
}

impl Finding {
    pub(super) fn new(what: &'static str, message: String, at: At) -> Finding {
        Finding {
            what,
            message,
            at,
            trace: Vec::new(),
        }
    }

    #[must_use]
    pub(super) fn after(mut self, trace: Vec<String>) -> Finding {
        self.trace = trace;
        self
    }

    /// The file and the line, from 1.
    pub(super) fn place(
        &self,
        sources: &Sources,
        model: &Model,
        plan: &Plan,
    ) -> Option<(String, usize)> {
        let span = self.at.span(model, plan)?;
        let file = sources.file(span.file);
        Some((file.name().to_string(), file.line_index(span.start) + 1))
    }
}
