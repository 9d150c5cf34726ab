//! `site report`: looks at the running site and at the evidence of `shot`, and gives a verdict.

use std::fs;
use std::path::Path;

use crate::args::{Accepts, Flags};
use crate::client::BaseUrl;
use crate::error::Error;
use crate::inspect::{Inspection, inspect};
use crate::record::{Evidence, Outcome, Report, Row};
use crate::shot::reason_file;
use crate::{files, html, png, time};

pub(crate) const FLAGS: Accepts = Accepts {
    required: &["url-file", "png", "text", "out"],
    optional: &["expect"],
    switches: &[],
};

pub(crate) fn run(flags: &Flags) -> Result<String, Error> {
    let base = BaseUrl::read_now(&flags.path("url-file"))?;
    let (png, text, out) = (flags.path("png"), flags.path("text"), flags.path("out"));
    let inspection = inspect(&base);
    let mut rows = asset_rows(&inspection);
    rows.push(title_row(&inspection.page));
    rows.push(heading_row(&inspection.page, &text, flags.text("expect")));
    rows.push(screenshot_row(&png));
    let report = Report {
        time: time::now_rfc3339(),
        url: base.to_string(),
        rows,
        evidence: evidence(&png, &text),
    };
    files::write_whole(&out, report.render().as_bytes())?;
    let (count, out) = (report.rows.len(), out.display());
    if report.passes() {
        return Ok(format!(
            "PASS: {count} checks of {base}, written down in {out}"
        ));
    }
    let failed: Vec<&str> = report
        .of(Outcome::Fail)
        .map(|row| row.check.as_str())
        .collect();
    Err(Error::new(
        format!(
            "FAIL: {} of {count} checks of {base}: {}",
            failed.len(),
            failed.join(", ")
        ),
        format!("the reasons are in {out}"),
    ))
}

fn row(outcome: Outcome, check: &str, detail: impl Into<String>) -> Row {
    Row {
        outcome,
        check: check.to_owned(),
        detail: detail.into(),
    }
}

fn asset_rows(inspection: &Inspection) -> Vec<Row> {
    let checked = inspection.checks.iter().map(|check| {
        let outcome = if check.fault().is_some() {
            Outcome::Fail
        } else {
            Outcome::Pass
        };
        row(outcome, &format!("GET {}", check.path), check.to_string())
    });
    let elsewhere = inspection.elsewhere.iter();
    checked
        .chain(elsewhere.map(|url| row(Outcome::Note, url, "not of this site, not visited")))
        .collect()
}

fn title_row(page: &str) -> Row {
    match html::title(page) {
        Some(title) => row(Outcome::Pass, "title", title),
        None => row(Outcome::Fail, "title", "the page has none"),
    }
}

/// The heading that was asked for, or the page's own, has to stand in the text that was saved.
fn heading_row(page: &str, text: &Path, expect: Option<&str>) -> Row {
    let check = "heading in the text";
    let Some(heading) = expect.map(html::one_line).or_else(|| html::heading(page)) else {
        return row(Outcome::Fail, check, "the page has no h1");
    };
    match fs::read_to_string(text) {
        Ok(saved) if html::one_line(&saved).contains(&heading) => {
            row(Outcome::Pass, check, heading)
        }
        Ok(_) => row(
            Outcome::Fail,
            check,
            format!("`{heading}` is not in {}", text.display()),
        ),
        Err(error) => row(
            Outcome::Fail,
            check,
            format!("cannot read {}: {error}", text.display()),
        ),
    }
}

/// A picture, or a reason for none; neither means that nobody looked.
fn screenshot_row(png: &Path) -> Row {
    let check = "screenshot";
    if let Ok(bytes) = fs::read(png) {
        return match png::read(&bytes) {
            Ok(picture) => row(Outcome::Pass, check, picture.to_string()),
            Err(why) => row(Outcome::Fail, check, why),
        };
    }
    match fs::read_to_string(reason_file(png)) {
        Ok(why) => row(Outcome::Note, check, format!("none: {}", why.trim())),
        Err(_) => row(
            Outcome::Fail,
            check,
            "none, and no reason: run `site shot` first",
        ),
    }
}

fn evidence(png: &Path, text: &Path) -> Vec<Evidence> {
    let files = [(png, "screenshot"), (text, "page text")];
    let there = files.into_iter().filter(|(path, _)| path.is_file());
    there
        .map(|(path, kind)| Evidence {
            path: path.display().to_string(),
            kind: kind.to_owned(),
        })
        .collect()
}
