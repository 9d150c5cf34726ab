//! The long text of every diagnostic: why it matters, what to do, a wrong and a right example.
//!
//! The texts are Markdown, one file for each range of codes, so that they are read and written as
//! what they are. An entry is `## CODE title`, paragraphs, and two fences: ` ```coord wrong ` and
//! ` ```coord right `. A fence with the tag `text` is for the eye and is no program. `values-needed`
//! behind the tag compiles as for a run, `files A B` says which files the project has.

/// The codes of one subject: the two digits behind the letter.
#[derive(Debug)]
pub struct Range {
    pub digits: &'static str,
    pub title: &'static str,
    pub entries: Vec<Entry>,
}

/// One code.
#[derive(Debug)]
pub struct Entry {
    pub code: &'static str,
    /// What it says in general, as a heading.
    pub title: &'static str,
    /// Markdown paragraphs.
    pub text: &'static str,
    pub wrong: Example,
    pub right: Example,
}

/// A text that causes the diagnostic, or the same one mended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Example {
    pub text: &'static str,
    /// A program that can be compiled, not words for the eye.
    pub compiles: bool,
    /// Every parameter must have a value, as for a run.
    pub values_needed: bool,
    /// The files that the project has besides; empty when nobody looked.
    pub files: &'static str,
}

impl Example {
    /// The program as a file holds it: examples leave `edition` out where it says nothing, and
    /// write an invisible character as `<U+202E>`.
    pub fn program(&self, code: &str) -> String {
        let text = self.text.replace("<U+202E>", "\u{202e}");
        let about_editions = code == "W0902" || text.starts_with("edition ");
        if about_editions {
            text
        } else {
            format!("edition 2026\n\n{text}")
        }
    }
}

const TEXTS: [(&str, &str); 10] = [
    ("00", include_str!("explain/00-syntax.md")),
    ("01", include_str!("explain/01-structure.md")),
    ("02", include_str!("explain/02-names.md")),
    ("03", include_str!("explain/03-graph.md")),
    ("04", include_str!("explain/04-ownership.md")),
    ("05", include_str!("explain/05-types.md")),
    ("06", include_str!("explain/06-schedule.md")),
    ("07", include_str!("explain/07-running.md")),
    ("08", include_str!("explain/08-people.md")),
    ("09", include_str!("explain/09-files.md")),
];

/// Every text, by range and in the order of the codes.
pub fn ranges() -> Vec<Range> {
    TEXTS
        .iter()
        .map(|(digits, text)| {
            let title = text.lines().next().unwrap_or("");
            Range {
                digits,
                title: title.trim_start_matches("# "),
                entries: sections(text).into_iter().map(entry).collect(),
            }
        })
        .collect()
}

/// The text of one code; letters may be small.
pub fn find(code: &str) -> Option<Entry> {
    ranges()
        .into_iter()
        .flat_map(|range| range.entries)
        .find(|entry| entry.code.eq_ignore_ascii_case(code))
}

/// Every code, in order.
pub fn codes() -> Vec<&'static str> {
    ranges()
        .iter()
        .flat_map(|range| range.entries.iter().map(|entry| entry.code))
        .collect()
}

/// The parts that start with the heading of a code; other headings are doc comments of examples.
fn sections(text: &'static str) -> Vec<&'static str> {
    const MARK: &str = "\n## ";
    let starts: Vec<usize> = text
        .match_indices(MARK)
        .map(|(at, _)| at + MARK.len())
        .filter(|at| text[*at..].starts_with(['E', 'W']))
        .filter(|at| text[at + 1..].bytes().take(4).all(|b| b.is_ascii_digit()))
        .collect();
    let ends = starts.iter().skip(1).map(|next| next - MARK.len());
    let ends = ends.chain([text.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| &text[*start..end])
        .collect()
}

fn entry(section: &'static str) -> Entry {
    let (heading, body) = section.split_once('\n').unwrap_or((section, ""));
    let (code, title) = heading.split_once(' ').unwrap_or((heading, ""));
    let text = body.split("\n```").next().unwrap_or("");
    Entry {
        code,
        title: title.trim(),
        text: text.trim(),
        wrong: example(body, "wrong"),
        right: example(body, "right"),
    }
}

/// The fence whose tag goes on with `which`; an empty example when there is none.
fn example(body: &'static str, which: &str) -> Example {
    let mut fences = body.split("\n```").skip(1);
    let Some(found) = fences.find(|part| {
        let tag = part.split('\n').next().unwrap_or("");
        tag.split(' ').nth(1) == Some(which)
    }) else {
        return Example::default();
    };
    let start = found.as_ptr() as usize - body.as_ptr() as usize;
    let (tag, rest) = body[start..].split_once('\n').unwrap_or((found, ""));
    let backticks = 3 + tag.bytes().take_while(|b| *b == b'`').count();
    let close = format!("\n{}", "`".repeat(backticks));
    let text = rest.find(&close).map_or(rest, |end| &rest[..=end]);
    let tag = tag.trim_start_matches('`');
    Example {
        text,
        compiles: tag.starts_with("coord "),
        values_needed: tag.ends_with("values-needed"),
        files: tag.split_once(" files ").map_or("", |(_, files)| files),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_whole() {
        for range in ranges() {
            assert!(!range.title.is_empty() && !range.entries.is_empty());
            for entry in &range.entries {
                let code = entry.code;
                assert!(code.len() == 5 && code.starts_with(['E', 'W']), "{code}");
                assert_eq!(&code[1..3], range.digits, "{code} stands in another range");
                assert!(!entry.title.is_empty() && entry.text.len() > 40, "{code}");
                assert!(
                    !entry.wrong.text.is_empty() && !entry.right.text.is_empty(),
                    "{code} lacks an example"
                );
            }
        }
    }

    #[test]
    fn numbers_rise_and_are_used_once() {
        let numbers: Vec<&str> = codes().iter().map(|code| &code[1..]).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }

    #[test]
    fn a_fence_inside_of_an_example_belongs_to_it() {
        let entry = find("e0002").unwrap();
        assert!(
            entry.right.text.ends_with("  ```\n}\n"),
            "{}",
            entry.right.text
        );
        assert!(entry.wrong.text.ends_with("make all\n}\n"));
        assert!(find("W0404").unwrap().wrong.files.contains("README.md"));
        assert!(find("E0516").unwrap().wrong.values_needed);
    }
}
