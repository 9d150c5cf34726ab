//! Conditions: total, typed, and printable when they do not hold.
//!
//! Owns the typed form and its evaluation. How text becomes this form is `lower`'s business;
//! where values come from is the caller's.

use crate::ids::{ParamId, TaskId};
use crate::time::format_ms;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// A value of the language.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    Bool(bool),
    Int(i64),
    /// In thousandths.
    Decimal(i64),
    /// In thousandths of a percent point.
    Percent(i64),
    /// In milliseconds.
    Duration(i64),
    Text(String),
}

/// What a condition's part can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    Bool,
    Int,
    Percent,
    Duration,
    Text,
    /// A task's state, compared with one of the state names.
    State,
    /// A task's output: text that is read as whatever it is compared with.
    Output,
}

impl Type {
    /// With its article, for sentences.
    pub fn name(self) -> &'static str {
        match self {
            Type::Bool => "a condition",
            Type::Int => "a number",
            Type::Percent => "a percent",
            Type::Duration => "a duration",
            Type::Text => "a text",
            Type::State => "a task's state",
            Type::Output => "a task's output",
        }
    }

    /// True when values of these two types can be compared.
    pub fn comparable(self, other: Type) -> bool {
        self == other
            || matches!(
                (self, other),
                (Type::Output, _)
                    | (_, Type::Output)
                    | (Type::State, Type::Text)
                    | (Type::Text, Type::State)
            )
    }

    /// True when `<` and `>` mean something.
    pub fn ordered(self) -> bool {
        matches!(
            self,
            Type::Int | Type::Percent | Type::Duration | Type::Output | Type::Text
        )
    }
}

impl Value {
    pub fn ty(&self) -> Type {
        match self {
            Value::Bool(_) => Type::Bool,
            Value::Int(_) | Value::Decimal(_) => Type::Int,
            Value::Percent(_) => Type::Percent,
            Value::Duration(_) => Type::Duration,
            Value::Text(_) => Type::Text,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(b) => write!(f, "{b}"),
            Value::Int(n) => write!(f, "{n}"),
            Value::Decimal(milli) => write!(f, "{}", *milli as f64 / 1000.0),
            Value::Percent(milli) => write!(f, "{}%", *milli as f64 / 1000.0),
            Value::Duration(ms) => f.write_str(&format_ms(*ms)),
            Value::Text(text) => write!(f, "{text:?}"),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub const ALL: [(&'static str, Comparison); 6] = [
        ("==", Comparison::Equal),
        ("!=", Comparison::NotEqual),
        ("<", Comparison::Less),
        ("<=", Comparison::LessOrEqual),
        (">", Comparison::Greater),
        (">=", Comparison::GreaterOrEqual),
    ];

    pub fn symbol(self) -> &'static str {
        Comparison::ALL
            .iter()
            .find(|(_, c)| *c == self)
            .map_or("", |(s, _)| s)
    }

    /// True when two values in that order compare so.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// A typed expression. Depth is bounded by the nesting limit of the text it came from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Expr {
    Literal(Value),
    Param(ParamId),
    /// `build.outputs.version`
    Output {
        task: TaskId,
        name: String,
    },
    /// `build.state`
    State(TaskId),
    /// `task.priority` in a reaction: of what it reacts to.
    Subject(Subject),
    Compare {
        op: Comparison,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
}

/// What a reaction may ask of what it reacts to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    TaskName,
    /// A text: `P0` to `P3`.
    TaskPriority,
    /// A text: `critical`, `high`, `medium`, `low`; none when the task claims nothing.
    TaskCriticality,
    TaskAgent,
    TaskPhase,
    AgentName,
    GateName,
    ConflictKind,
    IncidentName,
    /// A text: `P0` to `P3`.
    IncidentLevel,
    /// How many agents are isolated now.
    AgentsFailed,
}

impl Subject {
    pub const ALL: [(&'static str, Subject); 11] = [
        ("task.name", Subject::TaskName),
        ("task.priority", Subject::TaskPriority),
        ("task.criticality", Subject::TaskCriticality),
        ("task.agent", Subject::TaskAgent),
        ("task.phase", Subject::TaskPhase),
        ("agent.name", Subject::AgentName),
        ("gate.name", Subject::GateName),
        ("conflict.kind", Subject::ConflictKind),
        ("incident.name", Subject::IncidentName),
        ("incident.level", Subject::IncidentLevel),
        ("agents.failed", Subject::AgentsFailed),
    ];

    pub fn name(self) -> &'static str {
        Subject::ALL
            .iter()
            .find(|(_, s)| *s == self)
            .map_or("", |(n, _)| n)
    }

    pub fn ty(self) -> Type {
        match self {
            Subject::AgentsFailed => Type::Int,
            Subject::TaskName
            | Subject::TaskPriority
            | Subject::TaskCriticality
            | Subject::TaskAgent
            | Subject::TaskPhase
            | Subject::AgentName
            | Subject::GateName
            | Subject::ConflictKind
            | Subject::IncidentName
            | Subject::IncidentLevel => Type::Text,
        }
    }

    /// True when one is more than another.
    pub fn is_ordered(self) -> bool {
        matches!(
            self,
            Subject::TaskPriority | Subject::IncidentLevel | Subject::AgentsFailed
        )
    }
}

/// Where an expression's names get their values.
pub trait Scope {
    /// The value of a parameter; None when it has none.
    fn param(&self, id: ParamId) -> Option<Value>;
    /// What a task wrote as its output `name`; None when it wrote none.
    fn output(&self, task: TaskId, name: &str) -> Option<String>;
    /// The state of a task by its name in the language: `completed`, `failed`, …
    fn state(&self, task: TaskId) -> String;
    /// The name of a task, for sentences.
    fn task_name(&self, task: TaskId) -> String;
    /// What is asked of what a reaction reacts to; None where there is no such thing.
    fn subject(&self, _: Subject) -> Option<Value> {
        None
    }
}

/// What an expression came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    True,
    False,
    /// Why there is no answer: an output that was never written, text that is no number.
    Unknown(String),
}

impl Expr {
    /// Decides the condition. Never fails and never loops; `Unknown` says what was missing.
    pub fn holds(&self, scope: &dyn Scope) -> Outcome {
        match self.evaluate(scope) {
            Ok(Value::Bool(true)) => Outcome::True,
            Ok(Value::Bool(false)) => Outcome::False,
            Ok(other) => Outcome::Unknown(format!("{other} is not a condition")),
            Err(why) => Outcome::Unknown(why),
        }
    }

    fn evaluate(&self, scope: &dyn Scope) -> Result<Value, String> {
        match self {
            Expr::Literal(value) => Ok(value.clone()),
            Expr::Param(id) => scope
                .param(*id)
                .ok_or_else(|| "a parameter has no value".to_string()),
            Expr::Output { task, name } => scope
                .output(*task, name)
                .map(Value::Text)
                .ok_or_else(|| format!("`{}` wrote no output `{name}`", scope.task_name(*task))),
            Expr::State(task) => Ok(Value::Text(scope.state(*task))),
            Expr::Subject(subject) => scope
                .subject(*subject)
                .ok_or_else(|| format!("there is no `{}` here", subject.name())),
            Expr::Compare { op, left, right } => {
                compare(*op, &left.evaluate(scope)?, &right.evaluate(scope)?)
            }
            Expr::And(parts) => all(parts, scope, true),
            Expr::Or(parts) => all(parts, scope, false),
            Expr::Not(inner) => match inner.evaluate(scope)? {
                Value::Bool(b) => Ok(Value::Bool(!b)),
                other => Err(format!("{other} is not a condition")),
            },
        }
    }

    /// The expression with the values that its names have now, for `why`.
    pub fn explain(&self, scope: &dyn Scope) -> String {
        match self {
            Expr::Literal(value) => value.to_string(),
            Expr::Param(_) | Expr::State(_) => self
                .evaluate(scope)
                .map_or_else(|why| format!("({why})"), |v| v.to_string()),
            Expr::Output { task, name } => {
                let now = self
                    .evaluate(scope)
                    .map_or("nothing".to_string(), |v| v.to_string());
                format!("{}.outputs.{name} ({now})", scope.task_name(*task))
            }
            Expr::Subject(subject) => {
                let now = self
                    .evaluate(scope)
                    .map_or("nothing".to_string(), |v| v.to_string());
                format!("{} ({now})", subject.name())
            }
            Expr::Compare { op, left, right } => {
                format!(
                    "{} {} {}",
                    left.explain(scope),
                    op.symbol(),
                    right.explain(scope)
                )
            }
            Expr::And(parts) => join(parts, scope, " and "),
            Expr::Or(parts) => join(parts, scope, " or "),
            Expr::Not(inner) => format!("not ({})", inner.explain(scope)),
        }
    }

    /// Every task that this looks at, each once, in order of mention.
    pub fn tasks(&self) -> Vec<TaskId> {
        let mut found = Vec::new();
        self.visit(&mut |expr| {
            if let Expr::Output { task, .. } | Expr::State(task) = expr
                && !found.contains(task)
            {
                found.push(*task);
            }
        });
        found
    }

    /// True when some part of it takes its value from outside.
    pub fn has_names(&self) -> bool {
        let mut found = false;
        self.visit(&mut |expr| {
            found |= matches!(
                expr,
                Expr::Param(_) | Expr::Output { .. } | Expr::State(_) | Expr::Subject(_)
            );
        });
        found
    }

    fn visit<'a>(&'a self, f: &mut impl FnMut(&'a Expr)) {
        f(self);
        match self {
            Expr::Compare { left, right, .. } => {
                left.visit(f);
                right.visit(f);
            }
            Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|p| p.visit(f)),
            Expr::Not(inner) => inner.visit(f),
            Expr::Literal(_)
            | Expr::Param(_)
            | Expr::Output { .. }
            | Expr::State(_)
            | Expr::Subject(_) => {}
        }
    }

    /// The same expression with every parameter replaced by its value.
    pub fn bind(&self, value: &dyn Fn(ParamId) -> Option<Value>) -> Expr {
        let bind_all = |parts: &[Expr]| parts.iter().map(|p| p.bind(value)).collect();
        match self {
            Expr::Param(id) => value(*id).map_or_else(|| self.clone(), Expr::Literal),
            Expr::Compare { op, left, right } => Expr::Compare {
                op: *op,
                left: Box::new(left.bind(value)),
                right: Box::new(right.bind(value)),
            },
            Expr::And(parts) => Expr::And(bind_all(parts)),
            Expr::Or(parts) => Expr::Or(bind_all(parts)),
            Expr::Not(inner) => Expr::Not(Box::new(inner.bind(value))),
            Expr::Literal(_) | Expr::Output { .. } | Expr::State(_) | Expr::Subject(_) => {
                self.clone()
            }
        }
    }
}

fn join(parts: &[Expr], scope: &dyn Scope, word: &str) -> String {
    parts
        .iter()
        .map(|p| p.explain(scope))
        .collect::<Vec<_>>()
        .join(word)
}

/// `and` (unit true) and `or` (unit false), from the left, stopping at the first that decides.
fn all(parts: &[Expr], scope: &dyn Scope, unit: bool) -> Result<Value, String> {
    for part in parts {
        match part.evaluate(scope)? {
            Value::Bool(b) if b == unit => {}
            Value::Bool(b) => return Ok(Value::Bool(b)),
            other => return Err(format!("{other} is not a condition")),
        }
    }
    Ok(Value::Bool(unit))
}

fn compare(op: Comparison, left: &Value, right: &Value) -> Result<Value, String> {
    let order = match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Percent(a), Value::Percent(b)) | (Value::Decimal(a), Value::Decimal(b)) => a.cmp(b),
        (Value::Int(_), Value::Decimal(_)) | (Value::Decimal(_), Value::Int(_)) => {
            measure(left).total_cmp(&measure(right))
        }
        (Value::Duration(a), Value::Duration(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Text(text), other) => read_as(text, other)?.total_cmp(&measure(other)),
        (other, Value::Text(text)) => measure(other).total_cmp(&read_as(text, other)?),
        _ => return Err(format!("{left} cannot be compared with {right}")),
    };
    Ok(Value::Bool(op.holds(order)))
}

fn measure(value: &Value) -> f64 {
    match value {
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::Int(n) | Value::Duration(n) => *n as f64,
        Value::Percent(milli) | Value::Decimal(milli) => *milli as f64 / 1000.0,
        Value::Text(_) => f64::NAN,
    }
}

/// A task's output read as the kind of value that it is compared with.
fn read_as(text: &str, like: &Value) -> Result<f64, String> {
    let trimmed = text.trim();
    let number = |s: &str| s.trim().parse::<f64>().ok().filter(|n| n.is_finite());
    let read = match like {
        Value::Bool(_) => trimmed.parse::<bool>().ok().map(|b| f64::from(u8::from(b))),
        Value::Int(_) | Value::Decimal(_) => number(trimmed),
        Value::Percent(_) => number(trimmed.strip_suffix('%').unwrap_or(trimmed)),
        Value::Duration(_) => crate::value::duration_ms(trimmed).map(|ms| ms as f64),
        Value::Text(_) => None,
    };
    read.ok_or_else(|| format!("{text:?} is not {}", like.ty().name()))
}
