//! Plans and graphs as pictures for other programs: page, drawing, calendar, table, mermaid.

use crate::space::Space;
use serde_json::Value;
use std::fmt::Write as _;

/// Names and titles that each language has to be told apart from its own.
const SHOP: &str = "\
edition 2026
project shop \"A <img src=x onerror=alert(1)> & \\\"shop\\\"\" {
  starts 2025-08-04
  timezone Europe/Berlin
}
human ann
human bob
phase build \"Build; test, </script> ship\" {
  weeks 1..2
  task api \"=HYPERLINK(\\\"http://x\\\")\" {
    by ann
    takes 3wd..5wd
  }
  task ui \"A title that is long enough to be folded in a calendar: ä ö ü, and once more ä ö ü\" {
    by bob
    takes 2wd
    needs api
  }
  task docs {
    by bob
    takes 1wd
  }
  sync ready \"Ready?\" {
    at end
    participants [ann, bob]
  }
}
task ship {
  by bob
  takes 1wd
  needs [ui, docs]
  deadline 2025-08-13
}
milestone beta \"Beta -- out\" {
  needs ship
  due 2025-09-01
}
";

fn shop() -> Space {
    Space::new().file("main.coord", SHOP)
}

fn plan(space: &Space, format: &str) -> String {
    let args = ["plan", "-q", "--samples", "100", "--format", format];
    space.coord(&args).run().exits(0).stdout
}

#[test]
fn a_calendar_that_others_can_read() {
    let space = shop();
    let calendar = plan(&space, "ical");
    insta::assert_snapshot!(calendar.replace("\r\n", "\n"));
    let lines: Vec<&str> = calendar.split("\r\n").collect();
    assert!(
        lines
            .iter()
            .all(|line| line.len() <= 75 && !line.contains('\n'))
    );
    assert_eq!(lines.last(), Some(&""));
    let uids: Vec<&&str> = lines.iter().filter(|l| l.starts_with("UID:")).collect();
    let mut apart = uids.clone();
    apart.sort();
    apart.dedup();
    assert_eq!(apart.len(), uids.len());
    assert_eq!(calendar, plan(&space, "ical"));
}

#[test]
fn a_calendar_needs_dates() {
    let space = Space::new().file(
        "main.coord",
        "edition 2026\nproject p\ntask a {\n  takes 1h\n  run [\"true\"]\n  timeout 2h\n}\n",
    );
    let ran = space.coord(&["plan", "--format", "ical"]).run().exits(2);
    insta::assert_snapshot!(ran.stderr, @r"
    error: a plan without a start has no dates for a calendar
      help: say `starts` with a day in the project
    ");
    let ran = space
        .coord(&["plan", "--why", "a", "--format", "svg"])
        .run()
        .exits(2);
    insta::assert_snapshot!(ran.stderr, @r"
    error: --why is no picture
      help: `--format text` or `--format json`
    ");
}

#[test]
fn a_table_without_formulas() {
    insta::assert_snapshot!(plan(&shop(), "csv").replace("\r\n", "\n"));
}

#[test]
fn a_chart_of_mermaid() {
    insta::assert_snapshot!(plan(&shop(), "mermaid"));
}

#[test]
fn a_drawing_is_the_same_each_time_and_whole() {
    let space = shop();
    let drawing = plan(&space, "svg");
    insta::assert_snapshot!(drawing);
    assert_eq!(drawing, plan(&space, "svg"));
    well_formed(&drawing);
}

#[test]
fn a_graph_is_drawn() {
    let space = shop();
    let graph = |format: &str| {
        let args = ["graph", "-q", "--format", format];
        space.coord(&args).run().exits(0).stdout
    };
    let drawing = graph("svg");
    insta::assert_snapshot!(drawing);
    assert_eq!(drawing, graph("svg"));
    well_formed(&drawing);
    let page = graph("html");
    assert!(page.contains(drawing.trim_end()), "{page}");
    alone(&page);
}

#[test]
fn a_page_holds_everything_and_nothing_that_is_obeyed() {
    let page = plan(&shop(), "html");
    alone(&page);
    assert!(!page.contains("<img"), "{page}");
    assert_eq!(page.matches("</script>").count(), 2);
    let (_, data) = page.split_once("type=\"application/json\">").unwrap();
    let (data, _) = data.split_once("</script>").unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    let mut told = String::new();
    for key in [
        "zone", "from", "to", "tasks", "rest", "phases", "agents", "rows", "edges",
    ] {
        writeln!(told, "{key} {}", data[key]).unwrap();
    }
    for node in data["nodes"].as_array().unwrap() {
        writeln!(told, "{node}").unwrap();
    }
    insta::assert_snapshot!(told);
}

/// No address of another machine is in a page, and its own rule forbids to ask one.
#[track_caller]
fn alone(page: &str) {
    assert!(page.contains("default-src 'none'"), "{page}");
    for word in [
        "src=\"",
        "href=",
        "url(",
        "@import",
        "fetch(",
        "XMLHttpRequest",
    ] {
        assert!(!page.contains(word), "{word}");
    }
}

/// Every element is closed by its own end.
#[track_caller]
fn well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    for piece in svg.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').unwrap();
        let name = tag.split([' ', '/']).find(|n| !n.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

/// Phases in a chain, each task of one needing some of the one before.
fn many(phases: usize, tasks: usize) -> String {
    let mut text = String::from(
        "edition 2026\nproject many { starts 2025-08-04 }\nhuman a\nhuman b\nhuman c\n",
    );
    for phase in 0..phases {
        writeln!(text, "phase p{phase} {{").unwrap();
        for task in 0..tasks {
            let who = ["a", "b", "c"][task % 3];
            writeln!(
                text,
                "task t{phase}-{task} {{\n  by {who}\n  takes {}h",
                1 + task % 5
            )
            .unwrap();
            if task > 2 {
                writeln!(text, "  needs t{phase}-{}", task - 3).unwrap();
            }
            text.push_str("}\n");
        }
        text.push_str("}\n");
    }
    text
}

#[test]
fn a_large_plan_is_a_page_of_its_own_and_a_summary_elsewhere() {
    let space = Space::new().file("main.coord", many(6, 250));
    let run = |args: &[&str]| space.coord(args).run().exits(0).stdout;
    let graph = run(&["graph", "-q", "--format", "svg"]);
    assert_eq!(graph.matches("data-node").count(), 6);
    assert!(graph.contains("drawn as their phases"), "{graph}");
    let args = ["plan", "-q", "--budget", "0", "--samples", "0", "--format"];
    let drawing = run(&[&args[..], &["svg"]].concat());
    assert!(drawing.contains("more tasks, neither late nor critical"));
    let page = run(&[&args[..], &["html"]].concat());
    assert!(page.contains("\"t5-249\""));
    let flat = Space::new().file("main.coord", many(1, 600));
    let graph = flat
        .coord(&["graph", "-q", "--format", "svg"])
        .run()
        .exits(0);
    assert!(graph.stdout.contains("what is critical or holds the end"));
}

#[test]
fn today_is_in_the_picture_when_it_is_in_the_plan() {
    let day = |days: i64| {
        let seconds = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64;
        civil(seconds.div_euclid(86_400) + days)
    };
    let text = |starts: String| {
        format!(
            "edition 2026\nproject p {{ starts {starts} }}\nhuman a\ntask t {{\n  by a\n  takes 20d\n}}\n"
        )
    };
    for (starts, is_in) in [(-5, true), (5, false), (-50, false)] {
        let space = Space::new().file("main.coord", text(day(starts)));
        let ran = space.coord(&["plan", "-q"]).run().exits(0);
        assert_eq!(ran.stdout.contains("╎ today"), is_in, "{ran}");
    }
}

/// The date of a day since 1970-01-01 (Howard Hinnant's algorithm).
fn civil(days: i64) -> String {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (
        doy - (153 * mp + 2) / 5 + 1,
        if mp < 10 { mp + 3 } else { mp - 9 },
    );
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}
