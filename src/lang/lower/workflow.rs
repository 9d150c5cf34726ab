//! Workflows beside `main`: their parameters, what starts them, and calls of them.

use super::args::Args;
use super::declare::Declared;
use super::{Kind, Lower};
use crate::diagnostic::Diagnostic;
use crate::ids::{ParamId, WorkflowId};
use crate::model::{Argument, Call, Param, ParamType, Template};
use crate::schema::{self, Place, closest, one_of};
use crate::source::{Span, Spanned};
use crate::syntax::tree::{Arg, ArgKind, Statement};

impl<'s> Lower<'_, 's> {
    /// The parameters in the head of a workflow, so that its work can speak of them.
    pub(super) fn workflow_params(&mut self, id: WorkflowId, statement: &Statement<'s>) {
        let group = statement.args.iter().find_map(|arg| match &arg.kind {
            ArgKind::Group(inner) => Some((inner.as_slice(), arg.span)),
            _ => None,
        });
        let Some((mut rest, span)) = group else {
            return;
        };
        while let [first, ..] = rest {
            let Some(after) = self.workflow_param(id, rest) else {
                if !first.is_broken() {
                    self.report(
                        Diagnostic::new("E0105", span, "a workflow's parameters are `name: type`")
                            .label("here")
                            .help("as in `workflow rollback(service: text, times: int default 3)`"),
                    );
                }
                return;
            };
            rest = after;
        }
    }

    /// `name: type [default value]`; what is left behind it.
    fn workflow_param<'a>(&mut self, id: WorkflowId, args: &'a [Arg<'s>]) -> Option<&'a [Arg<'s>]> {
        let [name, colon, ty, rest @ ..] = args else {
            return None;
        };
        let text = name.word()?;
        matches!(colon.kind, ArgKind::Op(":")).then_some(())?;
        let ty = self.param_type(ty)?;
        let (default, rest) = match rest {
            [word, value, rest @ ..] if word.word() == Some("default") => {
                (self.argument_text(value), rest)
            }
            rest => (None, rest),
        };
        let param = self.model.params.push(Param {
            name: Spanned::new(text.to_string(), name.span),
            ty,
            default: default.and_then(|d| {
                d.value
                    .literal()
                    .map(|t| Spanned::new(t.to_string(), d.span))
            }),
            doc: String::new(),
            workflow: Some(id),
        });
        self.model.workflows[id].params.push(param);
        if let Some(first) = self.names.workflow_params.insert((id, text), param) {
            let first = self.model.params[first].name.span;
            let name = Spanned::new(text.to_string(), name.span);
            self.twice(&name, first);
        }
        Some(rest)
    }

    fn param_type(&mut self, arg: &Arg<'s>) -> Option<ParamType> {
        let word = arg.word()?;
        let found = ParamType::ALL.iter().find(|(name, _)| *name == word);
        if found.is_none() {
            let names = ParamType::ALL.iter().map(|(name, _)| *name);
            let near = closest(word, names.clone());
            let d = Diagnostic::new("E0109", arg.span, format!("`{word}` is not a type"))
                .label("not known here");
            self.report(match near.first() {
                Some(meant) => d.fix(
                    arg.span,
                    (*meant).to_string(),
                    format!("did you mean `{meant}`?"),
                ),
                None => d.help(format!("write {}", one_of(names))),
            });
        }
        found.map(|(_, ty)| *ty)
    }

    /// Heads of workflows, and what starts them.
    pub(super) fn workflows(&mut self, declared: &Declared<'_, 's>) {
        let Some(row) = schema::find(Place::File, "workflow") else {
            return;
        };
        for (id, statement) in &declared.workflows {
            let mut args = Args::new(statement, row);
            args.next();
            if matches!(args.peek().map(|a| &a.kind), Some(ArgKind::Group(_))) {
                args.next();
            }
            self.workflow = Some(*id);
            self.model.workflows[*id].title = args.maybe_text(self).map(|t| t.value);
            self.workflow = None;
            args.end(self);
            // what its block may hold was judged when its work was declared
            for inner in statement.block.iter().flat_map(|b| b.statements()) {
                let Some(row) = schema::find(Place::Workflow, inner.word) else {
                    continue;
                };
                if inner.is_broken() {
                    continue;
                }
                let mut args = Args::new(inner, row);
                match inner.word {
                    "on" => {
                        let happening = self.happening(&mut args);
                        self.model.workflows[*id].on.extend(happening);
                        args.end(self);
                    }
                    "every" => {
                        let every = self.every(&mut args);
                        self.model.workflows[*id].every = every;
                        args.end(self);
                    }
                    _ => {}
                }
            }
        }
    }

    /// `WORKFLOW` or `WORKFLOW(name: value, …)`.
    pub(super) fn call(&mut self, args: &mut Args<'_, 's>) -> Option<Call> {
        let span = args.statement.head_span();
        let Some((name, at)) = args.word() else {
            args.expected(self, "the name of a workflow");
            return None;
        };
        let workflow: WorkflowId = self.named(Kind::Workflow, name, at)?;
        let arguments = self.arguments(workflow, at, args);
        Some(Call {
            workflow,
            arguments,
            span,
        })
    }

    /// What stands in parentheses behind the name of a workflow.
    pub(super) fn arguments(
        &mut self,
        workflow: WorkflowId,
        at: Span,
        args: &mut Args<'_, 's>,
    ) -> Vec<Argument> {
        let mut found: Vec<Argument> = Vec::new();
        let before = self.out.len();
        let mut span = at;
        if let Some(Arg {
            kind: ArgKind::Group(inner),
            span: group,
        }) = args.peek()
        {
            args.next();
            span = *group;
            let mut rest = inner.as_slice();
            while let [name, colon, value, after @ ..] = rest {
                if name.word().is_none() || !matches!(colon.kind, ArgKind::Op(":")) {
                    break;
                }
                rest = after;
                let word = name.word().unwrap_or_default();
                if let Some(first) = found.iter().find(|a| a.name.value == word) {
                    let first = first.name.span;
                    self.report(
                        Diagnostic::new("E0104", name.span, format!("`{word}` given twice"))
                            .label("given again")
                            .related(first, "first given here")
                            .help("keep one of them"),
                    );
                    continue;
                }
                found.extend(self.argument(workflow, name, value));
            }
            if let Some(left) = rest.first().filter(|a| !a.is_broken()) {
                self.report(
                    Diagnostic::new("E0105", left.span, "arguments are `name: value`")
                        .label("not an argument")
                        .help("as in `call rollback(service: \"api\")`"),
                );
                return found;
            }
        }
        if self.out.len() == before {
            self.missing_arguments(workflow, span, &found);
        }
        found
    }

    fn argument(
        &mut self,
        workflow: WorkflowId,
        name: &Arg<'s>,
        value: &Arg<'s>,
    ) -> Option<Argument> {
        let text = name.word()?;
        let param = self.names.workflow_params.get(&(workflow, text)).copied();
        if param.is_none() {
            let known: Vec<String> = (self.model.workflows[workflow].params.iter())
                .map(|p| self.model.params[*p].name.value.clone())
                .collect();
            let names = || known.iter().map(String::as_str);
            let owner = self.model.workflows[workflow].name.clone();
            let d = Diagnostic::new(
                "E0508",
                name.span,
                format!("`{}` has no parameter `{text}`", owner.value),
            )
            .label("not known here")
            .related(owner.span, "declared here");
            let near = closest(text, names());
            self.report(match near.first() {
                Some(meant) => d
                    .fix(
                        name.span,
                        (*meant).to_string(),
                        format!("did you mean `{meant}`?"),
                    )
                    .guessed(text, &near),
                None if known.is_empty() => d.help("it takes no parameters"),
                None => d.help(format!("it takes {}", one_of(names()))),
            });
            return None;
        }
        let declared = param.map(|id| self.model.params[id].name.span);
        self.refer(text, name.span, declared);
        let value = self.argument_text(value)?;
        Some(Argument {
            name: Spanned::new(text.to_string(), name.span),
            param,
            value,
        })
    }

    fn argument_text(&mut self, arg: &Arg<'s>) -> Option<Spanned<Template>> {
        match &arg.kind {
            ArgKind::Text(pieces) => Some(Spanned::new(self.template(pieces), arg.span)),
            ArgKind::Word(_)
            | ArgKind::Number(_)
            | ArgKind::Percent(_)
            | ArgKind::Date(_)
            | ArgKind::DateTime(_) => {
                let text = self.sources.text(arg.span).to_string();
                Some(Spanned::new(Template::text(text), arg.span))
            }
            _ => None,
        }
    }

    /// E0516: a parameter of the workflow that is neither given nor has a default.
    fn missing_arguments(&mut self, workflow: WorkflowId, at: Span, given: &[Argument]) {
        let missing: Option<ParamId> = (self.model.workflows[workflow].params.iter())
            .copied()
            .find(|p| {
                let param = &self.model.params[*p];
                param.default.is_none() && !given.iter().any(|a| a.param == Some(*p))
            });
        let Some(param) = missing else {
            return;
        };
        let param = self.model.params[param].name.clone();
        let name = &self.model.workflows[workflow].name.value;
        self.report(
            Diagnostic::new(
                "E0516",
                at,
                format!("parameter `{}` has no value and no default", param.value),
            )
            .label(format!("`{name}` needs it"))
            .related(param.span, "declared here")
            .help(format!("write `{name}({}: \"…\")`", param.value)),
        );
    }
}
