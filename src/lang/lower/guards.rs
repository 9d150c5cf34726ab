//! Resources and gates.

use super::args::Args;
use super::declare::Declared;
use super::{Field, Kind, Lower};
use crate::diagnostic::Diagnostic;
use crate::ids::{GateId, SecretId};
use crate::model::{Check, Evidence, Program};
use crate::schema::Place;
use crate::source::{Span, Spanned};
use crate::syntax::tree::{Arg, ArgKind, Fence, Piece};

/// Interpreters that a fence may name, with the program that runs it.
pub const INTERPRETERS: [(&str, &str); 8] = [
    ("sh", "sh"),
    ("bash", "bash"),
    ("zsh", "zsh"),
    ("python", "python3"),
    ("node", "node"),
    ("js", "node"),
    ("ruby", "ruby"),
    ("perl", "perl"),
];

/// Bytes of a program's arguments, each with its end.
const MAX_ARGV: usize = 1 << 20;

impl<'s> Lower<'_, 's> {
    pub(super) fn guards(&mut self, declared: &Declared<'_, 's>) {
        for (id, statement) in &declared.resources {
            let Some(row) = crate::schema::find(Place::File, "resource") else {
                continue;
            };
            let mut args = Args::new(statement, row);
            args.next();
            self.model.resources[*id].title = args.maybe_text(self).map(|t| t.value);
            args.end(self);
            for field in self.fields(Place::Resource, statement) {
                let mut args = field.args();
                if let Some(n) = args.count(self, "how much there is", 1..=1_000_000) {
                    self.model.resources[*id].capacity = n.value;
                }
                args.end(self);
            }
        }
        for (id, statement) in &declared.gates {
            let Some(row) = crate::schema::find(Place::File, "gate") else {
                continue;
            };
            let mut args = Args::new(statement, row);
            args.next();
            self.model.gates[*id].title = args.maybe_text(self).map(|t| t.value);
            args.end(self);
            for field in self.fields(Place::Gate, statement) {
                self.gate_field(*id, &field);
            }
        }
    }

    fn gate_field(&mut self, id: GateId, field: &Field<'_, 's>) {
        let mut args = field.args();
        match field.row.word {
            "check" => {
                let check = self.check(&mut args);
                self.model.gates[id].checks.extend(check);
            }
            "approve" => {
                let approval = self.approval(&mut args);
                self.model.gates[id].approvals.extend(approval);
                return;
            }
            "on" => self.gate_failure(id, &mut args),
            "applies" => self.applies_to(id, &mut args),
            _ => {}
        }
        args.end(self);
    }

    pub(super) fn check(&mut self, args: &mut Args<'_, 's>) -> Option<Check> {
        let title = args.text(self, "a title in quotes")?;
        let evidence = if args.eat("run").is_some() {
            Evidence::Run(self.program(args)?)
        } else if args.eat("when").is_some() {
            Evidence::When(self.condition(args)?.value)
        } else if args.eat("by").is_some() {
            Evidence::Person(self.agents_of(args, "who confirms it")?)
        } else if args.eat("exists").is_some() {
            let path = args.text(self, "a path in quotes")?;
            self.path_stays_inside(&path);
            Evidence::Exists(path.value)
        } else {
            if args.peek().is_none() {
                self.report(
                    Diagnostic::new(
                        "W0706",
                        args.statement.head_span(),
                        format!(
                            "the check \"{}\" has no evidence: somebody has to confirm it by hand",
                            title.value
                        ),
                    )
                    .label("`run`, `when`, `exists` or `by WHO` could follow")
                    .help("write `by WHO` to say who, or a program that decides it"),
                );
            }
            Evidence::Person(Vec::new())
        };
        Some(Check { title, evidence })
    }

    fn gate_failure(&mut self, id: GateId, args: &mut Args<'_, 's>) {
        if let Some((on_fail, on_fail_do)) = self.on_gate_failure(args) {
            let gate = &mut self.model.gates[id];
            gate.on_fail = on_fail;
            gate.on_fail_do = on_fail_do;
        }
    }

    /// An argument list or a script.
    pub(super) fn program(&mut self, args: &mut Args<'_, 's>) -> Option<Program> {
        let Some(arg) = args.peek() else {
            args.expected(self, "an argument list or a fence");
            return None;
        };
        match &arg.kind {
            ArgKind::List(elements) => {
                args.next();
                self.argv(elements, arg.span)
            }
            ArgKind::Fence(fence) => {
                args.next();
                self.script(fence, arg.span)
            }
            ArgKind::Text(pieces) => {
                args.next();
                let text = self.plain(pieces, arg.span)?;
                let words: Vec<String> = text
                    .value
                    .split_whitespace()
                    .map(|w| format!("{w:?}"))
                    .collect();
                let right = format!("[{}]", words.join(", "));
                self.report(
                    Diagnostic::new(
                        "E0702",
                        arg.span,
                        format!("`run \"{}\"` is one program name", text.value),
                    )
                    .label("a program and its arguments stand in a list")
                    .fix(
                        arg.span,
                        right.clone(),
                        format!("write `run {right}`"),
                    ),
                );
                None
            }
            _ => {
                args.expected(
                    self,
                    "an argument list such as `[\"make\", \"all\"]`, or a fence",
                );
                None
            }
        }
    }

    fn argv(&mut self, elements: &[Vec<Arg<'s>>], span: Span) -> Option<Program> {
        let mut argv = Vec::new();
        for element in elements {
            match element.as_slice() {
                [
                    Arg {
                        kind: ArgKind::Text(pieces),
                        span,
                    },
                ] => {
                    if self.shows_secret(pieces) {
                        return None;
                    }
                    let template = self.template(pieces);
                    argv.push(Spanned::new(template, *span));
                }
                [first, ..] if first.is_broken() => return None,
                [first, ..] => {
                    let text = self.sources.text(first.span).to_string();
                    self.report(
                        Diagnostic::new(
                            "E0105",
                            first.span,
                            format!("an argument stands in quotes, found `{text}`"),
                        )
                        .label("not in quotes")
                        .fix(
                            first.span,
                            format!("{text:?}"),
                            format!("write `{text:?}`"),
                        ),
                    );
                }
                [] => {}
            }
        }
        let program = argv
            .first()
            .map(|a| a.value.literal().map(str::trim).map(str::to_string));
        match program {
            None => {
                self.report(
                    Diagnostic::new(
                        "E0105",
                        span,
                        "`run` expects a program, found an empty list",
                    )
                    .label("empty")
                    .help("as in `run [\"make\", \"all\"]`"),
                );
                return None;
            }
            Some(Some(name)) if name.is_empty() => {
                self.report(
                    Diagnostic::new("E0105", argv[0].span, "the program's name is empty")
                        .label("empty")
                        .help("as in `run [\"make\", \"all\"]`"),
                );
                return None;
            }
            Some(Some(name)) if argv.len() == 1 && name.contains(' ') && !name.contains('/') => {
                let words: Vec<String> =
                    name.split_whitespace().map(|w| format!("{w:?}")).collect();
                let right = words.join(", ");
                self.report(
                    Diagnostic::new(
                        "E0702",
                        argv[0].span,
                        format!("\"{name}\" is one program name"),
                    )
                    .label("no shell takes this apart")
                    .fix(
                        argv[0].span,
                        right.clone(),
                        format!("write `[{right}]`"),
                    ),
                );
            }
            _ => {}
        }
        self.unexpanded(&argv);
        let bytes: usize = argv.iter().map(|a| a.value.written() + 1).sum();
        if bytes > MAX_ARGV {
            self.report(
                Diagnostic::new(
                    "E0908",
                    span,
                    format!("the arguments have {bytes} bytes; the limit is {MAX_ARGV}"),
                )
                .label("no system starts a program with more")
                .help("write them into a file that the program reads"),
            );
        }
        Some(Program::Argv(argv, span))
    }

    /// E0704: a secret among the arguments of a program.
    fn shows_secret(&mut self, pieces: &[Piece<'s>]) -> bool {
        for piece in pieces {
            let Piece::Interpolation(name, span) = piece else {
                continue;
            };
            let found = self.names.named.get(&(Kind::Secret, self.bare(name)));
            let Some((index, declared)) = found.copied() else {
                continue;
            };
            self.use_of(Kind::Secret, SecretId(index));
            let variable = name.to_uppercase().replace('-', "_");
            self.report(
                Diagnostic::new(
                    "E0704",
                    *span,
                    format!("secret `{name}` in an argument list is visible to other processes"),
                )
                .label("every process of this machine can read it")
                .related(declared, "declared here")
                .help(format!(
                    "write `secret {name}` beside `run`: the program finds it in its environment as {variable}"
                )),
            );
            return true;
        }
        false
    }

    /// W0707: a shell's wildcard where there is no shell.
    fn unexpanded(&mut self, argv: &[Spanned<crate::model::Template>]) {
        let shell = argv
            .first()
            .and_then(|a| a.value.literal())
            .is_some_and(|p| INTERPRETERS.iter().any(|(_, i)| p.ends_with(i)));
        for arg in argv.iter().skip(1) {
            let Some(text) = arg.value.literal() else {
                continue;
            };
            if !shell && text.contains('*') && !text.contains([' ', '(', '\\', '"', '\'']) {
                self.report(
                    Diagnostic::new(
                        "W0707",
                        arg.span,
                        format!("`*` in `{text}` is not expanded: no shell reads it"),
                    )
                    .label("given to the program as it stands")
                    .help("use a ```sh fence where a shell has to expand it"),
                );
            }
        }
    }

    fn script(&mut self, fence: &Fence<'s>, span: Span) -> Option<Program> {
        let text = fence.text.as_str();
        let language = if fence.tag.is_empty() {
            "sh"
        } else {
            fence.tag
        };
        if !INTERPRETERS.iter().any(|(name, _)| *name == language) {
            let names = INTERPRETERS.iter().map(|(name, _)| *name);
            let near = crate::schema::closest(language, names.clone());
            let d = Diagnostic::new(
                "E0703",
                fence.tag_span,
                format!("no interpreter for the fence tag `{language}`"),
            )
            .label("not known");
            self.report(match near.first() {
                Some(meant) => d.fix(
                    fence.tag_span,
                    (*meant).to_string(),
                    format!("did you mean `{meant}`?"),
                ),
                None => d.help(format!(
                    "there are {}; or run the interpreter with an argument list",
                    crate::schema::one_of(names)
                )),
            });
            return None;
        }
        if text.trim().is_empty() {
            self.report(
                Diagnostic::new("E0105", span, "this script is empty")
                    .label("nothing to run")
                    .help("write the commands between the fence lines"),
            );
            return None;
        }
        self.filled_in(fence.body_span);
        Some(Program::Script {
            language: Spanned::new(language.to_string(), fence.tag_span),
            text: text.to_string(),
            span,
        })
    }

    /// E0701: `${name}` of a parameter in a script. A shell's own `${HOME}` is none of ours.
    fn filled_in(&mut self, body: Span) {
        let sources = self.sources;
        let raw = sources.text(body);
        for (at, _) in raw.match_indices("${") {
            let Some(name) = raw[at + 2..].split('}').next() else {
                continue;
            };
            let Some(id) = self.param_in_scope(name) else {
                continue;
            };
            self.use_of(super::Kind::Param, id);
            let variable = name.to_uppercase().replace('-', "_");
            let start = body.start as usize + at;
            self.report(
                Diagnostic::new(
                    "E0701",
                    Span::new(body.file, start, start + name.len() + 3),
                    format!(
                        "scripts are not filled in: `${{{name}}}` is the shell's, not the parameter"
                    ),
                )
                .label("read by the interpreter as it stands")
                .help(format!(
                    "write `env {variable} \"${{{name}}}\"` in the task, and `${variable}` here"
                )),
            );
            return;
        }
    }
}
