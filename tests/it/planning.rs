//! `coord plan` looks for the shortest schedule, says how good it is, and gives the same again.

use crate::space::Space;
use serde_json::Value;
use std::fmt::Write as _;

/// Three tasks that need two of three units each: work for two hours, but one goes after the
/// other.
const ONE_BY_ONE: &str = "\
edition 2026
project one-by-one { starts 2026-01-05 }
human crew { capacity 3 }
resource gpu { capacity 3 }
task one {
  by crew
  takes 1h
  uses gpu 2
}
task two {
  by crew
  takes 1h
  uses gpu 2
}
task three {
  by crew
  takes 1h
  uses gpu 2
}
";

/// A plan of 40 tasks where good rules are not enough.
fn crowded() -> String {
    let mut text = String::from(
        "edition 2026\nproject crowded { starts 2026-01-05 }\n\
         human a\nhuman b\nhuman c\nresource gpu { capacity 3 }\n",
    );
    let mut dice = 7u64;
    let mut below = |end: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (dice >> 33) % end
    };
    for task in 0..40u64 {
        let by = ["a", "b", "any of [b, c]"][below(3) as usize];
        let (hours, units) = (1 + below(9), 1 + below(3));
        write!(
            text,
            "task t{task} {{\n  by {by}\n  takes {hours}h\n  uses gpu {units}\n"
        )
        .unwrap();
        if task > 2 && below(3) > 0 {
            writeln!(text, "  needs t{}", task - 1 - below(3)).unwrap();
        }
        text.push_str("}\n");
    }
    text
}

fn plan(space: &Space, args: &[&str]) -> Value {
    let args = [&["plan", "--format", "json"], args].concat();
    let ran = space.coord(&args).run();
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn what_no_bound_shows_is_proven_by_search() {
    let space = Space::new().file("main.coord", ONE_BY_ONE);
    let found = plan(&space, &[]);
    assert_eq!(found["makespan_s"], 3 * 3600);
    assert_eq!(found["lower_bound_s"], 3 * 3600);
    assert_eq!(found["optimal"], true);
    let quick = plan(&space, &["--budget", "0"]);
    assert_eq!(quick["makespan_s"], 3 * 3600);
    assert_eq!(quick["lower_bound_s"], 2 * 3600);
    assert_eq!(quick["optimal"], false);
}

#[test]
fn the_picture_says_how_good_it_is() {
    let space = Space::new().file("main.coord", ONE_BY_ONE);
    let line = |args: &[&str]| {
        let shown = space
            .coord(&[&["plan", "--width", "200"], args].concat())
            .run();
        let bound = shown
            .stdout
            .lines()
            .find(|line| line.contains("lower bound"));
        bound.unwrap_or_default().trim().to_string()
    };
    insta::assert_snapshot!(
        line(&[]),
        @"lower bound         Mon 5 Jan 03:00         3h; optimal: nothing shorter exists, since everything shorter was tried and ruled out"
    );
    insta::assert_snapshot!(
        line(&["--budget", "0"]),
        @"lower bound         Mon 5 Jan 02:00         2h; resource gpu has 6h of use, 3 units at a time; the schedule is 1h above that, 50%"
    );
}

#[test]
fn a_search_gives_the_same_again_and_is_no_worse_than_rules() {
    let space = Space::new().file("main.coord", crowded());
    let args = ["--budget", "50ms", "--seed", "3"];
    let (first, second) = (plan(&space, &args), plan(&space, &args));
    assert_eq!(first, second);
    let number = |plan: &Value, key: &str| plan[key].as_f64().unwrap();
    let rules = plan(&space, &["--budget", "0"]);
    assert!(number(&first, "makespan_s") <= number(&rules, "makespan_s"));
    assert!(number(&first, "lower_bound_s") >= number(&rules, "lower_bound_s"));
    assert!(number(&first, "lower_bound_s") <= number(&first, "makespan_s"));
}

#[test]
fn a_budget_is_a_time() {
    let space = Space::new().file("main.coord", ONE_BY_ONE);
    let ran = space.coord(&["plan", "--budget", "soon"]).run().exits(2);
    insta::assert_snapshot!(ran.stderr, @r"
    error: invalid value 'soon' for '--budget <TIME>': a time looks like 500ms, 1s, 2m, or 0

    For more information, try '--help'.
    ");
    space.coord(&["plan", "--budget", "25h"]).run().exits(2);
}

const PROMISES: &str = "\
edition 2026
project shop { starts 2025-08-11 }
human designer
human builder
task design {
  by designer
  takes 2d
}
task build {
  by builder
  needs design
  takes 1w..2w..3w
}
task copy {
  by builder
  takes 4d
}
milestone launch { needs [build, copy] }
workflow patch {
  task mend {
    by builder
    takes 1d
  }
}
expect \"In three weeks\" plan.finish <= 3w by 2025-08-31
expect \"Launched soon\" launch.end <= 17d
expect \"Sure of three weeks\" plan.p80 <= 3w
expect \"Room for the texts\" copy.slack >= 1d
expect \"Light work\" agent.builder.load <= 95%
expect \"Texts on time\" copy.state == \"completed\" by 2025-08-20
expect \"Mended in a day\" mend.end <= 1d
expect \"Everybody likes it\" by 2025-10-01
";

#[test]
fn each_promise_is_kept_broken_or_left_to_others() {
    let space = Space::new().file("main.coord", PROMISES);
    let ran = space.coord(&["plan", "--width", "100"]).run().exits(1);
    let section = ran.stdout.find("Promises").unwrap();
    insta::assert_snapshot!(&ran.stdout[section..]);
    assert!(
        ran.stderr
            .contains("2 promises do not hold in this schedule"),
        "{ran}"
    );
    let found = plan(&space, &[]);
    let told: Vec<String> = found["promises"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| {
            format!(
                "{} {} {} {}",
                p["verdict"], p["holds"], p["judged_by"], p["path"]
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
    let patch = plan(&space, &["--workflow", "patch"]);
    assert_eq!(patch["promises"][0]["verdict"], "open");
    assert_eq!(patch["promises"][6]["verdict"], "kept");
}

/// The quick schedule is not known to be the best one, until the search has proven it.
#[test]
fn a_promise_between_bound_and_schedule_is_decided_by_the_plan() {
    let text = format!("{ONE_BY_ONE}expect \"Two hours\" plan.finish <= 2h\n");
    let space = Space::new().file("main.coord", text);
    let ran = space.coord(&["check"]).run();
    assert!(!ran.stderr.contains("E0611"), "{ran}");
    let quick = space.coord(&["plan", "--budget", "0"]).run().exits(1);
    assert!(quick.stdout.contains("! broken"), "{quick}");
    let proven = space.coord(&["plan"]).run().exits(2);
    assert!(
        proven.stderr.contains("E0611") && proven.stdout.contains("! never"),
        "{proven}"
    );
}

const RELEASE: &str = "\
edition 2026
project shop
human ops
workflow release(service: text, within: duration default 2h) \"Release of ${service}\" {
  phase rollout \"Roll ${service} out\" {
    task ship \"Ship ${service}\" {
      by ops
      do \"Say in the channel that ${service} ships within ${within}\"
      produces note \"What changed in ${service}\" \"notes/${service}.md\"
    }
    sync shipped \"${service} is out\" {
      at end
      participants ops
      agenda \"How ${service} did\"
      require \"${service} answers, and \\${service} is no price\" by ops
    }
  }
}
";

/// The texts of a workflow, as its plan has them.
fn texts(args: &[&str]) -> String {
    let args = [&["graph", "--format", "ir", "--workflow", "release"], args].concat();
    let ran = Space::new()
        .file("main.coord", RELEASE)
        .coord(&args)
        .run()
        .exits(0);
    let ir: Value = serde_json::from_str(&ran.stdout).unwrap();
    let mut texts = Vec::new();
    let mut stack = vec![&ir];
    while let Some(value) = stack.pop() {
        match value {
            Value::String(text) if text.contains("api") || text.contains('$') => {
                texts.push(text.clone());
            }
            Value::Array(items) => stack.extend(items),
            Value::Object(fields) => stack.extend(fields.values()),
            _ => {}
        }
    }
    texts.sort();
    texts.join("\n")
}

#[test]
fn the_texts_of_a_workflow_are_filled_in_with_its_values() {
    insta::assert_snapshot!(texts(&["--set", "service=api"]));
    insta::assert_snapshot!(texts(&["--set", "within=30m"]));
}
