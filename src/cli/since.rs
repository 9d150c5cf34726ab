//! `coord plan --since RUN`: what happened in a run, and what is to be expected of the rest.

use super::args::{Common, Plan as Args, TextOrJson};
use super::exit::{Exit, Failure, Outcome};
use super::experience::{self, Experience};
use super::home;
use super::plan::{Search, deliver, look_of, text_or_json};
use super::render::since::{self, Live};
use super::screen::Screen;
use coord_engine::{State, Status};
use coord_host::run::Run;
use coord_lang::ids::{NodeId, Table};
use coord_plan::live::Way;
use coord_plan::plan::{NodeKind, Plan};
use coord_plan::remaining::{End, Progress, remaining};
use coord_plan::schedule::Schedule;

pub(crate) fn since(
    common: &Common,
    screen: &Screen,
    args: &Args,
    search: &Search,
    run: &str,
) -> Outcome {
    let format = text_or_json(args, "--since")?;
    let home = home::existing(common)?;
    let reader = home::reader(&home)?;
    let run = match run {
        "" => home::open_run(&reader, None)?,
        run => home::run(&reader, Some(run))?,
    };
    let Some(started_ms) = run.state.started_ms() else {
        return Err(Failure::wrong(format!("run `{}` has not started", run.id))
            .help("`coord resume` goes on with it"));
    };
    let experience = experience::of_project(&reader, &run.plan.project)?;
    let looked = Looked::at(&run, started_ms, search, args.learn.then_some(&experience));
    let way = Way {
        plan: &looked.plan,
        planned: &looked.planned,
        rest: &looked.forecast,
        progress: &looked.progress,
    };
    let live = Live {
        run: &run,
        plan: &looked.plan,
        planned: &looked.planned,
        rest: &looked.rest,
        forecast: &looked.forecast,
        promises: way.promises(),
        way,
        now_ms: looked.now_ms,
        experience: &experience,
        learned: args.learn,
    };
    let text = match format {
        TextOrJson::Json => since::json(&live),
        TextOrJson::Text => since::text(&live, look_of(screen, args.width, args.output.is_some())),
    };
    deliver(screen, args.output.as_deref(), &text)?;
    Ok(match since::is_at_risk(&live) {
        true => Exit::Failed,
        false => Exit::Done,
    })
}

/// A run's plan, as it was and as it is to be expected now.
struct Looked {
    /// From the start of the run.
    plan: Plan,
    planned: Schedule,
    /// What is left, and its schedule.
    rest: Plan,
    forecast: Schedule,
    progress: Table<NodeId, Progress>,
    now_ms: i64,
}

impl Looked {
    fn at(run: &Run, started_ms: i64, search: &Search, learned: Option<&Experience>) -> Looked {
        let kept = run.state.options().respect_calendar;
        let mut plan = run.plan.active();
        // a run that does not keep to the calendar counts from its own start
        let origin_ms = plan.origin_ms.filter(|_| kept).unwrap_or(started_ms);
        plan.origin_ms = Some(origin_ms);
        let ended = run.state.ended_ms();
        let now_ms = ended.unwrap_or_else(coord_host::clock::wall_ms) - origin_ms;
        let progress: Table<NodeId, Progress> = plan
            .nodes
            .ids()
            .map(|node| progress(&run.state, node, origin_ms))
            .collect();
        let planned = search.schedule(&plan);
        let mut believed = plan.clone();
        if let Some(experience) = learned {
            experience.teach(&mut believed);
        }
        let rest = remaining(&believed, &progress, now_ms, kept);
        let forecast = search.schedule(&rest);
        Looked {
            plan,
            planned,
            rest,
            forecast,
            progress,
            now_ms,
        }
    }
}

fn progress(state: &State, node: NodeId, origin_ms: i64) -> Progress {
    let found = state.node(node);
    let attempt = found.attempt.as_ref();
    let who = || attempt.map_or_else(Vec::new, |attempt| attempt.agents.clone());
    let ended = |end: End| {
        let finish = found.ended_ms.unwrap_or_else(|| state.now_ms());
        let start = found.first_started_ms.unwrap_or(finish);
        Progress::Ended {
            end,
            start_ms: start - origin_ms,
            finish_ms: finish - origin_ms,
            agents: who(),
        }
    };
    match found.status {
        Status::Completed => ended(End::Done),
        Status::Skipped | Status::Cancelled => ended(End::Skipped),
        Status::Failed => ended(End::Failed),
        Status::InProgress | Status::Review => {
            let since = attempt.and_then(|attempt| attempt.started_ms);
            match since {
                Some(since) => Progress::Running {
                    since_ms: since - origin_ms,
                    agents: who(),
                },
                None => Progress::Open,
            }
        }
        Status::Created | Status::Assigned | Status::InDoubt => Progress::Open,
    }
}

/// Says what estimates are made of, and makes them of that.
pub(crate) fn learned(common: &Common, screen: &Screen, plan: &Plan) -> Result<Plan, Failure> {
    let home = home::existing(common)?;
    let reader = home::reader(&home)?;
    let experience = experience::of_project(&reader, &plan.project)?;
    let mut plan = plan.clone();
    let taught = experience.teach(&mut plan);
    let tasks = plan
        .nodes
        .values()
        .filter(|n| matches!(n.kind, NodeKind::Task(_)));
    screen.err(&format!(
        "{}; {taught} of {} tasks are estimated by that\n",
        since::in_words(&experience),
        tasks.count()
    ));
    Ok(plan)
}
