//! Agents that are reached over a protocol: each way is a driver, and there is one file for each.
//!
//! A driver does one attempt: it hands over the brief, tells what happens meanwhile, and makes an
//! outcome of what the agent says. It decides nothing else. What an agent says is data ([`said`]):
//! it becomes outputs and a log, and nothing more; what the agent may touch follows from what its
//! task claims ([`claims`]), and where a driver connects to from the project ([`address`]).

mod a2a;
mod acp;
mod address;
mod callback;
mod claims;
mod exit;
mod http;
mod mcp;
mod mcp_web;
mod permission;
mod said;
mod talk;
mod web;

use coord_host::reach::{Drivers, Reach};
use std::path::PathBuf;

/// The drivers of all protocols of the language. `coord` is the program that coding agents are
/// given as a server of tools (`coord mcp`), where there is one.
pub fn drivers(coord: Option<PathBuf>) -> Drivers {
    let mut drivers = Drivers::default();
    drivers.add(Reach::Via("a2a".into()), a2a::attempt);
    drivers.add(Reach::Via("acp".into()), acp::Acp { coord });
    drivers.add(Reach::Via("http".into()), http::attempt);
    drivers.add(Reach::Via("mcp".into()), mcp::attempt);
    drivers
}
