//! Every text that comes from outside into the state machine, and so into the journal.

use coord_engine::{Breach, Input, Landing, LogFacts, Outcome};
use coord_lang::expr::Value;
use std::collections::BTreeMap;

type Mask<'m> = dyn Fn(String) -> String + 'm;

pub(super) fn masked(input: Input, mask: &Mask<'_>) -> Input {
    let by = |by: Option<String>| by.map(mask);
    match input {
        Input::AttemptEnded {
            node,
            attempt,
            outcome,
            outputs,
            log,
        } => Input::AttemptEnded {
            node,
            attempt,
            outcome: of_outcome(outcome, mask),
            outputs: of_outputs(outputs, mask),
            log: log.map(|log| LogFacts {
                tail: mask(log.tail),
                ..log
            }),
        },
        Input::CheckEnded {
            check,
            passed,
            evidence,
        } => Input::CheckEnded {
            check,
            passed,
            evidence: mask(evidence),
        },
        Input::Answer {
            item,
            by: who,
            verdict,
            to,
            note,
            outputs,
        } => Input::Answer {
            item,
            by: by(who),
            verdict,
            to,
            note: mask(note),
            outputs: of_outputs(outputs, mask),
        },
        Input::Skip {
            node,
            by: who,
            reason,
        } => Input::Skip {
            node,
            by: by(who),
            reason: mask(reason),
        },
        Input::Cancel { by: who, reason } => Input::Cancel {
            by: by(who),
            reason: mask(reason),
        },
        Input::Raise {
            of,
            about,
            by: who,
            note,
        } => Input::Raise {
            of,
            about,
            by: by(who),
            note: mask(note),
        },
        Input::HealthChecked {
            agent,
            well,
            evidence,
        } => Input::HealthChecked {
            agent,
            well,
            evidence: mask(evidence),
        },
        Input::ActionEnded { duty, ok, evidence } => Input::ActionEnded {
            duty,
            ok,
            evidence: mask(evidence),
        },
        Input::UndoEnded { node, ok, evidence } => Input::UndoEnded {
            node,
            ok,
            evidence: mask(evidence),
        },
        Input::AgentFailed { agent, why } => Input::AgentFailed {
            agent,
            why: mask(why),
        },
        Input::EnterMode {
            mode,
            by: who,
            because,
        } => Input::EnterMode {
            mode,
            by: by(who),
            because: mask(because),
        },
        Input::HaltDomain {
            domain,
            by: who,
            reason,
        } => Input::HaltDomain {
            domain,
            by: by(who),
            reason: mask(reason),
        },
        Input::StartWorkflow {
            workflow,
            arguments,
        } => Input::StartWorkflow {
            workflow,
            arguments: (arguments.into_iter())
                .map(|(name, value)| (name, mask(value)))
                .collect(),
        },
        Input::Measured {
            metric,
            value,
            by: who,
        } => Input::Measured {
            metric,
            value: match value {
                Value::Text(text) => Value::Text(mask(text)),
                other => other,
            },
            by: by(who),
        },
        Input::NotMeasured { metric, why } => Input::NotMeasured {
            metric,
            why: mask(why),
        },
        Input::Note { text } => Input::Note { text: mask(text) },
        Input::Decide {
            domain,
            by: who,
            title,
            text,
        } => Input::Decide {
            domain,
            by: by(who),
            title: mask(title),
            text: mask(text),
        },
        Input::Retry { node, by: who } => Input::Retry { node, by: by(who) },
        Input::Stop { by: who } => Input::Stop { by: by(who) },
        Input::Reassign { node, to, by: who } => Input::Reassign {
            node,
            to,
            by: by(who),
        },
        Input::LeaveMode { mode, by: who } => Input::LeaveMode { mode, by: by(who) },
        Input::LandingEnded {
            node,
            attempt,
            landing,
        } => Input::LandingEnded {
            node,
            attempt,
            landing: of_landing(landing, mask),
        },
        // no text of theirs comes from outside
        Input::Looked { .. }
        | Input::Start { .. }
        | Input::Resume { .. }
        | Input::AttemptSpawned { .. }
        | Input::AgentBack { .. }
        | Input::ResourceExhausted { .. }
        | Input::ResourceBack { .. }
        | Input::Tick => input,
    }
}

fn of_outputs(outputs: BTreeMap<String, String>, mask: &Mask<'_>) -> BTreeMap<String, String> {
    let outputs = outputs.into_iter();
    outputs
        .map(|(name, value)| (mask(name), mask(value)))
        .collect()
}

fn of_outcome(outcome: Outcome, mask: &Mask<'_>) -> Outcome {
    match outcome {
        Outcome::SpawnFailed(why) => Outcome::SpawnFailed(mask(why)),
        Outcome::Lost(why) => Outcome::Lost(mask(why)),
        Outcome::NoArtifact(why) => Outcome::NoArtifact(mask(why)),
        Outcome::Rejected { by, note } => Outcome::Rejected {
            by: by.map(mask),
            note: mask(note),
        },
        Outcome::Breach(breach) => Outcome::Breach(of_breach(breach, mask)),
        Outcome::Exit(_)
        | Outcome::Signal(_)
        | Outcome::TimedOut
        | Outcome::Cancelled
        | Outcome::Done => outcome,
    }
}

fn of_landing(landing: Landing, mask: &Mask<'_>) -> Landing {
    match landing {
        Landing::Clash { paths, note } => Landing::Clash {
            paths: paths.into_iter().map(mask).collect(),
            note: mask(note),
        },
        Landing::Gate { gate, evidence } => Landing::Gate {
            gate,
            evidence: mask(evidence),
        },
        Landing::Breach(breach) => Landing::Breach(of_breach(breach, mask)),
        Landing::Failed(why) => Landing::Failed(mask(why)),
        Landing::Landed { .. } => landing,
    }
}

fn of_breach(breach: Breach, mask: &Mask<'_>) -> Breach {
    Breach {
        paths: breach.paths.into_iter().map(mask).collect(),
        evidence: mask(breach.evidence),
        ..breach
    }
}
