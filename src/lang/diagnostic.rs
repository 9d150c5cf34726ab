//! What the compiler has to tell: plain data, rendered elsewhere.
//!
//! A diagnostic has a stable code, one sentence in the user's words, a label on the user's own
//! token, labels on causes, and at most one help, with an edit where a machine can make it.

use crate::schema;
use crate::source::{Sources, Span};
use std::collections::HashMap;

/// How bad it is; the letter of a code gives the default.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    Error,
    Warning,
}

/// A place and what is to be said about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

/// A text edit that a machine can make as it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fix {
    pub span: Span,
    pub replacement: String,
    pub title: String,
    /// False for a guess that only the user can confirm: it is offered, and never made by itself.
    pub is_sure: bool,
}

/// One finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// `E0201`: the letter is the default severity, the number the identity.
    pub code: &'static str,
    pub severity: Severity,
    /// One sentence, lower case, without a full stop.
    pub message: String,
    /// The user's own token.
    pub primary: Label,
    /// Causes and other ends, in reading order.
    pub related: Vec<Label>,
    /// The way out.
    pub help: Option<String>,
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// A finding at `span`; the severity follows from the code's letter.
    pub fn new(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        let severity = if code.starts_with('W') {
            Severity::Warning
        } else {
            Severity::Error
        };
        Diagnostic {
            code,
            severity,
            message: message.into(),
            primary: Label {
                span,
                text: String::new(),
            },
            related: Vec::new(),
            help: None,
            fix: None,
        }
    }

    /// Says something at the user's own token.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Diagnostic {
        self.primary.text = text.into();
        self
    }

    /// Points at another place that matters.
    #[must_use]
    pub fn related(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.related.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Names the way out.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help = Some(text.into());
        self
    }

    /// Names the way out and carries the edit that takes it.
    #[must_use]
    pub fn fix(
        mut self,
        span: Span,
        replacement: impl Into<String>,
        help: impl Into<String>,
    ) -> Diagnostic {
        let title: String = help.into();
        self.fix = Some(Fix {
            span,
            replacement: replacement.into(),
            title: title.clone(),
            is_sure: true,
        });
        self.help = Some(title);
        self
    }

    /// Says that the edit takes `word` for a slip of the fingers, where `near` is all that may have
    /// been meant, best first; it is a mere guess when that is not plain.
    #[must_use]
    pub fn guessed(mut self, word: &str, near: &[&str]) -> Diagnostic {
        if let Some(fix) = &mut self.fix {
            fix.is_sure = schema::is_slip(word, near);
        }
        self
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Most diagnostics that one compilation shows.
pub const MAX_SHOWN: usize = 50;

/// Puts findings into their stable order: file, offset, code; equal ones once.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| {
        (a.primary.span, a.code, &a.message).cmp(&(b.primary.span, b.code, &b.message))
    });
    diagnostics.dedup();
    *diagnostics = together(std::mem::take(diagnostics));
}

/// Names of others that are told with a finding which holds for all of them.
const ALIKE_SHOWN: usize = 3;

/// Copies that `each` makes of a statement share its place and its mistakes: what is said of one of
/// them is said once, with who else it is true of.
fn together(sorted: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut groups: Vec<Vec<Diagnostic>> = Vec::new();
    let mut known: HashMap<(Span, &str, String), usize> = HashMap::new();
    for d in sorted {
        let key = (d.primary.span, d.code, skeleton(&d.message));
        match known.get(&key).map(|at| &mut groups[*at]) {
            Some(group) if is_alike(&group[0], &d) => group.push(d),
            _ => {
                known.insert(key, groups.len());
                groups.push(vec![d]);
            }
        }
    }
    groups.into_iter().filter_map(merged).collect()
}

/// The message without what it quotes.
fn skeleton(message: &str) -> String {
    message.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

fn is_alike(a: &Diagnostic, b: &Diagnostic) -> bool {
    let spans = |d: &Diagnostic| d.related.iter().map(|label| label.span).collect::<Vec<_>>();
    let help = |d: &Diagnostic| d.help.as_deref().map(skeleton);
    a.severity == b.severity && a.fix == b.fix && spans(a) == spans(b) && help(a) == help(b)
}

fn merged(mut group: Vec<Diagnostic>) -> Option<Diagnostic> {
    // `task-2` before `task-10`
    group.sort_by_key(|d| d.message.len());
    let mut group = group.into_iter();
    let mut first = group.next()?;
    let own: Vec<String> = first.message.split('`').map(str::to_string).collect();
    let names: Vec<String> = group
        .map(|d| {
            let mut quoted = d.message.split('`').zip(&own).skip(1).step_by(2);
            let other = quoted.find(|(theirs, own)| theirs != own);
            format!("`{}`", other.map_or("", |(theirs, _)| theirs))
        })
        .collect();
    match names.as_slice() {
        [] => {}
        few if few.len() <= ALIKE_SHOWN => {
            first.message += &format!("; the same for {}", few.join(", "));
        }
        many => {
            let shown = many[..ALIKE_SHOWN].join(", ");
            let more = many.len() - ALIKE_SHOWN;
            first.message += &format!("; the same for {shown} and {more} more");
        }
    }
    Some(first)
}

/// True when one of them forbids going on.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(Diagnostic::is_error)
}

/// One line for logs and tests: `main.coord:3:9: E0201 no agent named …`.
pub fn one_line(sources: &Sources, d: &Diagnostic) -> String {
    let file = sources.file(d.primary.span.file);
    let at = file.line_column(d.primary.span.start);
    format!("{}:{at}: {} {}", file.name(), d.code, d.message)
}
