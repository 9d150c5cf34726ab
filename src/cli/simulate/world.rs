//! The world of a simulated run: how long work takes, whether it fails, and what people say are
//! drawn from the seed.

use coord_engine::simulation::{Deed, Dice, Finding, Reply, World};
use coord_engine::{Ask, CheckId, DutyId, Item, ItemId, Outcome, Part, State, Verdict};
use coord_lang::ids::{AgentId, NodeId};
use coord_lang::time::{HOUR_MS, MINUTE_MS};
use coord_plan::plan::{By, Driver, Estimate, Plan, Span};
use std::collections::BTreeMap;

/// How long people take to answer, where no limit says how long they may: shortest, most often,
/// longest.
const ANSWER_MS: [i64; 3] = [5 * MINUTE_MS, HOUR_MS, 8 * HOUR_MS];
/// How long a program of a rule, an undo and a check take at the most.
const PROGRAM_MS: u64 = 10 * 60_000;

/// How often things go wrong, of a hundred.
#[derive(Clone, Copy, Debug)]
pub(super) struct Odds {
    pub(super) fail: u64,
    pub(super) silent: u64,
}

/// Everything drawn depends on the seed and on what it is about alone, so that one more failure
/// does not change all that comes after it.
pub(super) struct Drawn {
    pub(super) seed: u64,
    pub(super) odds: Odds,
}

impl Drawn {
    fn dice(&self, facts: [u64; 3]) -> Dice {
        let mut dice = Dice(self.seed);
        for fact in facts {
            dice = Dice(dice.roll() ^ fact);
        }
        dice
    }

    fn of_node(&self, state: &State, node: NodeId, about: u64) -> Dice {
        let of = state.node(node);
        let tries = u64::from(of.attempts) << 32 | of.feedback.len() as u64;
        self.dice([u64::from(node.0), tries, about])
    }

    /// A length from the three points of an estimate, on the calendar where that is working time.
    fn duration(&self, plan: &Plan, state: &State, node: NodeId, dice: &mut Dice) -> i64 {
        let estimate = plan.task(node).and_then(|task| task.estimate);
        let Some(Estimate { low, likely, high }) = estimate else {
            return 0;
        };
        let part = fraction(dice);
        let ends = [low, likely, high].map(|span| state.elapsed(plan, span));
        if low.working == likely.working && likely.working == high.working {
            let ms = triangular(part, [low.ms, likely.ms, high.ms]);
            return state.elapsed(plan, Span { ms, ..likely });
        }
        triangular(part, ends)
    }

    fn answers_after(&self, item: &Item, dice: &mut Dice) -> i64 {
        let points = match item.due_ms {
            Some(due) => {
                let limit = due.saturating_sub(item.opened_ms).max(0);
                [0, limit / 3, limit.saturating_sub(1).max(0)]
            }
            None => ANSWER_MS,
        };
        triangular(fraction(dice), points)
    }

    fn verdict(&self, ask: Ask, dice: &mut Dice) -> Verdict {
        let no = dice.percent(self.odds.fail);
        match ask {
            Ask::Doubt | Ask::Undo => Verdict::Retry,
            Ask::Report { .. } | Ask::Budget { .. } => Verdict::Done,
            Ask::Situation { part, .. } => match part {
                Part::Level(_) | Part::Decide => match dice.below(10) {
                    0..=4 => Verdict::Retry,
                    5..=6 => Verdict::Accept,
                    7 => Verdict::Reassign,
                    8 => Verdict::Skip,
                    _ => Verdict::Done,
                },
                Part::Accept if no => Verdict::Reject,
                Part::Accept => Verdict::Accept,
                Part::View | Part::Respond | Part::Confirm(_) | Part::Give(_) => Verdict::Done,
            },
            Ask::Work | Ask::Confirm { .. } | Ask::Approve { .. } | Ask::Require { .. } => {
                if no {
                    Verdict::Reject
                } else {
                    Verdict::Done
                }
            }
        }
    }
}

/// From 0 up to, not including, 1.
fn fraction(dice: &mut Dice) -> f64 {
    (dice.roll() >> 11) as f64 / (1u64 << 53) as f64
}

/// The length below which part `part` of a triangular distribution lies.
fn triangular(part: f64, points: [i64; 3]) -> i64 {
    let [low, mode, high] = points.map(|ms| ms as f64);
    if high <= low {
        return points[1];
    }
    let peak = (mode - low) / (high - low);
    let drawn = if part < peak {
        low + (part * (high - low) * (mode - low)).sqrt()
    } else {
        high - ((1.0 - part) * (high - low) * (high - mode)).sqrt()
    };
    drawn.round() as i64
}

impl World for Drawn {
    fn attempt(&mut self, plan: &Plan, state: &State, node: NodeId) -> Option<Deed> {
        let mut dice = self.of_node(state, node, 1);
        let takes_ms = self.duration(plan, state, node, &mut dice);
        let fails = dice.percent(self.odds.fail);
        let outputs = BTreeMap::new();
        Some(Deed {
            takes_ms,
            outcome: Outcome::Exit(i32::from(fails)),
            outputs,
        })
    }

    fn check(&mut self, _: &Plan, state: &State, check: CheckId) -> Finding {
        let of = state.gate_run(check.gate);
        let place = of.map_or([0, 0], |run| [u64::from(run.node.0), u64::from(run.gate.0)]);
        let round = u64::from(check.check) << 32 | u64::from(check.round);
        let tries = of.map_or(0, |run| u64::from(run.attempt));
        let mut dice = self.dice([place[0] << 32 | place[1], round, 2 + (tries << 8)]);
        self.program(&mut dice)
    }

    fn replies(&mut self, plan: &Plan, state: &State, item: ItemId) -> Vec<Reply> {
        let Some(of) = state.item(item) else {
            return Vec::new();
        };
        let place = of
            .node
            .map_or(u64::from(u32::MAX), |node| u64::from(node.0));
        let kind = of
            .ask
            .name()
            .bytes()
            .fold(3, |sum, byte| sum * 31 + u64::from(byte));
        let mut dice = self.dice([place, u64::from(item.0), kind]);
        let mut replies = Vec::new();
        for by in voices(plan, state, of) {
            // whoever works does not fall silent: that is a failure of the work
            let works = matches!(of.ask, Ask::Work);
            if !works && dice.percent(self.odds.silent) {
                continue;
            }
            let after_ms = match of.node {
                Some(node) if works => self.duration(plan, state, node, &mut dice),
                _ => self.answers_after(of, &mut dice),
            };
            replies.push(Reply {
                after_ms,
                by,
                verdict: self.verdict(of.ask, &mut dice),
                to: None,
                note: "as drawn".to_string(),
            });
        }
        replies
    }

    fn action(&mut self, _: &Plan, _: &State, duty: DutyId) -> Finding {
        let mut dice = self.dice([u64::from(duty.0), 0, 4]);
        self.program(&mut dice)
    }

    fn undo(&mut self, _: &Plan, state: &State, node: NodeId) -> Finding {
        let mut dice = self.of_node(state, node, 5);
        self.program(&mut dice)
    }
}

impl Drawn {
    fn program(&self, dice: &mut Dice) -> Finding {
        Finding {
            takes_ms: dice.below(PROGRAM_MS) as i64,
            passed: !dice.percent(self.odds.fail),
            evidence: String::new(),
        }
    }
}

/// Those who answer: everybody of those who may, as far as they do not judge their own work.
fn voices(plan: &Plan, state: &State, item: &Item) -> Vec<Option<String>> {
    let does = |agent: &AgentId| {
        let Some(node) = item.node else { return false };
        match (&state.node(node).attempt, plan.task(node)) {
            (Some(attempt), _) => attempt.agents.contains(agent),
            (None, Some(task)) => matches!(&task.by, By::All(all) if all.contains(agent)),
            (None, None) => false,
        }
    };
    if item.of.is_empty() {
        return (0..item.quorum.max(1))
            .map(|n| Some(format!("person {}", n + 1)))
            .collect();
    }
    let approves = matches!(item.ask, Ask::Approve { .. });
    let may = |agent: &&AgentId| !approves || !does(agent);
    let names = item.of.iter().filter(may);
    let names = names.map(|agent| Some(plan.agents[*agent].name.clone()));
    match item.ask {
        // one does the work
        Ask::Work => names.take(1).collect(),
        _ => names.collect(),
    }
}

/// True for whoever is asked rather than started.
pub(super) fn is_person(plan: &Plan, agent: AgentId) -> bool {
    plan.agents[agent].driver == Driver::Human
}
