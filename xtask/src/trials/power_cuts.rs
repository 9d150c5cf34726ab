//! What the disk may hold after a power cut, made from what the real program wrote.
//!
//! `strace` records every write and flush of a run, with everything that the run told. Then the
//! power is cut at random moments: what was flushed is there, of what was not each sector may be
//! there, be missing, or be torn, and entries of folders come in their order. Each of these images
//! has to open, and to hold all that had been told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use coord_engine::simulation::Dice;
use serde_json::Value;

use super::program::{Project, said};
use super::{Goal, Setting, Trial};

const TASKS: usize = 24;
/// Cuts of one recording.
const IMAGES: usize = 250;
/// Every so many images the run goes on from one, to its end.
const GOES_ON: usize = 25;
const SECTOR: usize = 512;

pub(crate) const POWER_CUTS: Trial = Trial {
    name: "power-cuts",
    promise: "I4",
    says: "what was told is there after a power cut, whatever the disk made of the rest",
    goal: Goal::Counted(10_000, "images"),
    unit: "images",
    run,
};

fn run(setting: &Setting, seed: u64) -> Result<u64, String> {
    let project = Project::new(setting, POWER_CUTS.name, seed, &text(seed))?;
    let program = project.program().display();
    let calls = "openat,write,pwrite64,fsync,fdatasync,ftruncate,unlink,rename";
    let ran = project.shell(&format!(
        "strace -f -qq -xx -y -s 4000000 -e trace={calls} -o trace '{program}' run --run-id r --progress json"
    ))?;
    if !ran.status.success() {
        return Err(format!("strace has to be there: {}", said(&ran)));
    }
    let trace = std::fs::read_to_string(project.path().join("trace")).map_err(|e| e.to_string())?;
    let home = project.path().join(".coord-state");
    let ops = read(&trace, &home.display().to_string())?;
    let mut dice = Dice(seed);
    let mut cuts: Vec<usize> = (0..IMAGES)
        .map(|_| dice.below(ops.len() as u64 + 1) as usize)
        .collect();
    cuts.sort_unstable();
    let mut disk = Disk::default();
    let mut done = 0;
    for (number, cut) in cuts.into_iter().enumerate() {
        for op in &ops[done..cut] {
            disk.take(op);
        }
        done = cut;
        let image = Project::new(
            setting,
            &format!("image-{seed}"),
            number as u64,
            &text(seed),
        )?;
        disk.write(&image.path().join(".coord-state"), &mut dice)?;
        let mut held = holds(&image, disk.told);
        if number % GOES_ON == 0 {
            held = held.and_then(|()| goes_on(&image));
        }
        held.map_err(|why| format!("cut {cut} of {}, {} told: {why}", ops.len(), disk.told))?;
    }
    Ok(IMAGES as u64)
}

/// It opens, and the first `told` events are there.
fn holds(image: &Project<'_>, told: u64) -> Result<(), String> {
    let runs = image.call(&["runs", "--format", "json"])?;
    let none = String::from_utf8_lossy(&runs.stderr).contains("no runs");
    let nothing_yet = none && told == 0;
    if !runs.status.success() && !nothing_yet {
        return Err(said(&runs));
    }
    if told == 0 {
        return Ok(());
    }
    let events = image.events()?;
    let there: BTreeSet<u64> = (events.iter()).filter_map(|e| e["seq"].as_u64()).collect();
    match (1..=told).find(|seq| !there.contains(seq)) {
        Some(lost) => Err(format!("event {lost} is lost")),
        None => Ok(()),
    }
}

/// The run goes on from what is there, or begins.
fn goes_on(image: &Project<'_>) -> Result<(), String> {
    let ended = image.start()?.wait().map_err(|e| e.to_string())?;
    let completed = (image.events()?.iter())
        .filter(|event| event["kind"] == "task.completed")
        .filter_map(|event| event["task"].as_str().map(str::to_string))
        .collect::<Vec<_>>();
    let different: BTreeSet<&String> = completed.iter().collect();
    match ended.success() && completed.len() == TASKS && different.len() == TASKS {
        true => Ok(()),
        false => Err(format!("{ended}; completed: {completed:?}")),
    }
}

fn text(seed: u64) -> String {
    let mut dice = Dice(seed);
    let mut text = String::from("edition 2026\n");
    for n in 0..TASKS as u64 {
        let needs = match n > 0 && dice.below(3) > 0 {
            true => format!("  needs t{}\n", dice.below(n)),
            false => String::new(),
        };
        text.push_str(&format!(
            "task t{n} {{\n{needs}  idempotent\n  timeout 60s\n  run [\"true\"]\n}}\n"
        ));
    }
    text
}

// ---------------------------------------------------------------- what was done

type Inode = usize;

#[derive(Debug)]
enum Op {
    Write(Inode, usize, Vec<u8>),
    Truncate(Inode, usize),
    Sync(Inode),
    Name(Name),
    SyncFolder,
    /// Events up to this one were told.
    Told(u64),
}

#[derive(Clone, Debug)]
enum Name {
    Made(String, Inode),
    Renamed(String, String),
    Gone(String),
}

/// The operations on the files of `home` that a trace tells of, in order.
fn read(trace: &str, home: &str) -> Result<Vec<Op>, String> {
    let mut reading = Reading {
        home: home.to_string(),
        ..Reading::default()
    };
    for line in trace.lines() {
        reading.line(line);
    }
    match reading.ops.iter().any(|op| matches!(op, Op::Told(_))) {
        true => Ok(reading.ops),
        false => Err("the trace tells of nothing".into()),
    }
}

#[derive(Default)]
struct Reading {
    home: String,
    ops: Vec<Op>,
    inodes: BTreeMap<String, Inode>,
    next: Inode,
    /// Where a `write` without an offset goes.
    ends: BTreeMap<Inode, usize>,
    /// Flushes that another thread interrupts in the trace.
    flushing: BTreeMap<String, String>,
}

impl Reading {
    fn line(&mut self, line: &str) -> Option<()> {
        let (thread, call) = line.split_once(' ')?;
        let call = call.trim_start();
        if call.starts_with("<... ") && call.contains("sync resumed") {
            let path = self.flushing.remove(thread)?;
            self.flushed(&path);
            return Some(());
        }
        let (name, arguments) = call.split_once('(')?;
        if call.contains(" = -1 ") {
            return Some(());
        }
        match name {
            "fsync" | "fdatasync" => {
                let path = described(arguments)?;
                match call.contains("<unfinished") {
                    true => drop(self.flushing.insert(thread.into(), path)),
                    false => self.flushed(&path),
                }
            }
            "openat" => {
                let path = quoted(arguments).next()?;
                let path = String::from_utf8(path).ok()?;
                if arguments.contains("O_CREAT") && self.is_kept(&path) {
                    self.made(path, arguments.contains("O_TRUNC"));
                }
            }
            "pwrite64" | "write" => self.written(name, arguments)?,
            "ftruncate" => {
                let inode = *self.inodes.get(&described(arguments)?)?;
                let length = arguments.rsplit_once(", ")?.1;
                let length = length.split(')').next()?.parse().ok()?;
                self.ops.push(Op::Truncate(inode, length));
            }
            "unlink" => {
                let path = String::from_utf8(quoted(arguments).next()?).ok()?;
                self.inodes.remove(&path)?;
                self.ops.push(Op::Name(Name::Gone(path)));
            }
            "rename" => {
                let mut paths = quoted(arguments).filter_map(|p| String::from_utf8(p).ok());
                let (from, to) = (paths.next()?, paths.next()?);
                let inode = self.inodes.remove(&from)?;
                self.inodes.insert(to.clone(), inode);
                self.ops.push(Op::Name(Name::Renamed(from, to)));
            }
            _ => {}
        }
        Some(())
    }

    /// A file that matters after a power cut: no lock, no shared memory.
    fn is_kept(&self, path: &str) -> bool {
        let name = path.strip_prefix(&self.home);
        name.is_some_and(|name| name.starts_with("/journal.") && !name.ends_with("-shm"))
    }

    fn made(&mut self, path: String, empty: bool) {
        match self.inodes.get(&path) {
            Some(inode) if empty => self.ops.push(Op::Truncate(*inode, 0)),
            Some(_) => {}
            None => {
                let inode = self.next;
                self.next += 1;
                self.inodes.insert(path.clone(), inode);
                self.ops.push(Op::Name(Name::Made(path, inode)));
            }
        }
    }

    fn written(&mut self, name: &str, arguments: &str) -> Option<()> {
        let bytes = quoted(arguments).next()?;
        if arguments.starts_with("1<") {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let told = text.lines().filter_map(|line| {
                let event: Value = serde_json::from_str(line).ok()?;
                event["seq"].as_u64()
            });
            self.ops.extend(told.max().map(Op::Told));
            return Some(());
        }
        let inode = *self.inodes.get(&described(arguments)?)?;
        let end = self.ends.entry(inode).or_default();
        let at = match name {
            "pwrite64" => {
                let after = arguments.rsplit_once("\", ")?.1;
                let at = after.split(", ").nth(1)?;
                let digits: String = at.chars().take_while(char::is_ascii_digit).collect();
                digits.parse().ok()?
            }
            _ => *end,
        };
        *end = at + bytes.len();
        self.ops.push(Op::Write(inode, at, bytes));
        Some(())
    }

    fn flushed(&mut self, path: &str) {
        if path == self.home {
            self.ops.push(Op::SyncFolder);
        } else if let Some(inode) = self.inodes.get(path) {
            self.ops.push(Op::Sync(*inode));
        }
    }
}

/// The path in `5<\x2f…>`.
fn described(arguments: &str) -> Option<String> {
    let path = arguments.split_once('<')?.1.split_once('>')?.0;
    String::from_utf8(unhex(path)).ok()
}

/// The texts in quotes.
fn quoted(arguments: &str) -> impl Iterator<Item = Vec<u8>> {
    arguments.split('"').skip(1).step_by(2).map(unhex)
}

/// `\x2f\x74`, as bytes.
fn unhex(text: &str) -> Vec<u8> {
    let bytes = text.split("\\x").skip(1);
    bytes
        .filter_map(|hex| u8::from_str_radix(hex, 16).ok())
        .collect()
}

// ---------------------------------------------------------------- what is left of it

#[derive(Default)]
struct Disk {
    files: BTreeMap<Inode, File>,
    names: BTreeMap<String, Inode>,
    /// Names that no flush of the folder has come behind.
    loose: Vec<Name>,
    told: u64,
}

#[derive(Default)]
struct File {
    flushed: Vec<u8>,
    loose: Vec<Loose>,
}

enum Loose {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl Disk {
    fn take(&mut self, op: &Op) {
        match op {
            Op::Write(inode, at, bytes) => {
                let file = self.files.entry(*inode).or_default();
                file.loose.push(Loose::Write(*at, bytes.clone()));
            }
            Op::Truncate(inode, length) => {
                let file = self.files.entry(*inode).or_default();
                file.loose.push(Loose::Truncate(*length));
            }
            Op::Sync(inode) => {
                let file = self.files.entry(*inode).or_default();
                for loose in std::mem::take(&mut file.loose) {
                    match loose {
                        Loose::Write(at, bytes) => put(&mut file.flushed, at, &bytes),
                        Loose::Truncate(length) => file.flushed.resize(length, 0),
                    }
                }
            }
            Op::Name(name) => self.loose.push(name.clone()),
            Op::SyncFolder => {
                for name in std::mem::take(&mut self.loose) {
                    name.apply(&mut self.names);
                }
            }
            Op::Told(seq) => self.told = self.told.max(*seq),
        }
    }

    /// One of the many things that the disk may hold now.
    fn write(&self, home: &Path, dice: &mut Dice) -> Result<(), String> {
        use std::os::unix::fs::DirBuilderExt;
        let mut folder = std::fs::DirBuilder::new();
        folder.mode(0o700);
        folder.create(home).map_err(|e| e.to_string())?;
        let mut names = self.names.clone();
        let come = dice.below(self.loose.len() as u64 + 1) as usize;
        for name in &self.loose[..come] {
            name.clone().apply(&mut names);
        }
        for (path, inode) in names {
            let content = match self.files.get(&inode) {
                Some(file) => file.content(dice),
                None => Vec::new(),
            };
            let name = path.rsplit('/').next().unwrap_or_default();
            std::fs::write(home.join(name), content).map_err(|e| e.to_string())?;
        }
        Ok(())
    }
}

impl Name {
    fn apply(self, names: &mut BTreeMap<String, Inode>) {
        match self {
            Name::Made(path, inode) => drop(names.insert(path, inode)),
            Name::Renamed(from, to) => {
                if let Some(inode) = names.remove(&from) {
                    names.insert(to, inode);
                }
            }
            Name::Gone(path) => drop(names.remove(&path)),
        }
    }
}

impl File {
    fn content(&self, dice: &mut Dice) -> Vec<u8> {
        let mut content = self.flushed.clone();
        for loose in &self.loose {
            match loose {
                Loose::Truncate(length) if dice.below(2) == 0 => content.resize(*length, 0),
                Loose::Truncate(_) => {}
                Loose::Write(at, bytes) => {
                    let mut from = 0;
                    while from < bytes.len() {
                        let to = bytes.len().min((at + from) / SECTOR * SECTOR + SECTOR - at);
                        // what lies inside of one sector is there or not: disks promise that
                        let within_one = bytes.len() == to - from;
                        match dice.below(8) {
                            0..4 => put(&mut content, at + from, &bytes[from..to]),
                            // half of it
                            4 if !within_one => {
                                put(&mut content, at + from, &bytes[from..(from + to) / 2])
                            }
                            _ => {}
                        }
                        from = to;
                    }
                }
            }
        }
        content
    }
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}
