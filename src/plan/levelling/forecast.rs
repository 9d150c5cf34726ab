//! How a plan may come out: its levelled schedule again and again, with lengths drawn from the
//! estimates (Monte Carlo).
//!
//! Each length is drawn from a triangular distribution over low, likely and high: the three points
//! are those of PERT (Malcolm, Roseboom, Clark & Fazar 1959), the triangle in the place of their
//! beta distribution is Johnson's (1997, *The triangular distribution as a proxy for the beta
//! distribution in risk analysis*), which needs no fourth number that nobody has. Lengths are
//! independent of each other.
//!
//! Each time whatever can start does, on the calendars and with the agents and resources that
//! there are; among tasks that wait the more urgent `priority` goes first, then the order of the
//! schedule (the parallel scheme, Kolisch 1996). A schedule that leaves somebody idle on purpose is
//! not followed in that. Tasks that are estimated at nothing take nothing.
//!
//! A task is critical in a sample when it is on the way back from the end, from each task to what
//! ended last before it could start; the share of samples where it is, is its criticality index
//! (Van Slyke 1963), here with agents and resources counted.
//!
//! The stream of sample `i` depends on the seed and on `i` alone (SplitMix64: Steele, Lea & Flood
//! 2014), so that the result is the same with any number of threads.

#[cfg(test)]
mod tests;

use super::parallel::Replay;
use super::problem::{NONE, Problem};
use crate::calendars::Calendars;
use crate::critical_path::network::Network;
use crate::plan::{NodeKind, Plan};
use crate::schedule::Schedule;
use coord_lang::ids::{Id, NodeId, PhaseId, Table};
use std::collections::BTreeMap;

/// As many samples as are taken when nobody says so: percentiles are then sure to about half a
/// percent point.
pub const SAMPLES: u32 = 10_000;
/// Fewer, down to [`LEAST_SAMPLES`], when all of them would place more tasks than this.
const PLACEMENTS: usize = 10_000_000;
const LEAST_SAMPLES: usize = 200;
/// More samples show nothing new.
pub const MOST_SAMPLES: u32 = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub samples: u32,
    pub seed: u64,
    /// Changes how long it takes, and nothing else.
    pub threads: usize,
}

impl Settings {
    /// What is good for a plan when nobody says so.
    pub fn of(plan: &Plan) -> Settings {
        let most = PLACEMENTS / plan.nodes.len().max(1);
        Settings {
            samples: (most.max(LEAST_SAMPLES) as u32).min(SAMPLES),
            seed: 1,
            threads: 2,
        }
    }
}

/// Times are ms from the plan's origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// 1 when no length is a range: there is one way to come out.
    pub samples: u32,
    pub seed: u64,
    /// The ends of all samples, in order.
    ends: Vec<i64>,
    /// In how many samples each node is critical.
    critical: Table<NodeId, u32>,
    /// The ends of phases, and of milestones and tasks that are due, in order.
    watched: BTreeMap<NodeId, Vec<i64>>,
}

impl Forecast {
    /// Some length is a range.
    pub fn is_uncertain(&self) -> bool {
        self.samples > 1
    }

    /// So many percent of the samples end by then.
    pub fn percentile(&self, percent: u32) -> i64 {
        quantile(&self.ends, percent)
    }

    /// The same of the end of a phase, a milestone or a task that is due.
    pub fn percentile_of(&self, node: NodeId, percent: u32) -> Option<i64> {
        Some(quantile(self.watched.get(&node)?, percent))
    }

    /// The share of samples in which it has ended by an instant, in thousandths.
    pub fn chance(&self, node: NodeId, by_ms: i64) -> Option<u32> {
        let ends = self.watched.get(&node)?;
        let met = ends.partition_point(|end| *end <= by_ms);
        Some((met * 1000 / ends.len().max(1)) as u32)
    }

    pub fn phase(&self, plan: &Plan, phase: PhaseId, percent: u32) -> Option<i64> {
        self.percentile_of(plan.phases[phase].end, percent)
    }

    /// The share of samples in which a node is critical, in thousandths.
    pub fn criticality(&self, node: NodeId) -> u32 {
        (u64::from(self.critical[node]) * 1000 / u64::from(self.samples.max(1))) as u32
    }

    /// What makes the end late: tasks by how often they are critical times how much their length
    /// may vary; the most first, none that does not count.
    pub fn drivers(&self, plan: &Plan) -> Vec<NodeId> {
        let weight = |id: NodeId| -> i128 {
            let estimate = plan.task(id).and_then(|task| task.estimate);
            let spread = estimate.map_or(0, |e| (e.high.ms - e.low.ms).max(0));
            i128::from(spread) * i128::from(self.critical[id])
        };
        let mut drivers: Vec<NodeId> = plan.nodes.ids().filter(|id| weight(*id) > 0).collect();
        drivers.sort_by_key(|id| (std::cmp::Reverse(weight(*id)), *id));
        drivers
    }
}

/// The nearest rank.
fn quantile(ends: &[i64], percent: u32) -> i64 {
    let rank = (ends.len() * percent.min(100) as usize).div_ceil(100);
    ends.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

/// None when no sample is wanted, or nothing takes any time.
pub fn forecast(plan: &Plan, schedule: &Schedule, settings: &Settings) -> Option<Forecast> {
    if settings.samples == 0 || schedule.makespan_ms == 0 {
        return None;
    }
    let network = Network::new(plan);
    let calendars = Calendars::of(plan);
    let problem = Problem::new(&network, &calendars, &schedule.options);
    let triangles = triangles(&problem);
    let watched = watched(&network, schedule);
    if triangles.is_empty() {
        return Some(as_scheduled(plan, schedule, watched));
    }
    let order = order(&problem, schedule);
    let model = Model {
        problem: &problem,
        order: &order,
        triangles: &triangles,
        watched: &watched,
        seed: settings.seed,
    };
    Some(model.forecast(settings))
}

/// What it comes to when nothing may vary.
fn as_scheduled(plan: &Plan, schedule: &Schedule, watched: Vec<NodeId>) -> Forecast {
    let mut critical: Table<NodeId, u32> = plan.nodes.ids().map(|_| 0).collect();
    schedule
        .chain
        .iter()
        .for_each(|link| critical[link.node] = 1);
    let end = |node: NodeId| (node, vec![schedule.nodes[node].finish_ms]);
    Forecast {
        samples: 1,
        seed: 0,
        ends: vec![schedule.makespan_ms],
        critical,
        watched: watched.into_iter().map(end).collect(),
    }
}

fn watched(network: &Network, schedule: &Schedule) -> Vec<NodeId> {
    let plan = network.plan;
    let phases = plan.active_phases().map(|phase| plan.phases[phase].end);
    let dues = schedule.deadlines.iter().map(|due| due.node);
    let milestones = plan.nodes.iter().filter_map(|(id, node)| {
        let is_milestone = matches!(node.kind, NodeKind::Milestone(_));
        is_milestone.then_some(id)
    });
    let mut watched: Vec<NodeId> = phases.chain(dues).chain(milestones).collect();
    watched.retain(|id| !network.contingent[*id]);
    watched.sort_unstable();
    watched.dedup();
    watched
}

/// The place of each node: the more urgent first, then as scheduled.
fn order(problem: &Problem, schedule: &Schedule) -> Vec<u32> {
    let mut nodes: Vec<u32> = (0..problem.length.len() as u32).collect();
    nodes.sort_unstable_by_key(|&node| {
        let at = node as usize;
        let start = schedule.nodes[NodeId(node)].start_ms;
        (problem.priority[at], start, problem.position[at])
    });
    let mut order = vec![0; nodes.len()];
    for (place, &node) in nodes.iter().enumerate() {
        order[node as usize] = place as u32;
    }
    order
}

/// The distribution of one length.
struct Triangle {
    node: u32,
    low: f64,
    high: f64,
    /// The share of the side before the likely length.
    rise: f64,
    /// Squared widths of each side's quantile function.
    before: f64,
    after: f64,
}

impl Triangle {
    fn new(node: u32, low: i64, likely: i64, high: i64) -> Triangle {
        let (low, likely, high) = (low as f64, likely as f64, high as f64);
        let width = high - low;
        Triangle {
            node,
            low,
            high,
            rise: (likely - low) / width,
            before: width * (likely - low),
            after: width * (high - likely),
        }
    }

    /// The length that a share of `u` of all is below.
    fn length(&self, u: f64) -> i64 {
        let ms = if u < self.rise {
            self.low + (u * self.before).sqrt()
        } else {
            self.high - ((1.0 - u) * self.after).sqrt()
        };
        (ms.round() as i64).max(1)
    }
}

/// The nodes whose length may vary.
fn triangles(problem: &Problem) -> Vec<Triangle> {
    let plan = problem.network.plan;
    let triangle = |(id, _, task): (NodeId, _, &crate::plan::Task)| {
        let estimate = task.estimate?;
        let ms = |span: crate::plan::Span| span.ms.max(0);
        let (likely, of_one_kind) = (
            ms(estimate.likely),
            estimate.low.working == estimate.high.working
                && estimate.low.working == estimate.likely.working,
        );
        let (low, high) = (ms(estimate.low).min(likely), ms(estimate.high).max(likely));
        let varies = of_one_kind && low < high && problem.demand[id.index()] != NONE;
        varies.then(|| Triangle::new(id.0, low, likely, high))
    };
    plan.tasks().filter_map(triangle).collect()
}

/// Everything that samples have in common.
struct Model<'a, 'n> {
    problem: &'a Problem<'n>,
    order: &'a [u32],
    triangles: &'a [Triangle],
    watched: &'a [NodeId],
    seed: u64,
}

/// What some of the samples come to.
struct Part {
    ends: Vec<i64>,
    critical: Vec<u32>,
    watched: Vec<Vec<i64>>,
}

impl Model<'_, '_> {
    fn forecast(&self, settings: &Settings) -> Forecast {
        let samples = settings.samples.min(MOST_SAMPLES);
        let threads = (settings.threads.max(1) as u32).min(samples);
        let bound = |part: u32| (u64::from(samples) * u64::from(part) / u64::from(threads)) as u32;
        let parts: Vec<Part> = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads)
                .map(|part| {
                    let range = bound(part)..bound(part + 1);
                    let thread = std::thread::Builder::new();
                    let helper = range.clone();
                    (range, thread.spawn_scoped(scope, move || self.part(helper)))
                })
                .collect();
            let first = self.part(0..bound(1));
            let others = others.into_iter().map(|(range, thread)| {
                // without a second thread it takes longer
                let found = thread.ok().and_then(|thread| thread.join().ok());
                found.unwrap_or_else(|| self.part(range))
            });
            std::iter::once(first).chain(others).collect()
        });
        self.whole(parts, samples)
    }

    fn whole(&self, parts: Vec<Part>, samples: u32) -> Forecast {
        let mut ends = Vec::with_capacity(samples as usize);
        let mut critical = vec![0u32; self.order.len()];
        let mut watched = vec![Vec::with_capacity(samples as usize); self.watched.len()];
        for part in parts {
            ends.extend(part.ends);
            for (all, some) in critical.iter_mut().zip(part.critical) {
                *all += some;
            }
            for (all, some) in watched.iter_mut().zip(part.watched) {
                all.extend(some);
            }
        }
        let on_the_clock = |mut ends: Vec<i64>| {
            ends.sort_unstable();
            for end in &mut ends {
                *end = self.problem.axis_to_clock(*end);
            }
            ends
        };
        let watched = watched.into_iter().map(on_the_clock);
        Forecast {
            samples,
            seed: self.seed,
            ends: on_the_clock(ends),
            critical: critical.into_iter().collect(),
            watched: self.watched.iter().copied().zip(watched).collect(),
        }
    }

    fn part(&self, range: std::ops::Range<u32>) -> Part {
        let mut part = Part {
            ends: Vec::with_capacity(range.len()),
            critical: vec![0; self.order.len()],
            watched: vec![Vec::with_capacity(range.len()); self.watched.len()],
        };
        let mut replay = Replay::new(self.problem, self.order);
        for sample in range {
            let mut stream = SplitMix64::of(self.seed, sample);
            let lengths = replay.lengths();
            for triangle in self.triangles {
                lengths[triangle.node as usize] = triangle.length(stream.share());
            }
            let solution = replay.run();
            part.ends.push(solution.makespan);
            for (ends, node) in part.watched.iter_mut().zip(self.watched) {
                ends.push(solution.finish[node.index()]);
            }
            let mut at = self.last(&solution.finish, solution.makespan);
            while let Some(node) = at {
                part.critical[node as usize] += 1;
                at = replay.cause(node);
            }
        }
        part
    }

    /// The first of the nodes that end last.
    fn last(&self, finish: &[i64], makespan: i64) -> Option<u32> {
        let ends = finish.iter().zip(&self.problem.demand);
        let last = ends
            .enumerate()
            .find(|(_, (end, demand))| **end == makespan && **demand != NONE);
        last.map(|(node, _)| node as u32)
    }
}

/// Steele, Lea & Flood 2014, *Fast splittable pseudorandom number generators*.
struct SplitMix64(u64);

impl SplitMix64 {
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

    /// Samples start far from each other on the one cycle.
    fn of(seed: u64, sample: u32) -> SplitMix64 {
        let mut start = SplitMix64(seed ^ u64::from(sample).wrapping_mul(0xD1B5_4A32_D192_ED03));
        SplitMix64(start.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(Self::STEP);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}
