//! `coord init`: a small project that works as it stands.

use super::args::{Common, Init};
use super::exit::{Exit, Failure, Outcome};
use super::screen::Screen;
use std::path::Path;

/// A file's name and its text.
type File = (&'static str, &'static str);

/// Templates by name, with their files.
const TEMPLATES: [(&str, &[File]); 1] = [(
    "demo",
    &[("main.coord", include_str!("../../examples/init/main.coord"))],
)];

pub(crate) fn init(common: &Common, screen: &Screen, args: &Init) -> Outcome {
    let Some((_, files)) = TEMPLATES.iter().find(|(name, _)| *name == args.template) else {
        let names = TEMPLATES.iter().map(|(name, _)| *name);
        let failure = Failure::wrong(format!("there is no template `{}`", args.template));
        return Err(failure.help(format!("there is {}", coord_lang::schema::one_of(names))));
    };
    let failed = |what: &Path, e: std::io::Error| {
        Failure::environment(format!("cannot write `{}`: {e}", what.display()))
    };
    std::fs::create_dir_all(&args.dir).map_err(|e| failed(&args.dir, e))?;
    for (name, _) in *files {
        let path = args.dir.join(name);
        if path.exists() {
            return Err(Failure::wrong(format!(
                "`{}` is there already, and is left as it is",
                path.display()
            ))
            .help("name another folder, as in `coord init demo`"));
        }
    }
    for (name, text) in *files {
        let path = args.dir.join(name);
        std::fs::write(&path, text).map_err(|e| failed(&path, e))?;
        if !common.quiet {
            screen.err(&format!("wrote {}\n", path.display()));
        }
    }
    ignore_state(&args.dir);
    if !common.quiet {
        let go = if args.dir == Path::new(".") {
            String::new()
        } else {
            format!("cd {} && ", args.dir.display())
        };
        screen.err(&format!(
            "next: {go}coord check && coord plan && coord run\n"
        ));
    }
    Ok(Exit::Done)
}

/// State does not belong into a repository; says so to git where nobody has yet.
fn ignore_state(dir: &Path) {
    let path = dir.join(".gitignore");
    if !path.exists() {
        let _best_effort = std::fs::write(&path, format!("{}/\n", super::home::DEFAULT));
    }
}
