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
    /// Format files in place
    Fmt(Fmt),
    /// Show when it ends, what is critical and who is busy
    Plan(Plan),
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
    /// Show what people are asked
    Inbox(Inbox),
    /// Say that the work of an item is done
    Done(Answer),
    /// Approve or confirm an item
    Approve(Answer),
    /// Reject an item, with the reason
    Reject(Answer),
    /// Try a failed task again
    Retry(Intervene),
    /// Count a task as skipped, so that what waits for it goes on
    Skip(Intervene),
    /// Serve an editor: the Language Server Protocol over standard input and output
    #[command(after_help = "\
Editors start it themselves. Completion, hover, definition, references, rename, outline, folding,
colours, formatting, quick fixes, and in the margin when each task ends and whether it is critical.")]
    Lsp,
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

#[derive(Args, Debug)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) project: Project,
    #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
    pub(crate) format: TextOrJson,
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
    /// Columns of the picture [default: the terminal's, else 100].
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

#[derive(Args, Debug)]
pub(crate) struct Cancel {
    /// The run [default: the last one that has not ended].
    pub(crate) run: Option<String>,
    #[arg(long, value_name = "WHO")]
    pub(crate) r#as: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
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
    /// Who answers [default: the only one who is asked, else your login name].
    #[arg(long, value_name = "WHO")]
    pub(crate) r#as: Option<String>,
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    /// An output of the work.
    #[arg(long = "output", value_name = "NAME=VALUE")]
    pub(crate) outputs: Vec<String>,
    /// The run [default: the last one that has not ended].
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Intervene {
    /// The run; a task's name alone means the last run.
    pub(crate) run_or_task: String,
    pub(crate) task: Option<String>,
    #[arg(long, value_name = "WHO")]
    pub(crate) r#as: Option<String>,
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
}
