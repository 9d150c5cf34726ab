//! One turn of the machine: an input comes in, facts come out.
//!
//! A turn decides and records; it never changes the state but through `apply`.

use coord_lang::ids::NodeId;
use coord_plan::plan::Plan;

use crate::apply::apply;
use crate::event::{Event, Fact};
use crate::state::State;

pub(crate) struct Turn<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) state: &'a mut State,
    pub(crate) at_ms: i64,
    pub(crate) events: Vec<Event>,
    /// Actions of rules that this turn has carried out.
    pub(crate) actions: u32,
}

impl<'a> Turn<'a> {
    /// Time never runs backwards: an earlier `at_ms` counts as the last event's.
    pub(crate) fn new(plan: &'a Plan, state: &'a mut State, at_ms: i64) -> Self {
        let at_ms = at_ms.max(state.now_ms);
        Turn {
            plan,
            state,
            at_ms,
            events: Vec::new(),
            actions: 0,
        }
    }

    /// Records a fact. What the machine itself decides is always legal.
    pub(crate) fn emit(&mut self, fact: Fact) {
        let event = Event {
            at_ms: self.at_ms,
            fact,
        };
        if let Err(illegal) = apply(self.plan, self.state, &event) {
            panic!("BUG: the machine decided what cannot be: {illegal}");
        }
        self.events.push(event);
    }

    pub(crate) fn name(&self, node: NodeId) -> String {
        self.plan.nodes[node].name.clone()
    }

    /// Decides until nothing is left to decide at this moment.
    pub(crate) fn settle(&mut self) {
        while self.fire_timer()
            || self.halt()
            || self.decide()
            || self.react()
            || self.advance_situation()
            || self.carry_out_duty()
            || self.find_ill_agents()
            || self.watch_budgets()
            || self.end_workflow()
            || self.ask_report()
            || self.measure()
            || self.undo()
            || self.mark_phase()
            || self.start_check()
            || self.start_task()
            || self.assign_ahead()
            || self.preempt()
            || self.find_contention()
            || self.end()
        {}
    }
}
