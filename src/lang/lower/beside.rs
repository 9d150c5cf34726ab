//! First pass over what stands beside the work: rules, and what people see.

use super::declare::{Declared, Home};
use super::{Field, Kind, Lower};
use crate::ids::Id;
use crate::model::{
    Calendar, Channel, Conflict, Dashboard, Diagram, Domain, Escalation, Handoff, Incident, Metric,
    Mode, Page, Recurring, Secret, SecretSource, Tier, Workflow,
};
use crate::schema::Place;
use crate::source::{Span, Spanned};
use crate::syntax::tree::Statement;

/// Gives a declaration its row in the table of its kind.
macro_rules! declare {
    ($lower:ident, $into:ident, $field:ident, $kind:ident, $table:ident, $type:ident) => {{
        let Some(name) = $lower.new_name($field) else {
            return;
        };
        let doc = $lower.doc($field.statement);
        let id = $lower.model.$table.push($type {
            name: name.clone(),
            doc,
            ..$type::default()
        });
        $lower.name_kind(Kind::$kind, &name, id.index() as u32);
        $into
            .others
            .push((Kind::$kind, id.index() as u32, $field.statement));
    }};
}

impl<'s> Lower<'_, 's> {
    /// Declarations that are neither work nor somebody who acts.
    pub(super) fn declare_rule<'a>(&mut self, field: &Field<'a, 's>, into: &mut Declared<'a, 's>) {
        let statement = field.statement;
        match field.row.word {
            "use" => into.uses.push(statement),
            "on" => into.reactions.push(statement),
            "expect" => into.expects.push(statement),
            "test" => into.scenarios.push(statement),
            "workflow" => self.declare_workflow(field, into),
            "secret" => self.declare_secret(field, into),
            "calendar" => declare!(self, into, field, Calendar, calendars, Calendar),
            "tier" => declare!(self, into, field, Tier, tiers, Tier),
            "escalation" => {
                declare!(self, into, field, Escalation, escalations, Escalation);
                self.declare_levels(statement);
            }
            "domain" => declare!(self, into, field, Domain, domains, Domain),
            "handoff" => declare!(self, into, field, Handoff, handoffs, Handoff),
            "incident" => declare!(self, into, field, Incident, incidents, Incident),
            "mode" => declare!(self, into, field, Mode, modes, Mode),
            "channel" => declare!(self, into, field, Channel, channels, Channel),
            "template" => declare!(self, into, field, Template, templates, Page),
            "metric" => declare!(self, into, field, Metric, metrics, Metric),
            "dashboard" => declare!(self, into, field, Dashboard, dashboards, Dashboard),
            "diagram" => declare!(self, into, field, Diagram, diagrams, Diagram),
            "conflict" => self.declare_conflict(field, into),
            _ => {}
        }
    }

    /// Other statements name the levels of a ladder that is not read yet.
    fn declare_levels(&mut self, statement: &Statement<'s>) {
        let Some(ladder) = self.model.escalations.ids().next_back() else {
            return;
        };
        let inner = statement.block.iter().flat_map(|b| b.statements());
        let levels = inner
            .filter(|s| s.word == "level")
            .filter_map(|s| s.args.first())
            .filter_map(|a| Some(Spanned::new(a.word()?, a.span)))
            .collect();
        self.names.levels.insert(ladder, levels);
    }

    fn declare_conflict<'a>(&mut self, field: &Field<'a, 's>, into: &mut Declared<'a, 's>) {
        let Some(kind) = self.new_name(field) else {
            return;
        };
        let id = self.model.conflicts.push(Conflict {
            kind: kind.clone(),
            doc: self.doc(field.statement),
            ..Conflict::default()
        });
        self.name_kind(Kind::Conflict, &kind, id.0);
        into.others.push((Kind::Conflict, id.0, field.statement));
    }

    fn declare_secret<'a>(&mut self, field: &Field<'a, 's>, into: &mut Declared<'a, 's>) {
        let Some(name) = self.new_name(field) else {
            return;
        };
        let variable = name.value.to_uppercase().replace('-', "_");
        let id = self.model.secrets.push(Secret {
            name: name.clone(),
            title: None,
            doc: self.doc(field.statement),
            from: SecretSource::Env(variable),
        });
        self.name_kind(Kind::Secret, &name, id.0);
        into.others.push((Kind::Secret, id.0, field.statement));
    }

    fn declare_workflow<'a>(&mut self, field: &Field<'a, 's>, into: &mut Declared<'a, 's>) {
        let Some(name) = self.new_name(field) else {
            return;
        };
        let id = self.model.workflows.push(Workflow {
            name: name.clone(),
            doc: self.doc(field.statement),
            ..Workflow::default()
        });
        self.name_kind(Kind::Workflow, &name, id.0);
        into.workflows.push((id, field.statement));
        self.workflow_params(id, field.statement);
        let inner = self.fields(Place::Workflow, field.statement);
        let home = Home {
            phase: None,
            workflow: Some(id),
        };
        let body = self.declare_all(inner, home, into);
        self.model.workflows[id].body = body;
    }

    pub(super) fn declare_recurring<'a>(
        &mut self,
        name: &Spanned<String>,
        statement: &'a Statement<'s>,
        into: &mut Declared<'a, 's>,
    ) {
        let id = self.model.recurring.push(Recurring {
            name: name.clone(),
            doc: self.doc(statement),
            ..Recurring::default()
        });
        self.name_kind(Kind::Recurring, name, id.0);
        into.recurring.push((id, statement));
    }

    /// E0202 when the kind has this name already.
    fn name_kind(&mut self, kind: Kind, name: &Spanned<String>, index: u32) {
        let key = self.sources.text(name.span);
        let first: Option<(u32, Span)> = self.names.named.get(&(kind, key)).copied();
        match first {
            Some((_, first)) => self.twice(name, first),
            None => {
                self.names.named.insert((kind, key), (index, name.span));
            }
        }
    }
}
