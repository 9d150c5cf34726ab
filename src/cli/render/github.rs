//! Diagnostics as workflow commands of GitHub Actions, which show them beside the changed lines.

use super::diagnostics::Found;
use coord_lang::diagnostic::Diagnostic;
use coord_lang::source::Sources;

/// One line for each finding: `::error file=…,line=…,endLine=…,col=…,endColumn=…,title=…::text`.
pub(crate) fn github(found: &[Found]) -> String {
    found
        .iter()
        .flat_map(|f| f.diagnostics.iter().map(|d| command(&f.sources, d)))
        .collect()
}

fn command(sources: &Sources, d: &Diagnostic) -> String {
    let file = sources.file(d.primary.span.file);
    let (line, column) = file.utf16_position(d.primary.span.start);
    let (end_line, end_column) = file.utf16_position(d.primary.span.end);
    let text = match &d.help {
        Some(help) => format!("{}\nhelp: {help}", d.message),
        None => d.message.clone(),
    };
    format!(
        "::{} file={},line={},endLine={},col={},endColumn={},title={}::{}\n",
        if d.is_error() { "error" } else { "warning" },
        property(file.name()),
        line + 1,
        end_line + 1,
        column + 1,
        end_column + 1,
        d.code,
        data(&text),
    )
}

/// Text behind `::`: a line break would end the command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A value before `::`: a comma or a colon would end it, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
