//! Channels and the templates that what goes through them is written with.

use super::args::Args;
use super::{Kind, Lower};
use crate::diagnostic::Diagnostic;
use crate::ids::{ChannelId, TemplateId};
use crate::model::Target;
use crate::schema::Place;
use crate::source::{Span, Spanned};
use crate::syntax::tree::{Arg, ArgKind, Statement};

impl<'s> Lower<'_, 's> {
    pub(super) fn channel(&mut self, id: ChannelId, statement: &Statement<'s>) {
        self.model.channels[id].title = self.title(statement.word, statement);
        let before = self.out.len();
        for field in self.fields(Place::Channel, statement) {
            let mut args = field.args();
            match field.row.word {
                "file" => {
                    let path = args.text(self, "a path in quotes");
                    if let Some(path) = &path {
                        self.path_stays_inside(path);
                    }
                    self.target(id, path.map(|p| Target::File(p.value)), &args);
                }
                "http" => {
                    let url = args.template(self, "an address in quotes");
                    if let Some(url) = &url {
                        self.is_address(url.value.literal(), url.span);
                    }
                    self.target(id, url.map(|u| Target::Http(u.value)), &args);
                }
                "stdout" => self.target(id, Some(Target::Stdout), &args),
                "every" => {
                    let every = self.every(&mut args);
                    self.model.channels[id].every = every;
                }
                "format" => {
                    let template = args.named(self, Kind::Template, "a template");
                    self.model.channels[id].format = template.map(|t| t.value);
                }
                "reply" => {
                    if self.word_behind(&mut args, "within").is_none() {
                        continue;
                    }
                    let time = self.some_time(&mut args);
                    self.model.channels[id].reply_ms = time;
                }
                _ => {}
            }
            args.end(self);
        }
        let quiet = self.out[before..].iter().any(Diagnostic::is_error)
            || statement.block.is_none()
            || statement.is_broken();
        if self.model.channels[id].target.is_none() && !quiet {
            let name = self.model.channels[id].name.clone();
            self.report(
                Diagnostic::new(
                    "E0105",
                    name.span,
                    format!("channel `{}` leads nowhere", name.value),
                )
                .label("`file`, `http` or `stdout` is missing")
                .help("as in `file \"updates.md\"`"),
            );
        }
    }

    /// A channel has one end: E0104 for a second one.
    fn target(&mut self, id: ChannelId, target: Option<Target>, args: &Args<'_, 's>) {
        let Some(target) = target else { return };
        let span = args.statement.head_span();
        let Some(first) = &self.model.channels[id].target else {
            self.model.channels[id].target = Some(Spanned::new(target, span));
            return;
        };
        let first = first.span;
        self.report(
            Diagnostic::new("E0104", span, "a channel leads to one place")
                .label("a second one")
                .related(first, "first given here")
                .help("keep one of them, or declare another channel"),
        );
    }

    fn is_address(&mut self, text: Option<&str>, span: Span) {
        let Some(text) = text else { return };
        let fits = ["http://", "https://"].iter().any(|s| text.starts_with(s));
        if !fits || text.contains(char::is_whitespace) {
            self.report(
                Diagnostic::new("E0501", span, "expected an address of the web")
                    .label("not an address")
                    .help("as in `http \"https://hooks.example.org/coord\"`"),
            );
        }
    }

    /// `NAME ["T"]` and a fence.
    pub(super) fn page(&mut self, id: TemplateId, statement: &Statement<'s>) {
        let Some(row) = crate::schema::find(Place::File, "template") else {
            return;
        };
        let mut args = Args::new(statement, row);
        args.next();
        self.model.templates[id].title = args.maybe_text(self).map(|t| t.value);
        let Some(Arg {
            kind: ArgKind::Fence(fence),
            span,
        }) = args.peek()
        else {
            if !statement.is_broken() {
                args.expected(self, "a fence with its text");
            }
            return;
        };
        args.next();
        args.end(self);
        let fields = self.fields_in(fence.body_span);
        for field in &fields {
            // a parameter of the project may stand in it as well
            if let Some(param) = self.param_in_scope(&field.value) {
                let declared = self.model.params[param].name.span;
                self.refer(&field.value, field.span, Some(declared));
                self.use_of(Kind::Param, param);
            }
        }
        let page = &mut self.model.templates[id];
        page.language = fence.tag.to_string();
        page.text.clone_from(&fence.text);
        page.fields = fields;
        page.span = *span;
    }

    /// `${handoff.summary}` in a template stands for a field of the handoffs that it is for.
    pub(super) fn fields_of_handoffs(&mut self) {
        let mut found: Vec<(String, Span, Span)> = Vec::new();
        for handoff in self.model.handoffs.values() {
            let Some(page) = handoff.format.map(|id| &self.model.templates[id]) else {
                continue;
            };
            for field in &page.fields {
                let Some((root @ "handoff", name)) = field.value.split_once('.') else {
                    continue;
                };
                let declared = handoff.fields.iter().find(|f| f.name.value == name);
                let behind = self.sources.text(field.span).find(root);
                if let (Some(declared), Some(at)) = (declared, behind) {
                    let start = field.span.start as usize + at + root.len();
                    let own = Span::new(field.span.file, start, field.span.end as usize);
                    found.push((name.to_string(), own, declared.name.span));
                }
            }
        }
        for (name, span, declared) in found {
            self.refer(&name, span, Some(declared));
        }
    }

    /// Every `${path}` of a text, with its place.
    fn fields_in(&self, body: Span) -> Vec<Spanned<String>> {
        let raw = self.sources.text(body);
        let places = raw.match_indices("${").filter(|(at, _)| {
            // `\${` and `$${` are a dollar sign and a brace
            !raw[..*at].ends_with(['\\', '$'])
        });
        places
            .filter_map(|(at, _)| {
                let path = raw[at + 2..].split('}').next()?;
                let start = body.start as usize + at;
                let span = Span::new(body.file, start, start + path.len() + 3);
                let short = path.len() < raw[at + 2..].len();
                // one that goes over lines is the same however they are indented
                let words: Vec<&str> = path.split_whitespace().collect();
                short.then(|| Spanned::new(words.join(" "), span))
            })
            .collect()
    }
}
