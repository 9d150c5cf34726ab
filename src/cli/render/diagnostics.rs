//! Diagnostics: for people through miette, for programs as the Language Server Protocol has them.

use coord_lang::diagnostic::{Diagnostic, MAX_SHOWN, Severity};
use coord_lang::source::{Sources, Span};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, ReportHandler};
use serde_json::{Value, json};
use std::fmt;

/// What one compilation found, and the texts that it is about.
pub(crate) struct Found {
    pub(crate) sources: Sources,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) color: bool,
    pub(crate) width: usize,
}

/// All of them as text with a blank line behind each, at most [`MAX_SHOWN`], with a last line
/// that counts the others.
pub(crate) fn text(sources: &Sources, diagnostics: &[Diagnostic], style: Style) -> String {
    let theme = if style.color {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(style.width.clamp(40, 240))
        .with_links(false);
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(MAX_SHOWN) {
        out.push_str(
            &Drawn {
                report: &Report::new(sources, diagnostic),
                handler: &handler,
            }
            .to_string(),
        );
        out.push_str(&elsewhere(sources, diagnostic));
        out.push('\n');
    }
    if diagnostics.len() > MAX_SHOWN {
        out.push_str(&format!("… and {} more\n", diagnostics.len() - MAX_SHOWN));
    }
    out
}

/// What there is to say in other files, a line each.
fn elsewhere(sources: &Sources, d: &Diagnostic) -> String {
    let others = d
        .related
        .iter()
        .filter(|label| label.span.file != d.primary.span.file);
    let lines = others.map(|label| {
        let file = sources.file(label.span.file);
        let at = file.line_column(label.span.start);
        format!("  {}:{at}: {}\n", clean(file.name()), clean(&label.text))
    });
    lines.collect()
}

/// `2 errors, 1 warning`.
pub(crate) fn count<'d>(diagnostics: impl IntoIterator<Item = &'d Diagnostic>) -> String {
    let (mut errors, mut warnings) = (0, 0);
    for diagnostic in diagnostics {
        if diagnostic.is_error() {
            errors += 1;
        } else {
            warnings += 1;
        }
    }
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match (errors, warnings) {
        (0, 0) => "no mistakes".into(),
        (0, w) => plural(w, "warning"),
        (e, 0) => plural(e, "error"),
        (e, w) => format!("{}, {}", plural(e, "error"), plural(w, "warning")),
    }
}

struct Drawn<'a> {
    report: &'a Report,
    handler: &'a GraphicalReportHandler,
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Via<'a>(&'a Drawn<'a>);
        impl fmt::Debug for Via<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.handler.debug(self.0.report, f)
            }
        }
        write!(f, "{:?}", Via(self))
    }
}

/// One diagnostic in miette's terms; only labels of its own file are drawn in the snippet.
#[derive(Debug)]
struct Report {
    message: String,
    code: &'static str,
    severity: miette::Severity,
    help: Option<String>,
    labels: Vec<LabeledSpan>,
    source: NamedSource<String>,
}

impl Report {
    fn new(sources: &Sources, d: &Diagnostic) -> Report {
        let file = sources.file(d.primary.span.file);
        let here = |span: Span| span.file == d.primary.span.file;
        let labels =
            std::iter::once((&d.primary, true)).chain(d.related.iter().map(|l| (l, false)));
        let labels = labels
            .filter(|(l, _)| here(l.span))
            .map(|(label, primary)| {
                let text = (!label.text.is_empty()).then(|| clean(&label.text));
                let range = (label.span.start as usize, label.span.len());
                if primary {
                    LabeledSpan::new_primary_with_span(text, range)
                } else {
                    LabeledSpan::new_with_span(text, range)
                }
            });
        Report {
            message: clean(&d.message),
            code: d.code,
            severity: match d.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            },
            help: d.help.as_deref().map(clean),
            labels: labels.collect(),
            source: NamedSource::new(file.name(), shown_source(file.text())),
        }
    }
}

/// The text with control characters made visible and of the same length in bytes, so that no
/// terminal obeys what a file says.
fn shown_source(text: &str) -> String {
    if !text.chars().any(is_unsafe) {
        return text.to_string();
    }
    text.chars()
        .map(|c| {
            if is_unsafe(c) {
                "?".repeat(c.len_utf8())
            } else {
                c.to_string()
            }
        })
        .collect()
}

fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if is_unsafe(c) { '?' } else { c })
        .collect()
}

fn is_unsafe(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }
    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|h| Box::new(h) as Box<dyn fmt::Display>)
    }
    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

/// An array of LSP `PublishDiagnosticsParams`, one for each file.
pub(crate) fn lsp(
    sources: &Sources,
    diagnostics: &[Diagnostic],
    uri_of: &dyn Fn(&str) -> String,
) -> Value {
    let files = sources.iter().map(|(id, file)| {
        let own = diagnostics.iter().filter(|d| d.primary.span.file == id);
        json!({ "uri": uri_of(file.name()), "diagnostics": own.map(|d| one_lsp(sources, d, uri_of)).collect::<Vec<_>>() })
    });
    Value::Array(files.collect())
}

fn one_lsp(sources: &Sources, d: &Diagnostic, uri_of: &dyn Fn(&str) -> String) -> Value {
    let related = d.related.iter().map(|label| {
        let uri = uri_of(sources.file(label.span.file).name());
        json!({ "location": { "uri": uri, "range": range(sources, label.span) }, "message": label.text })
    });
    let mut value = json!({
        "range": range(sources, d.primary.span),
        "severity": if d.is_error() { 1 } else { 2 },
        "code": d.code,
        "source": "coord",
        "message": match &d.help { Some(help) => format!("{}\nhelp: {help}", d.message), None => d.message.clone() },
        "relatedInformation": related.collect::<Vec<_>>(),
    });
    if let Some(fix) = &d.fix {
        value["data"] = json!({ "fix": { "title": fix.title, "range": range(sources, fix.span), "newText": fix.replacement } });
    }
    value
}

fn range(sources: &Sources, span: Span) -> Value {
    let file = sources.file(span.file);
    let at = |offset| {
        let (line, character) = file.utf16_position(offset);
        json!({ "line": line, "character": character })
    };
    json!({ "start": at(span.start), "end": at(span.end) })
}
