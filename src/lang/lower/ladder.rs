//! Ladders: escalations, and the levels that conflicts share with them.

use super::args::Args;
use super::party::Situation;
use super::{Field, Kind, Lower};
use crate::diagnostic::Diagnostic;
use crate::ids::EscalationId;
use crate::model::{Ending, Level};
use crate::schema::{Place, closest};
use crate::source::Spanned;
use crate::syntax::tree::Statement;

impl<'s> Lower<'_, 's> {
    pub(super) fn escalation(&mut self, id: EscalationId, statement: &Statement<'s>) {
        self.situation = Some(Situation::Escalation);
        self.model.escalations[id].title = self.title(statement.word, statement);
        for field in self.fields(Place::Escalation, statement) {
            let mut args = field.args();
            match field.row.word {
                "level" => {
                    let before = self.model.escalations[id].levels.clone();
                    let level = self.level(&field, &before);
                    self.model.escalations[id].levels.extend(level);
                    continue;
                }
                "sla" => {
                    let sla = self.some_time(&mut args);
                    self.model.escalations[id].sla_ms = sla;
                }
                "otherwise" => {
                    if let Some(ending) = self.ending(&mut args) {
                        self.model.escalations[id].otherwise = ending;
                    }
                }
                _ => {}
            }
            args.end(self);
        }
        self.situation = None;
    }

    /// `NAME ["T"] by WHO | by N of WHO [within D] [do ACTION]`.
    pub(super) fn level(&mut self, field: &Field<'_, 's>, before: &[Level]) -> Option<Level> {
        let mut args = field.args();
        let (name, span) = self.behind(&mut args, "the name of the level")?;
        let name = Spanned::new(name.to_string(), span);
        if let Some(first) = before.iter().find(|l| l.name.value == name.value) {
            self.twice(&name, first.name.span);
            return None;
        }
        let title = args.maybe_text(self).map(|t| t.value);
        self.word_behind(&mut args, "by")?;
        let (quorum, by) = self.quorum_of(&mut args, "who is asked")?;
        let within_ms = match args.eat("within") {
            Some(_) => Some(args.duration(self, "a duration")?),
            None => None,
        };
        let actions = match args.eat("do") {
            Some(_) => vec![self.chain(&mut args)?],
            None => Vec::new(),
        };
        args.end(self);
        Some(Level {
            name,
            title,
            by,
            quorum,
            within_ms,
            actions,
        })
    }

    /// `halt`, `fail` or the name of a mode.
    pub(super) fn ending(&mut self, args: &mut Args<'_, 's>) -> Option<Ending> {
        let Some((word, span)) = args.word() else {
            args.expected(self, "`halt`, `fail` or a mode");
            return None;
        };
        match word {
            "halt" => return Some(Ending::Halt),
            "fail" => return Some(Ending::Fail),
            "enter" => {
                let (name, span) = self.behind(args, "a mode")?;
                return self.named(Kind::Mode, name, span).map(Ending::Enter);
            }
            _ => {}
        }
        let near = closest(word, ["halt", "fail"].into_iter());
        let is_mode = self.names.named.keys().any(|(_, name)| *name == word);
        if let (Some(meant), false) = (near.first(), is_mode) {
            self.report(
                Diagnostic::new("E0109", span, format!("`{word}` is no way to end a ladder"))
                    .label("not known here")
                    .fix(
                        span,
                        (*meant).to_string(),
                        format!("did you mean `{meant}`?"),
                    ),
            );
            return None;
        }
        self.named(Kind::Mode, word, span).map(Ending::Enter)
    }

    /// A duration on the clock that is more than nothing.
    pub(super) fn some_time(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<i64>> {
        let time = args.duration(self, "a duration")?;
        if time.value > 0 {
            return Some(time);
        }
        self.report(
            Diagnostic::new(
                "E0105",
                time.span,
                format!("`{}` expects more than no time", args.statement.word),
            )
            .label("nobody can answer in no time")
            .help("write a duration, as in `30m`"),
        );
        None
    }
}
