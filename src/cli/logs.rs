//! `coord logs`: what tasks printed, or the journal's events.

use super::args::{Common, Logs};
use super::exit::{Exit, Failure, Outcome};
use super::home;
use super::screen::Screen;
use coord_host::home::Home;
use coord_host::journal::Reader;
use coord_host::run::Run;
use coord_host::{published, run as stored};
use coord_lang::ids::NodeId;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

const POLL: Duration = Duration::from_millis(100);
const CHUNK: usize = 64 << 10;

pub(crate) fn logs(common: &Common, screen: &Screen, args: &Logs) -> Outcome {
    let home = home::existing(common)?;
    let reader = home::reader(&home)?;
    if args.events {
        return events(screen, &reader, args);
    }
    let (run, nodes) = wanted(&reader, args)?;
    if args.follow {
        return follow(screen, &home, &reader, &run.id, &nodes, args.attempt);
    }
    let many = nodes.len() > 1;
    let mut printed = false;
    for node in &nodes {
        for path in files(&home, &run, *node, args.attempt) {
            let mut offset = 0;
            let mut last = b'\n';
            loop {
                let bytes = read_from(&path, offset);
                let Some(end) = bytes.last() else { break };
                if many && offset == 0 {
                    screen.out(&format!("── {}\n", run.plan.nodes[*node].name));
                }
                screen.raw(&bytes);
                offset += bytes.len() as u64;
                last = *end;
            }
            if many && last != b'\n' {
                screen.out("\n");
            }
            printed |= offset > 0;
        }
    }
    if !printed && !common.quiet {
        screen.err("nothing was printed\n");
    }
    Ok(Exit::Done)
}

/// The run and the tasks that are meant.
fn wanted(reader: &Reader, args: &Logs) -> Result<(Run, Vec<NodeId>), Failure> {
    let (run, task) = match (&args.run, &args.task) {
        (Some(first), second @ Some(_)) => {
            let (run, task) = home::run_and_task(reader, first, second.as_deref())?;
            (run, Some(task))
        }
        (Some(first), None) => match home::run(reader, Some(first)) {
            Ok(run) => (run, None),
            Err(failure) => {
                let last = home::run(reader, None)?;
                if last.plan.find(first).is_none() {
                    return Err(failure);
                }
                (last, Some(first.clone()))
            }
        },
        (None, _) => (home::run(reader, None)?, None),
    };
    let nodes = match task {
        Some(task) => vec![home::node(&run, &task)?],
        None => {
            let mut all: Vec<NodeId> = run.state.tasks(&run.plan).map(|(id, _, _)| id).collect();
            all.sort_by_key(|id| {
                (
                    run.state.node(*id).first_started_ms.unwrap_or(i64::MAX),
                    *id,
                )
            });
            all
        }
    };
    Ok((run, nodes))
}

/// The log of the wanted attempt, or of the last one, with the logs of its checks.
fn files(home: &Home, run: &Run, node: NodeId, attempt: Option<u32>) -> Vec<PathBuf> {
    let folder = stored::logs(home, &run.id);
    let name = &run.plan.nodes[node].name;
    let last = attempt.unwrap_or(run.state.node(node).attempts.max(1));
    vec![folder.join(format!("{name}.{last}.log"))]
}

fn events(screen: &Screen, reader: &Reader, args: &Logs) -> Outcome {
    let id = args.run.as_deref();
    let mut run = home::run(reader, id)?;
    let mut after = 0;
    loop {
        let rows = coord_host::journal::JournalRead::events(reader, run.key, after)
            .map_err(home::journal_failure)?;
        let mut text = String::new();
        // what came after the run was read has names that are not known yet
        for row in rows.iter().filter(|row| row.seq <= run.last_seq) {
            let (plan, state) = (&run.plan, &run.state);
            let event = published::event(plan, state, &run.id, row.seq, row.at_ms, &row.body);
            text.push_str(&format!("{event}\n"));
            after = row.seq;
        }
        screen.out(&text);
        if !args.follow {
            return Ok(Exit::Done);
        }
        run = home::run(reader, Some(&run.id))?;
        if run.state.status().is_ended() && run.last_seq <= after {
            return Ok(Exit::Done);
        }
        std::thread::sleep(POLL);
    }
}

/// Prints what is there and what comes, until the run has ended.
fn follow(
    screen: &Screen,
    home: &Home,
    reader: &Reader,
    id: &str,
    nodes: &[NodeId],
    attempt: Option<u32>,
) -> Outcome {
    let mut offsets: std::collections::BTreeMap<PathBuf, u64> = std::collections::BTreeMap::new();
    let mut last: Option<NodeId> = None;
    loop {
        let run = home::run(reader, Some(id))?;
        let over = run.state.status().is_ended() || !coord_host::control::is_live(home, id);
        for node in nodes {
            for path in files(home, &run, *node, attempt) {
                let seen = offsets.entry(path.clone()).or_default();
                loop {
                    let new = read_from(&path, *seen);
                    if new.is_empty() {
                        break;
                    }
                    if nodes.len() > 1 && last != Some(*node) {
                        screen.out(&format!("── {}\n", run.plan.nodes[*node].name));
                        last = Some(*node);
                    }
                    *seen += new.len() as u64;
                    screen.raw(&new);
                }
            }
        }
        let ended = nodes.iter().all(|n| run.state.node(*n).status.is_ended());
        if over || ended {
            return Ok(Exit::Done);
        }
        std::thread::sleep(POLL);
    }
}

fn read_from(path: &PathBuf, offset: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(mut file) = std::fs::File::open(path)
        && file.seek(SeekFrom::Start(offset)).is_ok()
    {
        let _short = file.take(CHUNK as u64).read_to_end(&mut bytes);
    }
    bytes
}
