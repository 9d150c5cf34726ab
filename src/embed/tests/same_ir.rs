//! A model that is built and the same model that is written compile to the same form.
//!
//! The texts here are written by a way of their own: another order of fields, every character
//! that is no letter escaped, a line for each name of a list. Only the model is shared.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use coord::build::{
    Action, Agent, Approval, Artifact, Budget, By, Calendar, Check, Conflict, Day, Domain, Draft,
    Escalation, Gate, Group, Handoff, Human, Incident, Level, Limit, Milestone, Mode, Needs, Owns,
    Phase, Priority, Program, Reaction, Recurring, Resource, Retry, Sequence, Sync, Task, Time,
    Weekday, Who, Workflow, wd, wh,
};
use proptest::prelude::*;
use std::fmt::Write;
use std::time::Duration;

/// What both writers are told.
#[derive(Clone, Debug)]
struct Spec {
    title: String,
    parallel: Option<u32>,
    stop: bool,
    starts: Option<(u8, u8)>,
    agents: Vec<AgentSpec>,
    pools: Vec<u32>,
    checks: Vec<CheckSpec>,
    tasks: Vec<TaskSpec>,
    /// How many tasks, from the first, are in a phase; the rest are outside.
    phased: usize,
    sync: Option<(String, bool)>,
    sequence: bool,
    ladder: Option<(u32, bool)>,
    reaction: Option<(usize, bool)>,
    holiday: Option<(u8, u8, String)>,
    /// A rule of every other kind, with these two texts in it.
    rules: Option<(String, String)>,
}

#[derive(Clone, Debug)]
struct AgentSpec {
    title: Option<String>,
    role: Option<String>,
    does: Vec<String>,
    capacity: u32,
    owns: bool,
    env: Option<String>,
}

#[derive(Clone, Debug)]
enum CheckSpec {
    Run(Vec<String>),
    Script(String),
    Exists(String),
    Lead,
}

#[derive(Clone, Debug)]
struct TaskSpec {
    title: Option<String>,
    doc: String,
    by: BySpec,
    needs: Vec<prop::sample::Index>,
    ends: u8,
    within: Option<(u64, u8)>,
    wants: Option<prop::sample::Index>,
    takes: Option<(u8, u32, u32)>,
    work: WorkSpec,
    steps: Vec<String>,
    uses: Option<prop::sample::Index>,
    priority: Priority,
    timeout: Option<u64>,
    retry: Option<(u32, u64, bool)>,
    idempotent: bool,
    env: Option<String>,
    approve: Option<Option<u64>>,
    skip_on_fail: bool,
    ensures: Option<prop::sample::Index>,
    produces: Option<String>,
}

#[derive(Clone, Debug)]
enum BySpec {
    Nobody,
    One(prop::sample::Index),
    All,
    Any,
}

#[derive(Clone, Debug)]
enum WorkSpec {
    Argv(Vec<String>),
    Script(String),
    Python(String),
    /// Done by a person from a prompt.
    Ask(String),
}

// ---- any model --------------------------------------------------------------------------------

/// Letters and everything that means something to the language.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-zA-Z ]{1,8}",
        1 => prop::sample::select(vec![
            "\"", "\\", "$", "$$", "${", "${x}", "}", "{", "\n", "\t", "'", "#", "## ", "[", "]", ",", "```",
            "\\n", "->", "ü", "日本", "\u{7f}", "\u{200b}", "e\u{301}", ".", "..", "1h", "%",
        ])
        .prop_map(String::from),
    ];
    prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

fn word() -> impl Strategy<Value = String> {
    text().prop_map(|text| format!("x{text}"))
}

fn argv() -> impl Strategy<Value = Vec<String>> {
    ("[a-z]{1,6}", prop::collection::vec(text(), 0..4))
        .prop_map(|(program, arguments)| std::iter::once(program).chain(arguments).collect())
}

fn script() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "echo [a-z ]{0,12}",
        prop::sample::select(vec![
            "",
            "  indented",
            "\ttabbed",
            "```",
            "````",
            "``` ````",
            "}",
            "# no comment",
            "echo \"${HOME}\" '$$' \\",
            "if true; then",
            "trailing  ",
        ])
        .prop_map(String::from),
    ];
    prop::collection::vec(line, 1..6).prop_map(|lines| format!("true\n{}", lines.join("\n")))
}

/// Doc comments are lines; white space at their ends is nobody's.
fn doc() -> impl Strategy<Value = String> {
    prop::collection::vec("[a-z]{1,6}( [a-z\"${}#]{1,6}){0,3}", 0..3).prop_map(|l| l.join("\n"))
}

fn agent() -> impl Strategy<Value = AgentSpec> {
    (
        prop::option::of(text()),
        prop::option::of(text()),
        prop::collection::vec(text(), 0..3),
        1..4u32,
        any::<bool>(),
        prop::option::of(text()),
    )
        .prop_map(|(title, role, does, capacity, owns, env)| AgentSpec {
            title,
            role,
            does,
            capacity,
            owns,
            env,
        })
}

fn check() -> impl Strategy<Value = CheckSpec> {
    prop_oneof![
        argv().prop_map(CheckSpec::Run),
        script().prop_map(CheckSpec::Script),
        "[a-z]{1,8}(/[a-z]{1,8}){0,2}".prop_map(CheckSpec::Exists),
        Just(CheckSpec::Lead),
    ]
}

fn work() -> impl Strategy<Value = WorkSpec> {
    prop_oneof![
        argv().prop_map(WorkSpec::Argv),
        script().prop_map(WorkSpec::Script),
        script().prop_map(WorkSpec::Python),
        word().prop_map(WorkSpec::Ask),
    ]
}

fn task() -> impl Strategy<Value = TaskSpec> {
    let by = prop_oneof![
        Just(BySpec::Nobody),
        any::<prop::sample::Index>().prop_map(BySpec::One),
        Just(BySpec::All),
        Just(BySpec::Any),
    ];
    let index = any::<prop::sample::Index>;
    let head = (prop::option::of(text()), doc(), by, work());
    let graph = (
        prop::collection::vec(index(), 0..3),
        0..3u8,
        prop::option::of((1..1_000_000_000u64, 0..4u8)),
        prop::option::of(index()),
    );
    let times = (
        prop::option::of((0..5u8, 1..5_000u32, 0..5_000u32)),
        prop::option::of(1..100_000_000u64),
        prop::option::of((0..5u32, 1..100_000u64, any::<bool>())),
        prop::option::of(prop::option::of(1..100_000_000u64)),
    );
    let rest = (
        prop::collection::vec(text(), 0..3),
        prop::option::of(index()),
        prop::sample::select(vec![Priority::P0, Priority::P1, Priority::P2, Priority::P3]),
        any::<bool>(),
        prop::option::of(text()),
        any::<bool>(),
        prop::option::of(index()),
        prop::option::of("[a-z]{1,5}/[a-z]{1,5}"),
    );
    (head, graph, times, rest).prop_map(
        |(
            (title, doc, by, work),
            (needs, ends, within, wants),
            (takes, timeout, retry, approve),
            (steps, uses, priority, idempotent, env, skip_on_fail, ensures, produces),
        )| TaskSpec {
            title,
            doc,
            by,
            needs,
            ends,
            within,
            wants,
            takes,
            work,
            steps,
            uses,
            priority,
            timeout,
            retry,
            idempotent,
            env,
            approve,
            skip_on_fail,
            ensures,
            produces,
        },
    )
}

fn spec() -> impl Strategy<Value = Spec> {
    let head = (
        text(),
        prop::option::of(1..9u32),
        any::<bool>(),
        prop::option::of((1..13u8, 1..29u8)),
    );
    let parts = (
        prop::collection::vec(agent(), 1..4),
        prop::collection::vec(2..6u32, 1..3),
        prop::collection::vec(check(), 1..4),
        prop::collection::vec(task(), 1..8),
    );
    let around = (
        0..8usize,
        prop::option::of((text(), any::<bool>())),
        any::<bool>(),
        prop::option::of((1..100u32, any::<bool>())),
        prop::option::of((0..8usize, any::<bool>())),
        prop::option::of((1..13u8, 1..29u8, text())),
        prop::option::of((text(), text())),
    );
    (head, parts, around).prop_map(
        |(
            (title, parallel, stop, starts),
            (agents, pools, checks, tasks),
            (phased, sync, sequence, ladder, reaction, holiday, rules),
        )| Spec {
            phased: phased.min(tasks.len()),
            title,
            parallel,
            stop,
            starts,
            agents,
            pools,
            checks,
            tasks,
            sync,
            sequence,
            ladder,
            reaction,
            holiday,
            rules,
        },
    )
}

// ---- built ------------------------------------------------------------------------------------

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn draft(spec: &Spec) -> Draft {
    let mut draft = Draft::new("generated").title(&spec.title);
    if let Some(n) = spec.parallel {
        draft = draft.parallel(n).budget(Budget::tokens(n.into()));
    }
    if spec.stop {
        draft = draft.stop_on_failure();
    }
    if let Some((month, day)) = spec.starts {
        draft = draft.starts(Day::new(2026, month, day));
    }
    if let Some((month, day, title)) = &spec.holiday {
        let weekdays = [Weekday::Monday, Weekday::Wednesday, Weekday::Saturday];
        draft.push(
            Calendar::new("default")
                .working(weekdays)
                .hours([((9, 0), (12, 30)), ((13, 30), (18, 0))])
                .holiday(Day::new(2026, *month, *day), title),
        );
    }
    draft.push(Human::new("lead"));
    draft.push(Human::new("boss").contact("boss@example.org"));
    for (i, agent) in spec.agents.iter().enumerate() {
        draft.push(built_agent(i, agent));
    }
    for (i, capacity) in spec.pools.iter().enumerate() {
        draft.push(Resource::new(format!("pool{i}")).capacity(*capacity));
    }
    for (i, check) in spec.checks.iter().enumerate() {
        draft.push(Gate::new(format!("gate{i}")).check(built_check(check)));
    }
    if let Some((hours, fails)) = spec.ladder {
        let mut ladder = Escalation::new("blocked")
            .level(Level::new("L1", "lead").within(ms(u64::from(hours) * 3_600_000)))
            .level(Level::new("L2", "boss").within(ms(90_000)));
        if fails {
            ladder = ladder.otherwise(Action::fail());
        }
        draft.push(ladder);
        draft.push(
            Recurring::new("standup")
                .every(coord::build::Every::day().at(9, 5, "Europe/Berlin"))
                .agenda(&spec.title),
        );
    }
    if let Some((task, escalates)) = spec.reaction {
        let then = match (escalates, &spec.ladder) {
            (true, Some(_)) => Action::escalate("blocked"),
            _ => Action::retry(2).or_else(Action::notify(["lead", "boss"])),
        };
        draft.push(
            Reaction::on(format!("task.failed t{}", task % spec.tasks.len()))
                .because(&spec.title)
                .action(then),
        );
    }
    let tasks = || spec.tasks.iter().enumerate();
    if spec.phased > 0 {
        let mut phase = Phase::new("first").title("First");
        let inside = tasks()
            .take(spec.phased)
            .map(|(i, t)| built_task(spec, i, t));
        phase = match spec.sequence {
            true => phase.with(inside.fold(Sequence::new(), Sequence::with)),
            false => phase.with_all(inside),
        };
        if let Some((require, by)) = &spec.sync {
            let sync = Sync::new("done").participants(["lead", "boss"]);
            phase = phase.sync(match by {
                true => sync.require_by(require, "boss"),
                false => sync.require(require),
            });
        }
        draft.push(phase);
    }
    for (i, task) in tasks().skip(spec.phased) {
        draft.push(built_task(spec, i, task));
    }
    if let Some((a, b)) = &spec.rules {
        draft = with_rules(draft, a, b);
    }
    draft.with(Milestone::new("over").needs("t0"))
}

fn with_rules(draft: Draft, a: &str, b: &str) -> Draft {
    let hours = |n: u64| Duration::from_secs(n * 3600);
    draft
        .with(Group::new("people").title(a).members(["lead", "boss"]))
        .with(
            Domain::new("security")
                .lead("lead")
                .support("boss")
                .reviewers(["boss"])
                .may_halt("people")
                .paths(["security/**", "keys/**"])
                .record("decisions"),
        )
        .with(
            Handoff::new("component")
                .require(a)
                .check(Check::exists(b, "docs/index.md"))
                .field("summary", "text")
                .accept_within(Limit::within(hours(4)).or_else(Action::notify("lead"))),
        )
        .with(
            Conflict::new("priority")
                .title(b)
                .detect(a)
                .owner("owners")
                .reviewers("people")
                .decide("lead", Some(hours(24)))
                .level(Level::new("L1", "boss").title(b).within(hours(2))),
        )
        .with(
            Mode::new("quiet")
                .enter(["lock", a])
                .exit(Program::sh("unlock"))
                .restart(2),
        )
        .with(
            Workflow::new("repair")
                .title(a)
                .param("what", "text", Some(b))
                .param("tries", "int", Some("2"))
                .with(Task::new("mend").run(["mend"]))
                .with(Task::new("look").needs("mend").run(["look"])),
        )
        .with(
            Incident::new("P1")
                .title(b)
                .respond_within(hours(1))
                .declare_by(Who::any())
                .lead("lead")
                .requires(["boss"])
                .start("repair")
                .preempts()
                .action(Action::enter("quiet").or_else(Action::notify("people"))),
        )
}

fn built_agent(i: usize, spec: &AgentSpec) -> Agent {
    let mut agent = Agent::new(format!("a{i}")).capacity(spec.capacity);
    if let Some(title) = &spec.title {
        agent = agent.title(title);
    }
    if let Some(role) = &spec.role {
        agent = agent.role(role);
    }
    for does in &spec.does {
        agent = agent.does(does);
    }
    if spec.owns {
        let owns = Owns::new(format!("a{i}/**")).except(format!("a{i}/vendor/**"));
        agent = agent.owns(owns).budget(Budget::cost(2.5, "USD"));
        agent = agent.budget(Budget::time(ms(90_000)).or_else(Action::halt()));
    }
    match &spec.env {
        Some(value) => agent.env("SETTING", value),
        None => agent,
    }
}

fn built_check(spec: &CheckSpec) -> Check {
    match spec {
        CheckSpec::Run(argv) => Check::run("holds", argv.clone()),
        CheckSpec::Script(text) => Check::run("holds", Program::sh(text)),
        CheckSpec::Exists(path) => Check::exists("holds", path),
        CheckSpec::Lead => Check::by("holds", "lead"),
    }
}

fn built_task(spec: &Spec, i: usize, of: &TaskSpec) -> Task {
    let mut task = Task::new(format!("t{i}")).doc(&of.doc);
    if let Some(title) = &of.title {
        task = task.title(title);
    }
    task = match (&of.work, &of.by) {
        (WorkSpec::Ask(_), _) => task.by("lead"),
        (_, BySpec::Nobody) => task,
        (_, BySpec::One(agent)) => task.by(format!("a{}", agent.index(spec.agents.len()))),
        (_, BySpec::All) => task.by(agent_names(spec)),
        (_, BySpec::Any) => task.by(By::any_of(agent_names(spec))),
    };
    let before = needed(i, of);
    if !before.is_empty() {
        let mut needs = Needs::of(before);
        needs = match of.ends {
            1 => needs.finished(),
            _ => needs,
        };
        if let Some((within, then)) = of.within {
            let limit = Limit::within(ms(within));
            needs = needs.within(match then {
                0 => limit,
                1 => limit.or_else(Action::skip()),
                2 => limit.or_else(Action::proceed()),
                _ => limit.or_else(Action::notify("lead").or_else(Action::halt())),
            });
        }
        task = task.needs(needs);
    }
    if let Some(wanted) = of.wants.filter(|_| i > 0) {
        task = task.wants_within(format!("t{}", wanted.index(i)), ms(60_000));
    }
    task = match of.takes {
        None => task,
        Some((0, a, _)) => task.takes(ms(u64::from(a))),
        Some((1, a, b)) => task.takes(wd(quarters(a))..wd(quarters(a + b))),
        Some((2, a, _)) => task.takes(wh(f64::from(a % 400 + 1) / 8.0)),
        Some((3, a, b)) => {
            let time = |n: u32| Time::Clock(Duration::from_secs(u64::from(n)));
            task.takes([time(a), time(a + b), time(a + 2 * b)])
        }
        Some((_, a, b)) => task.takes(ms(u64::from(a))..ms(u64::from(a + b))),
    };
    task = match &of.work {
        WorkSpec::Argv(argv) => task.run(argv.clone()),
        WorkSpec::Script(text) => task.run(Program::sh(text)),
        WorkSpec::Python(text) => task.run(Program::script("python", text)),
        WorkSpec::Ask(prompt) => task.ask(prompt.as_str()),
    };
    for step in &of.steps {
        task = task.step(step);
    }
    if let Some(pool) = of.uses {
        task = task.uses(format!("pool{}", pool.index(spec.pools.len())), 2);
    }
    task = task.priority(of.priority);
    if let Some(timeout) = of.timeout {
        task = task.timeout(ms(timeout));
    }
    if let Some((times, every, on)) = of.retry {
        let retry = Retry::times(times).every(ms(every)).factor(1.5);
        task = task.retry(match on {
            true => retry.on_exit([75, 1]).on_timeout(),
            false => retry,
        });
    }
    if of.idempotent {
        task = task.idempotent();
    }
    if let Some(value) = &of.env {
        task = task.env("VALUE", value.as_str());
    }
    if let Some(within) = of.approve {
        let approval = Approval::quorum(2, ["lead", "boss"]);
        task = task.approve(match within {
            Some(within) => approval.within(ms(within)),
            None => approval,
        });
    }
    if of.skip_on_fail {
        task = task.on_fail(Action::skip());
    }
    if let Some(gate) = of.ensures {
        task = task.ensures(format!("gate{}", gate.index(spec.checks.len())));
    }
    match &of.produces {
        Some(path) => task.produces(Artifact::new("thing").path(path)),
        None => task,
    }
}

fn quarters(n: u32) -> f64 {
    f64::from(n % 900 + n / 900 * 900) / 4.0
}

fn agent_names(spec: &Spec) -> Vec<String> {
    (0..spec.agents.len()).map(|i| format!("a{i}")).collect()
}

/// Earlier tasks, each once.
fn needed(i: usize, of: &TaskSpec) -> Vec<String> {
    let mut names = Vec::new();
    for need in of.needs.iter().filter(|_| i > 0) {
        let name = format!("t{}", need.index(i));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

// ---- written ----------------------------------------------------------------------------------

/// Letters as they are, everything else by its number.
fn escaped(text: &str) -> String {
    let inner: String = text
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() => c.to_string(),
            c => format!("\\u{{{:X}}}", c as u32),
        })
        .collect();
    format!("\"{inner}\"")
}

fn fence(tag: &str, text: &str) -> String {
    // a text with a line break at its end is the same script as one without
    let text = text.strip_suffix('\n').unwrap_or(text);
    format!("``````````{tag}\n{text}\n``````````")
}

fn listed(argv: &[String]) -> String {
    let parts: Vec<String> = argv
        .iter()
        .map(|a| format!("\n  {},", escaped(a)))
        .collect();
    format!("[{}\n]", parts.concat())
}

fn written(spec: &Spec) -> String {
    let mut out = String::from("# by another way\nedition 2026\n");
    let body = &mut out;
    // work first: order between statements of different kinds says nothing
    if spec.phased > 0 {
        writeln!(body, "phase first 'First' {{").unwrap();
        if let Some((require, by)) = &spec.sync {
            let by = if *by { " by boss" } else { "" };
            writeln!(
                body,
                "sync done {{\n require {}{by}\n participants [lead, boss]\n}}",
                escaped(require)
            )
            .unwrap();
        }
        if spec.sequence {
            writeln!(body, "sequence {{").unwrap();
        }
        for (i, task) in spec.tasks.iter().enumerate().take(spec.phased) {
            write_task(body, spec, i, task);
        }
        if spec.sequence {
            writeln!(body, "}}").unwrap();
        }
        writeln!(body, "}}").unwrap();
    }
    for (i, task) in spec.tasks.iter().enumerate().skip(spec.phased) {
        write_task(body, spec, i, task);
    }
    writeln!(body, "milestone over {{ needs t0 }}").unwrap();
    write_rules(body, spec);
    if let Some((a, b)) = &spec.rules {
        write_other_rules(body, a, b);
    }
    writeln!(
        body,
        "human lead\nhuman boss {{\n contact 'boss@example.org'\n}}"
    )
    .unwrap();
    for (i, agent) in spec.agents.iter().enumerate() {
        write_agent(body, i, agent);
    }
    writeln!(
        body,
        "project generated {} {{\nmeta by hand",
        escaped(&spec.title)
    )
    .unwrap();
    if let Some((month, day)) = spec.starts {
        writeln!(body, " starts 2026-{month:02}-{day:02}").unwrap();
    }
    if spec.stop {
        writeln!(body, " on failure stop").unwrap();
    }
    if let Some(n) = spec.parallel {
        writeln!(body, "budget {n} tokens\nparallel {n}").unwrap();
    }
    writeln!(body, "}}").unwrap();
    out
}

fn write_rules(out: &mut String, spec: &Spec) {
    for (i, check) in spec.checks.iter().enumerate() {
        let evidence = match check {
            CheckSpec::Run(argv) => format!("run {}", listed(argv)),
            CheckSpec::Script(text) => format!("run {}", fence("sh", text)),
            CheckSpec::Exists(path) => format!("exists {}", escaped(path)),
            CheckSpec::Lead => "by lead".into(),
        };
        writeln!(out, "gate gate{i} {{\ncheck 'holds' {evidence}\n}}").unwrap();
    }
    for (i, capacity) in spec.pools.iter().enumerate() {
        writeln!(out, "resource pool{i} {{ capacity {capacity} }}").unwrap();
    }
    if let Some((month, day, title)) = &spec.holiday {
        let title = escaped(title);
        writeln!(
            out,
            "calendar default {{\nholiday 2026-{month:02}-{day:02} {title}\nhours [13:30..18:00, 09:00..12:30]\nworking [saturday, monday, wednesday]\n}}"
        )
        .unwrap();
    }
    if let Some((hours, fails)) = spec.ladder {
        let otherwise = if fails { "otherwise fail\n" } else { "" };
        writeln!(
            out,
            "escalation blocked {{\n{otherwise}level L1 by lead within {hours}h\nlevel L2 by boss within 90s\n}}"
        )
        .unwrap();
        let agenda = escaped(&spec.title);
        writeln!(
            out,
            "sync standup {{\nagenda {agenda}\nevery day at 09:05 Europe/Berlin\n}}"
        )
        .unwrap();
    }
    if let Some((task, escalates)) = spec.reaction {
        let then = match (escalates, &spec.ladder) {
            (true, Some(_)) => "escalate to blocked",
            _ => "retry 2 else notify [lead, boss]",
        };
        let task = task % spec.tasks.len();
        let because = escaped(&spec.title);
        writeln!(out, "on task.failed t{task} because {because} do {then}").unwrap();
    }
}

fn write_other_rules(out: &mut String, a: &str, b: &str) {
    let (a, b) = (escaped(a), escaped(b));
    write!(
        out,
        "workflow repair(what: text default {b}, tries: int default '2') {a} {{
task mend {{ run ['mend'] }}
task look {{
run ['look']
needs mend
}}
}}
incident P1 {b} {{
do enter quiet else notify people
preempts
start repair
requires boss
lead lead
declare by any
respond within 60m
}}
mode quiet {{
restart 2 at a time
exit run {}
enter run ['lock', {a}]
}}
conflict priority {b} {{
level L1 {b} by boss within 120m
decide lead within 1d
reviewers people
owner owners
detect {a}
}}
handoff component {{
accept within 4h else notify lead
field summary text
check {b} exists 'docs/index.md'
require {a}
}}
domain security {{
record 'decisions'
paths 'security/**'
paths 'keys/**'
may halt people
reviewers boss
support boss
lead lead
}}
group people {a} {{
members lead
members boss
}}
",
        fence("sh", "unlock")
    )
    .unwrap();
}

fn write_agent(out: &mut String, i: usize, of: &AgentSpec) {
    let title = of.title.as_deref().map(escaped).unwrap_or_default();
    writeln!(out, "agent a{i} {title} {{").unwrap();
    if let Some(value) = &of.env {
        writeln!(out, "env SETTING {}", escaped(value)).unwrap();
    }
    if of.owns {
        writeln!(out, "budget 2.5USD\nbudget 90s else halt").unwrap();
        writeln!(out, "owns 'a{i}/**' except 'a{i}/vendor/**'").unwrap();
    }
    for does in &of.does {
        writeln!(out, "does {}", escaped(does)).unwrap();
    }
    if let Some(role) = &of.role {
        writeln!(out, "role {}", escaped(role)).unwrap();
    }
    writeln!(out, "capacity {}\n}}", of.capacity).unwrap();
}

fn write_task(out: &mut String, spec: &Spec, i: usize, of: &TaskSpec) {
    for line in of.doc.lines() {
        writeln!(out, "## {line}").unwrap();
    }
    let title = of.title.as_deref().map(escaped).unwrap_or_default();
    writeln!(out, "task t{i} {title} {{").unwrap();
    for line in lines_of_task(spec, i, of).into_iter().rev() {
        writeln!(out, "{line}").unwrap();
    }
    writeln!(out, "}}").unwrap();
}

/// In the order in which they are built; what may be said again is one entry.
fn lines_of_task(spec: &Spec, i: usize, of: &TaskSpec) -> Vec<String> {
    let mut lines = Vec::new();
    let by = match (&of.work, &of.by) {
        (WorkSpec::Ask(_), _) => Some("lead".to_string()),
        (_, BySpec::Nobody) => None,
        (_, BySpec::One(agent)) => Some(format!("a{}", agent.index(spec.agents.len()))),
        (_, BySpec::All) => Some(format!("[{}]", agent_names(spec).join(","))),
        (_, BySpec::Any) => Some(format!("any of [{}]", agent_names(spec).join(" , "))),
    };
    lines.extend(by.map(|by| format!("by {by}")));
    let end = if of.ends == 1 { " finished" } else { "" };
    let within = of.within.map_or(String::new(), |(within, then)| {
        let then = [
            "",
            " else skip",
            " else proceed",
            " else notify lead else halt",
        ][then as usize];
        format!(" within {within}ms{then}")
    });
    let needs = needed(i, of);
    let needs = needs.iter().map(|n| format!("needs {n}{end}{within}"));
    let needs: Vec<String> = needs.collect();
    lines.push(needs.join("\n"));
    let wanted = of.wants.filter(|_| i > 0);
    lines.extend(wanted.map(|w| format!("wants t{} within 1m", w.index(i))));
    lines.extend(of.takes.map(|takes| match takes {
        (0, a, _) => format!("takes {a}ms"),
        (1, a, b) => format!("takes {}wd..{}wd", quarters(a), quarters(a + b)),
        (2, a, _) => format!("takes {}wh", f64::from(a % 400 + 1) / 8.0),
        (3, a, b) => format!("takes {a}s..{}s..{}s", a + b, a + 2 * b),
        (_, a, b) => format!("takes {a}ms..{}ms", a + b),
    }));
    lines.push(match &of.work {
        WorkSpec::Argv(argv) => format!("run {}", listed(argv)),
        WorkSpec::Script(text) => format!("run {}", fence("", text)),
        WorkSpec::Python(text) => format!("run {}", fence("python", text)),
        WorkSpec::Ask(prompt) => format!("ask {}", escaped(prompt)),
    });
    let steps = of.steps.iter().map(|step| format!("do {}", escaped(step)));
    let steps: Vec<String> = steps.collect();
    lines.push(steps.join("\n"));
    let pool = of.uses.map(|pool| pool.index(spec.pools.len()));
    lines.extend(pool.map(|pool| format!("uses pool{pool} 2")));
    lines.push(format!("priority {:?}", of.priority));
    lines.extend(of.timeout.map(|t| format!("timeout {t}ms")));
    lines.extend(of.retry.map(|(times, every, on)| {
        let on = if on { " on [exit 75, 1, timeout]" } else { "" };
        format!("retry {times} factor 1.5x every {every}ms{on}")
    }));
    lines.extend(of.idempotent.then(|| "idempotent".to_string()));
    lines.extend(of.env.as_ref().map(|v| format!("env VALUE {}", escaped(v))));
    lines.extend(of.approve.map(|within| match within {
        Some(within) => format!("approve 2 of [lead, boss] within {within}ms"),
        None => "approve 2 of [lead, boss]".into(),
    }));
    lines.extend(of.skip_on_fail.then(|| "on fail skip".to_string()));
    let gate = of.ensures.map(|gate| gate.index(spec.checks.len()));
    lines.extend(gate.map(|gate| format!("ensures gate{gate}")));
    let produces = of.produces.as_ref();
    lines.extend(produces.map(|path| format!("produces thing 'thing' '{path}'")));
    lines
}

// ---- the same ---------------------------------------------------------------------------------

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn built_and_written_compile_to_the_same(spec in spec()) {
        let draft = draft(&spec);
        let built = draft.compile();
        let text = written(&spec);
        let read = coord::compile(&text);
        let (built, read) = match (built, read) {
            (Ok(built), Ok(read)) => (built, read),
            (built, read) => {
                let said = |of: Result<_, coord::Mistakes>| of.map(|_| ()).map_err(|e| e.to_string());
                panic!("{:?}\n{:?}\n{}\n{text}", said(built), said(read), draft.text());
            }
        };
        let shown = || format!("{}\n{text}", built.text());
        prop_assert!(built.plan() == read.plan(), "another plan: {}", shown());
        prop_assert!(built.run_plan() == read.run_plan(), "another run: {}", shown());
        prop_assert!(built.ir() == read.ir(), "another compiled form: {}", shown());
        prop_assert!(built.schedule() == read.schedule(), "another schedule: {}", shown());
        let codes = |p: &coord::Project| {
            // W0507 is about how a duration is spelled, which is what differs between the two
            let said = p.warnings().iter().filter(|d| d.code != "W0507");
            let mut codes: Vec<_> = said.map(|d| (d.code, d.message.clone())).collect();
            codes.sort();
            codes
        };
        prop_assert_eq!(codes(&built), codes(&read));
    }
}
