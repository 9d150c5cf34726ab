//! `site shot`: a picture of the whole page where there is a browser, and its text always.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::args::{Accepts, Flags};
use crate::browser::{self, Visit};
use crate::client::{self, BaseUrl};
use crate::error::Error;
use crate::{files, html};

pub(crate) const FLAGS: Accepts = Accepts {
    required: &["url-file", "png", "text"],
    optional: &[],
    switches: &[],
};

const TIME_MAX: Duration = Duration::from_secs(60);
const WAY_OUT: &str = "set SITE_BROWSER to the path of a Chromium-like browser, or to `none`";

pub(crate) fn run(flags: &Flags) -> Result<String, Error> {
    let base = BaseUrl::read_now(&flags.path("url-file"))?;
    let (png, text) = (flags.path("png"), flags.path("text"));
    let page = served_page(&base)?;
    files::make_parent(&png)?;
    files::remove_if_there(&png)?;
    files::remove_if_there(&reason_file(&png))?;
    match picture(&base, &png)? {
        Ok((browser, visit)) => {
            save_text(&text, &visit.page)?;
            files::add_output("screenshot", &png.display().to_string())?;
            let (png, name) = (png.display(), browser.display());
            Ok(format!(
                "picture of {base} in {png} ({}, by {name}), text in {}",
                visit.picture,
                text.display()
            ))
        }
        Err(why) => {
            save_text(&text, &page)?;
            files::write_whole(&reason_file(&png), format!("{why}\n").as_bytes())?;
            files::add_output("screenshot", "none")?;
            Ok(format!(
                "no picture of {base}: {why}; its text is in {}",
                text.display()
            ))
        }
    }
}

/// Where the reason stands when there is no picture; `site report` quotes it.
pub(crate) fn reason_file(png: &Path) -> PathBuf {
    files::with_suffix(png, ".none")
}

fn served_page(base: &BaseUrl) -> Result<String, Error> {
    match client::get(base, "/") {
        Ok(answer) if answer.status == 200 => {
            Ok(String::from_utf8_lossy(&answer.body).into_owned())
        }
        Ok(answer) => Err(format!("{base}/ says {}", answer.status)),
        Err(why) => Err(why),
    }
    .map_err(|why| Error::new(why, "run `site health` first, and stop `site serve` later"))
}

fn save_text(path: &Path, page: &str) -> Result<(), Error> {
    files::write_whole(path, html::visible_text(page).as_bytes())
}

/// The picture, or why there is none. A browser that was asked for by name has to work; one that
/// merely happens to be installed need not.
fn picture(base: &BaseUrl, png: &Path) -> Result<Result<(PathBuf, Visit), String>, Error> {
    let wanted = std::env::var_os("SITE_BROWSER").filter(|wanted| !wanted.is_empty());
    if wanted.as_deref().is_some_and(|wanted| wanted == "none") {
        return Ok(Err("SITE_BROWSER is none".to_owned()));
    }
    let Some(wanted) = wanted.map(PathBuf::from) else {
        return Ok(first_that_works(base, png));
    };
    if !browser::is_program(&wanted) {
        let cause = format!("SITE_BROWSER names no program: {}", wanted.display());
        return Err(Error::new(cause, WAY_OUT));
    }
    let visit = try_one(&wanted, base, png, Instant::now() + TIME_MAX);
    let visit = visit.map_err(|why| Error::new(format!("{}: {why}", wanted.display()), WAY_OUT))?;
    Ok(Ok((wanted, visit)))
}

fn first_that_works(base: &BaseUrl, png: &Path) -> Result<(PathBuf, Visit), String> {
    let deadline = Instant::now() + TIME_MAX;
    let mut reasons = Vec::new();
    for browser in browser::find_all() {
        match try_one(&browser, base, png, deadline) {
            Ok(visit) => return Ok((browser, visit)),
            Err(why) => reasons.push(format!("{}: {why}", browser.display())),
        }
    }
    if reasons.is_empty() {
        return Err("no Chromium, Chrome or Edge on this machine".to_owned());
    }
    Err(reasons.join("; "))
}

/// Has the picture written beside its place, and puts it there once it has been looked at.
fn try_one(browser: &Path, base: &BaseUrl, png: &Path, deadline: Instant) -> Result<Visit, String> {
    let part = std::path::absolute(files::with_suffix(png, ".part.png"));
    let part = part.map_err(|error| error.to_string())?;
    let visit = browser::visit(browser, &format!("{base}/"), &part, deadline);
    let placed = visit.and_then(|visit| match fs::rename(&part, png) {
        Ok(()) => Ok(visit),
        Err(error) => Err(format!("cannot write {}: {error}", png.display())),
    });
    let _ = fs::remove_file(&part);
    placed
}
