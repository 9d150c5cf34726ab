//! What two versions of a project declare, and what lies between them: for reviews.
//!
//! It reads trees alone, so it also speaks of texts that do not compile. Declarations are told
//! apart by their kind and name, wherever they stand; what stands in one is compared field by
//! field, without regard to layout, comments and the order of what has none.

use crate::editor::walk::{ARTIFACT, holds_work, opens, title};
use crate::schema::{self, Place};
use crate::source::{Sources, Span};
use crate::syntax::tree::{Arg, ArgKind, Statement, Tree, statements};
use std::collections::BTreeMap;

/// Fields whose lists mean the same in any order.
const UNORDERED: [&str; 12] = [
    "needs", "wants", "reads", "writes", "owns", "uses", "skills", "tools", "does", "skip", "env",
    "secrets",
];

/// A declaration, or a rule without a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The word of its statement: `task`, `agent`, `on`.
    pub kind: String,
    /// Its name; the words of its head when it has none.
    pub name: String,
    pub title: Option<String>,
    pub fields: Vec<Field>,
    pub span: Span,
}

/// Everything that a declaration says with one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// Its values, or the elements of its list.
    pub values: Vec<String>,
}

/// What became of a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Kept,
    Changed(Vec<Change>),
    New,
    Gone,
}

/// A field that reads otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub field: String,
    pub old: Vec<String>,
    pub new: Vec<String>,
}

impl Change {
    /// The values of one side that the other lacks.
    pub fn removed(&self) -> Vec<&str> {
        lacking(&self.old, &self.new)
    }

    pub fn added(&self) -> Vec<&str> {
        lacking(&self.new, &self.old)
    }
}

fn lacking<'a>(these: &'a [String], others: &[String]) -> Vec<&'a str> {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for other in others {
        *left.entry(other).or_default() += 1;
    }
    let mut missing = Vec::new();
    for this in these {
        match left.get_mut(this.as_str()) {
            Some(n) if *n > 0 => *n -= 1,
            _ => missing.push(this.as_str()),
        }
    }
    missing
}

/// One declaration in either or both versions.
#[derive(Clone, Debug)]
pub struct Pair<'e> {
    pub old: Option<&'e Entry>,
    pub new: Option<&'e Entry>,
    pub fate: Fate,
}

impl<'e> Pair<'e> {
    /// The newer of the two.
    pub fn entry(&self) -> Option<&'e Entry> {
        self.new.or(self.old)
    }
}

/// Compares two versions: what the new one has, in its order, then what is gone.
pub fn difference<'e>(old: &'e [Entry], new: &'e [Entry]) -> Vec<Pair<'e>> {
    let key = |entry: &'e Entry| (entry.kind.as_str(), entry.name.as_str());
    let by_name = |entries: &'e [Entry]| {
        let mut known: BTreeMap<(&str, &str), &'e Entry> = BTreeMap::new();
        for entry in entries {
            known.entry(key(entry)).or_insert(entry);
        }
        known
    };
    let (before, after) = (by_name(old), by_name(new));
    let mut pairs = Vec::new();
    for entry in new.iter().filter(|e| {
        after
            .get(&key(e))
            .is_some_and(|first| std::ptr::eq(*first, *e))
    }) {
        let old = before.get(&key(entry)).copied();
        let fate = match old.map(|old| changes(old, entry)) {
            None => Fate::New,
            Some(changes) if changes.is_empty() => Fate::Kept,
            Some(changes) => Fate::Changed(changes),
        };
        pairs.push(Pair {
            old,
            new: Some(entry),
            fate,
        });
    }
    let gone = old.iter().filter(|e| {
        let first = before
            .get(&key(e))
            .is_some_and(|first| std::ptr::eq(*first, *e));
        first && !after.contains_key(&key(e))
    });
    pairs.extend(gone.map(|entry| Pair {
        old: Some(entry),
        new: None,
        fate: Fate::Gone,
    }));
    pairs
}

fn changes(old: &Entry, new: &Entry) -> Vec<Change> {
    let value = |entry: &Entry, name: &str| {
        let field = entry.fields.iter().find(|field| field.name == name);
        field.map_or_else(Vec::new, |field| field.values.clone())
    };
    let only_old = old
        .fields
        .iter()
        .filter(|f| !new.fields.iter().any(|other| other.name == f.name));
    let names = new.fields.iter().chain(only_old).map(|field| &field.name);
    names
        .map(|name| Change {
            field: name.clone(),
            old: value(old, name),
            new: value(new, name),
        })
        .filter(|change| change.old != change.new)
        .collect()
}

/// Everything that a project declares, in written order.
pub fn entries(sources: &Sources, trees: &[Tree<'_>]) -> Vec<Entry> {
    let mut reading = Reading {
        sources,
        entries: Vec::new(),
    };
    for tree in trees {
        for statement in statements(&tree.items) {
            reading.top(statement, Place::File, None);
        }
    }
    reading.entries
}

struct Reading<'r> {
    sources: &'r Sources,
    entries: Vec<Entry>,
}

impl Reading<'_> {
    /// A statement where declarations stand; `inside` names the block around it.
    fn top(&mut self, statement: &Statement<'_>, place: Place, inside: Option<&str>) {
        if let Some(name) = declared(statement, place) {
            self.declaration(statement, place, name.to_string(), inside);
        } else if let Some(inner) = opens(place, statement.word).filter(|inner| holds_work(*inner))
        {
            for inside_it in statement.block.iter().flat_map(|b| b.statements()) {
                self.top(inside_it, inner, inside);
            }
        } else if statement.word != "edition" {
            let name = self.parts(&statement.args).join(" ");
            self.declaration(statement, place, name, None);
        }
    }

    fn declaration(
        &mut self,
        statement: &Statement<'_>,
        place: Place,
        name: String,
        inside: Option<&str>,
    ) {
        let at = self.entries.len();
        let named = declared(statement, place).is_some();
        self.entries.push(Entry {
            kind: statement.word.to_string(),
            name: name.clone(),
            title: title(statement).filter(|_| named),
            fields: Vec::new(),
            span: statement.span,
        });
        let mut fields = Fields::default();
        if named {
            fields.add("title", title(statement));
            let rest = usize::from(title(statement).is_some()) + 1;
            fields.add(
                "head",
                self.parts(statement.args.get(rest..).unwrap_or_default()),
            );
            fields.add("inside", inside.map(str::to_string));
        }
        let docs = statement.doc.iter().map(|doc| self.doc(*doc));
        fields.add("doc", docs.collect::<Vec<_>>());
        let inner = opens(place, statement.word);
        let around = format!("{} {name}", statement.word);
        for field in statement.block.iter().flat_map(|b| b.statements()) {
            let work = inner.filter(|inner| {
                let opens_work = opens(*inner, field.word).is_some_and(holds_work);
                holds_work(*inner) && (opens_work || declared(field, *inner).is_some())
            });
            match work {
                Some(inner) => self.top(field, inner, Some(&around)),
                None => fields.add(field.word, self.values(field)),
            }
        }
        self.entries[at].fields = fields.in_order();
    }

    /// What a field says: the elements of its only list, else all of it.
    fn values(&self, field: &Statement<'_>) -> Vec<String> {
        if let ([arg], None) = (field.args.as_slice(), &field.block)
            && let ArgKind::List(elements) = &arg.kind
        {
            return elements
                .iter()
                .map(|args| self.parts(args).join(" "))
                .collect();
        }
        vec![self.whole(field)]
    }

    /// A field with its block, on one line.
    fn whole(&self, statement: &Statement<'_>) -> String {
        let mut words = self.parts(&statement.args);
        if let Some(block) = &statement.block {
            let inside = block.statements().map(|inner| {
                format!("{} {}", inner.word, self.whole(inner))
                    .trim_end()
                    .to_string()
            });
            words.push(format!("{{ {} }}", inside.collect::<Vec<_>>().join("; ")));
        }
        words.join(" ")
    }

    fn parts(&self, args: &[Arg<'_>]) -> Vec<String> {
        args.iter().map(|arg| self.part(arg)).collect()
    }

    fn part(&self, arg: &Arg<'_>) -> String {
        match &arg.kind {
            ArgKind::List(elements) => {
                let elements = elements.iter().map(|args| self.parts(args).join(" "));
                format!("[{}]", elements.collect::<Vec<_>>().join(", "))
            }
            ArgKind::Group(args) => format!("({})", self.parts(args).join(" ")),
            ArgKind::Fence(_) => {
                let lines = self.sources.text(arg.span).lines().map(str::trim);
                lines.collect::<Vec<_>>().join(" ⏎ ")
            }
            _ => self.sources.text(arg.span).to_string(),
        }
    }

    fn doc(&self, span: Span) -> String {
        let text = self.sources.text(span);
        text.trim_start_matches('#').trim().to_string()
    }
}

fn declared<'s>(statement: &Statement<'s>, place: Place) -> Option<&'s str> {
    let row = schema::find(place, statement.word)?;
    if !schema::takes_name(row) || !holds_work(place) || row.word == ARTIFACT {
        return None;
    }
    statement.args.first()?.word()
}

/// Fields in the order in which they come first.
#[derive(Default)]
struct Fields(Vec<Field>);

impl Fields {
    fn add(&mut self, name: &str, values: impl IntoIterator<Item = String>) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return;
        }
        match self.0.iter_mut().find(|field| field.name == name) {
            Some(field) => field.values.extend(values),
            None => self.0.push(Field {
                name: name.to_string(),
                values: values.collect(),
            }),
        }
    }

    fn in_order(mut self) -> Vec<Field> {
        for field in &mut self.0 {
            if UNORDERED.contains(&field.name.as_str()) {
                field.values.sort();
            }
        }
        self.0
    }
}
