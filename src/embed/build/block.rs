//! Statements on their way to text: a head, lines, blocks.

use super::value::{name, quoted};

/// One statement with a block of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Block {
    doc: String,
    word: &'static str,
    /// What it declares, as it is written; empty for what has no name.
    name: String,
    title: Option<String>,
    /// What stands behind the title, and what must not be quoted.
    pub(super) tail: String,
    body: Vec<Entry>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Entry {
    /// Lines of text, already as they are written.
    Text(String),
    /// A head and a fence that belongs to it.
    Fence {
        head: String,
        tag: String,
        text: String,
    },
    Block(Block),
}

impl Block {
    /// `WORD NAME`; a name that is none is written in quotes, so that the compiler says so.
    pub(super) fn named(word: &'static str, of: &str) -> Block {
        Block {
            name: name(of),
            ..Block::unnamed(word)
        }
    }

    pub(super) fn unnamed(word: &'static str) -> Block {
        Block {
            doc: String::new(),
            word,
            name: String::new(),
            title: None,
            tail: String::new(),
            body: Vec::new(),
        }
    }

    pub(super) fn set_title(&mut self, title: &str) {
        self.title = Some(quoted(title));
    }

    pub(super) fn set_doc(&mut self, doc: &str) {
        self.doc = doc.to_string();
    }

    /// `NAME(a: text, b: text)`, one more each time.
    pub(super) fn push_param(&mut self, param: String) {
        match self.name.strip_suffix(')') {
            Some(open) => self.name = format!("{open}, {param})"),
            None => self.name.push_str(&format!("({param})")),
        }
    }

    /// A field: `WORD REST`.
    pub(super) fn line(&mut self, word: &str, rest: impl AsRef<str>) {
        let rest = rest.as_ref();
        self.body.push(Entry::Text(if rest.is_empty() {
            word.to_string()
        } else {
            format!("{word} {rest}")
        }));
    }

    /// Text that is read like text, whatever it is.
    pub(super) fn raw(&mut self, text: &str) {
        self.body.push(Entry::Text(text.to_string()));
    }

    pub(super) fn fence(&mut self, head: String, tag: &str, text: &str) {
        self.body.push(Entry::Fence {
            head,
            tag: tag.to_string(),
            text: text.to_string(),
        });
    }

    pub(super) fn block(&mut self, block: Block) {
        self.body.push(Entry::Block(block));
    }

    /// Writes it, `level` blocks deep, with a line break at its end.
    pub(super) fn write(&self, out: &mut String, level: usize) {
        let indent = "  ".repeat(level);
        // any line break would end the comment, also one that Rust's `lines` does not know
        for line in self.doc.split(['\n', '\r']) {
            if !self.doc.is_empty() {
                out.push_str(format!("{indent}## {line}").trim_end());
                out.push('\n');
            }
        }
        let parts = [self.word, &self.name].map(str::to_string);
        let parts = parts.into_iter().chain(self.title.clone());
        let head: Vec<String> = parts
            .chain([self.tail.clone()])
            .filter(|p| !p.is_empty())
            .collect();
        out.push_str(&indent);
        out.push_str(&head.join(" "));
        if self.body.is_empty() {
            out.push_str(if needs_block(self.word) {
                " {}\n"
            } else {
                "\n"
            });
            return;
        }
        out.push_str(" {\n");
        for (at, entry) in self.body.iter().enumerate() {
            // a block stands apart from what is around it
            let before = at.checked_sub(1).and_then(|before| self.body.get(before));
            if before.is_some_and(|before| before.is_block() || entry.is_block()) {
                out.push('\n');
            }
            entry.write(out, level + 1);
        }
        out.push_str(&indent);
        out.push_str("}\n");
    }
}

/// Some statements must have a block, also an empty one.
fn needs_block(word: &str) -> bool {
    let mut rows = coord_lang::schema::rows_of(word);
    rows.any(|row| matches!(row.body, coord_lang::schema::Body::Required(_)))
}

impl Entry {
    fn is_block(&self) -> bool {
        matches!(self, Entry::Block(_))
    }

    fn write(&self, out: &mut String, level: usize) {
        let indent = "  ".repeat(level);
        match self {
            Entry::Text(text) => {
                // not indented line by line: there may be a fence in it
                out.push_str(&indent);
                out.push_str(text);
                out.push('\n');
            }
            Entry::Fence { head, tag, text } => write_fence(out, &indent, head, tag, text),
            Entry::Block(block) => block.write(out, level),
        }
    }
}

/// A fence that no line of its text can close.
fn write_fence(out: &mut String, indent: &str, head: &str, tag: &str, text: &str) {
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let ticks = "`".repeat(longest.max(2) + 1);
    // the tag is one line, whatever it says; what is no interpreter is said by the compiler
    let tag = tag.split(['\n', '\r']).next().unwrap_or_default();
    out.push_str(&format!("{indent}{head} {ticks}{tag}\n"));
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if !line.is_empty() {
            out.push_str(indent);
            out.push_str(line);
        }
        out.push('\n');
    }
    out.push_str(&format!("{indent}{ticks}\n"));
}
