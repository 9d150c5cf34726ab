//! Workflows beside the main one: planned, drawn and run by name.

use crate::space::Space;

const PROJECT: &str = r#"edition 2026

task build {
  run ["true"]
}

workflow rollback(service: text) "Roll back" {
  task stop "Stop ${service}" {
    run ["touch", "stopped-${service}"]
  }

  task report {
    needs stop
    run ["touch", "reported"]
  }
}

escalation blocked {
  level L1 by lead within 1h
}

human lead

on task.failed do escalate to blocked
"#;

#[test]
fn a_workflow_runs_by_its_name_with_its_own_parameters() {
    let space = Space::new().file("main.coord", PROJECT);
    let ran = space
        .coord(&["run", "--workflow", "rollback", "--set", "service=api"])
        .run()
        .exits(0);
    assert!(ran.stderr.contains("2 completed"), "{}", ran.stderr);
    assert!(space.path("stopped-api").exists());
    assert!(space.path("reported").exists());
}

#[test]
fn a_workflow_without_its_value_is_refused() {
    let space = Space::new().file("main.coord", PROJECT);
    let ran = space
        .coord(&["run", "--workflow", "rollback"])
        .run()
        .exits(2);
    assert!(
        ran.stderr.contains("`service` has no value"),
        "{}",
        ran.stderr
    );
    let ran = space
        .coord(&["plan", "--workflow", "rolback"])
        .run()
        .exits(2);
    assert!(
        ran.stderr.contains("did you mean `rollback`?"),
        "{}",
        ran.stderr
    );
}

#[test]
fn main_runs_without_the_work_of_the_others() {
    let space = Space::new().file("main.coord", PROJECT);
    let ran = space.coord(&["run"]).run().exits(0);
    assert!(ran.stderr.contains("1 completed"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
}

#[test]
fn a_task_calls_a_workflow_as_often_as_there_are_tasks_each_with_its_arguments() {
    let text = format!(
        "{PROJECT}\ntask first {{\n  needs build\n  call rollback(service: \"api\")\n}}\n\n\
         task second {{\n  needs build\n  call rollback(service: \"web\")\n}}\n"
    );
    let space = Space::new().file("main.coord", text);
    let _checked = space.coord(&["check"]).run().exits(0);
    let ran = space.coord(&["run", "--progress", "plain"]).run().exits(0);
    assert!(ran.stderr.contains("5 completed"), "{}", ran.stderr);
    assert!(space.path("stopped-api").exists());
    assert!(space.path("stopped-web").exists());
    let events = space.coord(&["logs", "--events"]).run().exits(0).stdout;
    let of = |kind: &str| events.lines().filter(|line| line.contains(kind)).count();
    assert_eq!(of("\"workflow.started\""), 2, "{events}");
    assert_eq!(of("\"workflow.ended\""), 2, "{events}");
}

#[test]
fn a_task_fails_with_the_workflow_that_it_calls() {
    let text = PROJECT.replace("[\"touch\", \"reported\"]", "[\"false\"]");
    let text = format!("{text}\ntask again {{\n  call rollback(service: \"api\")\n}}\n");
    let text = text.replace("on task.failed do escalate to blocked\n", "");
    let text = text.replace(
        "escalation blocked {\n  level L1 by lead within 1h\n}\n\nhuman lead\n",
        "",
    );
    let space = Space::new().file("main.coord", text);
    let ran = space.coord(&["run"]).run().exits(1);
    assert!(ran.stderr.contains("again failed"), "{}", ran.stderr);
    // the workflow is started anew when the task is tried again
    let _again = space.coord(&["retry", "again"]).run().exits(0);
    let ran = space.coord(&["resume"]).run().exits(1);
    assert!(ran.stderr.contains("stop (attempt 2)"), "{}", ran.stderr);
}

#[test]
fn nothing_of_another_workflow_is_told_or_counted() {
    let text = format!(
        "{PROJECT}\nworkflow review {{\n  phase look {{\n    task read {{\n      run [\"true\"]\n    }}\n  }}\n}}\n"
    );
    let space = Space::new().file("main.coord", text);
    let ran = space.coord(&["run", "--progress", "json"]).run().exits(0);
    for word in ["\"look\"", "\"read\"", "\"stop\"", "\"phase.", "\"join."] {
        assert!(!ran.stdout.contains(word), "{word}: {}", ran.stdout);
    }
    let plan = space.coord(&["plan"]).run().exits(0).stdout;
    assert!(plan.contains("1 task, 1 agent"), "{plan}");
    let plan = space
        .coord(&["plan", "--workflow", "review"])
        .run()
        .exits(0);
    assert!(plan.stdout.contains("1 task, 1 phase"), "{}", plan.stdout);
}
