//! A plan as a drawing (SVG): a row for each task, by phase, with the load of agents below.
//!
//! The same plan gives the same bytes. Of a plan with very many tasks only what is late, critical
//! or holds the end has a row of its own, and each phase.

use super::{Row, escaped, rows};
use crate::cli::render::drawing::begin;
use crate::cli::render::heat::{busiest, heat};
use crate::cli::render::outlook::Outlook;
use crate::cli::render::sheet::{cut, tame};
use coord_lang::ids::NodeId;
use coord_lang::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, format_ms};
use coord_plan::plan::{NodeKind, Plan};
use coord_plan::schedule::Schedule;
use std::fmt::Write as _;

const WIDTH: i64 = 1200;
const NAMES: i64 = 330;
const RIGHT: i64 = 20;
const ROW: i64 = 20;
const HEAD: i64 = 74;
/// With more rows, only those that matter most.
const MOST_ROWS: usize = 1_000;
const AGENTS: usize = 20;
const STRETCHES: i64 = 120;

const STYLE: &str = "\
.phase{font-weight:bold}
.grid{stroke:#d9dee3}.rest{fill:#eceff2}.work{fill:#6d9dc5}.critical{fill:#d9822b}.slack{fill:#c3ccd4}.full{fill:#2c5f8a}
.chain{stroke:#1d2329;stroke-width:1.5}.event{fill:#00796b}.late{fill:#b3261e}.good{fill:#1a7f4b}.span{fill:#1d2329}
@media(prefers-color-scheme:dark){.grid{stroke:#343c44}.rest{fill:#1b2026}.work{fill:#4f81ad}.critical{fill:#e8a04c}.slack{fill:#3b4650}.full{fill:#8fc1ea}.chain{stroke:#fff}.event{fill:#4db6ac}.late{fill:#ff8a80}.good{fill:#4cc38a}.span{fill:#e4e8ec}}
";

pub(crate) fn svg(plan: &Plan, schedule: &Schedule) -> String {
    let outlook = Outlook::new(plan, schedule);
    let (rows, hidden) = shown(&outlook);
    let starts = schedule.nodes.values().map(|n| n.start_ms);
    let from_ms = starts.min().unwrap_or(0).min(0);
    let drawing = Drawing {
        outlook: &outlook,
        from_ms,
        to_ms: schedule.makespan_ms.max(from_ms + 1),
        agents: busiest(&outlook).into_iter().take(AGENTS).collect(),
    };
    drawing.whole(&rows, hidden)
}

fn shown(outlook: &Outlook) -> (Vec<Row>, usize) {
    let all = rows(outlook);
    if all.len() <= MOST_ROWS {
        return (all, 0);
    }
    let matters = |node: NodeId| {
        let task = outlook.plan.task(node).is_some();
        !task || outlook.is_late(node) || outlook.is_critical(node) || outlook.is_in_chain(node)
    };
    let (kept, hidden): (Vec<Row>, Vec<Row>) = all.into_iter().partition(|row| match row {
        Row::Node(node) => matters(*node),
        Row::Phase(_) | Row::Outside => true,
    });
    let more = kept.len().saturating_sub(MOST_ROWS);
    let kept: Vec<Row> = kept.into_iter().take(MOST_ROWS).collect();
    (kept, hidden.len() + more)
}

struct Drawing<'a> {
    outlook: &'a Outlook<'a>,
    from_ms: i64,
    to_ms: i64,
    agents: Vec<coord_lang::ids::AgentId>,
}

impl Drawing<'_> {
    fn whole(&self, rows: &[Row], hidden: usize) -> String {
        let plan = self.outlook.plan;
        let loads = self.agents.len() as i64;
        let more = i64::from(hidden > 0);
        let load_y = HEAD + (rows.len() as i64 + more) * ROW + 24;
        let height = load_y + loads * ROW + 16;
        let title = tame(plan.title.as_deref().unwrap_or(&plan.project));
        let mut out = begin((WIDTH, height), 12, &title, STYLE);
        let _ = writeln!(
            out,
            "<text class=\"dim\" x=\"12\" y=\"44\">{}</text>",
            escaped(&self.gist())
        );
        self.ground(HEAD, height - 8, &mut out);
        for (number, row) in rows.iter().enumerate() {
            self.row(row, HEAD + number as i64 * ROW, &mut out);
        }
        if hidden > 0 {
            let y = HEAD + rows.len() as i64 * ROW + 14;
            let words = format!("… {hidden} more tasks, neither late nor critical");
            let _ = writeln!(out, "<text class=\"dim\" x=\"12\" y=\"{y}\">{words}</text>");
        }
        self.loads(load_y, &mut out);
        out.push_str("</svg>\n");
        out
    }

    fn gist(&self) -> String {
        let (outlook, schedule) = (self.outlook, self.outlook.schedule);
        let ends = format!(
            "ends {}, by needs alone {}",
            outlook.at(schedule.makespan_ms),
            outlook.at(schedule.logical_makespan_ms)
        );
        match schedule.forecast.as_deref().filter(|f| f.is_uncertain()) {
            Some(f) => format!("{ends}, with 80 % {}", outlook.at(f.percentile(80))),
            None => ends,
        }
    }

    /// A place on the axis, in tenths of a pixel, so that it reads the same on every machine.
    fn x(&self, ms: i64) -> Tenths {
        let room = i128::from((WIDTH - NAMES - RIGHT) * 10);
        let span = i128::from(self.to_ms - self.from_ms);
        let at = i128::from(ms.clamp(self.from_ms, self.to_ms) - self.from_ms);
        Tenths(NAMES * 10 + (at * room / span) as i64)
    }

    /// Days off, and the ruler.
    fn ground(&self, top: i64, bottom: i64, out: &mut String) {
        let outlook = self.outlook;
        let days = outlook.clock.midnights(self.from_ms, self.to_ms);
        for day in days.windows(2).filter(|_| days.len() < 1_000) {
            if outlook.calendar.working_between(day[0], day[1]) == 0 {
                let (x, width) = self.bar(day[0], day[1]);
                let _ = writeln!(
                    out,
                    "<rect class=\"rest\" x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{}\"/>",
                    bottom - top
                );
            }
        }
        for (ms, label) in self.ticks(&days) {
            let x = self.x(ms);
            let _ = writeln!(
                out,
                "<line class=\"grid\" x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{bottom}\"/>\
                 <text class=\"dim\" x=\"{}\" y=\"{}\">{}</text>",
                top - 8,
                Tenths(x.0 + 30),
                top - 12,
                escaped(&label)
            );
        }
    }

    fn ticks(&self, days: &[i64]) -> Vec<(i64, String)> {
        let span = self.to_ms - self.from_ms;
        let room = (WIDTH - NAMES - RIGHT) / 80;
        let dated = self.outlook.clock.is_dated();
        if dated && span > 2 * DAY_MS {
            let steps = [1, 7, 14, 28, 56, 91, 182, 364, 1820];
            let fits = |step: &usize| days.len() as i64 / *step as i64 <= room;
            let step = steps.into_iter().find(fits).unwrap_or(3640);
            let days = days.iter().step_by(step);
            return days.map(|ms| (*ms, self.outlook.clock.day(*ms))).collect();
        }
        let steps = [
            1,
            10,
            100,
            SECOND_MS,
            10 * SECOND_MS,
            MINUTE_MS,
            10 * MINUTE_MS,
            HOUR_MS,
            3 * HOUR_MS,
            6 * HOUR_MS,
            DAY_MS,
            7 * DAY_MS,
            28 * DAY_MS,
        ];
        let step = steps.into_iter().find(|step| span / step <= room);
        let step = step.unwrap_or(span.max(1));
        let first = self.from_ms.div_euclid(step) * step;
        let ticks = (0..).map(|n| first + n * step);
        let ticks = ticks.skip_while(|ms| *ms < self.from_ms);
        ticks
            .take_while(|ms| *ms <= self.to_ms)
            .map(|ms| match dated {
                true => {
                    let at = self.outlook.clock.at(ms);
                    (
                        ms,
                        at.split(' ').next_back().unwrap_or_default().to_string(),
                    )
                }
                false => (ms, format_ms(ms)),
            })
            .collect()
    }

    fn bar(&self, from_ms: i64, to_ms: i64) -> (Tenths, Tenths) {
        let from = self.x(from_ms);
        (from, Tenths((self.x(to_ms).0 - from.0).max(10)))
    }

    fn row(&self, row: &Row, y: i64, out: &mut String) {
        match row {
            Row::Phase(phase) => {
                let name = escaped(&cut(&self.outlook.phase(*phase), 46));
                let _ = writeln!(
                    out,
                    "<text class=\"phase\" x=\"12\" y=\"{}\">{name}</text>",
                    y + 14
                );
                if let Some((from, to)) = self.outlook.schedule.phases[*phase].levelled_ms {
                    let (x, width) = self.bar(from, to);
                    let _ = writeln!(
                        out,
                        "<rect class=\"span\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"3\"/>",
                        y + 8
                    );
                }
            }
            Row::Outside => {
                let _ = writeln!(
                    out,
                    "<text class=\"phase\" x=\"12\" y=\"{}\">Outside the phases</text>",
                    y + 14
                );
            }
            Row::Node(node) => self.node(*node, y, out),
        }
    }

    fn node(&self, id: NodeId, y: i64, out: &mut String) {
        let (outlook, times) = (self.outlook, &self.outlook.schedule.nodes[id]);
        let label = format!("{} {}", outlook.name(id), outlook.title(id));
        let class = match (outlook.is_late(id), outlook.is_critical(id)) {
            (true, _) => " class=\"late\"",
            (false, true) => " class=\"critical\"",
            (false, false) => "",
        };
        let _ = writeln!(
            out,
            "<g><title>{}</title><text{class} x=\"24\" y=\"{}\">{}</text>",
            escaped(&self.told(id)),
            y + 14,
            escaped(&cut(label.trim_end(), 44))
        );
        let is_task = matches!(outlook.plan.nodes[id].kind, NodeKind::Task(_));
        if outlook.is_contingent(id) {
        } else if is_task {
            let (x, width) = self.bar(times.start_ms, times.finish_ms);
            let latest = times.logical.latest_finish_ms;
            if latest > times.finish_ms && !times.logical.critical {
                let (x, width) = self.bar(times.finish_ms, latest);
                let _ = writeln!(
                    out,
                    "<rect class=\"slack\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"2\"/>",
                    y + 9
                );
            }
            let work = if times.logical.critical {
                "critical"
            } else {
                "work"
            };
            let chain = if outlook.is_in_chain(id) {
                " chain"
            } else {
                ""
            };
            let _ = writeln!(
                out,
                "<rect class=\"{work}{chain}\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"12\"/>",
                y + 4
            );
        } else {
            let x = self.x(times.finish_ms);
            let sign = match outlook.plan.nodes[id].kind {
                NodeKind::Sync(_) => "◆",
                NodeKind::Task(_) | NodeKind::Milestone(_) | NodeKind::Join => "◇",
            };
            let class = if times.logical.critical {
                "critical"
            } else {
                "event"
            };
            let _ = writeln!(
                out,
                "<text class=\"{class}\" text-anchor=\"middle\" x=\"{x}\" y=\"{}\">{sign}</text>",
                y + 14
            );
        }
        if let Some(due) = outlook.due_ms(id).filter(|due| *due <= self.to_ms) {
            let (class, sign) = match outlook.is_late(id) {
                true => ("late", "!"),
                false => ("good", "▼"),
            };
            let x = self.x(due);
            let _ = writeln!(
                out,
                "<text class=\"{class}\" text-anchor=\"middle\" x=\"{x}\" y=\"{}\">{sign}</text>",
                y + 14
            );
        }
        out.push_str("</g>\n");
    }

    /// What is shown while a pointer rests on a row.
    fn told(&self, id: NodeId) -> String {
        let (outlook, times) = (self.outlook, &self.outlook.schedule.nodes[id]);
        let mut told = format!("{} {}", outlook.name(id), outlook.title(id));
        let _ = write!(
            told,
            ": {} to {}",
            outlook.at(times.start_ms),
            outlook.at(times.finish_ms)
        );
        let who = outlook.who(id);
        if !who.is_empty() {
            let _ = write!(told, ", by {who}");
        }
        if let Some(held) = outlook.held(id) {
            let _ = write!(told, "; {held}");
        }
        told
    }

    fn loads(&self, y: i64, out: &mut String) {
        if self.agents.is_empty() {
            return;
        }
        let _ = writeln!(
            out,
            "<text class=\"phase\" x=\"12\" y=\"{}\">Load of each agent</text>",
            y - 6
        );
        let span = i128::from(self.to_ms - self.from_ms);
        let bound = |n: i64| self.from_ms + (span * i128::from(n) / i128::from(STRETCHES)) as i64;
        let bounds: Vec<i64> = (0..=STRETCHES).map(bound).collect();
        for (row, &agent) in self.agents.iter().enumerate() {
            let y = y + row as i64 * ROW;
            let percent = (self.outlook.schedule.agents[agent].per_mille() + 5) / 10;
            let _ = writeln!(
                out,
                "<text x=\"24\" y=\"{0}\">{1}</text><text class=\"dim\" text-anchor=\"end\" x=\"{2}\" \
                 y=\"{0}\">{percent}%</text>",
                y + 14,
                escaped(&cut(&self.outlook.agent(agent), 34)),
                NAMES - 8
            );
            for (n, share) in heat(self.outlook, agent, &bounds).into_iter().enumerate() {
                let Some(share) = share.filter(|share| *share > 0) else {
                    continue;
                };
                let (x, width) = self.bar(bounds[n], bounds[n + 1]);
                let class = if share >= 950 { "full" } else { "work" };
                let opacity = 15 + share * 85 / 1000;
                let _ = writeln!(
                    out,
                    "<rect class=\"{class}\" opacity=\"0.{opacity:02}\" x=\"{x}\" y=\"{}\" \
                     width=\"{width}\" height=\"14\"/>",
                    y + 3,
                    opacity = opacity.min(99)
                );
            }
        }
    }
}

/// Tenths of a pixel.
#[derive(Clone, Copy)]
struct Tenths(i64);

impl std::fmt::Display for Tenths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 % 10 {
            0 => write!(f, "{}", self.0 / 10),
            tenth => write!(f, "{}.{tenth}", self.0 / 10),
        }
    }
}
