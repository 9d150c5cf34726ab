//! Every task of every project in this repository fails once, and all that was done before is
//! taken back: each undo is cut off in the middle and done again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use coord_lang::ids::NodeId;
use coord_lang::lower::lower;
use coord_lang::source::Sources;
use coord_lang::syntax::{Limits, parse};
use coord_plan::freeze::freeze;
use coord_plan::plan::{NodeKind, Plan};
use coord_plan::rules::{Action, Happening, Reaction};

use super::draft::program;
use crate::audit::audit;
use crate::simulation::{Chance, Deed, Finding, Reply, Simulation, World};
use crate::{CheckId, Fact, ItemId, Options, Outcome, RuleFact, State};

const STEPS: usize = 3_000;

/// A world in which all goes well but one task.
#[derive(Clone)]
struct But {
    fails: NodeId,
    failed: bool,
    well: Chance,
    undone: BTreeMap<NodeId, u32>,
}

impl World for But {
    fn attempt(&mut self, plan: &Plan, state: &State, node: NodeId) -> Option<Deed> {
        let mut deed = self.well.attempt(plan, state, node)?;
        if node == self.fails {
            self.failed = true;
            deed.outcome = Outcome::Exit(1);
        }
        Some(deed)
    }

    fn check(&mut self, plan: &Plan, state: &State, check: CheckId) -> Finding {
        self.well.check(plan, state, check)
    }

    fn replies(&mut self, plan: &Plan, state: &State, item: ItemId) -> Vec<Reply> {
        let mut replies = self.well.replies(plan, state, item);
        let of = state.item(item);
        let work = of.is_some_and(|of| of.node == Some(self.fails) && of.ask == crate::Ask::Work);
        for reply in replies.iter_mut().filter(|_| work) {
            self.failed = true;
            reply.verdict = crate::Verdict::Fail;
        }
        replies
    }

    fn undo(&mut self, _: &Plan, _: &State, node: NodeId) -> Finding {
        *self.undone.entry(node).or_default() += 1;
        Finding::fine()
    }
}

#[expect(clippy::disallowed_methods, reason = "the projects are files")]
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Each example, and each folder of `workflows`, as a plan in which every task has an undo.
fn projects() -> Vec<(String, Plan)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let is_coord = |path: &PathBuf| path.extension().is_some_and(|e| e == "coord");
    let examples = files(&root.join("examples")).into_iter().filter(is_coord);
    let mut projects: Vec<Vec<PathBuf>> = examples.map(|file| vec![file]).collect();
    for folder in files(&root.join("workflows")) {
        if folder.join("main.coord").is_file() {
            projects.push(files(&folder).into_iter().filter(is_coord).collect());
        }
    }
    projects.iter().filter_map(|files| project(files)).collect()
}

#[expect(clippy::disallowed_methods, reason = "the projects are files")]
fn project(files: &[PathBuf]) -> Option<(String, Plan)> {
    let mut sources = Sources::default();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        // all files of a folder are read together
        let lines = text.lines().map(|line| match line.starts_with("use ") {
            true => "",
            false => line,
        });
        let text: Vec<&str> = lines.collect();
        sources.add(file.display().to_string(), text.join("\n"));
    }
    let limits = Limits::default();
    let trees: Vec<_> = (sources.iter())
        .map(|(id, file)| parse(id, file, &limits).0)
        .collect();
    let (model, _, _) = lower(&sources, &trees, &limits);
    let mut plan = freeze(&model, None, &BTreeMap::new(), false).plan?;
    for (_, node) in plan.nodes.iter_mut() {
        if let NodeKind::Task(task) = &mut node.kind {
            task.more.get_or_insert_default().undo = Some(program());
        }
    }
    Some((files[0].display().to_string(), plan))
}

/// Whether the task came to fail, and how much was undone.
fn fail_at(name: &str, plan: &Plan, node: NodeId) -> (bool, usize) {
    let well = Chance {
        fails_percent: 0,
        check_fails_percent: 0,
        rejects_percent: 0,
        ..Chance::new(1)
    };
    let world = But {
        fails: node,
        failed: false,
        well,
        undone: BTreeMap::new(),
    };
    let mut simulation = Simulation::new(plan, world, 0);
    let options = Options {
        cores: 4,
        ..Options::default()
    };
    simulation.start("r", options).unwrap();
    for _ in 0..STEPS {
        let at_hand = simulation.state().undoing().left.last().copied();
        let first = |node: &NodeId| simulation.world.undone.get(node) == Some(&1);
        if simulation.state().undoing().at_work && at_hand.as_ref().is_some_and(first) {
            let events = simulation.events().to_vec();
            let now = simulation.now_ms();
            simulation = Simulation::recover(plan, simulation.world, &events, now, vec![]).unwrap();
        }
        if simulation.next_of_work_ms().is_none() || !simulation.advance() {
            break;
        }
    }
    let events = simulation.events();
    assert_eq!(audit(plan, events), Ok(()), "{name}");
    let mut ordered = Vec::new();
    let mut ended = Vec::new();
    for event in events {
        match &event.fact {
            Fact::Rule(RuleFact::UndoOrdered { nodes }) => ordered.extend(nodes.clone()),
            Fact::Rule(RuleFact::UndoEnded { node, ok: true, .. }) => ended.push(*node),
            _ => {}
        }
    }
    ordered.reverse();
    assert_eq!(ended, ordered, "{name}: node {} failed", node.0);
    for node in &ended {
        assert_eq!(
            simulation.world.undone[node], 2,
            "{name}: each is done twice"
        );
    }
    (simulation.world.failed, ended.len())
}

#[test]
fn what_was_done_before_a_failure_is_taken_back_wherever_it_is() {
    let (mut all, mut failed, mut undone) = (0, 0, 0);
    let projects = projects();
    for (name, plan) in &projects {
        for (node, _, _) in plan.tasks().filter(|(id, _, _)| plan.is_active(*id)) {
            let mut plan = plan.clone();
            plan.rules.reactions = vec![Reaction {
                on: Happening::TaskFailed(Some(node)),
                for_ms: None,
                when: None,
                because: None,
                actions: vec![vec![Action::Rollback]],
            }];
            let (it, count) = fail_at(name, &plan, node);
            all += 1;
            failed += u32::from(it);
            undone += count;
        }
    }
    println!(
        "{} projects, {all} tasks, {failed} failed, {undone} undone",
        projects.len()
    );
    assert!(projects.len() > 15 && failed * 10 > all * 8 && undone > 100);
}
