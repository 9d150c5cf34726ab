//! `budget`: what attempts may use up.

use super::Lower;
use super::args::{Args, shown};
use crate::diagnostic::Diagnostic;
use crate::model::{Budget, Spends};
use crate::source::Span;
use crate::syntax::tree::{Arg, ArgKind};
use crate::value;

impl<'s> Lower<'_, 's> {
    /// `N tokens | 20USD | 2h`, then `else ACTION…`; `given` are those before it in its block.
    pub(super) fn budget(&mut self, given: &[Budget], args: &mut Args<'_, 's>) -> Option<Budget> {
        let (of, most) = self.amount(args)?;
        let span = args.up_to(args.statement.word_span);
        let otherwise = match args.eat("else") {
            Some(_) => Some(self.chain(args)?),
            None => None,
        };
        if let Some(first) = given.iter().find(|budget| budget.of == of) {
            self.report(
                Diagnostic::new(
                    "E0104",
                    span,
                    format!("a budget of {} is given twice", of.name()),
                )
                .label("given again")
                .related(first.span, "first given here")
                .help("keep one of them"),
            );
            return None;
        }
        Some(Budget {
            of,
            most,
            otherwise,
            span,
        })
    }

    fn amount(&mut self, args: &mut Args<'_, 's>) -> Option<(Spends, i64)> {
        let Some(Arg {
            kind: ArgKind::Number(text),
            span,
        }) = args.peek()
        else {
            args.expected(self, "an amount such as `200000 tokens`, `20USD` or `2h`");
            return None;
        };
        let (text, span) = (text.to_string(), *span);
        args.next();
        let found = match value::integer(&text) {
            Some(n) => args.eat("tokens").map(|_| (Spends::Tokens, n)),
            None => match value::money(&text) {
                Some((milli, currency)) => Some((Spends::Cost(currency), milli)),
                None => value::duration_ms(&text).map(|ms| (Spends::Time, ms)),
            },
        };
        if let Some(found) = found.filter(|(_, most)| *most > 0) {
            return Some(found);
        }
        self.no_amount(&text, span);
        None
    }

    fn no_amount(&mut self, text: &str, span: Span) {
        let d = Diagnostic::new(
            "E0501",
            span,
            format!("expected a budget, found {}", shown(text)),
        )
        .label("not an amount of tokens, money or time");
        self.report(match value::integer(text) {
            Some(n) if n > 0 => {
                let right = format!("{text} tokens");
                d.fix(span, right.clone(), format!("write `{right}`"))
            }
            _ => d.help("as in `budget 200000 tokens`, `budget 20USD` or `budget 2h`"),
        });
    }
}
