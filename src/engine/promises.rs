//! Promises that speak of the run: what became of them.

use coord_lang::expr::Outcome as Truth;
use coord_plan::plan::Plan;
use coord_plan::rules::{Claim, Expect};

use crate::scope::{Values, compares};
use crate::state::State;

/// What is known of a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// None: not known yet, or not for the run to say.
    pub holds: Option<bool>,
    pub found: String,
}

/// Judges a promise by the run so far. A condition is judged at the end; one with a date has to
/// hold by then. What speaks of the plan alone is judged by the plan.
pub fn judge(plan: &Plan, state: &State, promise: &Expect) -> Judged {
    let open = |found: &str| Judged {
        holds: None,
        found: found.to_string(),
    };
    let Some(started) = state.started_ms() else {
        return open("the run has not begun");
    };
    let from = plan.origin_ms.filter(|_| state.options().respect_calendar);
    let by = promise
        .by_ms
        .map(|by| from.unwrap_or(started).saturating_add(by));
    let ended = state.ended_ms();
    let late = |at: i64| by.is_some_and(|by| at > by);
    match &promise.claim {
        Claim::Measure { .. } => open("judged by the plan"),
        Claim::Person => open("for a person to say"),
        Claim::Metric { metric, op, value } => match state.metric(*metric) {
            None => open("not measured"),
            Some(found) => Judged {
                holds: Some(compares(found, *op, value)),
                found: found.to_string(),
            },
        },
        Claim::Condition(condition) => {
            let values = Values {
                plan,
                state,
                about: None,
            };
            match (condition.holds(&values), ended) {
                (_, None) if !late(state.now_ms()) => open("the run is not over"),
                (Truth::True, Some(end)) if late(end) => Judged {
                    holds: Some(false),
                    found: "it holds, too late".to_string(),
                },
                (Truth::True, Some(_)) => Judged {
                    holds: Some(true),
                    found: String::new(),
                },
                (Truth::True, None) => open("the run is not over"),
                (Truth::False, _) => Judged {
                    holds: Some(false),
                    found: condition.explain(&values),
                },
                (Truth::Unknown(why), _) => Judged {
                    holds: Some(false),
                    found: why,
                },
            }
        }
    }
}
