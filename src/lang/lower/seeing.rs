//! Metrics, dashboards, drawings, promises, and sync points that come again.

use super::args::{self, Args};
use super::declare::Declared;
use super::{Field, Kind, Lower};
use crate::diagnostic::Diagnostic;
use crate::expr::{Comparison, Value};
use crate::ids::{AgentId, DashboardId, DiagramId, Id, MetricId, RecurringId};
use crate::model::{
    Builtin, Claim, Edge, Expect, Goal, Measure, Measured, MetricSource, Party, Requirement,
    Widget, WidgetKind, WorkRef,
};
use crate::schema::{self, Place, closest, one_of};
use crate::source::{Span, Spanned};
use crate::syntax::tree::{Arg, ArgKind, Statement};

impl<'s> Lower<'_, 's> {
    /// Everything here that has a name.
    pub(super) fn seeing(&mut self, declared: &Declared<'_, 's>) {
        for (kind, index, statement) in &declared.others {
            let (place, word) = match kind {
                Kind::Metric => (Place::Metric, "metric"),
                Kind::Dashboard => (Place::Dashboard, "dashboard"),
                Kind::Diagram => (Place::Diagram, "diagram"),
                _ => continue,
            };
            let title = self.title(word, statement);
            let fields = self.fields(place, statement);
            let index = *index as usize;
            match kind {
                Kind::Metric => {
                    let id = MetricId::from_index(index);
                    self.model.metrics[id].title = title;
                    fields.iter().for_each(|f| self.metric_field(id, f));
                    self.goal_fits(id);
                }
                Kind::Dashboard => {
                    let id = DashboardId::from_index(index);
                    self.model.dashboards[id].title = title;
                    fields.iter().for_each(|f| self.dashboard_field(id, f));
                }
                _ => {
                    let id = DiagramId::from_index(index);
                    self.model.diagrams[id].title = title;
                    self.model.diagrams[id].from_dependency = true;
                    fields.iter().for_each(|f| self.diagram_field(id, f));
                }
            }
        }
    }

    /// The title behind the name of a declaration.
    pub(super) fn title(&mut self, word: &str, statement: &Statement<'s>) -> Option<String> {
        let row = schema::find(Place::File, word)?;
        let mut args = Args::new(statement, row);
        args.next();
        let title = args.maybe_text(self).map(|t| t.value);
        args.end(self);
        title
    }

    // ---- metrics ---------------------------------------------------------------------------

    fn metric_field(&mut self, id: MetricId, field: &Field<'_, 's>) {
        let mut args = field.args();
        match field.row.word {
            "target" => self.model.metrics[id].target = self.goal(&mut args),
            "from" => {
                let span = field.statement.head_span();
                let source = self.metric_source(&mut args);
                self.model.metrics[id].from = source.map(|s| Spanned::new(s, span));
            }
            "unit" => {
                let unit = args.text_or_word(self, "a unit in quotes");
                self.model.metrics[id].unit = unit.map(|t| t.value);
            }
            _ => {}
        }
        args.end(self);
    }

    /// `>= 90%` or `40..50`.
    fn goal(&mut self, args: &mut Args<'_, 's>) -> Option<Goal> {
        if let Some(op) = args.comparison() {
            let value = self.goal_value(args)?;
            return Some(Goal::Compared { op, value });
        }
        let low = self.goal_value(args)?;
        if !args.eat_op("..") {
            let at = low.span;
            let right = format!(">= {}", self.sources.text(at));
            self.report(
                Diagnostic::new("E0105", at, "`target` expects a comparison or a range")
                    .label("at least this, or at most?")
                    .fix(at, right.clone(), format!("write `target {right}`")),
            );
            return None;
        }
        let high = self.goal_value(args)?;
        if low.value.ty() != high.value.ty() {
            let span = low.span.to(high.span);
            self.report(
                Diagnostic::new("E0512", span, "the ends of this range have different units")
                    .label(format!(
                        "{} and {}",
                        low.value.ty().name(),
                        high.value.ty().name()
                    ))
                    .help("write both in one unit"),
            );
            return None;
        }
        Some(Goal::Between { low, high })
    }

    fn goal_value(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<Value>> {
        match args.peek() {
            Some(arg)
                if matches!(
                    arg.kind,
                    ArgKind::Number(_) | ArgKind::Percent(_) | ArgKind::Word("true" | "false")
                ) =>
            {
                args.next();
                self.literal(arg).map(|v| Spanned::new(v, arg.span))
            }
            _ => {
                args.expected(self, "a number, a percent or a duration");
                None
            }
        }
    }

    fn metric_source(&mut self, args: &mut Args<'_, 's>) -> Option<MetricSource> {
        if args.eat("run").is_some() {
            return self.program(args).map(MetricSource::Run);
        }
        if args.eat("by").is_some() {
            let agents = self.agents_of(args, "who says it")?;
            return Some(MetricSource::Person(Party {
                agents,
                span: args.statement.head_span(),
                ..Party::default()
            }));
        }
        args.choice(self, "a metric that coord computes", &Builtin::ALL)
            .map(|b| MetricSource::Builtin(b.value))
    }

    /// E0506 and W0513: a target that its source cannot be held against, or cannot meet.
    fn goal_fits(&mut self, id: MetricId) {
        let metric = &self.model.metrics[id];
        let (Some(goal), Some(from)) = (&metric.target, &metric.from) else {
            return;
        };
        let MetricSource::Builtin(builtin) = &from.value else {
            return;
        };
        let value = match goal {
            Goal::Compared { value, .. } => value,
            Goal::Between { low, .. } => low,
        };
        let fits = match builtin.measure() {
            Measure::Percent => matches!(value.value, Value::Percent(_)),
            Measure::Duration => matches!(value.value, Value::Duration(_)),
            Measure::Number => matches!(value.value, Value::Int(_) | Value::Decimal(_)),
        };
        if !fits {
            let is = match builtin.measure() {
                Measure::Percent => "a percent",
                Measure::Duration => "a duration",
                Measure::Number => "a number",
            };
            let d = Diagnostic::new(
                "E0506",
                value.span,
                format!(
                    "{} cannot be compared with `{}`, which is {is}",
                    value.value.ty().name(),
                    builtin.name()
                ),
            )
            .label(format!("this is {}", value.value.ty().name()))
            .related(from.span, format!("this is {is}"))
            .help(format!("write the target as {is}"));
            self.report(d);
            return;
        }
        if let Goal::Compared { op, value } = goal
            && let Value::Percent(milli) = value.value
            && !reachable(*op, milli)
        {
            let d = Diagnostic::new("W0513", value.span, "this target cannot be met")
                .label("a share is between 0% and 100%")
                .help("write a target that can be reached");
            self.report(d);
        }
    }

    // ---- dashboards ------------------------------------------------------------------------

    fn dashboard_field(&mut self, id: DashboardId, field: &Field<'_, 's>) {
        let mut args = field.args();
        match field.row.word {
            "refresh" => self.model.dashboards[id].refresh_ms = args.duration(self, "a duration"),
            "widget" => {
                if let Some(kind) = args.choice(self, "a widget", &WidgetKind::ALL) {
                    let metrics = match args.peek().map(|a| &a.kind) {
                        Some(ArgKind::List(_)) => args
                            .all_named(self, Kind::Metric, "metrics")
                            .into_iter()
                            .map(|m| m.value)
                            .collect(),
                        _ => Vec::new(),
                    };
                    let title = args.maybe_text(self).map(|t| t.value);
                    self.model.dashboards[id].widgets.push(Widget {
                        kind,
                        title,
                        metrics,
                    });
                }
            }
            _ => {}
        }
        args.end(self);
    }

    // ---- drawings --------------------------------------------------------------------------

    fn diagram_field(&mut self, id: DiagramId, field: &Field<'_, 's>) {
        let mut args = field.args();
        match field.row.word {
            "arrows" => {
                let ends = [("dependency", true), ("dependent", false)];
                let Some(from) = args.choice(self, "an end of an arrow", &ends) else {
                    return;
                };
                if !args.eat_op("->") {
                    args.expected(self, "`->`");
                    return;
                }
                let Some(to) = args.choice(self, "an end of an arrow", &ends) else {
                    return;
                };
                if from.value == to.value {
                    self.report(
                        Diagnostic::new(
                            "E0105",
                            from.span.to(to.span),
                            "an arrow leads from one end to the other",
                        )
                        .label("both ends are the same")
                        .help("write `arrows dependency -> dependent`, or the other way round"),
                    );
                    return;
                }
                self.model.diagrams[id].from_dependency = from.value;
            }
            "edge" => {
                let span = field.statement.head_span();
                let from = self.edge_ends(&mut args);
                if !args.eat_op("->") {
                    args.expected(self, "`->`");
                    return;
                }
                let to = self.edge_ends(&mut args);
                for a in &from {
                    for b in &to {
                        self.model.diagrams[id].edges.push(Edge {
                            from: *a,
                            to: *b,
                            span,
                        });
                    }
                }
            }
            _ => {}
        }
        args.end(self);
    }

    /// One agent, a list of them, or `all` (None).
    fn edge_ends(&mut self, args: &mut Args<'_, 's>) -> Vec<Option<AgentId>> {
        if !matches!(
            args.peek().map(|a| &a.kind),
            Some(ArgKind::Word(_) | ArgKind::List(_))
        ) {
            args.expected(self, "an agent, a list of agents, or `all`");
            return Vec::new();
        }
        let mut ends = Vec::new();
        for element in args.each() {
            match element {
                [
                    Arg {
                        kind: ArgKind::Word("all"),
                        ..
                    },
                ] => ends.push(None),
                [
                    Arg {
                        kind: ArgKind::Word(name),
                        span,
                    },
                ] => ends.extend(self.agent_named(name, *span).map(Some)),
                other => self.not_a_name(other, "edge"),
            }
        }
        ends
    }

    // ---- promises --------------------------------------------------------------------------

    pub(super) fn expects(&mut self, declared: &Declared<'_, 's>) {
        let Some(row) = schema::find(Place::File, "expect") else {
            return;
        };
        for statement in &declared.expects {
            if statement.is_broken() {
                continue;
            }
            let mut args = Args::new(statement, row);
            let Some(title) = args.text(self, "a title in quotes") else {
                continue;
            };
            let by = args.by_tail().and_then(|arg| self.moment_of(arg));
            let span = statement.head_span();
            let claim = match args.peek() {
                None => Some(Claim::Person),
                Some(_) => self.claim(&mut args),
            };
            args.end(self);
            let doc = self.doc(statement);
            if let Some(claim) = claim {
                self.model.expects.push(Expect {
                    title,
                    doc,
                    claim: Spanned::new(claim, span),
                    by,
                });
            }
        }
    }

    fn claim(&mut self, args: &mut Args<'_, 's>) -> Option<Claim> {
        let path = args.peek().and_then(Arg::word);
        let span = args.peek().map(|a| a.span)?;
        let Some((head, rest)) = path.and_then(|p| p.split_once('.')) else {
            return self.condition(args).map(|c| Claim::Condition(c.value));
        };
        let of = match (head, rest.rsplit_once('.')) {
            ("plan", _) => Some(self.plan_measure(rest, span)?),
            ("agent", Some((name, "load"))) => Some(Measured::Load(self.agent_named(name, span)?)),
            ("task", Some((name, "slack"))) => Some(Measured::Slack(self.task_named(name, span)?)),
            ("metric", _) => {
                args.next();
                let metric = self.named::<MetricId>(Kind::Metric, rest, span)?;
                let (op, value) = self.compared(args)?;
                return Some(Claim::Metric { metric, op, value });
            }
            (_, None) if rest == "end" => Some(Measured::EndOf(self.work_named(head, span)?)),
            (_, None) if rest == "slack" => Some(Measured::Slack(self.task_named(head, span)?)),
            (_, None) if rest == "load" => Some(Measured::Load(self.agent_named(head, span)?)),
            _ => None,
        };
        let Some(of) = of else {
            return self.condition(args).map(|c| Claim::Condition(c.value));
        };
        args.next();
        let (op, value) = self.compared(args)?;
        let fits = match of {
            Measured::Load(_) => matches!(value, Value::Percent(_)),
            Measured::Finish
            | Measured::Percentile(_)
            | Measured::CriticalPath
            | Measured::LowerBound
            | Measured::Slack(_)
            | Measured::EndOf(_) => matches!(value, Value::Duration(_)),
        };
        if !fits {
            let is = if matches!(of, Measured::Load(_)) {
                "a percent"
            } else {
                "a duration"
            };
            self.report(
                Diagnostic::new(
                    "E0506",
                    args.statement.head_span(),
                    format!(
                        "{} cannot be compared with `{}`, which is {is}",
                        value.ty().name(),
                        path.unwrap_or_default()
                    ),
                )
                .label(format!("{is} is needed"))
                .help("as in `plan.p80 <= 8w` or `agent.qa.load <= 95%`"),
            );
            return None;
        }
        Some(Claim::Measure { of, op, value })
    }

    fn plan_measure(&mut self, name: &str, span: Span) -> Option<Measured> {
        const NAMES: [&str; 6] = [
            "finish",
            "p50",
            "p80",
            "p95",
            "critical-path",
            "lower-bound",
        ];
        match name {
            "finish" => return Some(Measured::Finish),
            "critical-path" => return Some(Measured::CriticalPath),
            "lower-bound" => return Some(Measured::LowerBound),
            _ => {}
        }
        let percent = name.strip_prefix('p').and_then(|n| n.parse::<u8>().ok());
        if let Some(percent) = percent.filter(|p| (1..=99).contains(p)) {
            return Some(Measured::Percentile(percent));
        }
        let d = Diagnostic::new("E0508", span, format!("`plan` has no `{name}`"))
            .label("not known here");
        self.report(match closest(name, NAMES.into_iter()).first() {
            Some(meant) => d.fix(
                span,
                format!("plan.{meant}"),
                format!("did you mean `plan.{meant}`?"),
            ),
            None => d.help(format!("there are {}", one_of(NAMES))),
        });
        None
    }

    fn compared(&mut self, args: &mut Args<'_, 's>) -> Option<(Comparison, Value)> {
        let Some(op) = args.comparison() else {
            args.expected(self, "a comparison such as `<=`");
            return None;
        };
        Some((op, self.goal_value(args)?.value))
    }

    fn moment_of(&mut self, arg: &Arg<'s>) -> Option<Spanned<crate::time::Moment>> {
        let moment = args::moment_of(arg);
        if moment.is_none() {
            let text = args::shown(self.sources.text(arg.span));
            self.report(
                Diagnostic::new("E0504", arg.span, format!("{text} does not exist"))
                    .label("no such day or time")
                    .help("write a day as year-month-day, as in `2025-08-13`"),
            );
        }
        moment.map(|m| Spanned::new(m, arg.span))
    }

    // ---- recurring syncs -------------------------------------------------------------------

    pub(super) fn recurring(&mut self, declared: &Declared<'_, 's>) {
        for (id, statement) in &declared.recurring {
            self.model.recurring[*id].title = self.title("sync", statement);
            for field in self.fields(Place::Recurring, statement) {
                self.recurring_field(*id, &field);
            }
            if self.model.recurring[*id].every.is_none() && !statement.is_broken() {
                let name = self.model.recurring[*id].name.clone();
                self.report(
                    Diagnostic::new(
                        "E0105",
                        name.span,
                        format!("sync `{}` does not say when it takes place", name.value),
                    )
                    .label("no `every`")
                    .help("write `every day at 09:00 UTC`, or put it `at end` of a phase"),
                );
            }
        }
    }

    fn recurring_field(&mut self, id: RecurringId, field: &Field<'_, 's>) {
        let mut args = field.args();
        match field.row.word {
            "every" => {
                let every = self.every(&mut args);
                self.model.recurring[id].every = every;
            }
            "participants" => {
                let agents = self.agents_of(&mut args, "who takes part");
                self.model.recurring[id]
                    .participants
                    .extend(agents.unwrap_or_default());
            }
            "require" => {
                let requirement = self.requirement(&mut args);
                self.model.recurring[id].requires.extend(requirement);
            }
            "agenda" => {
                let line = args.text(self, "a text in quotes");
                self.model.recurring[id]
                    .agenda
                    .extend(line.map(|t| t.value));
            }
            "within" => {
                let limit = self.limit_value(&mut args, field.statement.word_span);
                self.model.recurring[id].within = limit;
            }
            "via" => {
                let channel = args.named(self, Kind::Channel, "a channel");
                self.model.recurring[id].via = channel.map(|c| c.value);
            }
            _ => {}
        }
        args.end(self);
    }

    /// `"…" [by WHO]`.
    pub(super) fn requirement(&mut self, args: &mut Args<'_, 's>) -> Option<Requirement> {
        let text = args.text(self, "a text in quotes")?;
        let by = match args.eat("by") {
            Some(_) => self.agents_of(args, "who confirms it").unwrap_or_default(),
            None => Vec::new(),
        };
        Some(Requirement { text, by })
    }

    /// Work by its name, when it is a sync of a phase or anything else that ends.
    pub(super) fn is_work(&self, name: &str) -> Option<WorkRef> {
        let written = self.names.written.get(name).map(|id| WorkRef::Task(*id));
        self.names.work.get(name).copied().or(written)
    }
}

/// False for a share of more than everything or less than nothing.
fn reachable(op: Comparison, milli: i64) -> bool {
    match op {
        Comparison::Greater => milli < 100_000,
        Comparison::GreaterOrEqual => milli <= 100_000,
        Comparison::Less => milli > 0,
        Comparison::Equal | Comparison::NotEqual | Comparison::LessOrEqual => true,
    }
}
