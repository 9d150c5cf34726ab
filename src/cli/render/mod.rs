//! Pictures and texts: one file each, data in, text out.

mod axis;
pub(crate) mod coordination;
pub(crate) mod diagnostics;
pub(crate) mod diff;
mod drawing;
pub(crate) mod explain_plan;
pub(crate) mod forecast;
mod gantt;
pub(crate) mod github;
pub(crate) mod graph;
mod heat;
mod outlook;
pub(crate) mod picture;
pub(crate) mod plan_json;
#[cfg(test)]
mod plan_tests;
pub(crate) mod progress;
mod promises;
pub(crate) mod report;
pub(crate) mod rule_words;
pub(crate) mod sarif;
pub(crate) mod sheet;
pub(crate) mod since;
pub(crate) mod status;
pub(crate) mod what_if;
pub(crate) mod why;
pub(crate) mod words;
