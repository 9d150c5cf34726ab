//! Handoffs: work that goes from one agent to another is accepted before it goes on.
//!
//! A task with `handoff H` gives what it did to every task of another agent that needs it. Before
//! such a task starts, what H requires is confirmed, by the giver or the receiver, and then the
//! receiver accepts, or asks back, and the giver is asked again.

use coord_lang::ids::{HandoffId, NodeId};
use coord_plan::plan::Plan;

use crate::index::Index;
use crate::item::{ItemId, Part, Verdict};
use crate::situation::{About, How, Of, Resolution, SituationId};
use crate::situations::Next;
use crate::state::State;
use crate::status::Status;
use crate::turn::Turn;

/// Which tasks give `node` what it needs, by a handoff.
pub(crate) fn givers(plan: &Plan, index: &Index, node: NodeId) -> Vec<(NodeId, HandoffId)> {
    let Some(team) = index.team_of(node) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for on in plan.nodes[node].needs.iter().flat_map(|need| need.nodes()) {
        let handoff = plan.task(on).and_then(|task| task.more.as_ref()?.handoff);
        let other = index
            .team_of(on)
            .is_some_and(|giver| giver.agents != team.agents);
        if let Some(handoff) = handoff.filter(|_| other)
            && !found.contains(&(on, handoff))
        {
            found.push((on, handoff));
        }
    }
    found
}

impl State {
    /// The next giver whose handoff to `node` has not begun.
    pub(crate) fn handoff_due(&self, node: NodeId) -> Option<(NodeId, HandoffId)> {
        let givers = self.index.givers.get(&node)?;
        let begun = |giver: NodeId| {
            let open = |id: SituationId| self.is_handoff(id, giver, node);
            self.accepted.contains(&(giver, node)) || self.open_about(node).any(open)
        };
        givers
            .iter()
            .find(|(giver, _)| self.nodes[*giver].status == Status::Completed && !begun(*giver))
            .copied()
    }

    /// True when every giver that did its work was relieved of it.
    pub(crate) fn handoffs_are_there(&self, node: NodeId) -> bool {
        self.index.givers.get(&node).is_none_or(|givers| {
            givers.iter().all(|(giver, _)| {
                self.nodes[*giver].status != Status::Completed
                    || self.accepted.contains(&(*giver, node))
            })
        })
    }

    fn is_handoff(&self, id: SituationId, giver: NodeId, node: NodeId) -> bool {
        let of = &self.situations[id];
        matches!(of.of, Of::Handoff(_))
            && of.about.giver == Some(giver)
            && of.about.node == Some(node)
    }

    pub(crate) fn next_of_handoff(&self, plan: &Plan, id: SituationId) -> Option<Next> {
        let of = &self.situations[id];
        let Of::Handoff(handoff) = of.of else {
            return None;
        };
        if of.passed_on.is_some() {
            return None;
        }
        let rule = &plan.rules.handoffs[handoff];
        let side = |node: Option<NodeId>| node.map_or(Vec::new(), |n| self.doers(plan, n).to_vec());
        let give = |(i, (_, by_receiver)): (usize, &(String, bool))| {
            let node = if *by_receiver {
                of.about.node
            } else {
                of.about.giver
            };
            (Part::Give(i as u32), side(node), 1, None)
        };
        if of.stage == 0 && !rule.requires.is_empty() {
            if of.asking.asked == 0 {
                return Some(Next::Ask(
                    rule.requires.iter().enumerate().map(give).collect(),
                ));
            }
            return (of.over == of.asking.asked).then_some(Next::Answered);
        }
        let accept = |within| Next::Ask(vec![(Part::Accept, side(of.about.node), 1, within)]);
        if of.asking.asked == 0 {
            return Some(accept(rule.accept_within_ms));
        }
        // nobody stands behind the receiver: it is asked again, without a limit
        let alone = of.expired && of.asking.open.is_empty() && rule.accept_otherwise.is_empty();
        alone.then(|| accept(None))
    }

    /// The giver or the receiver said something.
    pub(crate) fn on_handoff_told(&mut self, id: SituationId, item: ItemId, part: Part) {
        let Some(answer) = self.items[item].answers.last().cloned() else {
            return;
        };
        let of = &mut self.situations[id];
        match (part, answer.verdict) {
            (Part::Accept, Verdict::Reject) => {
                // the receiver asks back: the giver is asked again
                of.stage = 0;
                of.over = 0;
                of.expired = false;
                let left = std::mem::take(&mut of.asking);
                of.leftovers.extend(left.open);
            }
            (Part::Accept, _) => {
                of.decided = Some(Resolution {
                    how: How::Settled,
                    by: answer.by,
                    to: None,
                    note: answer.note,
                });
            }
            _ => {}
        }
    }

    /// A handoff is over: whoever decided, the work goes on from here.
    pub(crate) fn on_handoff_closed(&mut self, about: &About, how: How) {
        if let (Some(giver), Some(node)) = (about.giver, about.node)
            && how.accepts()
        {
            self.accepted.insert((giver, node));
        }
    }
}

impl Turn<'_> {
    pub(crate) fn hand_off(&mut self, node: NodeId, giver: NodeId, handoff: HandoffId) {
        let about = About {
            node: Some(node),
            giver: Some(giver),
            ..About::default()
        };
        self.open_situation(Of::Handoff(handoff), about, None, String::new(), 0);
    }
}
