//! The record as a page: headings, tables and lists, whatever it is written in.

use super::{Case, Moment, Report};
use crate::cli::render::words::seconds;

/// Lines of a timeline that a page shows.
const MOST_MOMENTS: usize = 500;

/// What a page is made of.
pub(crate) struct Page {
    pub(crate) title: String,
    /// Under the title: names and what they are.
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) sections: Vec<Section>,
}

pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) blocks: Vec<Block>,
}

pub(crate) enum Block {
    Heading(String),
    Text(String),
    List(Vec<String>),
    Table {
        head: Vec<&'static str>,
        rows: Vec<Vec<String>>,
    },
    /// When each thing was, in ms of the whole.
    Bars {
        whole: i64,
        bars: Vec<Bar>,
    },
}

pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) tone: &'static str,
    pub(crate) from: i64,
    pub(crate) to: i64,
}

pub(crate) fn page(report: &Report) -> Page {
    let named = [
        report.title.as_deref().unwrap_or(""),
        &report.project,
        &report.file,
    ];
    let name = named
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or("");
    let sections = [
        ("Tasks", tasks(report)),
        ("Metrics", metrics(report)),
        ("Promises", promises(report)),
        ("Escalations", cases(&report.escalations)),
        ("Conflicts", cases(&report.conflicts)),
        ("Incidents", incidents(report)),
        ("Handoffs", handoffs(report)),
        ("Decisions", decisions(report)),
        ("Answers", answers(report)),
        ("Notices", notices(report)),
        ("Taken back", undone(report)),
        ("Timeline", timeline(&report.timeline)),
    ];
    Page {
        title: format!("{name}: run {}", report.run),
        facts: facts(report),
        sections: sections
            .into_iter()
            .filter(|(_, blocks)| !blocks.is_empty())
            .map(|(title, blocks)| Section { title, blocks })
            .collect(),
    }
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let count = |state: &str| report.tasks.iter().filter(|t| t.state == state).count();
    let mut counts = Vec::new();
    let mut rest = report.tasks.len();
    for state in ["completed", "failed", "skipped", "cancelled", "in-doubt"] {
        let n = count(state);
        rest -= n;
        if n > 0 {
            counts.push(format!("{n} {state}"));
        }
    }
    if rest > 0 {
        counts.push(format!("{rest} not done"));
    }
    let missed = report
        .metrics
        .iter()
        .filter(|m| m.met == Some(false))
        .count();
    let mut facts = vec![("State", report.state.to_string())];
    facts.extend(report.started_at.as_deref().map(|at| ("Started", time(at))));
    facts.extend(report.ended_at.as_deref().map(|at| ("Ended", time(at))));
    facts.extend(report.took_ms.map(|ms| ("Took", seconds(ms))));
    facts.push(("Tasks", counts.join(", ")));
    if !report.metrics.is_empty() {
        let said = match missed {
            0 => "no target missed".to_string(),
            1 => "1 target missed".to_string(),
            n => format!("{n} targets missed"),
        };
        facts.push(("Metrics", said));
    }
    facts.push(("File", report.file.clone()));
    facts
}

fn tasks(report: &Report) -> Vec<Block> {
    if report.tasks.is_empty() {
        return Vec::new();
    }
    let rows = report.tasks.iter().map(|task| {
        let name = match &task.title {
            Some(title) => format!("{} ({title})", task.id),
            None => task.id.clone(),
        };
        let mut note = task.reason.clone().into_iter().collect::<Vec<_>>();
        note.extend(task.artifacts.iter().cloned());
        vec![
            name,
            task.agents.join(", "),
            task.state.to_string(),
            task.attempts.to_string(),
            task.took_ms.map_or_else(String::new, seconds),
            task.estimate_ms.map_or_else(String::new, seconds),
            yes(task.on_time).to_string(),
            note.join("; "),
        ]
    });
    let mut blocks = vec![Block::Table {
        head: vec![
            "Task", "Who", "State", "Attempts", "Took", "Estimate", "On time", "Notes",
        ],
        rows: rows.collect(),
    }];
    let bars: Vec<Bar> = (report.tasks.iter())
        .filter_map(|task| {
            let (from, to) = task.span_ms?;
            let name = task.id.clone();
            let tone = tone(task.state);
            Some(Bar {
                name,
                tone,
                from,
                to,
            })
        })
        .collect();
    let whole = bars.iter().map(|bar| bar.to).max().unwrap_or(0);
    if whole > 0 {
        blocks.push(Block::Bars { whole, bars });
    }
    blocks
}

fn tone(state: &str) -> &'static str {
    match state {
        "completed" => "good",
        "failed" | "in-doubt" => "bad",
        _ => "plain",
    }
}

fn metrics(report: &Report) -> Vec<Block> {
    let mut blocks = Vec::new();
    if !report.metrics.is_empty() {
        let rows = report.metrics.iter().map(|metric| {
            let value = metric.value.as_deref().unwrap_or("not measured");
            let value = match (&metric.unit, &metric.value) {
                (Some(unit), Some(_)) => format!("{value} {unit}"),
                _ => value.to_string(),
            };
            vec![
                metric.title.clone().unwrap_or_else(|| metric.id.clone()),
                value,
                metric.target.clone().unwrap_or_default(),
                yes(metric.met).to_string(),
                metric.from.clone(),
            ]
        });
        blocks.push(Block::Table {
            head: vec!["Metric", "Value", "Target", "Met", "From"],
            rows: rows.collect(),
        });
    }
    let computed: Vec<Vec<String>> = (report.computed.iter())
        .filter_map(|of| Some(vec![of.id.to_string(), of.value.clone()?]))
        .collect();
    if !computed.is_empty() {
        blocks.push(Block::Heading("Computed from the journal".into()));
        blocks.push(Block::Table {
            head: vec!["Metric", "Value"],
            rows: computed,
        });
    }
    blocks
}

fn promises(report: &Report) -> Vec<Block> {
    table(
        &["Promise", "Holds", "Found"],
        report.promises.iter().map(|promise| {
            vec![
                promise.text.clone(),
                yes(promise.holds).to_string(),
                promise.found.clone(),
            ]
        }),
    )
}

fn cases(cases: &[Case]) -> Vec<Block> {
    cases.iter().flat_map(case).collect()
}

fn case(case: &Case) -> Vec<Block> {
    let about = match case.about.as_str() {
        "" => String::new(),
        about => format!(" about {about}"),
    };
    let mut told = vec![format!("Opened at {}", time(&case.opened_at))];
    if let Some(by) = &case.by {
        told.push(format!("raised by {by}"));
    }
    let mut text = told.join(", ");
    if !case.note.is_empty() {
        text.push_str(&format!(": {}", case.note));
    }
    text.push('.');
    if let Some(ms) = case.answered_ms {
        text.push_str(&format!(" Everybody had answered after {}.", seconds(ms)));
    }
    text.push_str(&match (&case.closed_at, case.how) {
        (Some(at), Some(how)) => {
            let by = case
                .closed_by
                .as_ref()
                .map_or_else(String::new, |by| format!(" by {by}"));
            let note = match case.closing_note.as_str() {
                "" => String::new(),
                note => format!(": {note}"),
            };
            let took = case
                .took_ms
                .map_or_else(String::new, |ms| format!(" after {}", seconds(ms)));
            format!(" Closed{took}, at {}, {how}{by}{note}.", time(at))
        }
        _ => " It is open.".to_string(),
    });
    let mut blocks = vec![
        Block::Heading(format!("{}. {}{about}", case.number, case.name)),
        Block::Text(text),
    ];
    blocks.extend(table(
        &["Asked for", "Of", "Opened", "Answer", "By", "After"],
        case.rungs.iter().map(|rung| {
            vec![
                rung.what.clone(),
                whom(&rung.asked),
                time(&rung.opened_at),
                rung.answer.clone(),
                rung.by.clone().unwrap_or_default(),
                rung.took_ms.map_or_else(String::new, seconds),
            ]
        }),
    ));
    blocks
}

/// Each with what happened while it was open: the post-mortem.
fn incidents(report: &Report) -> Vec<Block> {
    let mut blocks = Vec::new();
    for incident in &report.incidents {
        blocks.extend(case(incident));
        blocks.extend(timeline(&incident.timeline));
    }
    blocks
}

fn handoffs(report: &Report) -> Vec<Block> {
    table(
        &[
            "Handoff",
            "From",
            "To",
            "Opened",
            "Closed",
            "How",
            "By",
            "Asked back",
        ],
        report.handoffs.iter().map(|of| {
            vec![
                of.name.clone(),
                of.from.clone(),
                of.to.clone(),
                time(&of.opened_at),
                of.closed_at.as_deref().map_or_else(String::new, time),
                of.how.unwrap_or("open").to_string(),
                of.by.clone().unwrap_or_default(),
                of.asked_back.to_string(),
            ]
        }),
    )
}

fn decisions(report: &Report) -> Vec<Block> {
    let mut blocks = Vec::new();
    for decision in &report.decisions {
        let by = decision.by.as_deref().unwrap_or("somebody");
        let domain = (decision.domain.as_ref()).map_or_else(String::new, |d| format!(", in {d}"));
        blocks.push(Block::Heading(decision.title.clone()));
        blocks.push(Block::Text(format!(
            "{by}{domain}, at {}. {}",
            time(&decision.at),
            decision.text
        )));
    }
    blocks
}

fn answers(report: &Report) -> Vec<Block> {
    table(
        &["Item", "Question", "Of", "Answer", "By", "After"],
        report.answers.iter().map(|of| {
            vec![
                of.item.to_string(),
                of.question.clone(),
                whom(&of.asked),
                of.answer.clone(),
                of.by.clone().unwrap_or_default(),
                of.took_ms.map_or_else(String::new, seconds),
            ]
        }),
    )
}

fn notices(report: &Report) -> Vec<Block> {
    table(
        &["At", "To", "Via", "Notice"],
        report.notices.iter().map(|of| {
            vec![
                time(&of.at),
                whom(&of.to),
                of.via.clone().unwrap_or_default(),
                of.text.clone(),
            ]
        }),
    )
}

fn undone(report: &Report) -> Vec<Block> {
    table(
        &["At", "Task", "Well", "Found"],
        report.undone.iter().map(|of| {
            vec![
                time(&of.at),
                of.task.clone(),
                yes(Some(of.well)).to_string(),
                of.found.clone(),
            ]
        }),
    )
}

fn timeline(moments: &[Moment]) -> Vec<Block> {
    if moments.is_empty() {
        return Vec::new();
    }
    let mut lines: Vec<String> = (moments.iter().take(MOST_MOMENTS))
        .map(|moment| format!("{} {} {}", time(&moment.at), moment.mark, moment.text))
        .collect();
    if moments.len() > MOST_MOMENTS {
        let more = moments.len() - MOST_MOMENTS;
        lines.push(format!("and {more} more; `--format json` has all"));
    }
    vec![Block::List(lines)]
}

fn table(head: &[&'static str], rows: impl Iterator<Item = Vec<String>>) -> Vec<Block> {
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        return Vec::new();
    }
    vec![Block::Table {
        head: head.to_vec(),
        rows,
    }]
}

fn yes(of: Option<bool>) -> &'static str {
    match of {
        Some(true) => "yes",
        Some(false) => "no",
        None => "",
    }
}

fn whom(names: &[String]) -> String {
    match names {
        [] => "anybody".to_string(),
        names => names.join(", "),
    }
}

/// `2026-11-25 09:40:03` of an instant; a report is in UTC throughout.
fn time(at: &str) -> String {
    let second = at.get(..19).unwrap_or(at);
    second.replace('T', " ")
}
