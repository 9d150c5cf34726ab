//! What belongs to whom: globs, areas, artifacts, paths.

use super::Lower;
use super::args::{Args, shown};
use crate::diagnostic::Diagnostic;
use crate::glob::{Glob, GlobErrorKind};
use crate::ids::{AgentId, TaskId};
use crate::model::{Artifact, Owns};
use crate::source::{Span, Spanned};
use crate::syntax::tree::{Arg, ArgKind};

/// Globs of one task, or of one agent.
const MAX_GLOBS: usize = 256;

impl<'s> Lower<'_, 's> {
    pub(super) fn owns(&mut self, id: AgentId, args: &mut Args<'_, 's>) {
        if args.eat("area").is_some() {
            let area = args.text(self, "an area in quotes");
            self.model.agents[id].areas.extend(area);
            return;
        }
        if args
            .peek()
            .is_none_or(|a| !matches!(a.kind, ArgKind::Text(_) | ArgKind::List(_)))
        {
            args.expected(self, "a glob in quotes");
            return;
        }
        let globs = self.globs(args);
        let mut shared = false;
        let mut except = Vec::new();
        loop {
            if args.eat("shared").is_some() {
                shared = true;
            } else if args.eat("except").is_some() {
                except.extend(self.globs(args));
            } else {
                break;
            }
        }
        for glob in globs {
            self.model.agents[id].owns.push(Owns {
                glob,
                shared,
                except: except.clone(),
            });
        }
        let count = self.model.agents[id].owns.len();
        self.too_many_globs(count, "agent", args.statement.word_span);
    }

    /// Every two globs that may meet are compared: a task has no more than so many.
    pub(super) fn count_globs(&mut self, task: TaskId, span: Span) {
        let task = &self.model.tasks[task];
        self.too_many_globs(task.writes.len() + task.reads.len(), "task", span);
    }

    fn too_many_globs(&mut self, count: usize, whose: &str, span: Span) {
        if count > MAX_GLOBS {
            self.report(
                Diagnostic::new(
                    "E0908",
                    span,
                    format!("this {whose} has {count} globs; the limit is {MAX_GLOBS}"),
                )
                .label("too many")
                .help("name the folder they share: `\"api/**\"` stands for all below it"),
            );
        }
    }

    /// One glob in quotes or a list of them.
    pub(super) fn globs(&mut self, args: &mut Args<'_, 's>) -> Vec<Spanned<Glob>> {
        if args.peek().is_none() {
            args.expected(self, "a glob in quotes");
            return Vec::new();
        }
        let mut found = Vec::new();
        for element in args.each() {
            match element {
                [
                    Arg {
                        kind: ArgKind::Text(pieces),
                        span,
                    },
                ] => {
                    let Some(text) = self.plain(pieces, *span) else {
                        continue;
                    };
                    if let Some(glob) = self.glob(&text) {
                        found.push(Spanned::new(glob, *span));
                    }
                }
                [] => {}
                [first, ..] if first.is_broken() => {}
                [first, ..] => {
                    let text = shown(self.sources.text(first.span));
                    self.report(
                        Diagnostic::new(
                            "E0105",
                            first.span,
                            format!(
                                "`{}` expects a glob in quotes, found {text}",
                                args.statement.word
                            ),
                        )
                        .label("not in quotes")
                        .help("as in `\"api/**\"`"),
                    );
                }
            }
        }
        found
    }

    fn glob(&mut self, text: &Spanned<String>) -> Option<Glob> {
        let error = match Glob::parse(&text.value) {
            Ok(glob) => return Some(glob),
            Err(error) => error,
        };
        let (code, label) = match error.kind {
            GlobErrorKind::LeavesRoot(_) => ("E0408", "leads out of the project"),
            _ => ("E0406", "this part"),
        };
        // Where the text holds escapes, offsets in it are not offsets in the file.
        let verbatim = text.span.len() == text.value.len() + 2;
        let start = text.span.start as usize + 1 + error.offset;
        let span = if verbatim {
            Span::new(text.span.file, start, start + error.len)
        } else {
            text.span
        };
        self.report(
            Diagnostic::new(code, span, error.to_string())
                .label(label)
                .help(error.help()),
        );
        None
    }

    pub(super) fn artifact(&mut self, args: &mut Args<'_, 's>) -> Option<Artifact> {
        let Some((name, span)) = args.word() else {
            args.expected(
                self,
                "a name, as in `report \"Test report\" \"out/report.md\"`",
            );
            return None;
        };
        let title = args.maybe_text(self);
        let path = args.maybe_text(self);
        if let (Some(title), None) = (&title, &path)
            && title.value.contains(['/', '.'])
            && !title.value.contains(' ')
        {
            self.report(
                Diagnostic::new(
                    "W0112",
                    title.span,
                    format!("`{}` is the title here, and looks like a path", title.value),
                )
                .label("the title comes first, the path second")
                .fix(
                    title.span,
                    format!("\"{name}\" \"{}\"", title.value),
                    format!("write `produces {name} \"{name}\" \"{}\"`", title.value),
                ),
            );
        }
        if let Some(path) = &path {
            self.path_stays_inside(path);
        }
        Some(Artifact {
            name: Spanned::new(name.to_string(), span),
            title: title.map(|t| t.value),
            path,
        })
    }

    /// E0905 for a path that leaves the project.
    pub(super) fn path_stays_inside(&mut self, path: &Spanned<String>) {
        let leaves = path.value.starts_with(['/', '~']) || path.value.split('/').any(|s| s == "..");
        if leaves || path.value.is_empty() {
            self.report(
                Diagnostic::new(
                    "E0905",
                    path.span,
                    if path.value.is_empty() {
                        "this path is empty".to_string()
                    } else {
                        format!("`{}` leaves the project", path.value)
                    },
                )
                .label("paths are relative to the project's folder")
                .help("name a path inside the project"),
            );
        }
    }
}
