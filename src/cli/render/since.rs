//! A run against its plan: what happened, what is to be expected of the rest, what is at risk; as
//! words and as JSON (`coord.live/1`).

use super::explain_plan::hold;
use super::outlook::Outlook;
use super::plan_json::{Secs, held};
use super::sheet::{Ink, Line, Look, Sheet, columns, cut, tame};
use crate::cli::experience::{Experience, Summary};
use coord_host::run::Run;
use coord_lang::ids::NodeId;
use coord_plan::clock::Clock;
use coord_plan::live::Way;
use coord_plan::plan::{NodeKind, Plan};
use coord_plan::remaining::{End, Progress};
use coord_plan::rules::{Claim, Measured};
use coord_plan::schedule::Schedule;
use coord_plan::schedule::chain::{Hold, Link};
use coord_plan::schedule::promise::{Promise, Verdict};
use coord_plan::schedule::why::steps;
use schemars::JsonSchema;
use serde::Serialize;

/// Of longer lists, so many.
const LIST: usize = 20;
const AT_RISK: usize = 8;

/// A run, the plan that it set out with, and what is left of it. All plans count from the same
/// origin and have the same nodes.
pub(crate) struct Live<'a> {
    pub(crate) run: &'a Run,
    pub(crate) plan: &'a Plan,
    pub(crate) planned: &'a Schedule,
    pub(crate) rest: &'a Plan,
    pub(crate) forecast: &'a Schedule,
    pub(crate) way: Way<'a>,
    /// By what is to be expected now.
    pub(crate) promises: Vec<Promise>,
    pub(crate) now_ms: i64,
    pub(crate) experience: &'a Experience,
    pub(crate) learned: bool,
}

impl Live<'_> {
    /// When a node began, or is expected to.
    fn start_ms(&self, node: NodeId) -> i64 {
        self.way.start_ms(node)
    }

    fn finish_ms(&self, node: NodeId) -> i64 {
        self.way.finish_ms(node)
    }

    fn planned_finish_ms(&self, node: NodeId) -> i64 {
        self.planned.nodes[node].finish_ms
    }

    fn late_ms(&self, node: NodeId) -> i64 {
        self.finish_ms(node) - self.planned_finish_ms(node)
    }

    /// By how much later it may end than planned without making the planned end later.
    fn room_ms(&self, node: NodeId) -> i64 {
        let spare = self.planned.makespan_ms - self.planned.logical_makespan_ms;
        let latest = self.planned.nodes[node].logical.latest_finish_ms + spare;
        (latest - self.planned_finish_ms(node)).max(0)
    }

    /// What of that is left; negative makes the end later.
    fn room_left_ms(&self, node: NodeId) -> i64 {
        self.room_ms(node) - self.late_ms(node)
    }

    fn finish(&self) -> i64 {
        self.way.end_ms()
    }

    fn is_expected(&self, node: NodeId) -> bool {
        self.way.is_expected(node)
    }

    fn tasks(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.plan.tasks().map(|(id, _, _)| id)
    }

    fn running(&self) -> Vec<NodeId> {
        let runs = |id: &NodeId| matches!(self.way.progress[*id], Progress::Running { .. });
        self.tasks().filter(runs).collect()
    }

    fn ended(&self) -> Vec<NodeId> {
        let has = |id: &NodeId| matches!(self.way.progress[*id], Progress::Ended { .. });
        let mut ended: Vec<NodeId> = self.tasks().filter(has).collect();
        ended.sort_by_key(|id| (self.start_ms(*id), *id));
        ended
    }

    fn open(&self) -> Vec<NodeId> {
        let is = |id: &NodeId| self.way.progress[*id] == Progress::Open && self.is_expected(*id);
        let mut open: Vec<NodeId> = self.tasks().filter(is).collect();
        open.sort_by_key(|id| (self.start_ms(*id), *id));
        open
    }

    /// Deadlines that are missed or will be.
    fn dues(&self) -> Vec<Risk> {
        let mut risks = Vec::new();
        for (id, node) in self.plan.nodes.iter() {
            let due = match &node.kind {
                NodeKind::Task(task) => task.deadline_ms,
                NodeKind::Milestone(milestone) => milestone.due_ms,
                NodeKind::Sync(_) | NodeKind::Join => None,
            };
            let Some(due_ms) = due.filter(|_| self.is_expected(id)) else {
                continue;
            };
            let finish_ms = self.finish_ms(id);
            let chance = self
                .forecast
                .forecast
                .as_deref()
                .and_then(|forecast| forecast.chance(id, due_ms));
            let open = !matches!(self.way.progress[id], Progress::Ended { .. });
            let chance = chance.filter(|_| open);
            if finish_ms > due_ms || chance.is_some_and(|chance| chance < SURE) {
                risks.push(Risk {
                    node: id,
                    due_ms,
                    finish_ms,
                    chance,
                    was_met: self.planned_finish_ms(id) <= due_ms,
                    chain: match open {
                        true => steps(self.rest, self.forecast, id)
                            .iter()
                            .map(|step| step.link)
                            .collect(),
                        false => Vec::new(),
                    },
                });
            }
        }
        risks.sort_by_key(|risk| (risk.due_ms - risk.finish_ms, risk.node));
        risks
    }

    /// Promises about times and loads, as planned and by what is to be expected now.
    fn promises(&self) -> impl Iterator<Item = (&str, &Promise, &Promise)> {
        let pairs = self.planned.promises.iter().zip(&self.promises);
        pairs.filter_map(|(then, now)| {
            let expect = self.plan.rules.expects.get(now.number)?;
            let about_the_run = matches!(
                expect.claim,
                Claim::Measure {
                    of: Measured::Finish
                        | Measured::Percentile(_)
                        | Measured::EndOf(_)
                        | Measured::Load(_)
                        | Measured::Slack(_),
                    ..
                }
            );
            about_the_run.then_some((expect.title.as_str(), then, now))
        })
    }
}

/// In thousandths: what is less likely is at risk.
const SURE: u32 = 800;

/// Something due that is or may be missed.
struct Risk {
    node: NodeId,
    due_ms: i64,
    finish_ms: i64,
    chance: Option<u32>,
    was_met: bool,
    chain: Vec<Link>,
}

fn is_broken(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Broken | Verdict::Impossible)
}

/// A deadline is missed by what is to be expected, or a promise broken.
pub(crate) fn is_at_risk(live: &Live) -> bool {
    let missed = live.dues().iter().any(|risk| risk.finish_ms > risk.due_ms);
    missed || live.promises().any(|(_, _, now)| is_broken(now.verdict))
}

/// `34 tasks of 5 runs took 1.3 times their likely length (80 % of them 0.9 to 2.1 times)`.
pub(crate) fn in_words(experience: &Experience) -> String {
    let Some(Summary { samples, ratio }) = experience.together() else {
        return "no task of this project has been done yet".into();
    };
    let times = |per_mille: i64| format!("{:.2}", per_mille as f64 / 1000.0);
    let (s, runs) = if samples == 1 {
        ("", "1 run")
    } else {
        ("s", "")
    };
    let runs = match experience.runs {
        1 => "1 run".to_string(),
        n if runs.is_empty() => format!("{n} runs"),
        _ => runs.to_string(),
    };
    format!(
        "{samples} task{s} of {runs} took {} times the likely length in the middle, most {} to {}",
        times(ratio.likely),
        times(ratio.low),
        times(ratio.high)
    )
}

// ---- words -------------------------------------------------------------------------------------

pub(crate) fn text(live: &Live, look: Look) -> String {
    let outlook = Outlook::new(live.plan, live.planned);
    let mut sheet = Sheet::new(look);
    let words = Words {
        live,
        outlook: &outlook,
        rest: &Outlook::new(live.rest, live.forecast),
    };
    words.head(&mut sheet);
    words.risks(&mut sheet);
    words.running(&mut sheet);
    words.left(&mut sheet);
    words.holds(&mut sheet);
    words.ended(&mut sheet);
    words.learned(&mut sheet);
    sheet.into_text()
}

struct Words<'a> {
    live: &'a Live<'a>,
    outlook: &'a Outlook<'a>,
    rest: &'a Outlook<'a>,
}

impl Words<'_> {
    fn head(&self, sheet: &mut Sheet) {
        let (live, outlook) = (self.live, self.outlook);
        let line = Line::new().add(Ink::Strong, tame(&live.plan.project));
        sheet.line(line.plain(format!("  run {}", live.run.id)));
        let ended = live.run.state.status().is_ended();
        let now = match ended {
            true => format!("ended {}", outlook.at(live.now_ms)),
            false => format!("now {}", outlook.at(live.now_ms)),
        };
        let done = live.ended().len();
        let count = format!(
            "{done} of {} tasks ended, {} at work",
            live.tasks().count(),
            live.running().len()
        );
        sheet.wrapped(0, Ink::Faint, &format!("{now}; {count}"));
        sheet.blank();
        let planned = live.planned.makespan_ms;
        let line = Line::new().to(2).fit(Ink::Plain, "planned end", 20);
        sheet.line(line.add(Ink::Strong, outlook.at(planned)));
        let finish = live.finish();
        let word = if ended { "ended" } else { "expected end" };
        let line = Line::new().to(2).fit(Ink::Plain, word, 20);
        let line = line.fit(Ink::Strong, &outlook.at(finish), 22);
        let (ink, gist) = self.later(finish - planned, planned, finish);
        sheet.line(line.add(ink, gist));
        if let Some(forecast) = live
            .forecast
            .forecast
            .as_deref()
            .filter(|f| f.is_uncertain() && !ended)
        {
            for percent in [50, 80, 95] {
                let at = forecast.percentile(percent);
                let line = Line::new()
                    .to(2)
                    .fit(Ink::Plain, &format!("with {percent} %"), 20);
                let line = line.fit(Ink::Plain, &outlook.at(at), 22);
                let (ink, gist) = self.later(at - planned, planned, at);
                sheet.line(line.add(ink, gist));
            }
        }
    }

    fn later(&self, ms: i64, planned: i64, now: i64) -> (Ink, String) {
        match ms {
            0 => (Ink::Faint, "as planned".into()),
            ..0 => (
                Ink::Good,
                format!("{} sooner than planned", self.outlook.between(now, planned)),
            ),
            _ => (
                Ink::Late,
                format!("{} later than planned", self.outlook.between(planned, now)),
            ),
        }
    }

    fn late_of(&self, node: NodeId) -> (Ink, String) {
        let planned = self.live.planned_finish_ms(node);
        self.later(self.live.late_ms(node), planned, self.live.finish_ms(node))
    }

    fn risks(&self, sheet: &mut Sheet) {
        let dues = self.live.dues();
        let promises: Vec<_> = self
            .live
            .promises()
            .filter(|(_, _, now)| is_broken(now.verdict))
            .collect();
        if dues.is_empty() && promises.is_empty() {
            return;
        }
        sheet.heading("At risk", "by what is to be expected now");
        for risk in dues.iter().take(AT_RISK) {
            let (ink, word) = match (risk.finish_ms > risk.due_ms, risk.was_met) {
                (true, true) => (Ink::Late, "missed now"),
                (true, false) => (Ink::Late, "missed as planned"),
                (false, _) => (Ink::Critical, "doubtful"),
            };
            let line = Line::new().to(2).fit(ink, word, 18);
            let line = line.plain(self.outlook.name(risk.node)).plain("  ");
            let chance = risk
                .chance
                .map(|c| format!(", met with {} %", (c + 5) / 10));
            let words = format!(
                "due {}, ends {}{}",
                self.outlook.by(risk.due_ms),
                self.outlook.at(risk.finish_ms),
                chance.unwrap_or_default()
            );
            sheet.hanging(line, Ink::Plain, &words);
            self.way(&risk.chain, sheet);
        }
        if dues.len() > AT_RISK {
            let more = format!("and {} more", dues.len() - AT_RISK);
            sheet.wrapped(2, Ink::Faint, &more);
        }
        for (title, then, now) in promises {
            let word = if is_broken(then.verdict) {
                "broken as planned"
            } else {
                "broken now"
            };
            let line = Line::new().to(2).fit(Ink::Late, word, 18);
            let value = now.figure.map(|figure| format!("  {}", figure.in_words()));
            let words = format!("{}{}", tame(title), value.unwrap_or_default());
            sheet.hanging(line, Ink::Plain, &words);
            if let Some(end) = self
                .live
                .forecast
                .chain
                .last()
                .filter(|_| now.path.is_empty())
            {
                let _ = end;
                self.way(&self.live.forecast.chain, sheet);
            } else {
                let names: Vec<String> = now
                    .path
                    .iter()
                    .map(|node| self.outlook.name(*node))
                    .collect();
                if !names.is_empty() {
                    sheet.wrapped(20, Ink::Faint, &format!("through {}", names.join(" → ")));
                }
            }
        }
    }

    /// The chain that leads to something late.
    fn way(&self, chain: &[Link], sheet: &mut Sheet) {
        if chain.len() < 2 {
            return;
        }
        let skipped = chain.len().saturating_sub(AT_RISK);
        let names = chain.iter().skip(skipped);
        let names: Vec<String> = names.map(|link| self.outlook.name(link.node)).collect();
        let more = if skipped > 0 { "… → " } else { "" };
        sheet.wrapped(
            20,
            Ink::Faint,
            &format!("through {more}{}", names.join(" → ")),
        );
    }

    fn running(&self, sheet: &mut Sheet) {
        let running = self.live.running();
        if running.is_empty() {
            return;
        }
        sheet.heading("At work", "what is left, given how long it has taken");
        let room = self.room(&running, sheet);
        for node in running {
            let line = Line::new()
                .to(2)
                .fit(Ink::Plain, &self.outlook.name(node), room);
            let since = self.outlook.at(self.live.start_ms(node));
            let left = self.rest.takes(node);
            let takes = self.outlook.takes(node);
            let words = match left.is_empty() {
                true => format!("since {since}, no estimate"),
                false => format!("since {since}, likely {takes}, about {left} left"),
            };
            let (ink, gist) = self.late_of(node);
            let line = line.plain("  ").plain(words);
            let ends = self.outlook.at(self.live.finish_ms(node));
            sheet.hanging(line.plain("; "), ink, &format!("ends {ends}, {gist}"));
        }
    }

    fn room(&self, nodes: &[NodeId], sheet: &Sheet) -> usize {
        let names = nodes.iter().map(|node| columns(&self.outlook.name(*node)));
        names.max().unwrap_or(0).min(sheet.width() * 3 / 10)
    }

    fn left(&self, sheet: &mut Sheet) {
        let open = self.live.open();
        if open.is_empty() {
            return;
        }
        let gist = "its room until the planned end, and what of that is burned";
        sheet.heading("Still to come", gist);
        let mut told = open.clone();
        if told.len() > LIST {
            told.sort_by_key(|id| (self.live.room_left_ms(*id), *id));
            told.truncate(LIST);
            told.sort_by_key(|id| (self.live.start_ms(*id), *id));
        }
        let room = self.room(&told, sheet);
        for &node in &told {
            let line = Line::new()
                .to(2)
                .fit(Ink::Plain, &self.outlook.name(node), room);
            let who = cut(&self.rest.who(node), 16);
            let line = line.plain("  ").fit(Ink::Faint, &who, 16).plain("  ");
            let times = format!(
                "{} – {}",
                self.outlook.at(self.live.start_ms(node)),
                self.outlook.at(self.live.finish_ms(node))
            );
            let line = line.fit(Ink::Plain, &times, 36);
            let (ink, gist) = self.burned(node);
            sheet.hanging(line, ink, &gist);
        }
        if open.len() > told.len() {
            let more = format!("and {} more with more room", open.len() - told.len());
            sheet.wrapped(2, Ink::Faint, &more);
        }
    }

    /// `burned 1wd of 3wd`.
    fn burned(&self, node: NodeId) -> (Ink, String) {
        let live = self.live;
        let (room, late) = (live.room_ms(node), live.late_ms(node));
        let planned = live.planned_finish_ms(node);
        let room_words = self.outlook.between(planned, planned + room);
        let left = live.room_left_ms(node);
        match late {
            ..=0 => (Ink::Faint, format!("{room_words} room, none burned")),
            _ if left >= 0 => (
                Ink::Critical,
                format!(
                    "burned {} of {room_words} room",
                    self.outlook.between(planned, planned + late)
                ),
            ),
            _ => (
                Ink::Late,
                format!(
                    "{} past its room of {room_words}",
                    self.outlook.between(planned + room, planned + late)
                ),
            ),
        }
    }

    fn holds(&self, sheet: &mut Sheet) {
        let chain = &self.live.forecast.chain;
        if chain.is_empty() || self.live.run.state.status().is_ended() {
            return;
        }
        let gist = format!("why it ends {}", self.outlook.at(self.live.finish()));
        sheet.heading("What holds the end now", &gist);
        let nodes: Vec<NodeId> = chain.iter().map(|link| link.node).collect();
        let room = self.room(&nodes, sheet);
        let skipped = LIST / 2..chain.len().saturating_sub(LIST / 2);
        for (number, link) in chain.iter().enumerate() {
            if chain.len() > LIST && skipped.contains(&number) {
                if number == skipped.start {
                    let more = format!("… {} more", skipped.len());
                    sheet.line(Line::new().to(6).add(Ink::Faint, more));
                }
                continue;
            }
            let line = Line::new().fit_right(Ink::Faint, &(number + 1).to_string(), 4);
            let line = line
                .plain("  ")
                .fit(Ink::Plain, &self.outlook.name(link.node), room);
            let line = line.fit_right(Ink::Strong, &self.rest.takes(link.node), 10);
            sheet.hanging(line.plain("  "), Ink::Faint, &self.because(link));
        }
    }

    fn because(&self, link: &Link) -> String {
        match (&self.live.way.progress[link.node], link.holds) {
            (Progress::Running { since_ms, .. }, _) => {
                format!("at work since {}", self.outlook.at(*since_ms))
            }
            (_, Hold::Window)
                if self.live.rest.nodes[link.node].not_before_ms == Some(self.live.now_ms) =>
            {
                "can start now".into()
            }
            _ => hold(self.rest, link.node, link.holds),
        }
    }

    fn ended(&self, sheet: &mut Sheet) {
        let ended = self.live.ended();
        if ended.is_empty() {
            return;
        }
        sheet.heading("What happened", "");
        let mut told = ended.clone();
        if told.len() > LIST {
            told.sort_by_key(|id| (std::cmp::Reverse(self.live.late_ms(*id).abs()), *id));
            told.truncate(LIST);
            told.sort_by_key(|id| (self.live.start_ms(*id), *id));
        }
        let room = self.room(&told, sheet);
        for &node in &told {
            let (ink, word) = match self.live.way.progress[node] {
                Progress::Ended { end: End::Done, .. } => (Ink::Good, "done"),
                Progress::Ended {
                    end: End::Failed, ..
                } => (Ink::Late, "failed"),
                _ => (Ink::Faint, "skipped"),
            };
            let line = Line::new().to(2).fit(ink, word, 9);
            let line = line.fit(Ink::Plain, &self.outlook.name(node), room);
            let (from, to) = match &self.live.way.progress[node] {
                Progress::Ended {
                    start_ms,
                    finish_ms,
                    ..
                } => (*start_ms, *finish_ms),
                Progress::Open | Progress::Running { .. } => continue,
            };
            let times = format!("{} – {}", self.outlook.at(from), self.outlook.at(to));
            let line = line.plain("  ").fit(Ink::Plain, &times, 36);
            let (ink, gist) = match word {
                "done" => self.late_of(node),
                _ => (Ink::Faint, String::new()),
            };
            sheet.hanging(line, ink, &gist);
        }
        if ended.len() > told.len() {
            let more = format!(
                "and {} more, nearer to their plan",
                ended.len() - told.len()
            );
            sheet.wrapped(2, Ink::Faint, &more);
        }
    }

    fn learned(&self, sheet: &mut Sheet) {
        if self.live.experience.together().is_none() {
            return;
        }
        sheet.heading("What estimates were worth", "");
        let words = in_words(self.live.experience);
        let use_of_it = match self.live.learned {
            true => "what is expected counts on that",
            false => "--learn counts on that",
        };
        sheet.wrapped(2, Ink::Plain, &format!("{words}; {use_of_it}"));
    }
}

// ---- JSON --------------------------------------------------------------------------------------

/// `coord.live/1`. Times are seconds from the origin.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Document {
    schema: &'static str,
    project: String,
    run: String,
    /// The run's state.
    state: &'static str,
    origin: Option<String>,
    timezone: String,
    now_s: Secs,
    planned_finish_s: Secs,
    /// By what is to be expected now; when it ended, where it has.
    finish_s: Secs,
    later_s: Secs,
    /// Null without a forecast.
    eta: Option<EtaJson>,
    tasks: Vec<TaskJson>,
    chain: Vec<StepJson>,
    deadlines: Vec<RiskJson>,
    promises: Vec<PromiseJson>,
    experience: Option<ExperienceJson>,
}

#[derive(Serialize, JsonSchema)]
struct EtaJson {
    p50_s: Secs,
    p80_s: Secs,
    p95_s: Secs,
    samples: u32,
}

#[derive(Serialize, JsonSchema)]
struct TaskJson {
    id: String,
    /// `open`, `running`, `done`, `skipped`, `failed` or `off-plan`.
    state: &'static str,
    agents: Vec<String>,
    planned_start_s: Secs,
    planned_finish_s: Secs,
    /// What was, else what is to be expected.
    start_s: Secs,
    finish_s: Secs,
    late_s: Secs,
    /// How much later it may end than planned without making the planned end later.
    room_s: Secs,
    room_left_s: Secs,
    /// Of a task at work: what is left of its likely length.
    left_s: Option<Secs>,
}

#[derive(Serialize, JsonSchema)]
struct StepJson {
    id: String,
    because: &'static str,
    after: Option<String>,
    of: Option<String>,
}

/// Something due that is missed, will be, or is not likely enough to be met.
#[derive(Serialize, JsonSchema)]
struct RiskJson {
    id: String,
    due_s: Secs,
    finish_s: Secs,
    missed: bool,
    was_met: bool,
    probability: Option<f64>,
    /// What leads to it.
    chain: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct PromiseJson {
    text: String,
    /// As planned: true when kept.
    held: Option<bool>,
    /// By what is to be expected now.
    holds: Option<bool>,
    value: Option<String>,
    chain: Vec<String>,
}

/// How long tasks of this project took, as shares of their likely length.
#[derive(Serialize, JsonSchema)]
struct ExperienceJson {
    runs: usize,
    samples: usize,
    p10: f64,
    p50: f64,
    p90: f64,
    /// What is expected counts on it (`--learn`).
    used: bool,
}

pub(crate) fn json(live: &Live) -> String {
    let finish = live.finish();
    let name = |node: NodeId| live.plan.nodes[node].name.clone();
    let forecast = live.forecast.forecast.as_deref();
    let document = Document {
        schema: "coord.live/1",
        project: live.plan.project.clone(),
        run: live.run.id.clone(),
        state: live.run.state.status().name(),
        origin: Clock::of(live.plan).rfc3339(0),
        timezone: live.plan.timezone.clone(),
        now_s: Secs(live.now_ms),
        planned_finish_s: Secs(live.planned.makespan_ms),
        finish_s: Secs(finish),
        later_s: Secs(finish - live.planned.makespan_ms),
        eta: forecast.map(|forecast| EtaJson {
            p50_s: Secs(forecast.percentile(50)),
            p80_s: Secs(forecast.percentile(80)),
            p95_s: Secs(forecast.percentile(95)),
            samples: forecast.samples,
        }),
        tasks: live.tasks().map(|id| task_json(live, id)).collect(),
        chain: live
            .forecast
            .chain
            .iter()
            .map(|l| step_json(live, l))
            .collect(),
        deadlines: live
            .dues()
            .iter()
            .map(|risk| risk_json(live, risk))
            .collect(),
        promises: live
            .promises()
            .map(|(title, then, now)| PromiseJson {
                text: title.to_string(),
                held: judged(then.verdict),
                holds: judged(now.verdict),
                value: now.figure.map(|figure| figure.in_words()),
                chain: now.path.iter().map(|node| name(*node)).collect(),
            })
            .collect(),
        experience: live.experience.together().map(|summary| {
            let share = |per_mille: i64| per_mille as f64 / 1000.0;
            ExperienceJson {
                runs: live.experience.runs,
                samples: summary.samples,
                p10: share(summary.ratio.low),
                p50: share(summary.ratio.likely),
                p90: share(summary.ratio.high),
                used: live.learned,
            }
        }),
    };
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn judged(verdict: Verdict) -> Option<bool> {
    match verdict {
        Verdict::Kept => Some(true),
        Verdict::Broken | Verdict::Impossible => Some(false),
        Verdict::Open(_) => None,
    }
}

fn task_json(live: &Live, id: NodeId) -> TaskJson {
    let agents = match &live.way.progress[id] {
        Progress::Running { agents, .. } => agents,
        Progress::Open | Progress::Ended { .. } => &live.forecast.nodes[id].agents,
    };
    let left = live.rest.task(id).and_then(|task| task.estimate);
    TaskJson {
        id: live.plan.nodes[id].name.clone(),
        state: match &live.way.progress[id] {
            Progress::Open if !live.is_expected(id) => "off-plan",
            Progress::Open => "open",
            Progress::Running { .. } => "running",
            Progress::Ended { end, .. } => match end {
                End::Done => "done",
                End::Skipped => "skipped",
                End::Failed => "failed",
            },
        },
        agents: agents
            .iter()
            .map(|agent| live.plan.agents[*agent].name.clone())
            .collect(),
        planned_start_s: Secs(live.planned.nodes[id].start_ms),
        planned_finish_s: Secs(live.planned_finish_ms(id)),
        start_s: Secs(live.start_ms(id)),
        finish_s: Secs(live.finish_ms(id)),
        late_s: Secs(live.late_ms(id)),
        room_s: Secs(live.room_ms(id)),
        room_left_s: Secs(live.room_left_ms(id)),
        left_s: match &live.way.progress[id] {
            Progress::Running { .. } => left.map(|estimate| Secs(estimate.likely.ms)),
            Progress::Open | Progress::Ended { .. } => None,
        },
    }
}

fn step_json(live: &Live, link: &Link) -> StepJson {
    let (because, after, of) = held(live.rest, link.holds);
    StepJson {
        id: live.plan.nodes[link.node].name.clone(),
        because,
        after: after.map(str::to_string),
        of: of.map(str::to_string),
    }
}

fn risk_json(live: &Live, risk: &Risk) -> RiskJson {
    let name = |node: NodeId| live.plan.nodes[node].name.clone();
    RiskJson {
        id: name(risk.node),
        due_s: Secs(risk.due_ms),
        finish_s: Secs(risk.finish_ms),
        missed: risk.finish_ms > risk.due_ms,
        was_met: risk.was_met,
        probability: risk.chance.map(|chance| f64::from(chance) / 1000.0),
        chain: risk.chain.iter().map(|link| name(link.node)).collect(),
    }
}
