//! Where a position is, from the text alone: which block, which statement, which word.
//!
//! Works on text that is being typed, with brackets open and quotes missing, and never waits for
//! a tree: one pass over the bytes up to the end of the block that the position is in.

use super::walk;
use crate::schema::{self, Place};
use crate::syntax::lexeme;

/// What surrounds a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor<'t> {
    /// The kind of the block around it; None inside what the table does not know.
    pub place: Option<Place>,
    /// The word of the statement that goes on here; None where a statement may start.
    pub word: Option<&'t str>,
    /// The tokens between that word and the position, without the one being typed.
    pub args: Vec<&'t str>,
    /// The word being typed, up to the position; maybe empty.
    pub typed: &'t str,
    /// In a comment, a text or a fence: nothing of the language stands here.
    pub quoted: bool,
    /// The words of the statements of the same block, the one being typed left out.
    pub siblings: Vec<&'t str>,
}

/// Looks at byte `offset` of `text`.
pub fn cursor(text: &str, offset: usize) -> Cursor<'_> {
    let mut scan = Scan {
        text,
        at: 0,
        blocks: vec![Block::new(Some(Place::File))],
        word: None,
        args: Vec::new(),
        brackets: 0,
        line_start: true,
    };
    let mut found = scan.up_to(offset);
    let depth = scan.blocks.len();
    scan.siblings(depth);
    if let Some(block) = scan.blocks.get(depth - 1) {
        found.siblings.clone_from(&block.words);
    }
    found
}

struct Block<'t> {
    place: Option<Place>,
    words: Vec<&'t str>,
}

impl Block<'_> {
    fn new(place: Option<Place>) -> Self {
        Block {
            place,
            words: Vec::new(),
        }
    }
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
    /// The blocks around, the file first; never empty.
    blocks: Vec<Block<'t>>,
    word: Option<&'t str>,
    args: Vec<&'t str>,
    brackets: usize,
    /// Nothing but white space stands before on this line.
    line_start: bool,
}

impl<'t> Scan<'t> {
    fn up_to(&mut self, offset: usize) -> Cursor<'t> {
        while self.at < offset {
            let start = self.at;
            let (end, quoted) = self.token();
            if end >= offset && quoted && !self.ends_here(start, end, offset) {
                return self.found("", true);
            }
            let token = &self.text[start..end];
            if end >= offset && is_word(token) && start < offset {
                self.at = end;
                return self.found(&self.text[start..offset.min(end)], false);
            }
            self.step(start, end);
        }
        self.found("", false)
    }

    /// A closed text that ends at the position is behind us.
    fn ends_here(&self, start: usize, end: usize, offset: usize) -> bool {
        let token = &self.text[start..end];
        let quote = token.chars().next().unwrap_or(' ');
        end == offset && quote != '#' && token.len() > 1 && token.ends_with(quote)
    }

    fn found(&self, typed: &'t str, quoted: bool) -> Cursor<'t> {
        Cursor {
            place: self.blocks.last().and_then(|block| block.place),
            word: self.word,
            args: self.args.clone(),
            typed,
            quoted,
            siblings: Vec::new(),
        }
    }

    /// The rest of the block that is `depth` deep, for its words.
    fn siblings(&mut self, depth: usize) {
        // the statement of the position is no sibling of itself
        self.word = Some("");
        while self.at < self.text.len() && self.blocks.len() >= depth {
            let start = self.at;
            let (end, _) = self.token();
            if &self.text[start..end] == "}" && self.blocks.len() == depth {
                return;
            }
            self.step(start, end);
        }
    }

    /// The end of the token at the position, and whether nothing in it is language.
    fn token(&self) -> (usize, bool) {
        let bytes = self.text.as_bytes();
        match bytes[self.at] {
            b'#' => (lexeme::line_end(bytes, self.at), true),
            quote @ (b'"' | b'\'') => (lexeme::quoted_end(bytes, self.at, quote), true),
            b'`' if bytes[self.at..].starts_with(b"```") => {
                (lexeme::fence_end(bytes, self.at), true)
            }
            _ => (self.at + self.plain(), false),
        }
    }

    /// The length of a word or number, else of one character.
    fn plain(&self) -> usize {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !in_word(c)).unwrap_or(rest.len());
        match end {
            0 => rest.chars().next().map_or(1, char::len_utf8),
            end => end,
        }
    }

    fn step(&mut self, start: usize, end: usize) {
        self.at = end;
        let token = &self.text[start..end];
        match token {
            "\n" if self.brackets == 0 => self.end_statement(),
            "\n" => {}
            "{" => self.open(),
            "}" => self.close(),
            _ if token.starts_with('#') || token.trim().is_empty() => return,
            _ if self.word.is_none() => self.start_statement(start, token),
            _ => self.argument(token),
        }
        self.line_start = token == "\n";
    }

    fn argument(&mut self, token: &'t str) {
        match token {
            "[" | "(" => self.brackets += 1,
            "]" | ")" => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
        self.args.push(token);
    }

    fn start_statement(&mut self, start: usize, word: &'t str) {
        if self.starts_the_file_again(start, word) {
            self.blocks.truncate(1);
        }
        if let Some(block) = self.blocks.last_mut() {
            block.words.push(word);
        }
        self.word = Some(word);
    }

    /// A declaration at the very left that the open block cannot hold: its `}` is missing.
    fn starts_the_file_again(&self, start: usize, word: &str) -> bool {
        let left = start == 0 || self.text.as_bytes()[start - 1] == b'\n';
        let here = self.blocks.last().and_then(|block| block.place);
        left && self.blocks.len() > 1
            && self.line_start
            && schema::find(Place::File, word).is_some_and(schema::takes_name)
            && here.is_none_or(|place| schema::find(place, word).is_none())
    }

    fn open(&mut self) {
        let place = self.blocks.last().and_then(|block| block.place);
        let word = self.word.unwrap_or("");
        let inner = place.and_then(|place| walk::opens(place, word));
        self.blocks.push(Block::new(inner));
        self.end_statement();
    }

    fn close(&mut self) {
        if self.blocks.len() > 1 {
            self.blocks.pop();
        }
        self.end_statement();
    }

    fn end_statement(&mut self) {
        self.word = None;
        self.args.clear();
        self.brackets = 0;
    }
}

fn in_word(c: char) -> bool {
    c == '_' || c == '-' || c == '.' || unicode_xid::UnicodeXID::is_xid_continue(c)
}

fn is_word(token: &str) -> bool {
    token.chars().next().is_some_and(in_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cursor at `|`.
    fn at(text: &str) -> String {
        let offset = text.find('|').expect("a mark");
        let clean = text.replacen('|', "", 1);
        let c = cursor(&clean, offset);
        format!(
            "{} {:?} {:?} {:?}{}",
            c.place.map_or("?", Place::name),
            c.word.unwrap_or("-"),
            c.args,
            c.typed,
            if c.quoted { " quoted" } else { "" }
        )
    }

    #[test]
    fn knows_block_statement_and_word() {
        assert_eq!(at("|"), r#"file "-" [] """#);
        assert_eq!(at("ta|"), r#"file "-" [] "ta""#);
        assert_eq!(at("task a {\n  ne|\n}"), r#"task "-" [] "ne""#);
        assert_eq!(
            at("task a {\n  needs b, x|"),
            r#"task "needs" ["b", ","] "x""#
        );
        assert_eq!(at("task a {\n  needs |\n}"), r#"task "needs" [] """#);
        assert_eq!(
            at("phase p {\n  task a { by b\n }\n  |"),
            r#"phase "-" [] """#
        );
    }

    #[test]
    fn texts_comments_and_fences_are_no_language() {
        assert_eq!(
            at("agent a {\n  does \"x |\n}"),
            r#"agent "does" [] "" quoted"#
        );
        assert_eq!(at("# ta|"), r#"file "-" [] "" quoted"#);
        assert_eq!(
            at("task a {\n run ```sh\n  ne| {\n ```\n"),
            r#"task "run" [] "" quoted"#
        );
        assert_eq!(
            at("agent a {\n  does \"x\"|\n}"),
            r#"agent "does" ["\"x\""] """#
        );
    }

    #[test]
    fn a_missing_brace_does_not_hide_the_file() {
        assert_eq!(
            at("agent a {\n  does \"x\"\n\nagent b {\n  |"),
            r#"agent "-" [] """#
        );
        assert_eq!(at("agent a {\n\ntask t {\n  nee|"), r#"task "-" [] "nee""#);
    }

    #[test]
    fn siblings_are_seen_on_both_sides() {
        let text = "task a {\n  by x\n  \n  takes 2d\n}\ntask b { run [\"x\"] }\n";
        let c = cursor(text, text.find("\n  takes").expect("there"));
        assert_eq!(c.siblings, ["by", "takes"]);
    }
}
