//! `coord schema`: the JSON Schemas of what coord prints for other programs.
//!
//! The compiled form and the report are trees of types, so their schemas are derived from them.
//! The other documents
//! are put together at the edge; their schemas are written by hand, and a test holds what the
//! program prints against them, field by field.

use super::args::Schema as Args;
use super::exit::{Exit, Failure, Outcome};
use super::render::report::Report;
use super::screen::Screen;
use coord_lang::schema::{closest, one_of};
use coord_plan::plan::Plan;

/// Name, what prints it.
const DOCUMENTS: [(&str, &str); 6] = [
    ("check", "coord check --format json"),
    (
        "events",
        "coord run --progress json, coord logs --events; one object a line",
    ),
    ("ir", "coord graph --format ir; what a run is pinned to"),
    ("plan", "coord plan --format json"),
    ("report", "coord report --format json"),
    ("status", "coord status --format json"),
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
        "ir" => return Some(format!("{:#}\n", schemars::schema_for!(Plan).as_value())),
        "report" => {
            return Some(format!("{:#}\n", schemars::schema_for!(Report).as_value()));
        }
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
