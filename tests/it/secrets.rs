//! Secrets reach the programs that name them, and nothing else in the world.

use crate::live::{events, fine, of_task, project, script, status};
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
