//! States, reasons and outcomes in the words that people use.

use super::rule_words;
use coord_engine::{
    Ask, Ending, Event, Fact, FailReason, GateFault, Item, ItemId, Outcome, Reason, RunStatus,
    SkipReason, State, Status, Stopping, Termination, Verdict,
};
use coord_host::clock;
use coord_host::speech::Speech;
use coord_lang::ids::NodeId;
use coord_plan::clock::lasting;
use coord_plan::plan::{NodeKind, Otherwise, Plan, Wanted};

/// The words of what a run writes for people.
pub(crate) fn speech() -> Speech {
    Speech {
        event: |plan, state, of| event(plan, state, of).map(|(_, text)| text),
        reasons: |plan, state, node| {
            let found = coord_engine::reasons(plan, state, node);
            let said = found.iter().map(|why| reason(plan, state, node, why));
            said.collect()
        },
        question,
    }
}

/// Text from outside without anything that a terminal would obey.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
        .collect()
}

fn name(plan: &Plan, node: NodeId) -> String {
    format!("`{}`", plan.nodes[node].name)
}

/// `a`, `b` and 3 more.
pub(crate) fn names(plan: &Plan, nodes: &[NodeId]) -> String {
    let shown: Vec<String> = nodes.iter().take(4).map(|n| name(plan, *n)).collect();
    match nodes.len().saturating_sub(4) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

pub(crate) fn status(status: Status) -> &'static str {
    status.name()
}

pub(crate) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exit(0) | Outcome::Done => "done".into(),
        Outcome::Exit(code) => format!("exit status {code}"),
        Outcome::Signal(signal) => format!("ended by signal {signal}"),
        Outcome::TimedOut => "timed out".into(),
        Outcome::SpawnFailed(why) => format!("could not start: {}", plain(why)),
        Outcome::Lost(why) => format!("lost: {}", plain(why)),
        Outcome::Cancelled => "cancelled".into(),
        Outcome::NoArtifact(why) => plain(why),
        Outcome::Breach(breach) => plain(&breach.sentence()),
        Outcome::Rejected { by: Some(by), note } if note.is_empty() => {
            format!("turned down by {by}")
        }
        Outcome::Rejected { by: Some(by), note } => format!("turned down by {by}: {}", plain(note)),
        Outcome::Rejected { by: None, note } => format!("turned down{}", after_colon(note)),
    }
}

fn note_of(state: &State, item: coord_engine::ItemId) -> String {
    let Some(answer) = state.item(item).and_then(Item::deciding) else {
        return String::new();
    };
    let by = answer.by.as_deref().unwrap_or("somebody");
    if answer.note.is_empty() {
        format!(" by {by}")
    } else {
        format!(" by {by}: {}", plain(&answer.note))
    }
}

fn gate_fault(
    plan: &Plan,
    state: &State,
    gate: Option<coord_lang::ids::GateId>,
    why: &GateFault,
) -> String {
    match why {
        GateFault::Check { check, evidence } => {
            let title = gate
                .and_then(|g| plan.gates[g].checks.get(*check as usize))
                .map_or("check", |c| c.title.as_str());
            let evidence = if evidence.is_empty() {
                String::new()
            } else {
                format!(": {}", plain(evidence))
            };
            format!("\"{}\" does not hold{evidence}", plain(title))
        }
        GateFault::Rejected { item } => format!("rejected{}", note_of(state, *item)),
    }
}

pub(crate) fn fail_reason(plan: &Plan, state: &State, node: NodeId, why: &FailReason) -> String {
    match why {
        FailReason::Outcome(of) => outcome(of),
        FailReason::NeedExpired { need } => {
            let on = plan.nodes[node]
                .needs
                .get(*need as usize)
                .map_or_else(String::new, |n| name(plan, n.on));
            format!("dependency timed out: {on} did not end in time")
        }
        FailReason::Condition { why } => format!("its `when` has no answer: {}", plain(why)),
        FailReason::Gate { gate, why } => {
            format!(
                "gate `{}`: {}",
                plan.gates[*gate].name,
                gate_fault(plan, state, Some(*gate), why)
            )
        }
        FailReason::ApprovalExpired { .. } => "nobody approved it in time".into(),
        FailReason::Requirement { item } => {
            format!("a requirement was turned down{}", note_of(state, *item))
        }
        FailReason::SyncExpired => "not confirmed in time".into(),
        FailReason::Rule { why } => plain(why),
        FailReason::Landing { why } => format!("it did not land: {}", first_line(why)),
        FailReason::Doubt { by, note } => {
            format!(
                "said to have failed by {}{}",
                by.as_deref().unwrap_or("somebody"),
                after_colon(note)
            )
        }
    }
}

/// Of a text that goes on for people to look up.
fn first_line(text: &str) -> String {
    plain(text.lines().next().unwrap_or_default())
}

fn after_colon(note: &str) -> String {
    if note.is_empty() {
        String::new()
    } else {
        format!(": {}", plain(note))
    }
}

pub(crate) fn skip_reason(plan: &Plan, state: &State, node: NodeId, why: &SkipReason) -> String {
    match why {
        SkipReason::Condition { found } => format!("its condition does not hold: {}", plain(found)),
        SkipReason::NotTaken { on, .. } => format!("{} ended another way", name(plan, *on)),
        SkipReason::NeedExpired { .. } => "what it needs did not come in time".into(),
        SkipReason::ApprovalExpired { .. } => "nobody approved it in time".into(),
        SkipReason::SyncExpired => "not confirmed in time".into(),
        SkipReason::Failure(why) => format!(
            "failed, which counts as skipped: {}",
            fail_reason(plan, state, node, why)
        ),
        SkipReason::Person { by, reason } => {
            format!(
                "skipped by {}{}",
                by.as_deref().unwrap_or("somebody"),
                after_colon(reason)
            )
        }
    }
}

pub(crate) fn ending(plan: &Plan, state: &State, node: NodeId, ending: &Ending) -> String {
    match ending {
        Ending::Failed(why) => fail_reason(plan, state, node, why),
        Ending::Skipped(why) => skip_reason(plan, state, node, why),
    }
}

fn time(at_ms: i64) -> String {
    clock::rfc3339(at_ms).get(11..19).unwrap_or("").to_string() + " UTC"
}

/// One reason as a clause: `waits for `build` to be done`.
pub(crate) fn reason(plan: &Plan, state: &State, node: NodeId, why: &Reason) -> String {
    match why {
        Reason::Need {
            on, wanted, due_ms, ..
        } => {
            let end = match wanted {
                Wanted::Done => "to be done",
                Wanted::Failed => "to fail",
                Wanted::Finished => "to end",
                Wanted::Skipped => "to be skipped",
            };
            let any = if on.len() > 1 { "one of " } else { "" };
            let due = due_ms.map_or_else(String::new, |due| format!(" (until {})", time(due)));
            format!("waits for {any}{} {end}{due}", names(plan, on))
        }
        Reason::Want { on, due_ms, .. } => {
            let due = due_ms.map_or_else(String::new, |due| format!(", until {}", time(due)));
            format!("would like {} first{due}", name(plan, *on))
        }
        Reason::Window { until_ms } => format!("its window opens at {}", clock::rfc3339(*until_ms)),
        Reason::Backoff { until_ms } => format!("is tried again at {}", time(*until_ms)),
        Reason::Gate { run, item } => {
            let gate = state
                .gate_run(*run)
                .map_or("", |r| plan.gates[r.gate].name.as_str());
            match item {
                Some(item) => format!("waits at gate `{gate}` for {}", asked(plan, state, *item)),
                None => format!("waits for the checks of gate `{gate}`"),
            }
        }
        Reason::Agent { agent, held_by } => {
            format!(
                "`{}` is busy with {}",
                plan.agents[*agent].name,
                names(plan, held_by)
            )
        }
        Reason::Resource {
            resource,
            wants,
            free,
            held_by,
        } => {
            format!(
                "needs {wants} of `{}`, {free} free; held by {}",
                plan.resources[*resource].name,
                names(plan, held_by)
            )
        }
        Reason::Claim { claim, held_by } => {
            format!(
                "{} writes to `{}` now, and so would it",
                names(plan, held_by),
                plan.resources[*claim].name
            )
        }
        Reason::Reserved { for_node } => {
            format!("{} has waited longer and goes first", name(plan, *for_node))
        }
        Reason::Parallel { most } => format!("as many tasks are at work as may be: {most}"),
        Reason::Order { first } => format!("{} goes first", name(plan, *first)),
        Reason::Run { status } => match status {
            RunStatus::Paused => "the run is paused; `coord resume` goes on".into(),
            RunStatus::Failed => "the run failed before its turn".into(),
            other => format!("the run is {}", other.name()),
        },
        Reason::Mode { mode } => {
            format!("nothing new starts: {} is on", plan.rules.modes[*mode].name)
        }
        Reason::Restart { most } => {
            format!("after a mode, {most} at a time start until the first is done")
        }
        Reason::Spent { budget } => spent(plan, state, *budget),
        Reason::Isolated { agent } => format!("`{}` is isolated", plan.agents[*agent].name),
        Reason::Exhausted { resource } => {
            format!("`{}` is exhausted", plan.resources[*resource].name)
        }
        Reason::Situation { situation } => rule_words::waits_for(plan, state, *situation),
        Reason::Held { run } => {
            let gate = state
                .gate_run(*run)
                .map_or("", |r| plan.gates[r.gate].name.as_str());
            format!("is held at gate `{gate}`, which does not hold")
        }
        Reason::Item { item } => format!("waits for {}", asked(plan, state, *item)),
        Reason::AtWork { attempt, since_ms } => {
            let since = since_ms.map_or_else(String::new, |at| format!(", since {}", time(at)));
            format!("is at work (attempt {attempt}{since})")
        }
        Reason::Terminating { why, .. } => match why {
            Termination::Timeout => "is being ended: it timed out".into(),
            Termination::Cancel => "is being ended: the run is cancelled".into(),
            Termination::TakenAway => "is being ended: it is taken away from its agent".into(),
            Termination::Halted => "is being ended: its work was stopped".into(),
        },
        Reason::TakenBack => "was taken back".into(),
        Reason::Ended(of) => ending(plan, state, node, of),
    }
}

/// A budget that holds something back, and who is asked about it.
pub(crate) fn spent(plan: &Plan, state: &State, id: coord_lang::ids::BudgetId) -> String {
    let (budget, of) = (&plan.rules.budgets[id], state.spending(id));
    let (used, most) = (budget.amount(of.used), budget.amount(of.allowed));
    let asks = |item: &&(coord_engine::ItemId, &Item)| item.1.ask == Ask::Budget { budget: id };
    let items: Vec<_> = state.open_items().collect();
    let item = items.iter().find(asks);
    let way = item.map_or(String::new(), |(item, _)| {
        format!("; `coord approve {}` allows as much again", item.0)
    });
    format!(
        "the budget is spent, {}: {used} of {most}{way}",
        budget.title(plan)
    )
}

/// Who is asked what, in short.
pub(crate) fn asked(plan: &Plan, state: &State, item: coord_engine::ItemId) -> String {
    let Some(of) = state.item(item) else {
        return format!("item {}", item.0);
    };
    let who: Vec<&str> = of
        .of
        .iter()
        .map(|a| plan.agents[*a].name.as_str())
        .collect();
    let who = if who.is_empty() {
        "somebody".to_string()
    } else {
        who.join(", ")
    };
    format!("{who} (item {}: {})", item.0, question(plan, state, of))
}

/// What an item asks.
pub(crate) fn question(plan: &Plan, state: &State, item: &Item) -> String {
    let task = item.node.map_or_else(String::new, |node| name(plan, node));
    match item.ask {
        Ask::Situation { .. } => rule_words::question(plan, state, item),
        Ask::Report { sync, requirement } => {
            let sync = &plan.rules.recurring[sync];
            let text = sync.requires.get(requirement as usize);
            let text = text.map_or("", |r| r.text.as_str());
            format!("confirm \"{}\" for {}", plain(text), sync.name)
        }
        Ask::Budget { budget } => {
            let (of, now) = (&plan.rules.budgets[budget], state.spending(budget));
            format!(
                "allow as much again of the {}: {} of {} are used",
                of.title(plan),
                of.amount(now.used),
                of.amount(now.allowed)
            )
        }
        Ask::Undo => format!("say what becomes of {task}: it could not be taken back"),
        Ask::Work => format!("do {task}"),
        Ask::Confirm { gate, check } => {
            let gate = state.gate_run(gate).map(|r| &plan.gates[r.gate]);
            let title = gate
                .and_then(|g| g.checks.get(check as usize))
                .map_or("", |c| c.title.as_str());
            format!("confirm \"{}\" for {task}", plain(title))
        }
        Ask::Approve { gate: None, .. } => format!("approve {task}"),
        Ask::Approve {
            gate: Some(gate), ..
        } => {
            let gate = state
                .gate_run(gate)
                .map_or("", |r| plan.gates[r.gate].name.as_str());
            format!("approve {task} at gate `{gate}`")
        }
        Ask::Require { requirement } => {
            let text = match item.node.map(|node| &plan.nodes[node].kind) {
                Some(NodeKind::Sync(sync)) => sync
                    .requires
                    .get(requirement as usize)
                    .map_or("", |r| r.text.as_str()),
                _ => "",
            };
            format!("confirm \"{}\" for {task}", plain(text))
        }
        Ask::Doubt => format!("say what became of {task}: it was cut off"),
    }
}

/// The commands that answer an item.
pub(crate) fn answers(plan: &Plan, id: ItemId, item: &Item) -> String {
    let id = id.0;
    let task = item.node.map_or("", |node| plan.nodes[node].name.as_str());
    match item.ask {
        Ask::Situation { .. } | Ask::Report { .. } | Ask::Undo | Ask::Budget { .. } => {
            rule_words::answers(id, item)
        }
        Ask::Work => format!("coord done {id}"),
        Ask::Doubt => {
            format!("coord done {id}, coord retry {task}, coord skip {task} or coord reject {id}")
        }
        Ask::Confirm { .. } | Ask::Approve { .. } | Ask::Require { .. } => {
            format!("coord approve {id} or coord reject {id} --note …")
        }
    }
}

/// What an answer makes of its item.
pub(crate) fn answered(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Done => "done",
        Verdict::Approve => "approved",
        Verdict::Reject => "rejected",
        Verdict::Retry => "to be tried again",
        Verdict::Skip => "skipped",
        Verdict::Fail => "failed",
        Verdict::Accept => "accepted",
        Verdict::Reassign => "to be done by somebody else",
        Verdict::Abort => "to be stopped",
    }
}

/// A state as the end of a sentence about a task.
pub(crate) fn is_now(state: &str) -> String {
    match state {
        "created" => "has not begun".into(),
        "in-progress" => "is at work".into(),
        "review" => "is in review".into(),
        "in-doubt" => "is in doubt".into(),
        "failed" => "has failed".into(),
        other => format!("is {other}"),
    }
}

pub(crate) fn stopping(plan: &Plan, why: &Stopping) -> String {
    match why {
        Stopping::Drain { by } => format!("stopping ({})", by.as_deref().unwrap_or("asked to")),
        Stopping::Halt { node } => format!("starts nothing more: {} failed", name(plan, *node)),
        Stopping::Rule { why } => format!("starts nothing more: {}", plain(why)),
        Stopping::Cancel { by, reason } => {
            format!(
                "cancelled by {}{}",
                by.as_deref().unwrap_or("somebody"),
                after_colon(reason)
            )
        }
    }
}

fn otherwise(of: Otherwise) -> &'static str {
    match of {
        Otherwise::Fail => "it fails",
        Otherwise::Skip => "it is skipped",
        Otherwise::Proceed => "it goes ahead",
        Otherwise::Halt => "the run starts nothing more",
        Otherwise::Escalate => "it goes on to whoever is next",
    }
}

/// What went back came from its landing, not from people.
fn was_turned_back(state: &State, node: NodeId, attempt: u32) -> bool {
    let of = state.node(node);
    of.turned_back > 0 && of.attempts >= attempt
}

/// An event as a line for people: a mark, the subject and what happened; None for events that
/// say nothing to them.
pub(crate) fn event(plan: &Plan, state: &State, event: &Event) -> Option<(char, String)> {
    let of = |node: &NodeId| plan.nodes[*node].name.clone();
    Some(match &event.fact {
        Fact::Started { node, attempt } => {
            let task = plan.task(*node)?;
            task.program.as_ref()?;
            let again = if *attempt > 1 {
                format!(" (attempt {attempt})")
            } else {
                String::new()
            };
            ('▶', format!("{}{again}", of(node)))
        }
        Fact::Completed { node, .. } => ('✔', format!("{}{}", of(node), took(state, *node))),
        Fact::Failed { node, why, .. } => (
            '✘',
            format!(
                "{} failed: {}",
                of(node),
                fail_reason(plan, state, *node, why)
            ),
        ),
        Fact::Skipped { node, why } => (
            '↷',
            format!(
                "{} skipped: {}",
                of(node),
                skip_reason(plan, state, *node, why)
            ),
        ),
        Fact::Cancelled { node } => ('⊘', format!("{} cancelled", of(node))),
        // that it was ended has been said, and that it failed will be
        Fact::Exited {
            outcome: Outcome::TimedOut | Outcome::Cancelled | Outcome::Breach(_),
            ..
        } => return None,
        Fact::Exited {
            node, outcome: how, ..
        } if !how.is_success() => ('·', format!("{}: {}", of(node), outcome(how))),
        Fact::RetryScheduled { node, due_ms, .. } => {
            let pause = match due_ms - event.at_ms {
                ..=0 => String::new(),
                ms => format!(" in {}", lasting(ms)),
            };
            ('↻', format!("{} is tried again{pause}", of(node)))
        }
        Fact::Interrupted { node, attempt } => {
            ('!', format!("{}: attempt {attempt} was cut off", of(node)))
        }
        Fact::InDoubt { node, .. } => (
            '?',
            format!("{} is in doubt: nobody knows whether it was done", of(node)),
        ),
        Fact::Terminating { node, why, .. } => match why {
            Termination::Timeout => ('·', format!("{} timed out", of(node))),
            Termination::Cancel | Termination::TakenAway | Termination::Halted => {
                ('·', format!("{} is being ended", of(node)))
            }
        },
        Fact::Rework {
            node,
            note,
            by: None,
            attempt,
        } if was_turned_back(state, *node, *attempt) => (
            '↺',
            format!("{} does not land: {}", of(node), first_line(note)),
        ),
        Fact::Rework { node, note, by, .. } => (
            '↺',
            format!(
                "{} goes back: {}{}",
                of(node),
                by.as_deref().unwrap_or("somebody"),
                after_colon(&first_line(note))
            ),
        ),
        Fact::NeedExpired {
            node,
            otherwise: end,
            ..
        } => (
            '!',
            format!(
                "{}: what it needs did not come in time, so {}",
                of(node),
                otherwise(*end)
            ),
        ),
        Fact::WantExpired { node, on, .. } => (
            '!',
            format!("{} goes ahead without {}", of(node), name(plan, *on)),
        ),
        Fact::GateWarned { node, run, why } => {
            let gate = state.gate_run(*run).map(|r| r.gate);
            (
                '!',
                format!(
                    "{} goes ahead although {}",
                    of(node),
                    gate_fault(plan, state, gate, why)
                ),
            )
        }
        Fact::GateRetried { node, run, round } => {
            let gate = state
                .gate_run(*run)
                .map_or("", |r| plan.gates[r.gate].name.as_str());
            (
                '↻',
                format!(
                    "gate {gate} does not hold for {}, and is tried again (round {round})",
                    of(node)
                ),
            )
        }
        Fact::GatePassed { node, run } => {
            let gate = state
                .gate_run(*run)
                .map_or("", |r| plan.gates[r.gate].name.as_str());
            ('✓', format!("gate {gate} holds for {}", of(node)))
        }
        Fact::SyncPassed { node } => ('◆', format!("{} passed", of(node))),
        Fact::SyncExpired {
            node,
            otherwise: end,
        } => (
            '!',
            format!(
                "{} was not confirmed in time: {}",
                of(node),
                otherwise(*end)
            ),
        ),
        Fact::MilestoneReached { node } => ('◇', format!("{} reached", of(node))),
        Fact::PhaseOpened { phase } => {
            let phase = &plan.phases[*phase];
            (
                '─',
                format!(
                    "{} opens",
                    plain(phase.title.as_deref().unwrap_or(&phase.name))
                ),
            )
        }
        Fact::ItemOpened { item, .. } => {
            let open = state.item(*item)?;
            (
                '?',
                format!(
                    "{}\n      {}",
                    asked(plan, state, *item),
                    answers(plan, *item, open)
                ),
            )
        }
        Fact::ItemAnswered {
            item,
            by,
            verdict,
            note,
            ..
        } => {
            let by = by.as_deref().unwrap_or("somebody");
            (
                '·',
                format!(
                    "item {}: {} by {by}{}",
                    item.0,
                    answered(*verdict),
                    after_colon(note)
                ),
            )
        }
        Fact::ItemExpired {
            item,
            otherwise: end,
            ..
        } => {
            // what follows in a situation is told when it does
            let follows = match state.item(*item)?.ask {
                Ask::Situation { .. } => String::new(),
                _ => format!(": {}", otherwise(*end)),
            };
            (
                '!',
                format!("nobody answered item {} in time{follows}", item.0),
            )
        }
        Fact::GateHeld { node, run, why } => {
            let gate = state.gate_run(*run).map(|r| r.gate);
            let fault = gate_fault(plan, state, gate, why);
            ('!', format!("{} waits for a decision: {fault}", of(node)))
        }
        Fact::Rule(fact) => return rule_words::event(plan, state, fact),
        Fact::RunStopping { why } => ('■', stopping(plan, why)),
        _ => return None,
    })
}

fn took(state: &State, node: NodeId) -> String {
    let of = state.node(node);
    match (of.first_started_ms, of.ended_ms) {
        (Some(from), Some(to)) => format!("  {}", seconds(to - from)),
        _ => String::new(),
    }
}

/// `0.4s`, `12s`, `3m 20s`.
pub(crate) fn seconds(ms: i64) -> String {
    match ms {
        0..10_000 => format!("{:.1}s", ms as f64 / 1000.0),
        _ => lasting(ms / 1000 * 1000),
    }
}
