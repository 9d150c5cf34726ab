//! `coord runs`, `status`, `inbox` and `why`: what happened and what is happening.

use super::args::{Common, Inbox, Listing, Status as StatusArgs, TextOrJson, Why as WhyArgs};
use super::exit::{Exit, Failure, Outcome};
use super::home;
use super::render::{status, words};
use super::screen::Screen;
use coord_engine::{Ask, Item, ItemId, Part, why};
use coord_host::brief::{KNOWN_ISSUES, SUCCESS_CRITERIA};
use coord_host::clock;
use coord_host::control;
use coord_host::journal::JournalRead;
use coord_host::run::Run;
use serde_json::{Value, json};

pub(crate) fn runs(common: &Common, screen: &Screen, args: &Listing) -> Outcome {
    let home = home::existing(common)?;
    let reader = home::reader(&home)?;
    let summaries = reader.runs().map_err(home::journal_failure)?;
    let mut rows = Vec::new();
    for summary in summaries.iter().rev() {
        let run = home::run(&reader, Some(&summary.id))?;
        rows.push(run);
    }
    match args.format {
        TextOrJson::Json => screen.json(&Value::Array(
            rows.iter().map(status::summary_json).collect(),
        )),
        TextOrJson::Text => screen.out(&status::list(&rows, screen.color_out())),
    }
    Ok(Exit::Done)
}

pub(crate) fn status(common: &Common, screen: &Screen, args: &StatusArgs) -> Outcome {
    let home = home::existing(common)?;
    let reader = home::reader(&home)?;
    let run = home::run(&reader, args.run.as_deref())?;
    let live = control::is_live(&home, &run.id);
    match args.format {
        TextOrJson::Json => screen.json(&status::json(&run)),
        TextOrJson::Text => screen.out(&status::text(
            &run,
            live,
            screen.color_out(),
            screen.width().unwrap_or(100),
        )),
    }
    Ok(Exit::Done)
}

pub(crate) fn inbox(common: &Common, screen: &Screen, args: &Inbox) -> Outcome {
    let home = home::existing(common)?;
    let reader = home::reader(&home)?;
    let runs = match &args.run {
        Some(id) => vec![home::run(&reader, Some(id))?],
        None => {
            let summaries = reader.runs().map_err(home::journal_failure)?;
            let mut open = Vec::new();
            for summary in &summaries {
                let run = home::run(&reader, Some(&summary.id))?;
                if !run.state.status().is_ended() {
                    open.push(run);
                }
            }
            open
        }
    };
    let mut found = Vec::new();
    let mut text = String::new();
    for run in &runs {
        for (id, _) in run
            .state
            .open_items()
            .filter(|(_, item)| is_for(run, item, args.who.as_deref()))
        {
            found.push(status::item_json(run, id));
            text.push_str(&one_item(run, id));
        }
    }
    match args.format {
        TextOrJson::Json => screen.json(&Value::Array(found)),
        TextOrJson::Text if found.is_empty() => screen.err(&match &args.who {
            Some(who) => format!("nothing is asked of {who}\n"),
            None => "nobody is asked anything\n".into(),
        }),
        TextOrJson::Text => screen.out(&text),
    }
    if args.format == TextOrJson::Text {
        screen.out(&super::told::told(&reader, &runs, args.who.as_deref())?);
    }
    Ok(Exit::Done)
}

fn is_for(run: &Run, item: &Item, who: Option<&str>) -> bool {
    who.is_none_or(|who| {
        item.of.is_empty() || item.of.iter().any(|a| run.plan.agents[*a].name == who)
    })
}

fn one_item(run: &Run, id: ItemId) -> String {
    let Some(item) = run.state.item(id) else {
        return String::new();
    };
    let title = item
        .node
        .and_then(|node| run.plan.nodes[node].title.as_ref());
    let mut out = format!("{}\n", words::asked(&run.plan, &run.state, id));
    if let Some(title) = title {
        out.push_str(&format!("    {}\n", words::plain(title)));
    }
    if let (Some(node), Ask::Work) = (item.node, item.ask)
        && let Some(task) = run.plan.task(node)
    {
        for line in task.doc.lines().filter(|l| !l.is_empty()) {
            out.push_str(&format!("    {}\n", words::plain(line)));
        }
        for step in &task.steps {
            out.push_str(&format!("    - {}\n", words::plain(step)));
        }
        for feedback in &run.state.node(node).feedback {
            out.push_str(&format!(
                "    asked for: {}\n",
                words::plain(&feedback.note)
            ));
        }
    }
    out.push_str(&bound(item));
    out.push_str(&handed_over(run, item));
    if item.quorum > 1 {
        out.push_str(&format!(
            "    {} of {} have agreed\n",
            item.answers.len(),
            item.quorum
        ));
    }
    let due = item
        .due_ms
        .map_or_else(String::new, |due| format!(", due {}", clock::rfc3339(due)));
    out.push_str(&format!(
        "    open since {}{due}, run {}\n",
        clock::rfc3339(item.opened_ms),
        run.id
    ));
    out.push_str(&format!("    {}\n\n", words::answers(&run.plan, id, item)));
    out
}

/// What a yes would be given for, and what is new in it.
fn bound(item: &Item) -> String {
    let mut out = String::new();
    for change in &item.changed {
        out.push_str(&format!("    changed: {}\n", words::plain(change)));
    }
    if let Some(subject) = &item.subject {
        out.push_str(&format!("    a yes is for {}:\n", subject.digest));
        for part in &subject.parts {
            let (what, value) = (words::plain(&part.what), words::plain(&part.value));
            out.push_str(&format!("      {what}: {value}\n"));
        }
    }
    out
}

/// What the giver of a handoff said of its work, for whoever accepts it.
fn handed_over(run: &Run, item: &Item) -> String {
    let Ask::Situation { situation, part } = item.ask else {
        return String::new();
    };
    let giver = run.state.situation(situation).and_then(|s| s.about.giver);
    let (Part::Accept, Some(giver)) = (part, giver) else {
        return String::new();
    };
    let outputs = &run.state.node(giver).outputs;
    let told = [
        (KNOWN_ISSUES, "known issue"),
        (SUCCESS_CRITERIA, "good when"),
    ];
    let mut out = String::new();
    for (name, word) in told {
        for line in outputs.get(name).into_iter().flat_map(|text| text.lines()) {
            out.push_str(&format!("    {word}: {}\n", words::plain(line)));
        }
    }
    out
}

pub(crate) fn why_is_it(common: &Common, screen: &Screen, args: &WhyArgs) -> Outcome {
    let home = home::existing(common)?;
    let reader = home::reader(&home)?;
    let (run, task) = home::run_and_task(&reader, &args.run_or_task, args.task.as_deref())?;
    let node = home::node(&run, &task)?;
    let chain = why(&run.plan, &run.state, node);
    if chain.nodes.is_empty() {
        return Err(Failure::wrong(format!("nothing is known of `{task}`")));
    }
    match args.format {
        TextOrJson::Text => {
            screen.out(&status::why_text(&run, &chain, screen.color_out()));
            let live = control::is_live(&home, &run.id);
            screen.out(&status::nobody_runs_it(&run, live));
        }
        TextOrJson::Json => screen
            .json(&json!({ "run": run.id, "task": task, "chain": status::why_json(&run, &chain) })),
    }
    Ok(Exit::Done)
}
