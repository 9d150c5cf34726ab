//! What a project declares and where each of it is used: the one notion behind definition,
//! references, rename, hover and colours.

use super::shape;
use super::walk::{ARTIFACT, INSIDE, title, walk};
use crate::lower::Reference;
use crate::source::{FileId, Sources, Span};
use crate::syntax::tree::{Arg, ArgKind, Tree};
use std::collections::{HashMap, HashSet};

/// What a workflow's head declares; it has no statement of its own.
pub const PARAMETER: &str = "parameter";

/// A name that a statement gives to something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declaration {
    /// The word of its statement: `task`, `agent`; or [`PARAMETER`].
    pub kind: &'static str,
    pub name: String,
    /// The name alone.
    pub span: Span,
    /// The whole statement.
    pub whole: Span,
    pub title: Option<String>,
    /// Its doc comment, without the marks.
    pub doc: String,
    /// For an artifact, the agent that answers for it; else the block that it stands in.
    pub owner: Option<String>,
}

impl Declaration {
    /// True when its name is known only together with its owner's: there may be others of it.
    pub fn is_inside(&self) -> bool {
        self.kind == ARTIFACT || self.kind == PARAMETER || INSIDE.contains(&self.kind)
    }
}

/// Declarations and uses of a project.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// In order of place.
    declarations: Vec<Declaration>,
    /// In order of place, each once.
    references: Vec<Reference>,
    by_name: HashMap<String, Vec<usize>>,
}

/// A name under the cursor: where it stands, and the declaration that it stands for.
#[derive(Clone, Copy, Debug)]
pub struct Named<'i> {
    pub span: Span,
    pub declaration: &'i Declaration,
}

impl Index {
    /// Reads the declarations off the trees; `known` is what lowering resolved. A name that it
    /// passed over still counts where the statement's shape speaks of one kind that has it.
    pub fn new(sources: &Sources, trees: &[Tree<'_>], known: &[Reference]) -> Index {
        let mut index = Index::default();
        for tree in trees {
            index.declare(sources, tree);
        }
        for (at, declaration) in index.declarations.iter().enumerate() {
            let places = index.by_name.entry(declaration.name.clone()).or_default();
            places.push(at);
        }
        index.references = known.to_vec();
        index.guess(trees);
        // the first declaration of a name is no use of itself
        index.references.retain(|r| r.span != r.declared);
        index.references.sort_unstable();
        index.references.dedup_by_key(|r| r.span);
        index
    }

    fn declare(&mut self, sources: &Sources, tree: &Tree<'_>) {
        walk(tree, &mut |visit| {
            let Some(row) = visit.row else { return };
            let Some((name, span)) = visit.declares().or_else(|| visit.declares_inside()) else {
                return;
            };
            let lines = visit.statement.doc.iter();
            let lines = lines.map(|s| sources.text(*s).trim_start_matches('#').trim());
            let owner = visit.parents.last().and_then(|parent| {
                let by = parent.block.iter().flat_map(|b| b.statements());
                let mut by = by.filter(|s| s.word == "by" && row.word == ARTIFACT);
                let named = by.next().unwrap_or(parent);
                named.args.first().and_then(Arg::word).map(str::to_string)
            });
            self.declarations.push(Declaration {
                kind: row.word,
                name: name.to_string(),
                span,
                whole: visit.statement.span,
                title: title(visit.statement),
                doc: lines.collect::<Vec<_>>().join("\n"),
                owner,
            });
            if row.word == "workflow" {
                self.declare_parameters(name, &visit.statement.args);
            }
        });
    }

    /// The `name: type` in the head of a workflow.
    fn declare_parameters(&mut self, workflow: &str, args: &[Arg<'_>]) {
        let groups = args.iter().filter_map(|arg| match &arg.kind {
            ArgKind::Group(inner) => Some(inner.as_slice()),
            _ => None,
        });
        for pair in groups.flat_map(|inner| inner.windows(3)) {
            let [name, colon, ty] = pair else { continue };
            if let (Some(word), ArgKind::Op(":")) = (name.word(), &colon.kind) {
                self.declarations.push(Declaration {
                    kind: PARAMETER,
                    name: word.to_string(),
                    span: name.span,
                    whole: name.span.to(ty.span),
                    title: None,
                    doc: String::new(),
                    owner: Some(workflow.to_string()),
                });
            }
        }
    }

    /// A word of the shape itself, as `resource` in `given resource R exhausted`, is no name.
    fn guess(&mut self, trees: &[Tree<'_>]) {
        let known: HashSet<Span> = self.references.iter().map(|r| r.span).collect();
        let mut kinds: HashMap<&'static str, Vec<&'static str>> = HashMap::new();
        let mut found = Vec::new();
        for tree in trees {
            walk(tree, &mut |visit| {
                let Some(row) = visit.row else { return };
                let kinds = kinds
                    .entry(row.shape)
                    .or_insert_with(|| shape::all_kinds(row));
                if kinds.is_empty() {
                    return;
                }
                let own = visit.declares().map(|(_, span)| span);
                words(&visit.statement.args, &mut |word, span| {
                    let is_known = Some(span) == own || known.contains(&span);
                    if is_known || shape::is_own_word(row, word) {
                        return;
                    }
                    let mut fitting = self.named(word).filter(|declaration| {
                        kinds.contains(&declaration.kind) && !declaration.is_inside()
                    });
                    if let Some(declaration) = fitting.next() {
                        found.push(Reference {
                            span,
                            declared: declaration.span,
                        });
                    }
                });
            });
        }
        self.references.extend(found);
    }

    /// Everything declared, in order of place.
    pub fn declarations(&self) -> &[Declaration] {
        &self.declarations
    }

    /// Every use, in order of place.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The declarations of that name, of whatever kind.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Declaration> {
        let places = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        places.iter().map(|at| &self.declarations[*at])
    }

    /// The declaration whose name stands at `span`.
    pub fn declared_at(&self, span: Span) -> Option<&Declaration> {
        let at = self
            .declarations
            .partition_point(|d| (d.span.file, d.span.start) < (span.file, span.start));
        self.declarations.get(at).filter(|d| d.span == span)
    }

    /// The use whose name covers `offset`, its end included.
    pub fn used_at(&self, file: FileId, offset: u32) -> Option<Reference> {
        let behind = self
            .references
            .partition_point(|r| (r.span.file, r.span.start) <= (file, offset));
        let reference = self.references.get(behind.checked_sub(1)?)?;
        covers(reference.span, file, offset).then_some(*reference)
    }

    /// The name at `offset`, used or declared.
    pub fn at(&self, file: FileId, offset: u32) -> Option<Named<'_>> {
        if let Some(reference) = self.used_at(file, offset) {
            return Some(Named {
                span: reference.span,
                declaration: self.declared_at(reference.declared)?,
            });
        }
        let behind = self
            .declarations
            .partition_point(|d| (d.span.file, d.span.start) <= (file, offset));
        let declaration = &self.declarations[behind.checked_sub(1)?];
        covers(declaration.span, file, offset).then_some(Named {
            span: declaration.span,
            declaration,
        })
    }

    /// Every place where `declaration` is used, in order; not the declaration itself.
    pub fn uses_of(&self, declaration: &Declaration) -> Vec<Span> {
        let uses = self.references.iter();
        let uses = uses.filter(|r| r.declared == declaration.span);
        uses.map(|r| r.span).collect()
    }
}

fn covers(span: Span, file: FileId, offset: u32) -> bool {
    span.file == file && span.start <= offset && offset <= span.end
}

/// The plain words among arguments, also inside lists and parentheses.
fn words<'s>(args: &[Arg<'s>], found: &mut dyn FnMut(&'s str, Span)) {
    for arg in args {
        match &arg.kind {
            ArgKind::Word(word) => found(word, arg.span),
            ArgKind::List(elements) => elements.iter().for_each(|element| words(element, found)),
            ArgKind::Group(inner) => words(inner, found),
            _ => {}
        }
    }
}
