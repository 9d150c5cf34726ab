//! Handoffs: what has to be there when work goes from one agent to another.

use super::Kind;
use super::Lower;
use super::args::Args;
use super::party::Situation;
use crate::diagnostic::Diagnostic;
use crate::ids::HandoffId;
use crate::model::{Accept, HandoffField, ParamType};
use crate::schema::{Place, closest, one_of};
use crate::source::Spanned;
use crate::syntax::tree::Statement;

impl<'s> Lower<'_, 's> {
    pub(super) fn handoff(&mut self, id: HandoffId, statement: &Statement<'s>) {
        self.situation = Some(Situation::Handoff);
        self.model.handoffs[id].title = self.title(statement.word, statement);
        for field in self.fields(Place::Handoff, statement) {
            let mut args = field.args();
            match field.row.word {
                "require" => {
                    let confirmation = self.confirmation(&mut args);
                    self.model.handoffs[id].requires.extend(confirmation);
                }
                "check" => {
                    let check = self.check(&mut args);
                    self.model.handoffs[id].checks.extend(check);
                }
                "field" => self.handoff_field(id, &mut args),
                "accept" => {
                    let accept = self.accept(&mut args);
                    self.model.handoffs[id].accept = accept;
                }
                "format" => {
                    let template = args.named(self, Kind::Template, "a template");
                    self.model.handoffs[id].format = template.map(|t| t.value);
                }
                _ => {}
            }
            args.end(self);
        }
        self.situation = None;
    }

    /// `NAME TYPE`, `NAME list`; a text when there is no type.
    fn handoff_field(&mut self, id: HandoffId, args: &mut Args<'_, 's>) {
        let Some((name, span)) = self.behind(args, "a name and a type") else {
            return;
        };
        let name = Spanned::new(name.to_string(), span);
        args.eat_op(":");
        let (ty, many) = match args.word() {
            None => (ParamType::Text, false),
            Some(("list", _)) => (ParamType::Text, true),
            Some((word, at)) => {
                let known = ParamType::ALL.iter().find(|(n, _)| *n == word);
                let Some((_, ty)) = known else {
                    let names = || ParamType::ALL.iter().map(|(n, _)| *n).chain(["list"]);
                    let d = Diagnostic::new("E0109", at, format!("`{word}` is not a type"))
                        .label("not known here");
                    self.report(match closest(word, names()).first() {
                        Some(meant) => {
                            d.fix(at, (*meant).to_string(), format!("did you mean `{meant}`?"))
                        }
                        None => d.help(format!("write {}", one_of(names()))),
                    });
                    return;
                };
                (*ty, false)
            }
        };
        let fields = &self.model.handoffs[id].fields;
        if let Some(first) = fields.iter().find(|f| f.name.value == name.value) {
            let first = first.name.span;
            self.twice(&name, first);
            return;
        }
        self.model.handoffs[id]
            .fields
            .push(HandoffField { name, ty, many });
    }

    /// `within D [else ACTION]`.
    fn accept(&mut self, args: &mut Args<'_, 's>) -> Option<Accept> {
        self.word_behind(args, "within")?;
        let within = self.some_time(args)?;
        let otherwise = match args.eat("else") {
            Some(_) => Some(self.chain(args)?),
            None => None,
        };
        Some(Accept {
            within_ms: within.value,
            otherwise,
            span: args.up_to(args.statement.word_span),
        })
    }
}
