//! Events as other programs read them: names where the journal keeps numbers.
//!
//! A number that people use themselves (an item, a situation, an attempt) stays; what the plan
//! numbers gets its name.

use coord_engine::{Of, SituationId, State};
use coord_lang::ids::{
    AgentId, BudgetId, ChannelId, ConflictId, DomainId, EscalationId, GateId, HandoffId,
    IncidentId, MetricId, ModeId, NodeId, RecurringId, ResourceId, WorkflowId,
};
use coord_plan::plan::Plan;
use serde_json::{Map, Value};

type Object = Map<String, Value>;

/// One object with `seq`, `at`, `run`, `kind` and the rest. `state` may be a later one.
pub fn event(plan: &Plan, state: &State, run: &str, seq: i64, at_ms: i64, body: &str) -> Value {
    let mut object = match serde_json::from_str(body) {
        Ok(Value::Object(object)) => object,
        _ => Object::new(),
    };
    // a gate's use has a number of its own; `run` is the run's name everywhere
    if let Some(number) = object.remove("run").filter(Value::is_number) {
        object.insert("gate_run".into(), number);
    }
    Names { plan, state }.tell(&mut object);
    let mut out = Object::new();
    out.insert("seq".into(), seq.into());
    out.insert("at".into(), crate::clock::rfc3339(at_ms).into());
    out.insert("run".into(), run.into());
    if let Some(kind) = object.remove("kind") {
        out.insert("kind".into(), kind);
    }
    out.extend(object);
    Value::Object(out)
}

struct Names<'a> {
    plan: &'a Plan,
    state: &'a State,
}

impl Names<'_> {
    /// What the plan calls number `id` of a kind.
    fn name(&self, kind: &str, id: u32) -> Option<&str> {
        let rules = &self.plan.rules;
        let plan = self.plan;
        Some(match kind {
            "task" | "giver" | "behind" => &plan.nodes.get(NodeId(id))?.name,
            "agent" | "to" => &plan.agents.get(AgentId(id))?.name,
            "gate" => &plan.gates.get(GateId(id))?.name,
            "resource" => &plan.resources.get(ResourceId(id))?.name,
            "workflow" => &plan.workflows.get(WorkflowId(id))?.name,
            "via" => &rules.channels.get(ChannelId(id))?.name,
            "mode" => &rules.modes.get(ModeId(id))?.name,
            "domain" => &rules.domains.get(DomainId(id))?.name,
            "metric" => &rules.metrics.get(MetricId(id))?.name,
            "sync" => &rules.recurring.get(RecurringId(id))?.name,
            "escalation" => &rules.escalations.get(EscalationId(id))?.name,
            "conflict" => &rules.conflicts.get(ConflictId(id))?.kind,
            "incident" => &rules.incidents.get(IncidentId(id))?.name,
            "handoff" => &rules.handoffs.get(HandoffId(id))?.name,
            _ => return None,
        })
    }

    fn named(&self, kind: &str, value: &mut Value) {
        let name = number(value).and_then(|id| self.name(kind, id));
        if let Some(name) = name {
            *value = name.into();
        }
    }

    /// Budgets have no name: what they are of says it.
    fn tell_budget(&self, inside: &mut Object) {
        let id = inside.get("budget").and_then(number);
        let budget = id.and_then(|id| self.plan.rules.budgets.get(BudgetId(id)));
        if let Some(budget) = budget {
            inside.insert("budget".into(), budget.title(self.plan).into());
        }
    }

    fn all_named(&self, kind: &str, values: &mut Value) {
        if let Value::Array(values) = values {
            values.iter_mut().for_each(|value| self.named(kind, value));
        }
    }

    fn tell(&self, object: &mut Object) {
        self.tell_work(object);
        self.tell_situation(object);
        const NAMED: [&str; 10] = [
            "behind", "agent", "to", "via", "workflow", "mode", "domain", "resource", "metric",
            "sync",
        ];
        for kind in NAMED {
            if let Some(value) = object.get_mut(kind) {
                self.named(kind, value);
            }
        }
        self.tell_budget(object);
        for key in ["agents", "of"] {
            if let Some(values) = object.get_mut(key) {
                self.all_named("agent", values);
            }
        }
        for key in ["about", "pending", "on", "of", "ask"] {
            if let Some(Value::Object(inside)) = object.get_mut(key) {
                self.tell_inside(key, inside);
            }
        }
        tell_pairs(object);
        tell_value(object);
    }

    fn tell_work(&self, object: &mut Object) {
        rename(object, "node", "task");
        rename(object, "nodes", "tasks");
        for key in ["task", "on"] {
            if let Some(value) = object.get_mut(key) {
                self.named("task", value);
            }
        }
        if let Some(values) = object.get_mut("tasks") {
            self.all_named("task", values);
        }
    }

    /// The rule that a situation follows, and its rung.
    fn tell_situation(&self, object: &mut Object) {
        let own = object.get("situation");
        let asked = || object.get("ask")?.get("situation")?.get("situation");
        let Some(id) = own.or_else(asked).and_then(number) else {
            return;
        };
        let Some(of) = self.state.situation(SituationId(id)).map(|s| s.of) else {
            return;
        };
        object.insert("rule".into(), self.state.title(self.plan, of).into());
        let level = object.get("level").and_then(number);
        if let Some(rung) = level.and_then(|level| self.rung(of, level)) {
            object.insert("rung".into(), rung.into());
        }
    }

    fn rung(&self, of: Of, level: u32) -> Option<&str> {
        let rules = &self.plan.rules;
        let levels = match of {
            Of::Escalation(id) => &rules.escalations.get(id)?.levels,
            Of::Conflict(id) => &rules.conflicts.get(id)?.levels,
            Of::Incident(_) | Of::Handoff(_) => return None,
        };
        Some(&levels.get(level as usize)?.name)
    }

    fn tell_inside(&self, key: &str, inside: &mut Object) {
        match key {
            "about" => self.tell_about(inside),
            "pending" => self.tell_pending(inside),
            "on" => self.tell_occasion(inside),
            "ask" => self.tell_ask(inside),
            _ => self.tell_each(inside),
        }
    }

    fn tell_each(&self, inside: &mut Object) {
        for (kind, value) in inside.iter_mut() {
            self.named(kind, value);
        }
    }

    fn tell_about(&self, about: &mut Object) {
        if let Some(Value::Object(pending)) = about.get_mut("pending") {
            self.tell_pending(pending);
        }
        if let Some(agents) = about.get_mut("agents") {
            self.all_named("agent", agents);
        }
        rename(about, "node", "task");
        self.tell_each(about);
    }

    /// `{"need": {"node": 3, "need": 0}}`; of a sync the node, of a gate its use.
    fn tell_pending(&self, pending: &mut Object) {
        if let Some(Value::Object(need)) = pending.get_mut("need") {
            rename(need, "node", "task");
            self.tell_each(need);
        }
        if let Some(node) = pending.get_mut("sync") {
            self.named("task", node);
        }
        self.tell_budget(pending);
        rename(pending, "gate", "gate_run");
    }

    fn tell_occasion(&self, on: &mut Object) {
        rename(on, "node", "task");
        rename(on, "gate", "gate_run");
        self.tell_each(on);
    }

    fn tell_ask(&self, ask: &mut Object) {
        if let Some(Value::Object(report)) = ask.get_mut("report") {
            self.tell_each(report);
        }
        if let Some(Value::Object(budget)) = ask.get_mut("budget") {
            self.tell_budget(budget);
        }
    }
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|n| u32::try_from(n).ok())
}

fn rename(object: &mut Object, from: &str, to: &str) {
    if let Some(value) = object.remove(from) {
        object.insert(to.into(), value);
    }
}

/// `[["service", "api"]]` as an object.
fn tell_pairs(object: &mut Object) {
    let Some(Value::Array(pairs)) = object.get("arguments") else {
        return;
    };
    let pair = |pair: &Value| Some((pair.get(0)?.as_str()?.to_string(), pair.get(1)?.clone()));
    let named: Object = pairs.iter().filter_map(pair).collect();
    object.insert("arguments".into(), Value::Object(named));
}

/// A measured value as it is written in a project.
fn tell_value(object: &mut Object) {
    let value = object.get("value").cloned();
    if let Some(Ok(value)) = value.map(serde_json::from_value::<coord_lang::expr::Value>) {
        object.insert("value".into(), value.to_string().into());
    }
}
