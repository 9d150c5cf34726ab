//! Running in virtual time: the same machine, without programs, people, disk or waiting.

use crate::compile::Project;
use crate::error::Error;
use crate::report::{Report, Seen, Watch};
use coord_engine::simulation::{Deed, Finding, Reply, Simulation, World};
use coord_engine::{CheckId, ItemId, Options, Outcome, RunStatus, State, Waiting};
use coord_host::driver::End;
use coord_host::reach::{Answer, Driver, Drivers, Job, People, Question, Reach, Stop};
use coord_host::support::cannot_do;
use coord_lang::ids::NodeId;
use coord_plan::plan::Plan;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// More than any run that ends has: those that go round and round are cut off here.
const MAX_STEPS: usize = 10_000_000;

/// A run in virtual time: weeks pass in no time, and nothing happens to the world.
///
/// Tasks take what they are likely to take and end well, checks hold, people agree at once. What
/// is to be otherwise is said: by drivers, the same that [`crate::Local`] takes, whose
/// [`crate::Done::took`] is how long it takes; by [`Virtual::people`]; by
/// [`Virtual::checks`].
///
/// ```
/// use coord::{Answer, Done, Job, Question, Reach, Status, Stop, Virtual};
/// use std::time::Duration;
///
/// let project = coord::compile(r#"
/// edition 2026
/// human lead
/// task build {
///   takes 2h
///   retry 1 every 10m
///   run ["make"]
/// }
/// task ship {
///   needs build
///   takes 1h
///   approve by lead within 24h else fail
///   run ["./ship.sh"]
/// }
/// "#)?;
/// let report = Virtual::new()
///     .drive(Reach::Agent("local".into()), |job: &Job, _: &Stop| match (job.task.as_str(), job.attempt) {
///         ("build", 1) => Done::failed("no space left").took(Duration::from_secs(60)),
///         _ => Done::well(),
///     })
///     .people(|_: &Question| Some(Answer::yes().after(Duration::from_secs(3600))))
///     .run(&project)?;
/// assert!(report.is_completed());
/// assert_eq!(report.attempts("build"), Some(2));
/// // a minute until it failed, ten until the second try, two hours, one hour, one for the lead
/// assert_eq!(report.took_ms(), Some((1 + 10 + 120 + 60 + 60) * 60_000));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub struct Virtual {
    drivers: Drivers,
    people: Option<Box<dyn People>>,
    checks: Option<Checks>,
    watch: Option<Watch>,
    root: PathBuf,
    options: Options,
}

type Checks = Box<dyn FnMut(&str, &str) -> bool + Send>;

impl Default for Virtual {
    fn default() -> Virtual {
        Virtual::new()
    }
}

impl Virtual {
    /// A world in which everything goes well.
    pub fn new() -> Virtual {
        Virtual {
            drivers: Drivers::default(),
            people: None,
            checks: None,
            watch: None,
            root: PathBuf::new(),
            options: Options {
                cores: 2,
                ..Options::default()
            },
        }
    }

    /// A driver of your own speaks for these agents, as in a real run. It is called when its
    /// attempt starts, and nobody asks it to stop: what runs into its timeout is cut off there.
    pub fn drive(mut self, reach: Reach, driver: impl Driver + 'static) -> Virtual {
        self.drivers.add(reach, driver);
        self
    }

    /// What people say. It is called when a question opens, once for each answer that it needs,
    /// until it says None: that is silence.
    pub fn people(mut self, people: impl People + 'static) -> Virtual {
        self.people = Some(Box::new(people));
        self
    }

    /// Which checks hold, by the names of gate and check: those that a program or a file decides.
    pub fn checks(mut self, holds: impl FnMut(&str, &str) -> bool + Send + 'static) -> Virtual {
        self.checks = Some(Box::new(holds));
        self
    }

    /// Is called with everything that happens.
    pub fn watch(mut self, watch: impl FnMut(&Seen<'_>) + Send + 'static) -> Virtual {
        self.watch = Some(Box::new(watch));
        self
    }

    /// The folder that jobs are told of.
    pub fn root(mut self, root: impl AsRef<Path>) -> Virtual {
        self.root = root.as_ref().to_path_buf();
        self
    }

    /// The cores that the machine counts as; 2 when it is not said.
    pub fn cores(mut self, n: u32) -> Virtual {
        self.options.cores = n.max(1);
        self
    }

    /// Most tasks at work at once; what the project says when it is not said.
    pub fn parallel(mut self, n: u32) -> Virtual {
        self.options.parallel = Some(n.max(1));
        self
    }

    /// Tasks wait for the earliest start that the plan's calendar gives them.
    pub fn respect_calendar(mut self) -> Virtual {
        self.options.respect_calendar = true;
        self
    }

    /// The first failure stops the run, whatever the project says.
    pub fn fail_fast(mut self) -> Virtual {
        self.options.fail_fast = true;
        self
    }

    /// Runs a project to its end, or until nothing moves any more ([`End::WaitingForPeople`]).
    ///
    /// Refuses what a run cannot do yet and agents that nobody speaks for
    /// ([`Error::NotPossible`]), and a run that never ends ([`Error::Endless`]).
    pub fn run(self, project: &Project) -> Result<Report, Error> {
        let plan = project.run_plan();
        if let Some(cannot) = cannot_do(plan, &self.drivers, &|_| true) {
            return Err(Error::NotPossible(cannot.what, cannot.help.into()));
        }
        let start_ms = plan.origin_ms.unwrap_or_default();
        let world = Scene {
            drivers: self.drivers,
            people: self.people,
            checks: self.checks,
            root: self.root,
        };
        let mut simulation = Simulation::new(plan, world, start_ms);
        let mut watch = self.watch;
        let mut shown = 0;
        let mut show = |simulation: &Simulation<'_, Scene>| {
            let Some(watch) = &mut watch else { return };
            for (at, event) in simulation.events().iter().enumerate().skip(shown) {
                watch(&Seen {
                    seq: at as i64 + 1,
                    event,
                    plan,
                    state: simulation.state(),
                });
            }
            shown = simulation.events().len();
        };
        simulation
            .start("virtual", self.options)
            .map_err(Error::Refused)?;
        show(&simulation);
        let mut steps = 0;
        while simulation.advance() {
            show(&simulation);
            steps += 1;
            if steps == MAX_STEPS {
                return Err(Error::Endless(simulation.events().len()));
            }
        }
        let state = simulation.state().clone();
        Ok(Report {
            end: end(&state),
            plan: Arc::new(plan.clone()),
            state,
        })
    }
}

impl std::fmt::Debug for Virtual {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Virtual")
            .field("drivers", &self.drivers)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

fn end(state: &State) -> End {
    match (state.waiting(), state.status()) {
        (Waiting::Ended, RunStatus::Completed) => End::Completed,
        (Waiting::Ended, RunStatus::Cancelled) => End::Cancelled,
        (Waiting::Ended, _) => End::Failed,
        (Waiting::Paused, _) => End::Paused,
        _ => End::WaitingForPeople,
    }
}

/// The world outside the machine, as it is told.
struct Scene {
    drivers: Drivers,
    people: Option<Box<dyn People>>,
    checks: Option<Checks>,
    root: PathBuf,
}

impl Scene {
    /// How long a task takes that starts now, by its likely estimate.
    fn likely_ms(&self, plan: &Plan, state: &State, node: NodeId) -> i64 {
        let estimate = plan.task(node).and_then(|task| task.estimate);
        estimate.map_or(0, |estimate| state.elapsed(plan, estimate.likely))
    }
}

impl World for Scene {
    fn attempt(&mut self, plan: &Plan, state: &State, node: NodeId) -> Option<Deed> {
        let agents = state.node(node).attempt.as_ref()?.agents.clone();
        let likely_ms = self.likely_ms(plan, state, node);
        let Some(driver) = self.drivers.of_first(plan, &agents) else {
            return Some(Deed {
                takes_ms: likely_ms,
                outcome: Outcome::Exit(0),
                outputs: Default::default(),
            });
        };
        let job = Job::of(plan, state, node, &agents, &self.root)?;
        let done = driver.attempt(&job, &Stop::default());
        Some(Deed {
            takes_ms: done.took.map_or(likely_ms, ms),
            outcome: Outcome::Exit(done.exit),
            outputs: done.named_outputs(),
        })
    }

    fn check(&mut self, plan: &Plan, state: &State, check: CheckId) -> Finding {
        let gate = state.gate_run(check.gate).map(|run| &plan.gates[run.gate]);
        let title = gate.and_then(|gate| gate.checks.get(check.check as usize));
        let passed = match (&mut self.checks, gate, title) {
            (Some(holds), Some(gate), Some(check)) => holds(&gate.name, &check.title),
            _ => true,
        };
        Finding {
            takes_ms: 0,
            passed,
            evidence: "in virtual time".into(),
        }
    }

    fn replies(&mut self, plan: &Plan, state: &State, item: ItemId) -> Vec<Reply> {
        let Some(mut question) = Question::of(plan, state, item) else {
            return Vec::new();
        };
        let mut replies = Vec::new();
        for n in 0..question.quorum.max(1) {
            let answer = match &mut self.people {
                Some(people) => people.answer(&question),
                None => Some(Answer::yes().by(anybody(&question, n))),
            };
            let Some(answer) = answer.map(|answer| answer.to(&question)) else {
                break;
            };
            question.of.retain(|name| Some(name) != answer.by.as_ref());
            replies.push(Reply {
                after_ms: answer.after.map_or(0, ms),
                by: answer.by,
                verdict: answer.verdict,
                to: None,
                note: answer.note,
            });
        }
        replies
    }
}

/// The next who may answer.
fn anybody(question: &Question, n: u32) -> String {
    let first = question.of.first().cloned();
    first.unwrap_or_else(|| format!("person {}", n + 1))
}

fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
