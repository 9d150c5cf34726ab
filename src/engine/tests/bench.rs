//! Drives the machine by hand.

use std::collections::BTreeMap;

use coord_lang::ids::{Id, NodeId};
use coord_plan::plan::Plan;

use crate::audit::audit;
use crate::{
    Action, Ask, CheckId, Event, Fact, Input, ItemId, Options, Outcome, Refusal, RunStatus, State,
    Status, Verdict, action_of, replay, step,
};

use super::draft::Draft;

pub(super) struct Bench {
    pub(super) plan: Plan,
    pub(super) state: State,
    pub(super) events: Vec<Event>,
    /// Actions of the last step.
    pub(super) actions: Vec<Action>,
    pub(super) now_ms: i64,
}

impl Bench {
    /// Starts the run on four cores.
    pub(super) fn start(draft: Draft) -> Self {
        Bench::start_with(
            draft,
            Options {
                cores: 4,
                ..Options::default()
            },
        )
    }

    pub(super) fn start_with(draft: Draft, options: Options) -> Self {
        let state = State::new(&draft.plan);
        let (events, actions) = (Vec::new(), Vec::new());
        let mut bench = Bench {
            plan: draft.plan,
            state,
            events,
            actions,
            now_ms: 1_000,
        };
        bench.give(Input::Start {
            run: "run".into(),
            options,
        });
        bench
    }

    #[track_caller]
    pub(super) fn give(&mut self, input: Input) {
        self.try_give(input).unwrap();
    }

    #[track_caller]
    pub(super) fn try_give(&mut self, input: Input) -> Result<(), Refusal> {
        let before = self.state.clone();
        match step(&self.plan, &mut self.state, self.now_ms, input) {
            Err(refusal) => {
                assert_eq!(self.state, before, "a refusal changes nothing");
                Err(refusal)
            }
            Ok(new) => {
                self.actions = new
                    .iter()
                    .filter_map(|e| action_of(&self.state, e))
                    .collect();
                self.events.extend(new);
                self.hold();
                Ok(())
            }
        }
    }

    #[track_caller]
    fn hold(&self) {
        assert_eq!(
            audit(&self.plan, &self.events),
            Ok(()),
            "{:#?}",
            self.kinds()
        );
        let again = replay(&self.plan, &self.events).unwrap();
        assert!(again == self.state, "a replay comes to another state");
    }

    /// Takes up the run from the first `keep` events.
    pub(super) fn crash(&mut self, keep: usize, never_spawned: Vec<(NodeId, u32)>) {
        self.events.truncate(keep);
        self.state = replay(&self.plan, &self.events).unwrap();
        self.give(Input::Resume {
            never_spawned,
            options: None,
        });
    }

    #[track_caller]
    pub(super) fn end(&mut self, node: NodeId, outcome: Outcome) {
        self.end_with(node, outcome, &[]);
    }

    #[track_caller]
    pub(super) fn end_with(&mut self, node: NodeId, outcome: Outcome, outputs: &[(&str, &str)]) {
        let attempt = self.state.node(node).attempt_number();
        let outputs = outputs
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect();
        self.give(Input::AttemptEnded {
            node,
            attempt,
            outcome,
            outputs,
            log: None,
        });
    }

    #[track_caller]
    pub(super) fn succeed(&mut self, node: NodeId) {
        self.end(node, Outcome::Exit(0));
    }

    #[track_caller]
    pub(super) fn break_down(&mut self, node: NodeId) {
        self.end(node, Outcome::Exit(1));
    }

    #[track_caller]
    pub(super) fn check(&mut self, passed: bool) {
        let check = self.running_check().expect("a check is at work");
        self.give(Input::CheckEnded {
            check,
            passed,
            evidence: "seen".into(),
        });
    }

    pub(super) fn running_check(&self) -> Option<CheckId> {
        self.actions.iter().rev().find_map(|action| match action {
            Action::RunCheck { check, .. } => Some(*check),
            _ => None,
        })
    }

    #[track_caller]
    pub(super) fn answer(&mut self, item: ItemId, by: &str, verdict: Verdict) {
        self.try_answer(item, Some(by), verdict).unwrap();
    }

    #[track_caller]
    pub(super) fn try_answer(
        &mut self,
        item: ItemId,
        by: Option<&str>,
        verdict: Verdict,
    ) -> Result<(), Refusal> {
        self.try_give(Input::Answer {
            item,
            by: by.map(str::to_string),
            verdict,
            to: None,
            note: "because".into(),
            outputs: BTreeMap::new(),
        })
    }

    /// The open item of `node` that asks for `name`.
    #[track_caller]
    pub(super) fn item(&self, node: NodeId, name: &str) -> ItemId {
        let fits = |ask: Ask| ask.name() == name;
        let mut open = self.state.open_items();
        let found = open
            .find(|(_, item)| item.node == Some(node) && fits(item.ask))
            .map(|(id, _)| id);
        found.unwrap_or_else(|| panic!("no open {name} item for node {}", node.index()))
    }

    /// Lets time pass, firing every timer at its own time.
    #[track_caller]
    pub(super) fn pass(&mut self, ms: i64) {
        let until = self.now_ms + ms;
        while let Some(due) = self.state.next_due().filter(|due| *due <= until) {
            self.now_ms = due.max(self.now_ms);
            self.give(Input::Tick);
        }
        self.now_ms = until;
    }

    pub(super) fn status(&self, node: NodeId) -> Status {
        self.state.node(node).status
    }

    pub(super) fn statuses(&self, nodes: &[NodeId]) -> Vec<Status> {
        nodes.iter().map(|node| self.status(*node)).collect()
    }

    pub(super) fn run_status(&self) -> RunStatus {
        self.state.status()
    }

    pub(super) fn kinds(&self) -> Vec<&'static str> {
        self.events.iter().map(|event| event.fact.kind()).collect()
    }

    pub(super) fn count(&self, kind: &str) -> usize {
        self.kinds().iter().filter(|other| **other == kind).count()
    }

    /// Nodes in order of starting.
    pub(super) fn started(&self) -> Vec<NodeId> {
        let nodes = self.events.iter().filter_map(|event| match &event.fact {
            Fact::Started { node, .. } => Some(*node),
            _ => None,
        });
        nodes.collect()
    }
}
