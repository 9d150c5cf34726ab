//! Files that appear whole or not at all, and the outputs that coord collects.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Writes beside the target and renames: a reader sees the old file or the new one, never half.
/// Makes the folder where it is missing.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> Result<(), Error> {
    let refused = |error| cannot_write(path, &error);
    make_parent(path)?;
    let part = with_suffix(path, &format!(".{}.part", std::process::id()));
    let written = fs::write(&part, content).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written.map_err(refused)
}

pub(crate) fn make_parent(path: &Path) -> Result<(), Error> {
    match path.parent() {
        Some(folder) => fs::create_dir_all(folder).map_err(|error| cannot_write(path, &error)),
        None => Ok(()),
    }
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes a file; that it was not there is fine.
pub(crate) fn remove_if_there(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::new(
            format!("cannot remove {}: {error}", path.display()),
            "remove it by hand, or name another path",
        )),
        _ => Ok(()),
    }
}

/// Appends `name=value` to the file of COORD_OUTPUTS, where coord has set one.
pub(crate) fn add_output(name: &str, value: &str) -> Result<(), Error> {
    let Some(path) = std::env::var_os("COORD_OUTPUTS").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let path = PathBuf::from(path);
    let value: String = value.chars().filter(|c| !c.is_control()).collect();
    fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(format!("{name}={value}\n").as_bytes()))
        .map_err(|error| cannot_write(&path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Error {
    Error::new(
        format!("cannot write {}: {error}", path.display()),
        "name a path in a folder that you may write to",
    )
}
