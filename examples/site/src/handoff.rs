//! `site handoff`: the papers for those who take over, made from the report.

use std::fmt::Write;
use std::path::Path;

use crate::args::{Accepts, Flags};
use crate::error::Error;
use crate::files;
use crate::record::{Evidence, Outcome, Report, Row};
use crate::time;

pub(crate) const FLAGS: Accepts = Accepts {
    required: &["report", "out"],
    optional: &["to"],
    switches: &[],
};

pub(crate) fn run(flags: &Flags) -> Result<String, Error> {
    let (source, out) = (flags.path("report"), flags.path("out"));
    let report = read(&source)?;
    let handoff = Handoff {
        from: environment("COORD_AGENT").unwrap_or_else(|| "site".to_owned()),
        to: flags.text("to").unwrap_or("development agents").to_owned(),
        date: time::now_rfc3339(),
        run: environment("COORD_RUN"),
        source: source.display().to_string(),
        report,
    };
    files::write_whole(&out, handoff.render().as_bytes())?;
    let (verdict, to, out) = (handoff.report.verdict(), &handoff.to, out.display());
    Ok(format!("handed over to {to} with verdict {verdict}: {out}"))
}

fn read(source: &Path) -> Result<Report, Error> {
    let text = std::fs::read_to_string(source).map_err(|error| {
        let cause = format!("cannot read {}: {error}", source.display());
        Error::new(cause, "write it with `site report --out` first")
    })?;
    Report::parse(&text).ok_or_else(|| {
        let cause = format!("{} is not a report of `site report`", source.display());
        Error::new(
            cause,
            "write it anew with `site report --out`, and do not edit it",
        )
    })
}

fn environment(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?;
    let value: String = value.chars().filter(|c| !c.is_control()).collect();
    Some(value).filter(|value| !value.is_empty())
}

struct Handoff {
    from: String,
    to: String,
    date: String,
    run: Option<String>,
    source: String,
    report: Report,
}

impl Handoff {
    fn render(&self) -> String {
        let mut out = String::from("# Task Handoff: Harbour web site\n\n");
        let _ = writeln!(
            out,
            "## From: {}\n## To: {}\n## Date: {}",
            self.from, self.to, self.date
        );
        if let Some(run) = &self.run {
            let _ = writeln!(out, "## Run: {run}");
        }
        section(&mut out, "Completed Work", &self.completed());
        section(&mut out, "Artifacts", &self.artifacts());
        section(&mut out, "Known Issues", &self.issues());
        section(&mut out, "Dependencies", &self.dependencies());
        section(&mut out, "Success Criteria", &self.criteria());
        let _ = write!(out, "\n### Notes\n\n{}", self.notes());
        out
    }

    fn completed(&self) -> Vec<String> {
        let (url, time) = (&self.report.url, &self.report.time);
        let passed = self.report.of(Outcome::Pass).count();
        vec![
            format!("Served locally at <{url}>, and checked for health"),
            format!(
                "{passed} of {} checks passed at {time}",
                self.report.rows.len()
            ),
            format!(
                "Verification written down, with verdict {}",
                self.report.verdict()
            ),
        ]
    }

    fn artifacts(&self) -> Vec<String> {
        let status = if self.report.passes() {
            "final"
        } else {
            "draft"
        };
        let own = Evidence {
            path: self.source.clone(),
            kind: "verification report".to_owned(),
        };
        std::iter::once(&own)
            .chain(&self.report.evidence)
            .map(|e| {
                format!(
                    "Path: `{}`\n  - Type: {}\n  - Status: {status}",
                    e.path, e.kind
                )
            })
            .collect()
    }

    fn issues(&self) -> Vec<String> {
        let failed = self.report.of(Outcome::Fail).map(|row| ("Failed: ", row));
        let noted = self
            .report
            .of(Outcome::Note)
            .map(|row| ("Not checked here: ", row));
        let issues: Vec<String> = failed
            .chain(noted)
            .map(|(lead, Row { check, detail, .. })| format!("{lead}{check}: {detail}"))
            .collect();
        if issues.is_empty() {
            vec!["None known".to_owned()]
        } else {
            issues
        }
    }

    fn dependencies(&self) -> Vec<String> {
        vec![
            "The `site` program of this folder; it needs a Rust toolchain to build, and no network"
                .to_owned(),
            "Chromium, Chrome or Edge for the screenshot; without one its place is taken by the text"
                .to_owned(),
        ]
    }

    fn criteria(&self) -> Vec<String> {
        let row = |row: &Row| {
            let mark = if row.outcome == Outcome::Pass {
                "x"
            } else {
                " "
            };
            format!("[{mark}] {}: {}", row.check, row.detail)
        };
        self.report.rows.iter().map(row).collect()
    }

    fn notes(&self) -> String {
        "The address was given by the machine when the server started, and is free again once it \
         has stopped. `site serve` starts it anew, at another one.\n"
            .to_owned()
    }
}

fn section(out: &mut String, title: &str, items: &[String]) {
    let _ = writeln!(out, "\n### {title}\n");
    for item in items {
        let _ = writeln!(out, "- {item}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handoff(outcome: Outcome) -> Handoff {
        let row = Row {
            outcome,
            check: "GET /".into(),
            detail: "200".into(),
        };
        Handoff {
            from: "ops".into(),
            to: "frontend".into(),
            date: "2026-01-02T03:04:05Z".into(),
            run: Some("r1".into()),
            source: "out/report.md".into(),
            report: Report {
                time: "2026-01-02T03:04:00Z".into(),
                url: "http://127.0.0.1:1".into(),
                rows: vec![row],
                evidence: vec![Evidence {
                    path: "out/page.txt".into(),
                    kind: "page text".into(),
                }],
            },
        }
    }

    #[test]
    fn the_shape_of_the_template() {
        let text = handoff(Outcome::Pass).render();
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(
            headings,
            [
                "# Task Handoff: Harbour web site",
                "## From: ops",
                "## To: frontend",
                "## Date: 2026-01-02T03:04:05Z",
                "## Run: r1",
                "### Completed Work",
                "### Artifacts",
                "### Known Issues",
                "### Dependencies",
                "### Success Criteria",
                "### Notes",
            ]
        );
        assert!(text.contains("- None known"), "{text}");
        assert!(text.contains("- Path: `out/page.txt`\n  - Type: page text\n  - Status: final"));
    }

    #[test]
    fn a_failure_is_a_known_issue_and_a_draft() {
        let text = handoff(Outcome::Fail).render();
        for part in [
            "- Failed: GET /: 200",
            "Status: draft",
            "verdict FAIL",
            "- [ ] GET /: 200",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
