//! The command line, and nothing else: clap's types, their help, their examples.

use clap::{Args, Parser, Subcommand, ValueEnum};
use coord_plan::levelling::forecast::MOST_SAMPLES;
use std::path::PathBuf;
use std::time::Duration;

/// Coordination of teams of agents as programs: check it, plan it, run it.
#[derive(Parser, Debug)]
#[command(
    name = "coord",
    version,
    propagate_version = true,
    disable_help_subcommand = true,
    after_help = "\
First steps:
  coord init demo && cd demo    a small project that works as it stands
  coord check                   every mistake, with its place and the way out
  coord plan                    when it ends, what is critical, who is busy
  coord run                     does it; survives a crash, `coord resume` goes on

Exit status: 0 done well; 1 the run failed or a check does not hold; 2 the program or the call is
wrong; 3 stopped waiting for a person (--no-wait); 4 the environment is wrong; 130, 143 interrupted."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args, Debug)]
pub(crate) struct Common {
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, env = "COORD_COLOR", hide_env = true)]
    pub(crate) color: Color,
    /// Say only what matters.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Raise a limit, as in `--limit tasks=200000`; limits: file-bytes, nesting, tasks, needs.
    #[arg(long, global = true, value_name = "NAME=N")]
    pub(crate) limit: Vec<String>,
    /// Where journals, logs and artifacts are kept [default: .coord-state beside the project file].
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "COORD_HOME",
        hide_env = true
    )]
    pub(crate) home: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Write a small project that works as it stands
    Init(Init),
    /// Report every mistake of every file
    Check(Check),
    /// Play the scenarios of `test` blocks in virtual time
    Test(Test),
    /// Play many runs with drawn durations and mishaps, and show how they end
    #[command(after_help = "\
Durations come from the estimates (low, likely, high) and the calendar. Tasks and checks fail, and
people say no or nothing, as often as --fail and --silent say. The same seed gives the same again.

  coord simulate --runs 500 --fail 10")]
    Simulate(Simulate),
    /// Look through what may come of a project for dead ends
    #[command(after_help = "\
Follows the course in which all goes well, then those with one mishap (a failure, a no, a time limit
that passes), with two, and so on. Ends with 1 when something is found: work that waits for nothing,
gates that cannot pass, ladders that ask nobody new, approvals that nobody may give.

  coord verify --depth 3")]
    Verify(Verify),
    /// Format files in place
    Fmt(Fmt),
    /// Show when it ends, what is critical and who is busy
    Plan(Plan),
    /// Show what a change to a project changes, and what it costs in time
    #[command(after_help = "\
A version is a file, a folder, or REV:PATH of the git repository here. Each declaration is kept,
changed (field by field), new, gone, or does not check.

  coord diff main:plans/shop.coord plans/shop.coord
  coord diff HEAD~1:workflows/shop --format md     for a comment on a pull request

Exit status: 0 compared; 1 the new version misses a deadline or breaks a promise that the old one
keeps (with --exit-code: anything differs); 2 the new version does not check.")]
    Diff(Diff),
    /// Print the graph
    Graph(Graph),
    /// Run a project
    Run(Run),
    /// Go on with a run after a stop or a crash
    Resume(Resume),
    /// Stop a run for good
    Cancel(Cancel),
    /// List the runs
    Runs(Listing),
    /// Show the state of a run
    Status(Status),
    /// Show what tasks printed, or a run's events
    Logs(Logs),
    /// Show why a task is as it is
    Why(Why),
    /// Show what somebody is told of a task
    #[command(after_help = "\
Example:
  coord brief main.coord build                 what would be told first
  coord brief build                            as it stands in the last run
  coord brief main.coord build --format json   the same for programs")]
    Brief(Brief),
    /// Show what people are asked
    Inbox(Inbox),
    /// Say that the work of an item is done
    Done(Answer),
    /// Approve or confirm an item
    Approve(Answer),
    /// Reject an item, with the reason; of a handoff: ask back
    Reject(Answer),
    /// Accept what is handed over, or that something goes on as it is
    #[command(after_help = "\
Example:
  coord accept 4 --as reviewer    the handoff of item 4 is taken; its work may start")]
    Accept(Answer),
    /// Say what becomes of what an item is about
    #[command(after_help = "\
Example:
  coord answer 7 reassign --to backend --note \"ada is ill\"")]
    Answer(Choose),
    /// Decide an item, or write a decision down
    #[command(after_help = "\
Example:
  coord decide 5 --note \"the schema of orders stays\"
  coord decide --domain storage \"One database for all\" --note \"two cost twice\"")]
    Decide(Decide),
    /// Try a failed task again
    Retry(Intervene),
    /// Count a task as skipped, so that what waits for it goes on
    Skip(Intervene),
    /// Give a task to somebody else
    #[command(after_help = "\
Example:
  coord reassign nightly build --to backup")]
    Reassign(Reassign),
    /// Declare an incident, a conflict, or that an agent or a resource is out
    #[command(after_help = "\
Example:
  coord raise P0 \"the shop is down\"
  coord raise conflict schema --between api,storage \"both write the orders table\"
  coord raise escalation blocked --task build \"nobody can say why\"
  coord raise agent backend \"does not answer\"; coord raise agent backend --over
  coord raise resource gpu")]
    Raise(Raise),
    /// Stop or go on with new work, as a mode of the project says
    #[command(after_help = "\
Example:
  coord safe-mode enter --note \"the disk is full\"")]
    SafeMode(SafeMode),
    /// End the work of a domain
    #[command(after_help = "\
Example:
  coord halt payments --as security --note \"a key leaked\"")]
    Halt(Halt),
    /// Start a workflow of the project inside a run
    #[command(after_help = "\
Example:
  coord start rollback --set service=api")]
    Start(Start),
    /// Say what a metric is now
    #[command(after_help = "\
Example:
  coord measure coverage 93%")]
    Measure(Measure),
    /// Serve an editor: the Language Server Protocol over standard input and output
    #[command(after_help = "\
Editors start it themselves. Completion, hover, definition, references, rename, outline, folding,
colours, formatting, quick fixes, and in the margin when each task ends and whether it is critical.")]
    Lsp,
    /// Serve an agent: tools of the Model Context Protocol over standard input and output
    #[command(after_help = "\
Agents start it themselves, as in `claude mcp add coord -- coord mcp --as coder`. They see the tasks
and their briefs, say how far they are, hand work over, and raise what they cannot settle. They
approve nothing: that is for people.")]
    Mcp(Mcp),
    /// Write the record of a run: tasks, metrics, people, decisions, timeline
    Report(Report),
    /// Copy the journal, also while a run is at work
    Backup(Backup),
    /// Remove logs and artifacts of runs that have ended
    #[command(after_help = "\
Runs that have not ended are never touched, and the journal keeps what happened in all of them.

  coord gc --keep 10 --older-than 30d --dry-run")]
    Gc(Gc),
    /// Look whether runs can be trusted to this machine and folder
    #[command(after_help = "\
The crash test runs small projects beside the state folder, ends them by kill -9 at random moments,
goes on with them, and holds what happened against what had been told.

  coord doctor --crash-test --kills 50")]
    Doctor(Doctor),
    /// Apply the edits that diagnostics carry
    Fix(Fix),
    /// Explain a diagnostic: why it matters, what to do, an example
    Explain(Explain),
    /// Print the JSON Schema of what coord prints for programs
    Schema(Schema),
    /// Print the completions of a shell
    Completions { shell: clap_complete::Shell },
    /// Print the manual page
    Man,
    #[command(hide = true)]
    Reaper,
}

#[derive(Args, Debug)]
pub(crate) struct Init {
    /// The folder to write into; made when it is not there.
    #[arg(default_value = ".")]
    pub(crate) dir: PathBuf,
    /// What to start from.
    #[arg(long, default_value = "demo")]
    pub(crate) template: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum TextOrJson {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum CheckFormat {
    /// Pictures of the places, on standard error.
    Text,
    /// As the Language Server Protocol has them.
    Json,
    /// SARIF 2.1.0, for code scanners.
    Sarif,
    /// Workflow commands of GitHub Actions.
    Github,
}

#[derive(Args, Debug)]
pub(crate) struct Check {
    /// Files or folders; `-` reads standard input [default: the project here].
    pub(crate) paths: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub(crate) format: CheckFormat,
    /// The name that standard input is reported under.
    #[arg(long, value_name = "NAME", default_value = "stdin.coord")]
    pub(crate) stdin_filename: String,
}

#[derive(Args, Debug)]
pub(crate) struct Test {
    /// Files or folders [default: the project here].
    pub(crate) paths: Vec<PathBuf>,
    /// Only tests with this in their title.
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Option<String>,
    /// Show what happened, in virtual time.
    #[arg(long)]
    pub(crate) trace: bool,
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
}

#[derive(Args, Debug)]
pub(crate) struct Simulate {
    #[command(flatten)]
    pub(crate) project: Project,
    /// How many runs.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) runs: u32,
    /// Another seed draws other runs.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Of a hundred attempts, checks and answers, how many fail.
    #[arg(long, value_name = "PERCENT", default_value_t = 5, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) fail: u8,
    /// Of a hundred questions to somebody, how many are never answered.
    #[arg(long, value_name = "PERCENT", default_value_t = 5, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) silent: u8,
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
}

#[derive(Args, Debug)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) project: Project,
    /// The most mishaps in one course.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(crate) depth: u32,
    /// The most states to look at.
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) states: u32,
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
}

#[derive(Args, Debug)]
pub(crate) struct Fix {
    /// Files or folders; `-` reads standard input, and writes standard output [default: the project here].
    pub(crate) paths: Vec<PathBuf>,
    /// Change nothing; say what would be done, and exit with 1 when there is something.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Change nothing; print what would change.
    #[arg(long)]
    pub(crate) diff: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// The code, as in E0201 [default: the list of all].
    pub(crate) code: Option<String>,
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
}

#[derive(Args, Debug)]
pub(crate) struct Schema {
    /// Which one [default: the list of all].
    pub(crate) name: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Fmt {
    /// Files or folders; `-` formats standard input [default: the project here].
    pub(crate) paths: Vec<PathBuf>,
    /// Change nothing; exit with 1 when something would change.
    #[arg(long)]
    pub(crate) check: bool,
    /// Change nothing; print what would change.
    #[arg(long)]
    pub(crate) diff: bool,
}

/// A project file and the values of its parameters.
#[derive(Args, Debug, Clone)]
pub(crate) struct Project {
    /// The project file [default: main.coord, or the only .coord file here].
    pub(crate) file: Option<PathBuf>,
    /// Give a parameter its value.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// A workflow of the project instead of its main one.
    #[arg(long, value_name = "NAME")]
    pub(crate) workflow: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum PlanFormat {
    Text,
    Json,
    /// One page that needs no network: zoom, filter, trace what waits for what.
    Html,
    /// A drawing.
    Svg,
    /// A table for spreadsheets (RFC 4180).
    Csv,
    /// A calendar (RFC 5545), of a project that says when it starts.
    Ical,
    /// A Gantt chart of mermaid.
    Mermaid,
    /// The graph in graphviz' language.
    Dot,
}

#[derive(Args, Debug)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) project: Project,
    #[arg(long, value_enum, default_value_t = PlanFormat::Text)]
    pub(crate) format: PlanFormat,
    /// How long to look for a shorter schedule, about: `10s`, `500ms`; 0 leaves it at good rules.
    /// Ends earlier when nothing shorter exists. Counted in work, so that it gives the same again.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = budget)]
    pub(crate) budget: Duration,
    /// Another seed looks in other places, and draws other lengths for the forecast.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// How often the forecast plays the plan through, with lengths drawn from the estimates; 0
    /// leaves it out [default: 10000, fewer for more than 1000 tasks].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=i64::from(MOST_SAMPLES)))]
    pub(crate) samples: Option<u32>,
    /// What would change if `agent NAME capacity 2`, `agent NAME away 2025-08-12..2025-08-15`,
    /// `task NAME takes 3wd`, `task NAME priority P0`, `resource NAME capacity 4` or `drop resource
    /// NAME`. May be given again: all of them at once. With JSON, the plan that comes of it.
    #[arg(long, value_name = "CHANGE")]
    pub(crate) what_if: Vec<String>,
    /// Why a task (a sync, a milestone, a phase) is when it is: what holds it, link by link, and
    /// what would move it and by how much.
    #[arg(long, value_name = "TASK")]
    pub(crate) why: Option<String>,
    /// What happened in a run, what is to be expected of the rest, and which deadlines and promises
    /// are at risk; of the last open run when none is named. Ends with 1 when one is missed or broken.
    #[arg(
        long,
        value_name = "RUN",
        num_args = 0..=1,
        default_missing_value = "",
        conflicts_with_all = ["file", "what_if", "why", "compare"]
    )]
    pub(crate) since: Option<String>,
    /// Estimate tasks by how long they took in the runs of this project: by their own, from three
    /// times on, else by all together, from five on.
    #[arg(long)]
    pub(crate) learn: bool,
    /// What has changed since another version of the project: a file, a folder, or `REV:PATH` of the
    /// git repository here; as `coord diff OLD` shows it.
    #[arg(long, value_name = "OLD", conflicts_with_all = ["what_if", "why"])]
    pub(crate) compare: Option<String>,
    /// Columns of the picture [default: the terminal's, else 100].
    #[arg(long, value_name = "N")]
    pub(crate) width: Option<usize>,
    /// Write there instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Backup {
    /// The copy; nothing may be there yet.
    pub(crate) file: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct Gc {
    /// Keep what so many of the last ended runs left.
    #[arg(long, value_name = "N")]
    pub(crate) keep: Option<usize>,
    /// Keep what is younger: `30d`, `12h`.
    #[arg(long, value_name = "TIME")]
    pub(crate) older_than: Option<String>,
    /// Remove nothing; say what would go.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Doctor {
    /// Kill runs again and again, on this disk, and look what became of them.
    #[arg(long)]
    pub(crate) crash_test: bool,
    /// How many kills.
    #[arg(long, value_name = "N", default_value_t = 20, requires = "crash_test", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) kills: u32,
    /// Another seed kills at other moments.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "crash_test")]
    pub(crate) seed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum DiffFormat {
    Text,
    Json,
    /// Markdown, for a comment on a pull request.
    Md,
}

#[derive(Args, Debug)]
pub(crate) struct Diff {
    /// The old version: a file, a folder, or `REV:PATH` of the git repository here.
    pub(crate) old: String,
    /// The new version, in the same way [default: the project here].
    pub(crate) new: Option<String>,
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub(crate) format: DiffFormat,
    /// End with 1 when anything differs.
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Give a parameter its value, in both.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// A workflow of the projects instead of their main one.
    #[arg(long, value_name = "NAME")]
    pub(crate) workflow: Option<String>,
    /// How long to look for a shorter schedule of each.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = budget)]
    pub(crate) budget: Duration,
    /// Another seed looks in other places, and draws other lengths for the forecasts.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// How often the forecasts play the plans through; 0 leaves them out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=i64::from(MOST_SAMPLES)))]
    pub(crate) samples: Option<u32>,
    /// Columns of the text [default: the terminal's, else 100].
    #[arg(long, value_name = "N")]
    pub(crate) width: Option<usize>,
    /// Write there instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// The longest budget: a day.
const LONGEST_BUDGET_MS: u64 = 24 * 60 * 60 * 1000;

fn budget(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (amount, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "" if amount == "0" => 0,
        _ => return Err("a time looks like 500ms, 1s, 2m, or 0".into()),
    };
    let amount: Option<u64> = amount.parse().ok();
    match amount.and_then(|amount| amount.checked_mul(unit_ms)) {
        Some(ms) if ms <= LONGEST_BUDGET_MS => Ok(Duration::from_millis(ms)),
        Some(_) => Err("at most 24h".into()),
        None => Err("a time looks like 500ms, 1s, 2m, or 0".into()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum GraphFormat {
    Mermaid,
    Dot,
    Json,
    /// A drawing; of a large graph its phases.
    Svg,
    /// The drawing on a page that needs no network: zoom, move, trace what waits for what.
    Html,
    /// The compiled form: the frozen plan that a run is pinned to.
    Ir,
}

#[derive(Args, Debug)]
pub(crate) struct Graph {
    #[command(flatten)]
    pub(crate) project: Project,
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid)]
    pub(crate) format: GraphFormat,
    /// Write there instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Progress {
    /// Live on a terminal, plain lines elsewhere.
    Auto,
    Plain,
    /// One journal event a line, on standard output.
    Json,
    None,
}

#[derive(Args, Debug, Clone)]
pub(crate) struct Pace {
    /// Most tasks at work at once [default: the project's, else this machine's cores].
    #[arg(long, value_name = "N")]
    pub(crate) parallel: Option<u32>,
    /// Start nothing more once a task has failed.
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Stop with status 3 instead of waiting for people.
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Stay when all work is done: for incidents, conflicts and schedules, until it is stopped.
    #[arg(long, conflicts_with = "no_wait")]
    pub(crate) stay: bool,
    #[arg(long, value_enum, default_value_t = Progress::Auto)]
    pub(crate) progress: Progress,
}

#[derive(Args, Debug)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) project: Project,
    #[command(flatten)]
    pub(crate) pace: Pace,
    /// The name of the run [default: made from the day and a number].
    #[arg(long, value_name = "ID")]
    pub(crate) run_id: Option<String>,
    /// Leave what tasks do in worktrees on branches of their own: yours stays as it is.
    #[arg(long)]
    pub(crate) no_land: bool,
    /// Show what would run, in order, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Resume {
    /// The run [default: the last one that has not ended].
    pub(crate) run: Option<String>,
    #[command(flatten)]
    pub(crate) pace: Pace,
}

/// What everything takes that somebody does to a run.
#[derive(Args, Debug, Clone)]
pub(crate) struct By {
    /// Who says so [default: the only one who is asked, else your login name].
    #[arg(long, value_name = "WHO")]
    pub(crate) r#as: Option<String>,
    /// Change nothing; say what would follow at once.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// The same, with a reason that is kept.
#[derive(Args, Debug, Clone)]
pub(crate) struct Acting {
    #[command(flatten)]
    pub(crate) by: By,
    /// Why, or what else is to be said.
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Cancel {
    /// The run [default: the last one that has not ended].
    pub(crate) run: Option<String>,
    #[command(flatten)]
    pub(crate) acting: Acting,
}

#[derive(Args, Debug)]
pub(crate) struct Listing {
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
}

#[derive(Args, Debug)]
pub(crate) struct Status {
    /// The run [default: the last one].
    pub(crate) run: Option<String>,
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum ReportFormat {
    /// Markdown.
    Md,
    /// One file that needs nothing else.
    Html,
    Json,
}

#[derive(Args, Debug)]
pub(crate) struct Report {
    /// The run [default: the last one].
    pub(crate) run: Option<String>,
    #[arg(long, value_enum, default_value_t = ReportFormat::Md)]
    pub(crate) format: ReportFormat,
    /// Write there instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Logs {
    /// The run; a task's name alone means the last run.
    pub(crate) run: Option<String>,
    pub(crate) task: Option<String>,
    /// Go on printing what comes.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// The journal's events instead, one JSON object a line.
    #[arg(long)]
    pub(crate) events: bool,
    /// One attempt alone [default: the last].
    #[arg(long, value_name = "N")]
    pub(crate) attempt: Option<u32>,
}

#[derive(Args, Debug)]
pub(crate) struct Why {
    /// The run; a task's name alone means the last run.
    pub(crate) run_or_task: String,
    pub(crate) task: Option<String>,
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
}

#[derive(Args, Debug)]
pub(crate) struct Brief {
    /// The project file, or a run; a task's name alone means the last run.
    #[arg(value_name = "FILE")]
    pub(crate) file_or_task: String,
    pub(crate) task: Option<String>,
    /// Give a parameter its value.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
}

#[derive(Args, Debug)]
pub(crate) struct Mcp {
    /// Which agent of the project is served.
    #[arg(long, value_name = "AGENT")]
    pub(crate) r#as: String,
    /// The run [default: the last one that has not ended].
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Inbox {
    /// The run [default: every run that has not ended].
    pub(crate) run: Option<String>,
    /// Only what this person or agent is asked.
    #[arg(long = "for", value_name = "WHO")]
    pub(crate) who: Option<String>,
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
}

#[derive(Args, Debug)]
pub(crate) struct Answer {
    /// The item, as `coord inbox` shows it, or the name of a task with one open item.
    pub(crate) item: String,
    #[command(flatten)]
    pub(crate) acting: Acting,
    /// An output of the work.
    #[arg(long = "output", value_name = "NAME=VALUE")]
    pub(crate) outputs: Vec<String>,
    /// Something that whoever takes the work over has to know; again for each.
    #[arg(long = "issue", value_name = "TEXT")]
    pub(crate) issues: Vec<String>,
    /// How whoever takes the work over sees that it is good; again for each.
    #[arg(long = "criterion", value_name = "TEXT")]
    pub(crate) criteria: Vec<String>,
    /// The run [default: the last one that has not ended].
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Choice {
    /// It is decided; nothing more is done.
    Done,
    /// It goes on as it is, without what failed or is late.
    Accept,
    /// What failed or is late is tried again.
    Retry,
    /// It is left out.
    Skip,
    /// Somebody else does it.
    Reassign,
    /// It fails; where it has failed, or is about no task, the run ends.
    Abort,
}

#[derive(Args, Debug)]
pub(crate) struct Choose {
    /// The item, as `coord inbox` shows it, or the name of a task with one open item.
    pub(crate) item: String,
    #[arg(value_enum)]
    pub(crate) choice: Choice,
    /// Who is to do it, with `reassign` [default: whoever can].
    #[arg(long, value_name = "AGENT")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) acting: Acting,
    /// The run [default: the last one that has not ended].
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Decide {
    /// The number of an item, or what was decided.
    #[arg(value_name = "ITEM|TITLE")]
    pub(crate) what: String,
    /// What follows from it, of an item [default: nothing more].
    #[arg(value_enum)]
    pub(crate) choice: Option<Choice>,
    /// Who is to do it, with `reassign` [default: whoever can].
    #[arg(long, value_name = "AGENT")]
    pub(crate) to: Option<String>,
    /// The domain that the decision belongs to.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["choice", "to"])]
    pub(crate) domain: Option<String>,
    /// The text of the decision.
    #[arg(long, value_name = "TEXT", conflicts_with = "note")]
    pub(crate) text: Option<String>,
    #[command(flatten)]
    pub(crate) acting: Acting,
    /// The run [default: the last one that has not ended].
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Intervene {
    /// The run; a task's name alone means the last run.
    pub(crate) run_or_task: String,
    pub(crate) task: Option<String>,
    #[command(flatten)]
    pub(crate) acting: Acting,
}

#[derive(Args, Debug)]
pub(crate) struct Reassign {
    /// The run; a task's name alone means the last run.
    pub(crate) run_or_task: String,
    pub(crate) task: Option<String>,
    /// Who is to do it [default: who stands by, or whoever can].
    #[arg(long, value_name = "AGENT")]
    pub(crate) to: Option<String>,
    #[command(flatten)]
    pub(crate) by: By,
}

#[derive(Args, Debug)]
pub(crate) struct Raise {
    /// An incident of the project, or `conflict KIND`, `escalation NAME`, `agent NAME`,
    /// `resource NAME`; and what there is to say.
    #[arg(required = true, num_args = 1..=3, value_name = "WHAT")]
    pub(crate) what: Vec<String>,
    /// Those it concerns.
    #[arg(long, value_name = "AGENT,AGENT", value_delimiter = ',')]
    pub(crate) between: Vec<String>,
    /// The task that it is about.
    #[arg(long, value_name = "TASK")]
    pub(crate) task: Option<String>,
    /// The agent is back, or the resource is there again.
    #[arg(long)]
    pub(crate) over: bool,
    #[command(flatten)]
    pub(crate) acting: Acting,
    /// The run [default: the last one that has not ended].
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Turn {
    /// Nothing new is assigned.
    Enter,
    /// Work goes on.
    Exit,
}

#[derive(Args, Debug)]
pub(crate) struct SafeMode {
    #[arg(value_enum)]
    pub(crate) turn: Turn,
    /// The run [default: the last one that has not ended].
    pub(crate) run: Option<String>,
    /// Which mode [default: safe-mode, else the only one; to exit: the one that is on].
    #[arg(long, value_name = "NAME")]
    pub(crate) mode: Option<String>,
    #[command(flatten)]
    pub(crate) acting: Acting,
}

#[derive(Args, Debug)]
pub(crate) struct Halt {
    /// A domain of the project.
    pub(crate) domain: String,
    #[command(flatten)]
    pub(crate) acting: Acting,
    /// The run [default: the last one that has not ended].
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Start {
    /// A workflow of the project.
    pub(crate) workflow: String,
    /// Give a parameter of it its value.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Change nothing; say what would follow at once.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The run [default: the last one that has not ended].
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Measure {
    /// A metric of the project.
    pub(crate) metric: String,
    /// A number, a percent, a duration or a word.
    #[arg(allow_hyphen_values = true)]
    pub(crate) value: String,
    #[command(flatten)]
    pub(crate) by: By,
    /// The run [default: the last one that has not ended].
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}
