//! A plan as a calendar (iCalendar, RFC 5545): tasks as events, syncs, milestones and deadlines as
//! instants.
//!
//! The same plan gives the same file: an event is known by its project and name, so that a new
//! version of a plan takes the place of the old one; its stamp is the plan's origin.

use crate::cli::render::outlook::Outlook;
use coord_lang::ids::NodeId;
use coord_plan::plan::{NodeKind, Plan};
use coord_plan::schedule::Schedule;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write as _;

/// Octets of a line, without its end.
const LINE: usize = 75;

/// None for a plan without a start: its times are no dates.
pub(crate) fn ical(plan: &Plan, schedule: &Schedule) -> Option<String> {
    let origin_ms = plan.origin_ms?;
    let writer = Writer {
        outlook: &Outlook::new(plan, schedule),
        origin_ms,
    };
    let mut out = String::new();
    for text in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//coord//plan//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
    ] {
        line(&mut out, text);
    }
    let name = plan.title.as_deref().unwrap_or(&plan.project);
    line(&mut out, &format!("X-WR-CALNAME:{}", text(name)));
    for (id, node) in plan.nodes.iter() {
        if node.kind != NodeKind::Join && !schedule.nodes[id].logical.contingent {
            writer.event(id, &mut out);
        }
    }
    line(&mut out, "END:VCALENDAR");
    Some(out)
}

struct Writer<'a> {
    outlook: &'a Outlook<'a>,
    origin_ms: i64,
}

impl Writer<'_> {
    fn event(&self, id: NodeId, out: &mut String) {
        let (outlook, times) = (self.outlook, &self.outlook.schedule.nodes[id]);
        let node = &outlook.plan.nodes[id];
        let summary = match &node.title {
            Some(title) => format!("{} {title}", node.name),
            None => node.name.clone(),
        };
        self.begin(&node.name, "", times.start_ms, times.finish_ms, out);
        line(out, &format!("SUMMARY:{}", text(&summary)));
        let mut about = Vec::new();
        let who = outlook.who(id);
        if !who.is_empty() {
            about.push(format!("by {who}"));
        }
        let takes = outlook.takes(id);
        if !takes.is_empty() {
            about.push(format!("takes {takes}"));
        }
        if times.logical.critical {
            about.push("critical: any delay delays the end".into());
        }
        if let Some(held) = outlook.held(id) {
            about.push(format!("waits: {held}"));
        }
        if !about.is_empty() {
            line(out, &format!("DESCRIPTION:{}", text(&about.join("\n"))));
        }
        let mut categories = vec![match node.kind {
            NodeKind::Task(_) => "task".to_string(),
            NodeKind::Sync(_) => "sync".to_string(),
            NodeKind::Milestone(_) => "milestone".to_string(),
            NodeKind::Join => String::new(),
        }];
        categories.extend(outlook.phase_of(id).map(|phase| outlook.phase(phase)));
        let categories: Vec<String> = categories.iter().map(|c| text(c)).collect();
        line(out, &format!("CATEGORIES:{}", categories.join(",")));
        // who is busy with it is busy; an instant takes nobody's time
        let takes_time = times.finish_ms > times.start_ms;
        let busy = if takes_time { "OPAQUE" } else { "TRANSPARENT" };
        line(out, &format!("TRANSP:{busy}"));
        line(out, "END:VEVENT");
        if let Some(due_ms) = outlook.due_ms(id) {
            self.begin(&node.name, "-due", due_ms, due_ms, out);
            line(
                out,
                &format!("SUMMARY:{}", text(&format!("Due: {summary}"))),
            );
            line(out, "CATEGORIES:deadline");
            line(out, "TRANSP:TRANSPARENT");
            line(out, "END:VEVENT");
        }
    }

    fn begin(&self, name: &str, what: &str, start_ms: i64, finish_ms: i64, out: &mut String) {
        line(out, "BEGIN:VEVENT");
        let uid = format!(
            "{}{what}.{}@coord",
            word(name),
            word(&self.outlook.plan.project)
        );
        line(out, &format!("UID:{uid}"));
        line(out, &format!("DTSTAMP:{}", self.at(0)));
        line(out, &format!("DTSTART:{}", self.at(start_ms)));
        if finish_ms > start_ms {
            line(out, &format!("DTEND:{}", self.at(finish_ms)));
        }
    }

    /// In UTC, so that no table of time zones is needed.
    fn at(&self, ms: i64) -> String {
        let at = Timestamp::from_millisecond(self.origin_ms.saturating_add(ms)).ok();
        let at = at.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC);
        at.strftime("%Y%m%dT%H%M%SZ").to_string()
    }
}

/// Letters, digits, `-` and `_` of a name; others by their number.
fn word(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => out.push(c),
            c => {
                let _ = write!(out, "+{:x}", u32::from(c));
            }
        }
    }
    out
}

/// A value of type TEXT.
fn text(value: &str) -> String {
    let mut out = String::new();
    for c in value.chars() {
        match c {
            '\\' | ';' | ',' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A content line: folded before its 76th octet, never inside a character.
fn line(out: &mut String, text: &str) {
    let mut room = LINE;
    for c in text.chars() {
        if c.len_utf8() > room {
            out.push_str("\r\n ");
            room = LINE - 1;
        }
        out.push(c);
        room -= c.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::{line, text, word};

    #[test]
    fn lines_are_folded_between_characters() {
        let mut out = String::new();
        line(&mut out, &format!("SUMMARY:{}", "é".repeat(60)));
        assert!(out.split("\r\n").all(|line| line.len() <= 75), "{out}");
        assert_eq!(out.replace("\r\n ", "").trim_end().chars().count(), 68);
    }

    #[test]
    fn texts_and_names_are_escaped() {
        assert_eq!(text("a;b,c\\d\ne\u{7}"), "a\\;b\\,c\\\\d\\ne ");
        assert_eq!(word("a.b c"), "a+2eb+20c");
    }
}
