//! The verification report as data, and as the Markdown that people read and `handoff` reads
//! back: `parse(render(report))` is the report.

use std::fmt::Write;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) time: String,
    pub(crate) url: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) evidence: Vec<Evidence>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) outcome: Outcome,
    pub(crate) check: String,
    pub(crate) detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Pass,
    /// Could not be checked here; known, and no failure.
    Note,
    Fail,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) path: String,
    pub(crate) kind: String,
}

impl Outcome {
    const ALL: [Self; 3] = [Self::Pass, Self::Note, Self::Fail];

    fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Note => "note",
            Self::Fail => "FAIL",
        }
    }
}

impl Report {
    pub(crate) fn passes(&self) -> bool {
        self.of(Outcome::Fail).next().is_none()
    }

    pub(crate) fn verdict(&self) -> &'static str {
        if self.passes() { "PASS" } else { "FAIL" }
    }

    pub(crate) fn of(&self, outcome: Outcome) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.outcome == outcome)
    }

    pub(crate) fn render(&self) -> String {
        let mut out = format!(
            "# Deployment verification\n\n- Verdict: **{}**\n- Time: {}\n- URL: <{}>\n\n\
             ## Checks\n\n| result | check | detail |\n|---|---|---|\n",
            self.verdict(),
            self.time,
            self.url,
        );
        for Row {
            outcome,
            check,
            detail,
        } in &self.rows
        {
            let _ = writeln!(
                out,
                "| {} | {} | {} |",
                outcome.word(),
                cell(check),
                cell(detail)
            );
        }
        out.push_str("\n## Evidence\n\n| path | type |\n|---|---|\n");
        for Evidence { path, kind } in &self.evidence {
            let _ = writeln!(out, "| {} | {} |", cell(path), cell(kind));
        }
        out
    }

    /// Nothing for a text that `render` did not write.
    pub(crate) fn parse(markdown: &str) -> Option<Self> {
        let field = |name: &str| markdown.lines().find_map(|line| line.strip_prefix(name));
        let verdict = field("- Verdict: **")?.strip_suffix("**")?;
        let time = field("- Time: ")?.to_owned();
        let url = field("- URL: <")?.strip_suffix('>')?.to_owned();
        let rows = table(markdown, "## Checks")
            .map(|cells| row(&cells))
            .collect::<Option<_>>()?;
        let evidence = table(markdown, "## Evidence").map(|cells| evidence(&cells));
        let report = Self {
            time,
            url,
            rows,
            evidence: evidence.collect::<Option<_>>()?,
        };
        (!report.rows.is_empty() && report.verdict() == verdict).then_some(report)
    }
}

fn row(cells: &[String]) -> Option<Row> {
    let [word, check, detail] = cells else {
        return None;
    };
    let outcome = Outcome::ALL
        .into_iter()
        .find(|outcome| outcome.word() == word)?;
    Some(Row {
        outcome,
        check: check.clone(),
        detail: detail.clone(),
    })
}

fn evidence(cells: &[String]) -> Option<Evidence> {
    let [path, kind] = cells else { return None };
    Some(Evidence {
        path: path.clone(),
        kind: kind.clone(),
    })
}

/// The rows of the table below a heading, without its head.
fn table<'a>(markdown: &'a str, heading: &'a str) -> impl Iterator<Item = Vec<String>> + 'a {
    let below = markdown
        .lines()
        .skip_while(move |line| *line != heading)
        .skip(1);
    let section = below.take_while(|line| !line.starts_with("## "));
    section
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(cells)
}

/// On one line, and without a bare `|` that would end the cell.
fn cell(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    text.trim().replace('\\', "\\\\").replace('|', "\\|")
}

fn cells(line: &str) -> Vec<String> {
    let mut cells = Vec::new();
    let mut open = String::new();
    let mut characters = line.trim().chars().skip(1);
    while let Some(c) = characters.next() {
        match c {
            '\\' => open.extend(characters.next()),
            '|' => cells.push(std::mem::take(&mut open).trim().to_owned()),
            c => open.push(c),
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcome: Outcome) -> Report {
        let row = |outcome, check: &str, detail: &str| Row {
            outcome,
            check: check.to_owned(),
            detail: detail.to_owned(),
        };
        Report {
            time: "2026-01-02T03:04:05Z".to_owned(),
            url: "http://127.0.0.1:1".to_owned(),
            rows: vec![
                row(Outcome::Pass, "GET /a|b", "200 \\ ok"),
                row(outcome, "title", "Harbour · Status"),
                row(Outcome::Note, "screenshot", "none: no browser"),
            ],
            evidence: vec![Evidence {
                path: "C:\\a|b.txt".into(),
                kind: "text".into(),
            }],
        }
    }

    #[test]
    fn what_is_rendered_is_read_back() {
        for outcome in Outcome::ALL {
            let report = report(outcome);
            assert_eq!(Report::parse(&report.render()).as_ref(), Some(&report));
        }
    }

    #[test]
    fn one_failure_fails_and_a_note_does_not() {
        assert!(report(Outcome::Note).passes());
        assert!(!report(Outcome::Fail).passes());
        assert!(
            report(Outcome::Fail)
                .render()
                .contains("- Verdict: **FAIL**")
        );
    }

    #[test]
    fn a_report_that_was_tampered_with_is_none() {
        let text = report(Outcome::Fail)
            .render()
            .replace("**FAIL**", "**PASS**");
        assert_eq!(Report::parse(&text), None);
        assert_eq!(Report::parse("# Something else\n"), None);
    }
}
