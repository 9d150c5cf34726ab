//! Secrets reach the programs that name them, and nothing else in the world.

use crate::live::{fine, of_task, project, script};
use crate::space::{Ran, Space};
use std::path::Path;

/// Three lines with everything in them that formats escape, 300 bytes.
fn canary() -> String {
    let line = |n: u32| {
        let odd = [
            "a'b\"c\\d $e `f` /g?h=i&j",
            "<k> \u{e4}\u{f6}%20+~!*()#@:;,",
            "tab\there {l} [m] |n^o",
        ];
        format!("canary{n}-{}-{}", odd[n as usize], "Zx9Qw7".repeat(9))
    };
    [line(0), line(1), line(2)].join("\n")
}

const SHORT: &str = "hunter2-hunter2";

/// Every way to write a value that is promised to be found, as a program of Python's own library.
const PRINTER: &str = r#"
import base64, binascii, json, os, re, shlex, sys, textwrap, time, urllib.parse
value = os.environ["TOKEN"]
raw = value.encode()
def forms():
    yield value
    yield from value.split("\n")
    yield json.dumps(value)
    yield json.dumps(value, ensure_ascii=False)
    yield json.dumps({"a": [value]}, indent=2).replace("/", "\\/")
    for before in (b"", b"x", b"xy"):
        for after in (b"", b"z", b"zz"):
            text = base64.b64encode(before + raw + after).decode()
            yield text
            yield "\n".join(textwrap.wrap(text, 76))
            yield base64.urlsafe_b64encode(before + raw + after).decode().rstrip("=")
    yield urllib.parse.quote(value, safe="")
    yield urllib.parse.quote_plus(value)
    yield urllib.parse.quote(value)
    yield re.sub("%..", lambda found: found.group().lower(), urllib.parse.quote(value, safe=""))
    yield raw.hex()
    yield raw.hex().upper()
    yield raw.hex(" ")
    yield "\n".join(textwrap.wrap(raw.hex(), 60))
    yield shlex.quote(value)
    yield "export A=\"" + value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`") + '"'
    yield "\n".join("      " + line for line in value.split("\n"))
"#;

/// A task of Python that has `forms()`.
fn printer(name: &str, fields: &str, text: &str) -> String {
    let text = format!("{PRINTER}{text}");
    format!(
        "task {name} {{\n  timeout 60s\n  {fields}\n  run ```python\n  {}\n  ```\n}}\n",
        text.trim().replace('\n', "\n  ")
    )
}

/// What must be nowhere: the value, its lines, and what other formats make of them.
struct Needles(Vec<Vec<u8>>);

impl Needles {
    fn of(value: &str) -> Needles {
        let mut needles = Vec::new();
        let mut units = vec![value.as_bytes()];
        units.extend(value.split('\n').map(str::as_bytes));
        for unit in units {
            // the middle of it: any long piece betrays it
            let piece = &unit[unit.len() / 4..unit.len() / 4 + 12.min(unit.len() / 2)];
            needles.push(piece.to_vec());
            let hex: String = piece.iter().map(|byte| format!("{byte:02x}")).collect();
            needles.push(hex.to_uppercase().into_bytes());
            needles.push(hex.into_bytes());
        }
        // what is the same in JSON, percent and shell forms
        needles.push(b"Zx9Qw7Zx9Qw7".to_vec());
        needles.push(b"hunter2".to_vec());
        // base64 of it, at its three places
        for form in ["Wng5UXc3Wng5UXc3", "p4OVF3N1p4OVF3N1", "aeDlRdzdaeDlRdzd"] {
            needles.push(form.as_bytes().to_vec());
        }
        for form in ["aHVudGVyMi", "h1bnRlcjIt", "odW50ZXIyL"] {
            needles.push(form.as_bytes().to_vec());
        }
        Needles(needles)
    }

    #[track_caller]
    fn not_in(&self, bytes: &[u8], place: &str) {
        for needle in &self.0 {
            let at = bytes.windows(needle.len()).position(|w| w == needle);
            if let Some(at) = at {
                let from = at.saturating_sub(60);
                let shown = String::from_utf8_lossy(&bytes[from..(at + 60).min(bytes.len())]);
                panic!("{place} holds a secret at {at}: {shown}");
            }
        }
    }

    #[track_caller]
    fn not_under(&self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = std::fs::symlink_metadata(&path).unwrap().file_type();
            if kind.is_dir() {
                self.not_under(&path);
            } else if kind.is_file() {
                self.not_in(&std::fs::read(&path).unwrap(), &path.display().to_string());
            }
        }
    }

    #[track_caller]
    fn not_said(&self, ran: &Ran) {
        self.not_in(ran.stdout.as_bytes(), "standard output");
        self.not_in(ran.stderr.as_bytes(), "standard error");
    }
}

fn run(space: &Space, more: &[&str]) -> Ran {
    let args = [&["run", "--run-id", "r"], more].concat();
    with_secrets(space, &args).run()
}

fn with_secrets<'s>(space: &'s Space, args: &[&str]) -> crate::space::Call<'s> {
    space
        .coord(args)
        .env("CANARY", &canary())
        .env("SHORT", SHORT)
}

#[test]
fn nothing_that_is_kept_or_shown_holds_a_secret() {
    let fields = "produces made \"What it made\" \"made.txt\"\n  secret [token, short]";
    let tells = printer(
        "tells",
        fields,
        r#"
with open(os.environ["COORD_OUTPUTS"], "w") as outputs:
    for n, form in enumerate(forms()):
        print(form, form, sep="")
        print(form, file=sys.stderr, flush=True)
        outputs.write(f"o{n}=<{form}>\n")
    outputs.write(f"short={os.environ['SHORT']}\n")
open("made.txt", "w").write(value)
open("seen.txt", "w").write(value)
# reads of one to seven bytes
for form in forms():
    data = form.encode()
    at = 0
    while at < len(data):
        step = 1 + (at * 7 + len(data)) % 61
        os.write(1, data[at:at + step])
        at += step
        if at % 5 == 0: time.sleep(0.0005)
    os.write(1, b"\n")
"#,
    );
    let fails = printer(
        "fails",
        "by talker\n  needs tells",
        "for form in forms(): print('failed:', form, file=sys.stderr)\nsys.exit(3)",
    );
    let text = format!(
        "secret token from env CANARY\nsecret short from env SHORT\n\
         agent talker {{ secret token }}\n{tells}{fails}"
    );
    let space = project(&text);
    let needles = Needles::of(&canary());
    let ran = run(&space, &["--progress", "json"]).exits(1);
    needles.not_said(&ran);
    assert_eq!(
        std::fs::read_to_string(space.path("seen.txt")).unwrap(),
        canary()
    );
    needles.not_under(&space.path(".coord-state"));
    for args in [
        &["status"][..],
        &["status", "--format", "json"],
        &["why", "fails"],
        &["logs", "r", "tells"],
        &["logs", "r", "fails"],
        &["logs", "--events"],
        &["report", "r"],
        &["report", "r", "--format", "html"],
        &["report", "r", "--format", "json"],
        &["inbox"],
        &["runs"],
    ] {
        needles.not_said(&fine(&space, args));
    }
    assert_eq!(of_task(&space, "tells", "state"), "COMPLETED");
    let log = fine(&space, &["logs", "r", "tells"]).stdout;
    assert!(
        log.lines().filter(|line| line.contains("***")).count() > 60,
        "{log}"
    );
}

fn seen(space: &Space, name: &str) -> String {
    std::fs::read_to_string(space.path(name)).unwrap()
}

/// A task that writes its own and its parents' environments, as far as it can read them.
fn spy(name: &str, fields: &str) -> String {
    let work = format!(
        "tr '\\0' '\\n' < /proc/self/environ > {name}.own\n\
         pid=$PPID\nwhile [ $pid -gt 1 ]; do\n\
           tr '\\0' '\\n' < /proc/$pid/cmdline >> {name}.argv\n\
           [ \"$(tr '\\0' ' ' < /proc/$pid/cmdline | cut -c1-5)\" = coord ] && tr '\\0' '\\n' < /proc/$pid/environ >> {name}.parents\n\
           pid=$(cut -d' ' -f4 < /proc/$pid/stat)\n\
         done; true"
    );
    script(name, fields, &work)
}

#[test]
fn only_those_who_name_a_secret_get_it() {
    let text = format!(
        "secret token from env SHORT\nsecret proxy from env HTTPS_PROXY\nagent keyed {{ secret token }}\n{}{}{}",
        spy("without", ""),
        spy("with", "secret token"),
        spy("through", "by keyed"),
    );
    let space = project(&text);
    let with_proxy =
        |args: &[&str]| with_secrets(&space, args).env("HTTPS_PROXY", "http://user:pass@proxy");
    with_proxy(&["run", "--run-id", "r"]).run().exits(0);
    for (name, wanted) in [("without", false), ("with", true), ("through", true)] {
        let own = seen(&space, &format!("{name}.own"));
        assert_eq!(
            own.contains(&format!("TOKEN={SHORT}\n")),
            wanted,
            "{name}: {own}"
        );
        assert!(
            !own.contains("SHORT=") && !own.contains("HTTPS_PROXY="),
            "{name}: {own}"
        );
        let argv = seen(&space, &format!("{name}.argv"));
        assert!(!argv.contains(SHORT), "{argv}");
        // the helpers that are between coord and the program
        let parents = seen(&space, &format!("{name}.parents"));
        assert!(
            !parents.contains(SHORT) && !parents.contains("pass@"),
            "{parents}"
        );
    }
}

#[test]
fn a_secret_that_cannot_be_used_is_refused_before_anything_starts() {
    let task = script("deploy", "secret token", "touch started");
    let long = "x1".repeat(9000);
    for (source, value, file, wanted) in [
        (
            "env TOKEN",
            None,
            None,
            "secret `token` is not there: the variable TOKEN is not set",
        ),
        (
            "env TOKEN",
            Some("ab c d\t"),
            None,
            "secret `token` has 4 characters that are no blanks; at least 6 are needed",
        ),
        ("env TOKEN", Some(""), None, "has 0 characters"),
        (
            "env TOKEN",
            Some(long.as_str()),
            None,
            "secret `token` is longer than 16384 bytes",
        ),
        (
            "file \"key\"",
            None,
            None,
            "secret `token` cannot be read from `[SPACE]/key`",
        ),
        (
            "file \"key\"",
            None,
            Some(&b"a\0bcdefgh"[..]),
            "secret `token` has a NUL byte",
        ),
    ] {
        let mut space = project(&format!("secret token from {source}\n{task}"));
        if let Some(bytes) = file {
            space = space.file("key", bytes);
        }
        let mut call = space.coord(&["run"]);
        if let Some(value) = value {
            call = call.env("TOKEN", value);
        }
        let ran = call.run().exits(4);
        assert!(ran.stderr.contains(wanted), "{ran}");
        assert!(ran.stderr.contains("help: "), "{ran}");
        assert!(
            !ran.stderr.contains("ab c d") && !ran.stderr.contains("x1x1"),
            "{ran}"
        );
        assert!(!space.path("started").exists() && !space.path(".coord-state").exists());
    }
}

#[test]
fn a_project_with_a_secret_in_its_text_is_refused() {
    let space = project(&format!(
        "secret short\nparam where: text default \"here\"\n{}",
        script(
            "deploy",
            "secret short\n  env URL \"https://x:${where}@y\"",
            "true"
        )
    ));
    let set = format!("where={SHORT}");
    let ran = run(&space, &["--set", &set]).exits(2);
    assert!(
        ran.stderr
            .contains("the project holds the value of secret `short`"),
        "{ran}"
    );
    Needles::of(&canary()).not_said(&ran);
    assert!(!space.path(".coord-state").exists());
}

#[test]
fn a_file_is_read_again_for_each_attempt() {
    let work = "printf '%s\\n' \"$KEY\" | tee -a seen\nprintf 'second-%s\\n' key > key\n[ $COORD_ATTEMPT = 2 ]";
    let space = project(&format!(
        "secret key from file \"key\"\n{}",
        script("deploy", "secret key\n  retry 2 every 10ms", work)
    ))
    .file("key", "first-key\r\n");
    run(&space, &[]).exits(0);
    assert_eq!(seen(&space, "seen"), "first-key\nsecond-key\n");
    let log = fine(&space, &["logs", "r", "deploy"]).stdout;
    assert!(!log.contains("second-key") && log.contains("***"), "{log}");
    let state = space.path(".coord-state");
    let needles = Needles(vec![b"first-key".to_vec(), b"second-key".to_vec()]);
    needles.not_under(&state);
}

#[test]
fn what_people_say_of_a_secret_is_masked_too() {
    let space = project(&format!(
        "secret short\nagent ada {{ via human }}\ntask one {{\n  by ada\n  timeout 9h\n}}\n{}",
        script("two", "needs one\n  secret short", "true")
    ));
    let note = format!("the password is {SHORT}");
    // nobody runs it: the one who answers writes the journal
    with_secrets(&space, &["run", "--run-id", "r", "--no-wait"])
        .run()
        .exits(3);
    let needles = Needles::of(&canary());
    let output = format!("password={SHORT}");
    with_secrets(
        &space,
        &["done", "one", "--note", &note, "--output", &output],
    )
    .run()
    .exits(0);
    with_secrets(&space, &["resume"]).run().exits(0);
    needles.not_under(&space.path(".coord-state"));
    let said = fine(&space, &["logs", "--events"]);
    assert!(said.stdout.contains("the password is ***"), "{said}");
    needles.not_said(&said);
}

#[test]
fn what_was_put_out_before_a_crash_is_masked_by_the_resume() {
    let space = project(&format!(
        "secret short\n{}",
        script(
            "slow",
            "secret short\n  idempotent",
            "echo password=$SHORT >> $COORD_OUTPUTS\necho begun >> begun\n[ $COORD_ATTEMPT = 2 ] || sleep 60"
        )
    ));
    let live = with_secrets(&space, &["run", "--run-id", "r"]).start();
    crate::live::until_file(&space, "begun");
    drop(live); // kill -9
    with_secrets(&space, &["resume"]).run().exits(0);
    Needles::of(&canary()).not_under(&space.path(".coord-state"));
    assert_eq!(of_task(&space, "slow", "attempts"), "2");
}

#[test]
fn an_artifact_with_a_secret_is_not_copied() {
    let space = project(&format!(
        "secret short\n{}",
        script(
            "build",
            "secret short\n  produces config \"Configuration\" \"out\"",
            "mkdir out\necho \"token = $SHORT\" > out/config\necho fine > out/notes"
        )
    ));
    run(&space, &[]).exits(0);
    let kept = space.path(".coord-state/artifacts/r/build/config/out");
    assert!(kept.join("notes").exists() && !kept.join("config").exists());
    Needles::of(&canary()).not_under(&space.path(".coord-state"));
}
