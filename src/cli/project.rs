//! Finds and reads project files: the only place where `.coord` text comes from the disk.

use super::args::Common;
use super::exit::Failure;
use super::files;
use super::render::diagnostics;
use super::screen::Screen;
use coord_lang::source::Sources;
use coord_lang::syntax::Limits;
use coord_plan::compile::{Compiled, Settings, compile};
use coord_plan::freeze::Bindings;
use coord_plan::plan::Plan;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest file that is read at all, whatever the limits say.
const HARD_FILE_BYTES: u64 = 256 << 20;

/// A project on disk, read and compiled.
pub(crate) struct Loaded {
    pub(crate) file: PathBuf,
    pub(crate) sources: Sources,
    pub(crate) compiled: Compiled,
}

impl Loaded {
    /// The plan with the work of all workflows, of a project without mistakes; they are shown
    /// where there are any.
    pub(crate) fn whole(&self, screen: &Screen) -> Result<&Plan, Failure> {
        let whole = self.compiled.whole();
        whole
            .filter(|_| !self.compiled.has_errors())
            .ok_or_else(|| mistakes(screen, &self.sources, &self.compiled, &self.file))
    }

    /// The folder that the project's paths are relative to.
    pub(crate) fn root(&self) -> PathBuf {
        folder_of(&self.file)
    }
}

/// Shows what is wrong with a project that a command needs whole, and refuses to go on.
pub(crate) fn mistakes(
    screen: &Screen,
    sources: &Sources,
    compiled: &Compiled,
    file: &Path,
) -> Failure {
    let found = &compiled.diagnostics;
    screen.err(&diagnostics::text(sources, found, screen.style()));
    Failure::wrong(format!("{} has mistakes", file.display()))
        .help("`coord check` shows them alone")
}

/// The folder of a file; `.` for a bare name.
pub(crate) fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Reads and compiles the project that a command was given, or the one of this folder.
pub(crate) fn load(
    common: &Common,
    file: Option<&Path>,
    set: &[String],
    settings: Settings,
) -> Result<Loaded, Failure> {
    let file = match file {
        Some(path) if path.is_dir() => in_folder(path)?,
        Some(path) => path.to_path_buf(),
        None => in_folder(Path::new("."))?,
    };
    let limits = limits(common)?;
    let sources = files::read(&file, &limits)?;
    let settings = Settings {
        limits,
        bindings: bindings(set)?,
        ..settings
    };
    let compiled = compile(&sources, &settings);
    known_parameters(&compiled, &settings.bindings)?;
    known_workflow(&compiled, settings.workflow.as_deref())?;
    Ok(Loaded {
        file,
        sources,
        compiled,
    })
}

fn known_workflow(compiled: &Compiled, wanted: Option<&str>) -> Result<(), Failure> {
    let Some(wanted) = wanted else {
        return Ok(());
    };
    let names = || {
        let workflows = compiled.model.workflows.values();
        workflows.map(|w| w.name.value.as_str())
    };
    if names().any(|name| name == wanted) {
        return Ok(());
    }
    let help = match coord_lang::schema::closest(wanted, names()).first() {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if names().next().is_none() => {
            format!("declare it with `workflow {wanted} {{ … }}`")
        }
        None => format!("there are {}", coord_lang::schema::one_of(names())),
    };
    Err(Failure::wrong(format!("this project has no workflow `{wanted}`")).help(help))
}

fn known_parameters(compiled: &Compiled, bindings: &Bindings) -> Result<(), Failure> {
    for name in bindings.keys() {
        if !compiled
            .model
            .params
            .values()
            .any(|p| p.name.value == *name)
        {
            let names: Vec<&str> = compiled
                .model
                .params
                .values()
                .map(|p| p.name.value.as_str())
                .collect();
            let help = match coord_lang::schema::closest(name, names.iter().copied()).first() {
                Some(meant) => format!("did you mean `{meant}`?"),
                None if names.is_empty() => format!("declare it with `param {name}: text`"),
                None => format!("there are {}", coord_lang::schema::one_of(names)),
            };
            return Err(
                Failure::wrong(format!("this project has no parameter `{name}`")).help(help),
            );
        }
    }
    Ok(())
}

/// What a command was given: a file, or the `.coord` files of a folder.
pub(crate) enum Part {
    File(PathBuf),
    Folder(Vec<PathBuf>),
}

/// Given files and folders, or this folder.
pub(crate) fn parts_of(paths: &[PathBuf]) -> Result<Vec<Part>, Failure> {
    if paths.is_empty() {
        let here = coord_files(Path::new("."))?;
        if here.is_empty() {
            return in_folder(Path::new(".")).map(|file| vec![Part::File(file)]);
        }
        let here = here.iter().map(|file| clean(file)).collect();
        return Ok(vec![Part::Folder(here)]);
    }
    let mut parts = Vec::new();
    for path in paths {
        if !path.is_dir() {
            parts.push(Part::File(path.clone()));
            continue;
        }
        let inside = coord_files(path)?;
        if inside.is_empty() {
            return Err(
                Failure::wrong(format!("`{}` holds no .coord file", path.display()))
                    .help("name a file, or another folder"),
            );
        }
        parts.push(Part::Folder(inside));
    }
    Ok(parts)
}

/// `main.coord`, or the only `.coord` file of `folder`.
pub(crate) fn in_folder(folder: &Path) -> Result<PathBuf, Failure> {
    let main = folder.join("main.coord");
    if main.is_file() {
        return Ok(clean(&main));
    }
    let mut files = coord_files(folder)?;
    let shown = if folder == Path::new(".") {
        "this folder".to_string()
    } else {
        format!("`{}`", folder.display())
    };
    match files.len() {
        0 => Err(
            Failure::wrong(format!("no project in {shown}: it holds no .coord file"))
                .help("write one with `coord init`, or name the file"),
        ),
        1 => Ok(clean(&files.remove(0))),
        n => {
            let names: Vec<String> = files
                .iter()
                .map(|f| format!("  {}", clean(f).display()))
                .collect();
            Err(Failure::wrong(format!(
                "{n} projects in {shown}, and none is called main.coord:\n{}",
                names.join("\n")
            ))
            .help("name one of them"))
        }
    }
}

/// The `.coord` files of a folder, sorted.
pub(crate) fn coord_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|e| cannot_read(folder, &e))?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "coord") && path.is_file())
        .collect();
    files.sort();
    Ok(files)
}

fn clean(path: &Path) -> PathBuf {
    path.strip_prefix(".")
        .map_or_else(|_| path.to_path_buf(), Path::to_path_buf)
}

/// One file as a project of its own.
pub(crate) fn read(file: &Path) -> Result<Sources, Failure> {
    let name = file.display().to_string();
    let meta = std::fs::metadata(file).map_err(|e| cannot_read(file, &e))?;
    if meta.is_dir() {
        return Err(
            Failure::wrong(format!("cannot read `{name}`: it is a folder"))
                .help("name a .coord file"),
        );
    }
    if !meta.is_file() {
        return Err(
            Failure::wrong(format!("cannot read `{name}`: it is no plain file"))
                .help("name a .coord file, or `-` for standard input"),
        );
    }
    if meta.len() > HARD_FILE_BYTES {
        return Err(Failure::wrong(format!(
            "`{name}` has {} bytes; no project file may have more than {HARD_FILE_BYTES}",
            meta.len()
        ))
        .help("split the project"));
    }
    let bytes = std::fs::read(file).map_err(|e| cannot_read(file, &e))?;
    text(&name, bytes)
}

/// Standard input as a project of its own.
pub(crate) fn read_stdin(name: &str) -> Result<Sources, Failure> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(HARD_FILE_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|e| Failure::wrong(format!("E0903 cannot read standard input: {e}")))?;
    text(name, bytes)
}

fn text(name: &str, bytes: Vec<u8>) -> Result<Sources, Failure> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Sources::single(name, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let before = &error.as_bytes()[..at];
            let line = before.iter().filter(|b| **b == b'\n').count() + 1;
            let byte = error.as_bytes()[at];
            let utf16 = error.as_bytes().starts_with(&[0xff, 0xfe])
                || error.as_bytes().starts_with(&[0xfe, 0xff]);
            let help = if utf16 {
                "it looks like UTF-16: save it as UTF-8"
            } else {
                "save it as UTF-8"
            };
            Err(Failure::wrong(format!(
                "E0903 `{name}` is not UTF-8: byte {byte:#04x} in line {line}"
            ))
            .help(help))
        }
    }
}

fn cannot_read(path: &Path, error: &std::io::Error) -> Failure {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_string(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_string(),
        _ => error.to_string(),
    };
    let failure = Failure::wrong(format!("E0903 cannot read `{}`: {why}", path.display()));
    let folder = folder_of(path);
    let near = coord_files(&folder).unwrap_or_default();
    let names: Vec<String> = near
        .iter()
        .map(|f| clean(f).display().to_string())
        .collect();
    let wanted = path.display().to_string();
    if error.kind() != std::io::ErrorKind::NotFound {
        return failure;
    }
    let close = coord_lang::schema::closest(&wanted, names.iter().map(String::as_str));
    match (close.first(), &names[..]) {
        (Some(meant), _) => failure.help(format!("did you mean `{meant}`?")),
        (None, [only]) => failure.help(format!("the one in its folder is `{only}`")),
        (None, _) => failure,
    }
}

/// Why a file could not be read, without its name.
pub(crate) fn reason(failure: &Failure) -> String {
    let message = &failure.message;
    match (message.split_once("`: "), message.split_once("` is ")) {
        (Some((_, why)), _) => why.to_string(),
        (None, Some((_, what))) => format!("it is {what}"),
        (None, None) => message.clone(),
    }
}

/// `--limit NAME=N`.
pub(crate) fn limits(common: &Common) -> Result<Limits, Failure> {
    let mut limits = Limits::default();
    for given in &common.limit {
        let (name, number) = given.split_once('=').unwrap_or((given, ""));
        let Ok(number) = number.replace('_', "").parse::<usize>() else {
            return Err(Failure::wrong(format!("`--limit {given}` has no number"))
                .help("as in `--limit tasks=200000`"));
        };
        let (slot, hard) = match name {
            "file-bytes" => (&mut limits.file_bytes, HARD_FILE_BYTES as usize),
            "nesting" => (&mut limits.nesting, 128),
            "tasks" => (&mut limits.tasks, 2_000_000),
            "needs" => (&mut limits.needs, 1_000_000),
            "edges" => (&mut limits.edges, 10_000_000),
            "each" => (&mut limits.each, 10_000),
            "files" => (&mut limits.files, 10_000),
            "text-bytes" => (&mut limits.text_bytes, 1 << 30),
            _ => {
                let names = [
                    "file-bytes",
                    "nesting",
                    "tasks",
                    "needs",
                    "edges",
                    "each",
                    "files",
                    "text-bytes",
                ];
                return Err(Failure::wrong(format!("there is no limit `{name}`"))
                    .help(format!("limits are {}", coord_lang::schema::one_of(names))));
            }
        };
        if number > hard {
            return Err(
                Failure::wrong(format!("the limit `{name}` cannot be raised past {hard}"))
                    .help("split the project"),
            );
        }
        *slot = number;
    }
    Ok(limits)
}

/// `--set NAME=VALUE`.
fn bindings(set: &[String]) -> Result<Bindings, Failure> {
    set.iter()
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_string(), value.to_string())),
            _ => Err(Failure::wrong(format!("`--set {pair}` has no value"))
                .help("as in `--set region=eu`")),
        })
        .collect()
}
