//! The one integration binary: one file a subject, over the tools of `space`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod approvals;
mod arrows;
mod bad_input;
mod calendars;
mod check_formats;
mod coordination;
mod critical_path;
mod diagnostics;
mod diff;
mod documents;
mod editors;
mod embedding;
mod examples;
mod explain;
mod explore;
mod files;
mod fix;
mod fixture;
mod forecast;
mod ground;
mod help;
mod journal;
mod limits;
mod live;
mod lsp;
mod manual;
mod mapping;
mod notices;
mod order;
mod planning;
mod procedures;
mod process;
mod recovery;
mod report;
mod running;
mod scenarios;
mod schemas;
mod space;
mod surroundings;
mod totality;
mod tutorial;
mod why;
mod workflows;
