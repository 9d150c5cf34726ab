//! `coord schema`: the JSON Schemas of what coord prints for other programs.
//!
//! The compiled form and the report are trees of types, so their schemas are derived from them.
//! The other documents
//! are put together at the edge; their schemas are written by hand, and a test holds what the
//! program prints against them, field by field.

use super::args::Schema as Args;
use super::exit::{Exit, Failure, Outcome};
use super::render::diff::Diff;
use super::render::report::Report;
use super::render::since::Document as Live;
use super::render::why::Why;
use super::screen::Screen;
use coord_host::brief::Brief;
use coord_lang::schema::{closest, one_of};
use coord_plan::plan::Plan;

/// Name, what prints it.
const DOCUMENTS: [(&str, &str); 10] = [
    (
        "brief",
        "coord brief --format json; what agents over HTTP get",
    ),
    ("check", "coord check --format json"),
    ("diff", "coord diff --format json"),
    (
        "events",
        "coord run --progress json, coord logs --events; one object a line",
    ),
    ("ir", "coord graph --format ir; what a run is pinned to"),
    ("live", "coord plan --since RUN --format json"),
    ("plan", "coord plan --format json"),
    ("report", "coord report --format json"),
    ("status", "coord status --format json"),
    ("why", "coord plan --why TASK --format json"),
];

pub(crate) fn schema(screen: &Screen, args: &Args) -> Outcome {
    match args.name.as_deref() {
        None => {
            let lines = DOCUMENTS
                .iter()
                .map(|(name, of)| format!("{name:<8}{of}\n"));
            screen.out(&lines.collect::<String>());
        }
        Some(name) => screen.out(&text(name).ok_or_else(|| unknown(name))?),
    }
    Ok(Exit::Done)
}

fn text(name: &str) -> Option<String> {
    let written = match name {
        "check" => include_str!("schema/check.json"),
        "events" => include_str!("schema/events.json"),
        "plan" => include_str!("schema/plan.json"),
        "status" => include_str!("schema/status.json"),
        "live" => return Some(format!("{:#}\n", schemars::schema_for!(Live).as_value())),
        "diff" => return Some(format!("{:#}\n", schemars::schema_for!(Diff).as_value())),
        "ir" => return Some(format!("{:#}\n", schemars::schema_for!(Plan).as_value())),
        "brief" => return Some(format!("{:#}\n", schemars::schema_for!(Brief).as_value())),
        "report" => {
            return Some(format!("{:#}\n", schemars::schema_for!(Report).as_value()));
        }
        "why" => return Some(format!("{:#}\n", schemars::schema_for!(Why).as_value())),
        _ => return None,
    };
    Some(written.to_string())
}

fn unknown(name: &str) -> Failure {
    let names = || DOCUMENTS.iter().map(|(name, _)| *name);
    let failure = Failure::wrong(format!("there is no schema `{name}`"));
    match closest(name, names()).first() {
        Some(meant) => failure.help(format!("did you mean `{meant}`?")),
        None => failure.help(format!("there are {}", one_of(names()))),
    }
}
