//! A Chromium-like browser without a window: where it is, and a picture of a page through it.
//! Two visits: the first tells how tall the page is and what its scripts made of it, the second
//! takes the picture.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::html;
use crate::png::{self, Picture};

const NAMES: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
];
const MAC_APPS: [&str; 3] = [
    "Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "Applications/Chromium.app/Contents/MacOS/Chromium",
];
const WIDTH: u32 = 1280;
/// The window of the first visit, and of the second where the page does not tell its height.
const HEIGHT: u32 = 1600;
/// Taller than this, the graphics of a browser give up.
const HEIGHT_MAX: u32 = 16_000;
/// A browser that has written its picture gets this long to leave by itself.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(25);

/// Every browser of this machine, best first.
pub(crate) fn find_all() -> Vec<PathBuf> {
    let folders: Vec<PathBuf> = match std::env::var_os("PATH") {
        Some(path) => std::env::split_paths(&path).collect(),
        None => Vec::new(),
    };
    let on_path = NAMES.iter().filter_map(|name| {
        folders
            .iter()
            .map(|folder| folder.join(name))
            .find(|file| is_program(file))
    });
    let homes = [
        Some(PathBuf::from("/")),
        std::env::var_os("HOME").map(PathBuf::from),
    ];
    let apps = MAC_APPS
        .iter()
        .flat_map(|app| homes.iter().flatten().map(move |h| h.join(app)));
    on_path
        .chain(apps.filter(|file| is_program(file)))
        .collect()
}

#[cfg(unix)]
pub(crate) fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
pub(crate) fn is_program(file: &Path) -> bool {
    file.is_file()
}

pub(crate) struct Visit {
    pub(crate) picture: Picture,
    /// The page as its scripts left it.
    pub(crate) page: String,
}

/// Writes a picture of the whole page to `png`; why not, as a phrase.
pub(crate) fn visit(
    browser: &Path,
    url: &str,
    png: &Path,
    deadline: Instant,
) -> Result<Visit, String> {
    let room = Room::new().map_err(|error| format!("no temporary folder: {error}"))?;
    let session = Session {
        browser,
        url,
        room: &room,
        deadline,
    };
    let page = session.dump_page()?;
    let height = window_height(&page);
    let mut picture = session.take_picture(png, height)?;
    let frame = height.saturating_sub(picture.height);
    if frame > 0 {
        // some versions count a frame into the window, and take it off the picture
        picture = session.take_picture(png, height + frame)?;
    }
    Ok(Visit { picture, page })
}

/// As tall as the page says it is.
fn window_height(page: &str) -> u32 {
    let told = html::attribute(page, "html", "data-page-height");
    let height = told
        .and_then(|told| told.parse::<u32>().ok())
        .unwrap_or(HEIGHT);
    height.clamp(png::SIDE_MIN, HEIGHT_MAX)
}

/// A folder for profiles and output that only we can read, and that goes away with its owner.
struct Room {
    folder: PathBuf,
    is_root: bool,
}

impl Room {
    fn new() -> std::io::Result<Self> {
        let nanos = std::time::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default()
            .as_nanos();
        let name = format!("coord-site-{}-{nanos}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        make_private(&folder)?;
        let is_root = owned_by_root(&folder);
        Ok(Self { folder, is_root })
    }
}

impl Drop for Room {
    /// Helpers of the browser may still write for a moment after it left.
    fn drop(&mut self) {
        for _ in 0..20 {
            if fs::remove_dir_all(&self.folder).is_ok() || !self.folder.exists() {
                return;
            }
            std::thread::sleep(POLL);
        }
    }
}

#[cfg(unix)]
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> std::io::Result<()> {
    fs::create_dir(folder)
}

/// Who owns what we have just made, is us.
#[cfg(unix)]
fn owned_by_root(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(folder).is_ok_and(|facts| facts.uid() == 0)
}

#[cfg(not(unix))]
fn owned_by_root(_folder: &Path) -> bool {
    false
}

struct Session<'a> {
    browser: &'a Path,
    url: &'a str,
    room: &'a Room,
    deadline: Instant,
}

impl Session<'_> {
    fn dump_page(&self) -> Result<String, String> {
        let page = self.room.folder.join("page.html");
        let mut child = self.start("dump", HEIGHT, "--dump-dom".into(), &page)?;
        let status = self.wait(&mut child, None)?;
        let page = fs::read(&page).map_err(|error| error.to_string())?;
        let page = String::from_utf8_lossy(&page).into_owned();
        if page.trim().is_empty() {
            return Err(format!(
                "it showed nothing ({status}){}",
                self.last_words("dump")
            ));
        }
        Ok(page)
    }

    fn take_picture(&self, png: &Path, height: u32) -> Result<Picture, String> {
        let _ = fs::remove_file(png);
        let mut screenshot = OsString::from("--screenshot=");
        screenshot.push(png);
        let output = self.room.folder.join("picture.out");
        let mut child = self.start("picture", height, screenshot, &output)?;
        let status = self.wait(&mut child, Some(png))?;
        let bytes = fs::read(png).map_err(|_| {
            format!(
                "it took no picture ({status}){}",
                self.last_words("picture")
            )
        })?;
        png::read(&bytes).map_err(|why| format!("its picture is {why}"))
    }

    fn start(
        &self,
        name: &str,
        height: u32,
        action: OsString,
        output: &Path,
    ) -> Result<Child, String> {
        let file = |path: &Path| File::create(path).map_err(|error| error.to_string());
        let (output, errors) = (file(output)?, file(&self.errors(name))?);
        let mut profile = OsString::from("--user-data-dir=");
        profile.push(self.room.folder.join(name));
        Command::new(self.browser)
            .args(FLAGS)
            .args(self.room.is_root.then_some("--no-sandbox"))
            .arg(profile)
            .arg(format!("--window-size={WIDTH},{height}"))
            .arg(action)
            .arg(self.url)
            .env("XDG_CONFIG_HOME", &self.room.folder)
            .env("XDG_CACHE_HOME", &self.room.folder)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(|error| format!("it does not start: {error}"))
    }

    /// How it ended, in words. One that has its picture and stays is sent away; so is one that
    /// takes too long, which is an error.
    fn wait(&self, child: &mut Child, png: Option<&Path>) -> Result<String, String> {
        let mut leave_by = self.deadline;
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status.to_string()),
                Ok(None) => {}
                Err(error) => return Err(error.to_string()),
            }
            let now = Instant::now();
            let has_picture = png
                .and_then(|png| fs::read(png).ok())
                .is_some_and(|b| png::is_whole(&b));
            if has_picture {
                leave_by = leave_by.min(now + LEAVE_TIME_MAX);
            }
            if now >= leave_by {
                let _ = child.kill();
                let _ = child.wait();
                let stayed = "it did not end in time";
                return if has_picture {
                    Ok(stayed.to_owned())
                } else {
                    Err(stayed.to_owned())
                };
            }
            std::thread::sleep(POLL);
        }
    }

    fn errors(&self, name: &str) -> PathBuf {
        self.room.folder.join(format!("{name}.err"))
    }

    fn last_words(&self, name: &str) -> String {
        let errors = fs::read(self.errors(name)).unwrap_or_default();
        let errors = String::from_utf8_lossy(&errors);
        let last = errors.lines().map(str::trim).rfind(|line| !line.is_empty());
        last.map(|line| {
            format!(
                "; last words: {}",
                line.chars().take(200).collect::<String>()
            )
        })
        .unwrap_or_default()
    }
}

/// Quiet, offline and the same everywhere: nothing of the user's own browser, no calls home.
const FLAGS: [&str; 18] = [
    "--headless",
    "--disable-gpu",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--disable-breakpad",
    "--password-store=basic",
    "--use-mock-keychain",
    // lets requests of scripts finish before anything is read or taken, in no real time
    "--virtual-time-budget=3000",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_as_tall_as_the_page() {
        let page = |attributes: &str| format!("<html {attributes}><p>x");
        for (attributes, height) in [
            ("", HEIGHT),
            ("data-page-height=\"1834\"", 1834),
            ("data-page-height=\"999999\"", HEIGHT_MAX),
            ("data-page-height=\"1\"", png::SIDE_MIN),
            ("data-page-height=\"x\"", HEIGHT),
        ] {
            assert_eq!(window_height(&page(attributes)), height, "{attributes}");
        }
    }
}
