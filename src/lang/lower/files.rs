//! `use`: the other files of a project, and the names that they are called by.

use super::Lower;
use super::args::Args;
use super::declare::Declared;
use super::names::Alias;
use crate::diagnostic::Diagnostic;
use crate::schema::Place;
use crate::source::{FileId, Link, Span, Spanned};
use crate::syntax::tree::Statement;
use std::collections::HashMap;

impl<'s> Lower<'_, 's> {
    pub(super) fn uses_of_files(&mut self, declared: &Declared<'_, 's>) {
        let mut called: HashMap<FileId, Spanned<&'s str>> = HashMap::new();
        for statement in &declared.uses {
            self.one_use(statement, &mut called);
        }
    }

    /// `"FILE" [as NAME]`.
    fn one_use(
        &mut self,
        statement: &Statement<'s>,
        called: &mut HashMap<FileId, Spanned<&'s str>>,
    ) {
        let Some(row) = crate::schema::find(Place::File, "use") else {
            return;
        };
        let mut args = Args::new(statement, row);
        let path = args.text(self, "a file in quotes");
        let alias = match args.eat("as") {
            Some(_) => {
                let alias = args.word();
                if alias.is_none() {
                    args.expected(self, "a name for the file");
                }
                alias
            }
            None => None,
        };
        args.end(self);
        let file = path.and_then(|path| self.used_file(&path));
        match (file, alias) {
            (None, _) => {
                self.unread_files = true;
                self.facts.incomplete = true;
            }
            (Some(file), Some((name, span))) => {
                self.alias(file, Spanned::new(name, span), called);
            }
            (Some(_), None) => {}
        }
    }

    fn used_file(&mut self, path: &Spanned<String>) -> Option<FileId> {
        let sources = self.sources;
        let shown = &path.value;
        let d = match sources.linked(path.span.file, &path.value) {
            Some(Link::File(file)) => return Some(*file),
            Some(Link::Unreadable { why, near }) => {
                let d =
                    Diagnostic::new("E0903", path.span, format!("cannot read `{shown}`: {why}"))
                        .label("used here");
                match near {
                    Some(near) => d.fix(
                        path.span,
                        format!("\"{near}\""),
                        format!("did you mean `{near}`?"),
                    ),
                    None => d.help("paths of files start at the folder of the file that uses them"),
                }
            }
            Some(Link::Leaves) => self.leaves(path),
            Some(Link::TooDeep(limit)) => Diagnostic::new(
                "E0908",
                path.span,
                format!("more than {limit} files use one another in a chain"),
            )
            .label("the first one too deep")
            .help("let `main.coord` use the files itself: their names are known everywhere"),
            Some(Link::TooMany(limit)) => Diagnostic::new(
                "E0908",
                path.span,
                format!("this project has more files than the limit `files`, {limit}"),
            )
            .label("the first one past the limit")
            .help(format!("raise it with `--limit files={}`", limit * 2)),
            Some(Link::TooLarge(limit)) => Diagnostic::new(
                "E0908",
                path.span,
                format!(
                    "the files of this project have more bytes than the limit `text-bytes`, {limit}"
                ),
            )
            .label("does not fit any more")
            .help(format!("raise it with `--limit text-bytes={}`", limit * 2)),
            // nobody looked for the file: only what is wrong in any place is wrong
            None if path.value.starts_with(['/', '~']) || path.value.is_empty() => {
                self.leaves(path)
            }
            None => return None,
        };
        self.report(d);
        self.facts.incomplete_graph = true;
        None
    }

    fn leaves(&self, path: &Spanned<String>) -> Diagnostic {
        let message = match path.value.as_str() {
            "" => "this path is empty".to_string(),
            path => format!("`{path}` leaves the project"),
        };
        Diagnostic::new("E0905", path.span, message)
            .label("a project keeps to the folder of its first file")
            .help("move the file into that folder, or start from a folder above both")
    }

    /// E0904 unless a file and a name belong to each other alone.
    fn alias(
        &mut self,
        file: FileId,
        name: Spanned<&'s str>,
        called: &mut HashMap<FileId, Spanned<&'s str>>,
    ) {
        let taken: Option<(String, Span)> = if let Some(other) = self.names.aliases.get(name.value)
            && other.file != file
        {
            let first = self.sources.file(other.file).name();
            let text = format!("`{}` stands for two files", name.value);
            Some((text + &format!(", and one is {first}"), other.span))
        } else if let Some(first) = called.get(&file)
            && first.value != name.value
        {
            let text = format!(
                "one file is called both `{}` and `{}`",
                first.value, name.value
            );
            Some((text, first.span))
        } else {
            let declared = self.declared_at(name.value);
            declared.map(|at| {
                let text = format!("`{}` is the name of something else already", name.value);
                (text, at)
            })
        };
        if let Some((message, first)) = taken {
            self.report(
                Diagnostic::new("E0904", name.span, message)
                    .label("called so here")
                    .related(first, "and here")
                    .help("choose one name for each file"),
            );
            return;
        }
        called.entry(file).or_insert_with(|| name.clone());
        let alias = Alias {
            file,
            span: name.span,
        };
        self.names.aliases.entry(name.value).or_insert(alias);
    }
}
