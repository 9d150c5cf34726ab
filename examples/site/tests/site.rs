//! The program from outside: a whole deployment, and everything that must not work.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot do its work fails its test"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);
const TICK: Duration = Duration::from_millis(10);

/// A folder of its own for one test, and the servers that were started in it.
struct Yard {
    folder: PathBuf,
    servers: Vec<Child>,
}

impl Yard {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("coord-site-test-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        Self {
            folder: folder.canonicalize().unwrap(),
            servers: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn site(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_site"));
        command
            .args(line.split_whitespace())
            .current_dir(&self.folder);
        for name in ["COORD_OUTPUTS", "COORD_AGENT", "COORD_RUN"] {
            command.env_remove(name);
        }
        command.env("SITE_BROWSER", "none");
        command
    }

    #[track_caller]
    fn succeeds(&self, line: &str) -> String {
        text_of(&self.site(line).output().unwrap(), 0)
    }

    #[track_caller]
    fn fails(&self, line: &str, because: &str) {
        let text = text_of(&self.site(line).output().unwrap(), 1);
        assert!(
            text.contains(because),
            "expected `{because}` from `site {line}`:\n{text}"
        );
        assert!(
            text.contains("\n  help: "),
            "no way out from `site {line}`:\n{text}"
        );
    }

    /// Starts a server for a folder, and waits for its address.
    fn serve(&mut self, public: &Path) -> String {
        let mut command = self.site("serve --url-file out/url --until out/stop --max 2m --public");
        command
            .arg(public)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self.servers.push(command.spawn().unwrap());
        within(LONG, || fs::read_to_string(self.path("out/url")).ok())
            .trim()
            .to_owned()
    }

    fn stop(&mut self) -> Output {
        self.write("out/stop", "");
        let mut server = self.servers.pop().unwrap();
        within(LONG, || server.try_wait().unwrap());
        server.wait_with_output().unwrap()
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[track_caller]
fn text_of(output: &Output, status: i32) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(output.status.code(), Some(status), "{text}");
    text
}

#[track_caller]
fn within<T>(limit: Duration, mut attempt: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(started.elapsed() < limit, "not within {limit:?}");
        std::thread::sleep(TICK);
    }
}

#[track_caller]
fn contains_all(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
}

fn connect(url: &str) -> TcpStream {
    let stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// Sends the bytes as they are, and reads the answer to its end.
fn exchange(url: &str, request: &str) -> String {
    let mut stream = connect(url);
    stream.write_all(request.as_bytes()).unwrap();
    answer(&mut stream)
}

fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn get(url: &str, target: &str) -> String {
    exchange(url, &format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"))
}

#[track_caller]
fn status(answer: &str, expected: u16) {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {expected} ")),
        "not {expected}:\n{answer}"
    );
}

fn own_public() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("public")
}

#[test]
fn a_deployment_from_start_to_handoff() {
    let mut yard = Yard::new();
    let url = yard.serve(&own_public());
    let with_outputs = |yard: &Yard, line: &str| {
        let output = yard
            .site(line)
            .env("COORD_OUTPUTS", yard.path("outputs"))
            .output()
            .unwrap();
        text_of(&output, 0)
    };

    let health = with_outputs(&yard, "health --url-file out/url");
    contains_all(
        &health,
        &[
            "/healthz",
            "/style.css",
            "/app.js",
            "/logo.svg",
            "passed 5 checks",
        ],
    );

    let shot = with_outputs(
        &yard,
        "shot --url-file out/url --png out/p.png --text out/p.txt",
    );
    contains_all(&shot, &["no picture", "SITE_BROWSER is none", "out/p.txt"]);
    assert_eq!(
        yard.read("outputs"),
        format!("url={url}\nscreenshot=none\n")
    );
    let text = yard.read("out/p.txt");
    contains_all(
        &text,
        &[
            "All berths are open\n",
            "How this page got here\n",
            "99.98 %\n",
        ],
    );
    assert!(!text.contains('<') && !text.contains("Status"), "{text}");

    let line = "report --url-file out/url --png out/p.png --text out/p.txt --out out/report.md";
    contains_all(&yard.succeeds(line), &["PASS", "out/report.md"]);
    contains_all(
        &yard.read("out/report.md"),
        &[
            "- Verdict: **PASS**",
            &format!("- URL: <{url}>"),
            "| pass | GET /healthz | 200, ",
            "| pass | title | Harbour · Status |",
            "| pass | heading in the text | All berths are open |",
            "| note | screenshot | none: SITE_BROWSER is none |",
            "| out/p.txt | page text |",
        ],
    );

    let mut handoff =
        yard.site("handoff --report out/report.md --out out/handoff.md --to frontend");
    let output = handoff
        .env("COORD_AGENT", "qa")
        .env("COORD_RUN", "run-7")
        .output()
        .unwrap();
    contains_all(
        &text_of(&output, 0),
        &["frontend", "PASS", "out/handoff.md"],
    );
    contains_all(
        &yard.read("out/handoff.md"),
        &[
            "## From: qa\n## To: frontend\n## Date: 20",
            "## Run: run-7",
            "- Path: `out/report.md`\n  - Type: verification report\n  - Status: final",
            "- Not checked here: screenshot: none: SITE_BROWSER is none",
        ],
    );

    let log = text_of(&yard.stop(), 0);
    contains_all(
        &log,
        &[
            &url,
            "GET /healthz 200",
            "GET /style.css 200",
            "out/stop is there",
        ],
    );
    yard.fails(line, "FAIL: 4 of 5 checks");
    contains_all(
        &yard.read("out/report.md"),
        &["- Verdict: **FAIL**", "| FAIL | GET / |"],
    );
    let line = "handoff --report out/report.md --out out/handoff.md";
    contains_all(&yard.succeeds(line), &["verdict FAIL"]);
    contains_all(
        &yard.read("out/handoff.md"),
        &["## From: site\n", "- Failed: GET /:", "draft"],
    );
}

#[test]
fn files_with_their_types_and_folders_with_their_pages() {
    let mut yard = Yard::new();
    yard.write("public/index.html", "<h1>front</h1>");
    yard.write("public/docs/index.html", "<h1>docs</h1>");
    yard.write("public/a b.json", "{}");
    let url = yard.serve(&yard.path("public"));
    for (target, expected, part) in [
        ("/", 200, "Content-Type: text/html; charset=utf-8\r\n"),
        ("/index.html?x=1", 200, "<h1>front</h1>"),
        ("/a%20b.json", 200, "Content-Type: application/json\r\n"),
        ("/docs", 301, "Location: /docs/\r\n"),
        ("/docs/", 200, "<h1>docs</h1>"),
        ("/index.html/", 404, "<h1>Not found</h1>"),
        ("/nothing", 404, "<h1>Not found</h1>"),
        ("/healthz", 200, "{\"status\":\"ok\",\"version\":\"0.1.0\"}"),
        ("/%zz", 400, "Bad Request"),
    ] {
        let answer = get(&url, target);
        status(&answer, expected);
        contains_all(&answer, &[part, "Connection: close\r\n"]);
    }
    let head = exchange(&url, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    status(&head, 200);
    assert!(
        head.contains("Content-Length: 14\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    let post = exchange(
        &url,
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi",
    );
    status(&post, 405);
    contains_all(&post, &["Allow: GET, HEAD\r\n"]);
}

#[test]
fn nothing_outside_the_folder_is_served() {
    let mut yard = Yard::new();
    yard.write("public/index.html", "<h1>front</h1>");
    yard.write("public/sub/index.html", "<h1>sub</h1>");
    yard.write("public/.hidden", "SECRET");
    yard.write("public-too/secret.txt", "SECRET");
    yard.write("secret.txt", "SECRET");
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink(yard.path("secret.txt"), yard.path("public/link.txt")).unwrap();
        symlink(yard.path("public-too"), yard.path("public/link")).unwrap();
        symlink("sub/index.html", yard.path("public/inside.html")).unwrap();
        fs::create_dir(yard.path("public/trap")).unwrap();
        symlink(yard.path("secret.txt"), yard.path("public/trap/index.html")).unwrap();
        symlink(yard.path("secret.txt"), yard.path("public/404.html")).unwrap();
    }
    let url = yard.serve(&yard.path("public"));
    let absolute = format!("/{}", yard.path("secret.txt").display());
    for target in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/sub/..%2f..%2fsecret.txt",
        "/sub/%2E%2E/%2e%2e/secret.txt",
        "/..%5csecret.txt",
        "/../public-too/secret.txt",
        "/.hidden",
        "/link.txt",
        "/link/secret.txt",
        "/trap/",
        &absolute,
        "http://x/../secret.txt",
    ] {
        let answer = get(&url, target);
        assert!(!answer.contains("SECRET"), "{target}:\n{answer}");
        status(&answer, 404);
    }
    #[cfg(unix)]
    status(&get(&url, "/inside.html"), 200);
}

/// Neither one that never finishes its request nor a crowd of silent ones keeps others out.
#[test]
fn half_open_connections_are_bounded() {
    let mut yard = Yard::new();
    let url = yard.serve(&own_public());
    let mut slow = connect(&url);
    slow.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
    status(&get(&url, "/healthz"), 200);

    let mut crowd: Vec<TcpStream> = (0..40).map(|_| connect(&url)).collect();
    let turned_away = crowd
        .iter_mut()
        .map(answer)
        .filter(|answer| !answer.is_empty());
    let turned_away: Vec<String> = turned_away.collect();
    assert!(!turned_away.is_empty());
    turned_away.iter().for_each(|answer| status(answer, 503));

    status(&answer(&mut slow), 408);
    yard.succeeds("health --url-file out/url --within 20s");
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(20_000));
    status(&exchange(&url, &long), 431);

    let mut waiting = connect(&url);
    waiting.write_all(b"GET / HT").unwrap();
    text_of(&yard.stop(), 0);
}

#[test]
fn a_page_with_a_missing_file_is_not_healthy() {
    let mut yard = Yard::new();
    let page = "<title>T</title><h1>H</h1><img src=gone.png><a href=\"http://elsewhere/x\">x</a>";
    yard.write("public/index.html", page);
    yard.serve(&yard.path("public"));
    yard.fails("health --url-file out/url", "1 of 3 checks");
    let line = "report --url-file out/url --png out/p.png --text out/p.txt --out out/report.md";
    yard.fails(line, "GET /gone.png, heading in the text, screenshot");
    contains_all(
        &yard.read("out/report.md"),
        &[
            "| FAIL | GET /gone.png | 404, ",
            "no reason: run `site shot`",
            "| note | http://else",
        ],
    );
    yard.succeeds("shot --url-file out/url --png out/p.png --text out/p.txt");
    yard.fails(&format!("{line} --expect Welcome"), "heading in the text");
}

#[test]
fn mistakes_name_their_cause_and_the_way_out() {
    let yard = Yard::new();
    yard.write("public/index.html", "<h1>front</h1>");
    yard.write("empty/readme.txt", "");
    yard.write("other.md", "# Something else\n");
    for (line, because) in [
        ("", "no command"),
        ("server", "no command `server`"),
        ("health", "`--url-file` is missing"),
        (
            "health --url-file none/url --within 100ms",
            "cannot read none/url",
        ),
        (
            "health --url-file other.md --within 100ms",
            "holds no http://host:port",
        ),
        (
            "health --url-file url --within soon",
            "`--within soon` is no length of time",
        ),
        (
            "serve --public gone --url-file url --until stop",
            "cannot open gone",
        ),
        (
            "serve --public empty --url-file url --until stop",
            "no index.html",
        ),
        (
            "serve --public public --url-file url --until stop --max 80ms",
            "stop did not appear",
        ),
        (
            "serve --public public --url-file other.md/url --until stop",
            "cannot ",
        ),
        (
            "shot --url-file none/url --png a --text b",
            "cannot read none/url",
        ),
        ("handoff --report other.md --out h.md", "is not a report"),
        ("handoff --report gone.md --out h.md", "cannot read gone.md"),
    ] {
        yard.fails(line, because);
    }
    contains_all(&yard.succeeds("--help"), &["site serve", "site handoff"]);
}

#[test]
fn fresh_forgets_an_earlier_run() {
    let yard = Yard::new();
    yard.write("public/index.html", "<h1>front</h1>");
    yard.write("stop", "");
    yard.write("url", "http://127.0.0.1:9\n");
    let line = "serve --public public --url-file url --until stop --max 80ms";
    contains_all(&yard.succeeds(line), &["stop is there"]);
    yard.fails(&format!("{line} --fresh"), "stop did not appear");
}

/// A program that behaves as a browser does, given how its window treats the height.
#[cfg(unix)]
fn fake_browser(yard: &Yard, script: &str) -> PathBuf {
    // written by another process: a file that we hold open for writing cannot be started
    let path = yard.path("browser");
    let write = "printf '%s' \"$1\" > \"$2\" && chmod 755 \"$2\"";
    let script = format!("#!/bin/sh\n{script}");
    let mut shell = Command::new("sh");
    shell.args(["-c", write, "sh", &script]).arg(&path);
    assert!(shell.status().unwrap().success());
    path
}

#[cfg(unix)]
#[test]
fn a_browser_takes_the_picture_and_tells_the_text() {
    let mut yard = Yard::new();
    let url = yard.serve(&own_public());
    let png = |height: u32| {
        let size = [1280_u32.to_be_bytes(), height.to_be_bytes()].concat();
        let start: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        [
            start,
            &size,
            &[8, 2, 0, 0, 0],
            &[7; 60_000],
            b"\0\0\0\0IEND\xaeB`\x82",
        ]
        .concat()
    };
    yard.write("short.png", png(1913));
    yard.write("full.png", png(2000));
    // takes 87 off its window, as some versions do
    let browser = fake_browser(
        &yard,
        "echo \"$@\" >> calls\nfor word; do case $word in\n\
         --dump-dom) echo '<html data-page-height=\"2000\"><h1>All berths are open</h1>live' ;;\n\
         --window-size=1280,2000) from=short.png ;;\n--window-size=1280,2087) from=full.png ;;\n\
         --screenshot=*) cp $from ${word#--screenshot=} ;;\nesac; done\n",
    );
    let mut shot = yard.site("shot --url-file out/url --png out/p.png --text out/p.txt");
    shot.env("SITE_BROWSER", &browser)
        .env("COORD_OUTPUTS", yard.path("outputs"));
    let text = text_of(&shot.output().unwrap(), 0);
    contains_all(&text, &["1280 × 2000 pixels", "out/p.png"]);
    assert_eq!(yard.read("out/p.txt"), "All berths are open\nlive\n");
    assert_eq!(yard.read("outputs"), "screenshot=out/p.png\n");
    let calls = yard.read("calls");
    assert_eq!(calls.lines().count(), 3, "{calls}");
    for call in calls.lines() {
        contains_all(
            call,
            &["--headless", "--disable-background-networking", &url],
        );
        let profile = call
            .split(' ')
            .find_map(|word| word.strip_prefix("--user-data-dir="));
        assert!(
            !Path::new(profile.unwrap()).parent().unwrap().exists(),
            "left behind: {call}"
        );
    }
    let line = "report --url-file out/url --png out/p.png --text out/p.txt --out out/report.md";
    yard.succeeds(line);
    contains_all(
        &yard.read("out/report.md"),
        &["| pass | screenshot | 1280 × 2000 pixels, "],
    );
}

#[cfg(unix)]
#[test]
fn a_browser_that_fails_is_an_error_only_if_it_was_named() {
    let mut yard = Yard::new();
    yard.serve(&own_public());
    let browser = fake_browser(&yard, "echo 'cannot open display' >&2; exit 7\n");
    let line = "shot --url-file out/url --png out/p.png --text out/p.txt";
    let named = yard
        .site(line)
        .env("SITE_BROWSER", &browser)
        .output()
        .unwrap();
    let text = text_of(&named, 1);
    contains_all(
        &text,
        &[
            "exit status: 7",
            "cannot open display",
            "help: set SITE_BROWSER",
        ],
    );
    let gone = yard
        .site(line)
        .env("SITE_BROWSER", yard.path("gone"))
        .output()
        .unwrap();
    contains_all(&text_of(&gone, 1), &["names no program"]);

    fs::create_dir(yard.path("bin")).unwrap();
    fs::rename(&browser, yard.path("bin/chromium")).unwrap();
    let mut found = yard.site(line);
    found
        .env_remove("SITE_BROWSER")
        .env("PATH", yard.path("bin"))
        .env("HOME", &yard.folder);
    let text = text_of(&found.output().unwrap(), 0);
    // a machine with a browser outside of PATH may do better than the broken one
    assert!(
        text.contains("cannot open display") || text.contains("pixels"),
        "{text}"
    );
    contains_all(&yard.read("out/p.txt"), &["All berths are open"]);
}

#[test]
#[ignore = "needs Chromium, Chrome or Edge"]
fn a_real_browser_sees_the_whole_page() {
    let mut yard = Yard::new();
    yard.serve(&own_public());
    let mut shot = yard.site("shot --url-file out/url --png out/p.png --text out/p.txt");
    let text = text_of(&shot.env_remove("SITE_BROWSER").output().unwrap(), 0);
    contains_all(&text, &["1280 × ", " pixels"]);
    contains_all(&yard.read("out/p.txt"), &["All berths are open", "v0.1.0"]);
}
