//! What the documents say is true: their programs compile, their pictures are the ones that come
//! out, their links lead somewhere.

use crate::space::Space;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

const DOCUMENTS: [&str; 6] = [
    "README.md",
    "src/README.md",
    "benches/README.md",
    "editors/README.md",
    "docs/tutorial.md",
    "grammar/REFERENCE.md",
];

/// The fences of a Markdown text with this tag. A fence of more backticks may hold shorter ones.
pub(crate) fn fences(text: &str, tag: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside: Option<(&str, bool, String)> = None;
    for line in text.lines().map(str::trim_end) {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match &mut inside {
            Some((open, wanted, body)) if line == *open => {
                if *wanted {
                    found.push(std::mem::take(body));
                }
                inside = None;
            }
            Some((_, _, body)) => {
                body.push_str(line);
                body.push('\n');
            }
            None if ticks.len() >= 3 => {
                inside = Some((ticks, &line[ticks.len()..] == tag, String::new()));
            }
            None => {}
        }
    }
    found
}

#[test]
fn the_readme_example_is_clean_and_formatted() {
    let programs = fences(&read("README.md"), "coord");
    assert_eq!(programs.len(), 1);
    let space = Space::new().file("main.coord", &programs[0]);
    let check = space.coord(&["check"]).run().exits(0);
    assert_eq!(check.stderr, "no mistakes in 1 file\n");
    let _formatted = space.coord(&["fmt", "--check"]).run().exits(0);
}

#[test]
fn the_readme_picture_is_what_plan_prints() {
    let readme = read("README.md");
    let space = Space::new().file("main.coord", &fences(&readme, "coord")[0]);
    let plan = space.coord(&["plan", "--width", "88"]).run();
    let shown = &fences(&readme, "text")[0];
    assert_eq!(
        &plan.stdout, shown,
        "paste the output of `coord plan --width 88` into README.md"
    );
}

#[test]
fn every_relative_link_leads_somewhere() {
    for name in DOCUMENTS {
        let folder = root().join(name).parent().map(Path::to_path_buf).unwrap();
        for link in read(name)
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let path = link.split('#').next().unwrap_or("");
            if !path.is_empty() && !path.contains("://") {
                assert!(
                    folder.join(path).exists(),
                    "{name} links to {path}, which is not there"
                );
            }
        }
    }
}

#[test]
fn every_command_that_the_documents_name_exists() {
    let help = Space::new().coord(&["--help"]).run().stdout;
    for name in DOCUMENTS {
        if name == "grammar/REFERENCE.md" {
            continue; // it says what the table says, and the table may be ahead of the commands
        }
        let text = read(name);
        let lines = text.lines().filter(|line| !line.starts_with("```"));
        let said = lines.collect::<Vec<_>>().join("\n");
        for part in said.split("`coord ").skip(1) {
            let word = part
                .split(|c: char| !c.is_ascii_lowercase())
                .next()
                .unwrap_or("");
            if !word.is_empty() {
                assert!(
                    help.contains(&format!("  {word} ")),
                    "{name} names `coord {word}`, which is no command"
                );
            }
        }
    }
}

#[test]
fn the_workflows_are_formatted_and_clean_but_for_what_is_true() {
    let space = Space::new();
    let path = |name: &str| root().join("workflows").join(name).display().to_string();
    let _formatted = space.coord(&["fmt", "--check", &path("")]).run().exits(0);
    let deploy = space
        .coord(&["check", &path("deploy.coord")])
        .run()
        .exits(0);
    assert_eq!(deploy.stderr, "no mistakes in 1 file\n");
    for clean in ["services", "operating-procedures", "platform", "multiagent"] {
        let ran = space.coord(&["check", &path(clean)]).run().exits(0);
        assert!(ran.stderr.starts_with("no mistakes in "), "{}", ran.stderr);
    }
    let candlefish = space
        .coord(&["check", "--format", "json", &path("candlefish")])
        .run();
    let found: serde_json::Value = serde_json::from_str(&candlefish.stdout).unwrap();
    let codes: Vec<&str> = found
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|file| file["diagnostics"].as_array().unwrap())
        .map(|d| d["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["W0612"]);
}

#[test]
fn week_one_of_candlefish_takes_two_days_by_logic_and_five_with_who_is_there() {
    let path = root().join("workflows/candlefish").display().to_string();
    let plan = Space::new().coord(&["plan", &path]).run().stdout;
    let line = plan
        .lines()
        .find(|l| l.trim_start().starts_with("Foundation   "))
        .unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(
        words,
        [
            "Foundation",
            "week",
            "1",
            "2wd",
            "5wd",
            "Fri",
            "15",
            "Aug",
            "17:00"
        ]
    );
}

#[test]
fn init_writes_a_project_that_checks_plans_and_runs() {
    let space = Space::new();
    let _written = space.coord(&["init", "demo"]).run().exits(0);
    let demo = |args: &[&str]| space.coord(args).within("demo").run();
    assert_eq!(demo(&["check"]).exits(0).stderr, "no mistakes in 1 file\n");
    let _formatted = demo(&["fmt", "--check"]).exits(0);
    assert!(demo(&["plan"]).stdout.contains("What is critical"));
    let _ran = demo(&["run"]).exits(0);
    assert!(demo(&["status"]).stdout.contains("completed"));
    let _nothing_overwritten = space.coord(&["init", "demo"]).run().exits(2);
}

/// The README's first command, but for the browser: it is opened where there is one.
#[test]
fn the_deployment_runs_to_its_end_and_leaves_its_evidence() {
    let path = root().join("workflows/deploy.coord").display().to_string();
    let home = std::env::var("HOME").unwrap_or_default();
    let space = Space::new();
    let _ran = space
        .coord(&["run", &path, "--progress", "plain"])
        .env("HOME", &home)
        .run()
        .exits(0);
    let deployment = root().join("workflows/deployment");
    let report = fs::read_to_string(deployment.join("evidence/verification.md")).unwrap();
    assert!(report.contains("PASS"), "{report}");
    for file in [
        "evidence/deployment.md",
        "handoff/handoff.md",
        "server/page.txt",
    ] {
        assert!(
            deployment.join(file).metadata().unwrap().len() > 50,
            "{file} says too little"
        );
    }
    let pictured = deployment.join("evidence/screenshot.png").exists();
    let excused = deployment.join("evidence/screenshot.png.none").exists();
    assert!(
        pictured || excused,
        "neither a screenshot nor the reason why there is none"
    );
    let kept: Vec<_> = walk(&space.path(".coord-state/artifacts"));
    assert!(
        kept.iter().any(|p| p.ends_with("verification.md")),
        "{kept:?}"
    );
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path())
            } else {
                found.push(entry.path())
            }
        }
    }
    found
}
