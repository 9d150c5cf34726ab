//! `coord graph`: the graph for other tools to draw.

use super::args::{Common, Graph as Args, GraphFormat};
use super::exit::{Exit, Outcome};
use super::plan::{deliver, sound};
use super::project;
use super::render::graph;
use super::screen::Screen;
use coord_plan::compile::Settings;

pub(crate) fn graph(common: &Common, screen: &Screen, args: &Args) -> Outcome {
    let project = &args.project;
    let loaded = project::load(
        common,
        project.file.as_deref(),
        &project.set,
        Settings {
            workflow: project.workflow.clone(),
            ..Settings::default()
        },
    )?;
    let Some((plan, schedule)) = sound(common, screen, &loaded) else {
        return Ok(Exit::Wrong);
    };
    let text = match args.format {
        GraphFormat::Mermaid => graph::mermaid(plan, schedule),
        GraphFormat::Dot => graph::dot(plan, schedule),
        GraphFormat::Json => graph::json(plan, schedule),
        GraphFormat::Svg => graph::svg(plan, schedule),
        GraphFormat::Html => graph::page(plan, schedule),
        GraphFormat::Ir => serde_json::to_string_pretty(plan).unwrap_or_default() + "\n",
    };
    deliver(screen, args.output.as_deref(), &text)
}
