//! Trees to a model: every statement looked up in the schema table, every name resolved.
//!
//! Two passes over all files, so that order never changes meaning: `declare` gives every name its
//! id, then each kind of declaration is filled in by its own file. A statement with an unreadable
//! argument is left out without another word: it was reported when it was parsed.

pub use condition::{MAX_CONDITION_DEPTH, STATES};
pub use declare::is_built_in;
pub use guards::INTERPRETERS;
pub use project::param_value;

mod action;
mod args;
mod beside;
mod budget;
mod calendars;
mod channel;
mod condition;
mod declare;
mod each;
mod every;
mod files;
mod ground;
mod groups;
mod guards;
mod handoff;
mod ladder;
mod names;
mod party;
mod project;
mod reaction;
mod rules;
mod scenario;
mod seeing;
mod select;
mod sets;
mod subject;
mod task;
mod who;
mod work;
mod workflow;

use crate::diagnostic::Diagnostic;
use crate::ids::{Id, TaskId, WorkflowId};
use crate::model::{Agent, Model};
use crate::schema::{self, Body, Place, Row, Times, closest, one_of};
use crate::source::{FileId, Sources, Span, Spanned};
use crate::stack::with_room;
use crate::syntax::Limits;
use crate::syntax::tree::{Block, Item, Statement, Tree, statements};
use args::Args;
use names::Names;
use std::cell::Cell;
use std::collections::HashSet;

/// What lowering learned beyond the model; checks use it to stay silent where they cannot know.
#[derive(Debug, Default)]
pub struct Facts {
    /// Tasks with a statement that could not be understood: nothing is concluded from what they
    /// lack.
    pub incomplete_tasks: HashSet<TaskId>,
    /// Something was an error, wherever it is.
    pub incomplete: bool,
    /// A needs list of the project could not be understood: the graph is not whole.
    pub incomplete_graph: bool,
    /// Names that something refers to, by kind and index.
    pub used: HashSet<(Kind, u32)>,
    /// Every place where a name stands for a declaration, in no order; some may be there twice.
    pub references: Vec<Reference>,
}

/// A name and the declaration that it stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reference {
    /// The name alone, where it is used.
    pub span: Span,
    /// The name in its declaration.
    pub declared: Span,
}

/// Kinds of declarations, each with names of its own; work and who acts are two more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    Param,
    Group,
    Resource,
    Gate,
    Secret,
    Calendar,
    Tier,
    Workflow,
    Escalation,
    Conflict,
    Domain,
    Handoff,
    Incident,
    Mode,
    Recurring,
    Channel,
    Template,
    Metric,
    Dashboard,
    Diagram,
}

impl Kind {
    /// As a sentence calls one: `an escalation`.
    pub fn one(self) -> &'static str {
        match self {
            Kind::Param => "a parameter",
            Kind::Group => "a group",
            Kind::Resource => "a resource",
            Kind::Gate => "a gate",
            Kind::Secret => "a secret",
            Kind::Calendar => "a calendar",
            Kind::Tier => "a tier",
            Kind::Workflow => "a workflow",
            Kind::Escalation => "an escalation",
            Kind::Conflict => "a conflict",
            Kind::Domain => "a domain",
            Kind::Handoff => "a handoff",
            Kind::Incident => "an incident",
            Kind::Mode => "a mode",
            Kind::Recurring => "a recurring sync",
            Kind::Channel => "a channel",
            Kind::Template => "a template",
            Kind::Metric => "a metric",
            Kind::Dashboard => "a dashboard",
            Kind::Diagram => "a diagram",
        }
    }

    /// The bare noun.
    pub fn noun(self) -> &'static str {
        let one = self.one();
        one.split_once(' ').map_or(one, |(_, noun)| noun)
    }
}

/// Turns parsed files into a model.
pub fn lower(
    sources: &Sources,
    trees: &[Tree<'_>],
    limits: &Limits,
) -> (Model, Facts, Vec<Diagnostic>) {
    with_room(|| lower_here(sources, trees, limits))
}

fn lower_here(
    sources: &Sources,
    trees: &[Tree<'_>],
    limits: &Limits,
) -> (Model, Facts, Vec<Diagnostic>) {
    let mut lower = Lower {
        sources,
        limits,
        out: Vec::new(),
        model: Model::default(),
        names: Names::default(),
        facts: Facts::default(),
        each: Vec::new(),
        each_places: Vec::new(),
        workflow: None,
        zoneless: Vec::new(),
        unread_files: false,
        incomplete: false,
        situation: None,
        about: None,
        started: HashSet::new(),
        edges: 0,
        guessed: Cell::new(0),
    };
    lower.model.agents.push(local_agent());
    let declared = lower.declare(trees);
    if declared.past_limit.is_some() {
        return lower.unread();
    }
    lower.uses_of_files(&declared);
    lower.started(trees);
    lower.project(&declared);
    lower.calendars(&declared);
    lower.agents(&declared);
    lower.groups(&declared);
    lower.ties(&declared);
    lower.guards(&declared);
    lower.rules(&declared);
    lower.tasks(&declared);
    lower.phases(&declared);
    lower.milestones(&declared);
    lower.artifacts();
    lower.workflows(&declared);
    lower.seeing(&declared);
    lower.fields_of_handoffs();
    lower.recurring(&declared);
    lower.expects(&declared);
    lower.scenarios(&declared);
    lower.times_without_zone();
    let Lower {
        model,
        mut facts,
        out,
        ..
    } = lower;
    facts.incomplete |= !facts.incomplete_tasks.is_empty() || crate::diagnostic::has_errors(&out);
    (model, facts, out)
}

/// Where `word` stood last; from now on that is `span`.
fn seen_before(
    seen: &mut Vec<(&'static str, Span)>,
    word: &'static str,
    span: Span,
) -> Option<Span> {
    if let Some((_, last)) = seen.iter_mut().find(|(known, _)| *known == word) {
        return Some(std::mem::replace(last, span));
    }
    seen.push((word, span));
    None
}

fn local_agent() -> Agent {
    Agent {
        name: Spanned::new("local".into(), Span::default()),
        title: Some("The shell on this machine".into()),
        ..Agent::default()
    }
}

pub(crate) struct Lower<'l, 's> {
    sources: &'s Sources,
    limits: &'l Limits,
    out: Vec<Diagnostic>,
    model: Model,
    names: Names<'s>,
    facts: Facts,
    /// The `each` variables of the task that is being read.
    each: Vec<(String, String)>,
    /// Where those are declared.
    each_places: Vec<(&'s str, Span)>,
    /// The workflow that it belongs to.
    workflow: Option<WorkflowId>,
    /// Times of day without a zone: the project may name one.
    zoneless: Vec<Span>,
    /// Some file of the project could not be read: unknown names may stand in it.
    unread_files: bool,
    /// Set while a block is read, when one of its statements could not be understood.
    incomplete: bool,
    /// What is going on where the statement that is being read applies.
    situation: Option<party::Situation>,
    /// What the reaction that is being read reacts to.
    about: Option<crate::model::Happening>,
    /// Workflows that something other than a person or a clock starts.
    started: HashSet<WorkflowId>,
    /// Dependencies of all tasks so far.
    edges: usize,
    /// Names that were looked at to find what was meant.
    guessed: Cell<usize>,
}

/// A statement that the table knows in its place.
struct Field<'a, 's> {
    row: &'static Row,
    statement: &'a Statement<'s>,
}

impl<'a, 's> Field<'a, 's> {
    fn args(&self) -> Args<'a, 's> {
        Args::new(self.statement, self.row)
    }
}

impl<'s> Lower<'_, 's> {
    fn report(&mut self, diagnostic: Diagnostic) {
        if diagnostic.is_error() {
            self.incomplete = true;
        }
        self.out.push(diagnostic);
    }

    /// True when the last word was an error inside `head`: what is left of it follows from that.
    fn just_reported(&self, head: Span) -> bool {
        let inside =
            |at: Span| at.file == head.file && head.start <= at.start && at.start <= head.end;
        self.out
            .last()
            .is_some_and(|d| d.is_error() && inside(d.primary.span))
    }

    /// The doc comment of a statement, joined.
    fn doc(&self, statement: &Statement<'s>) -> String {
        let lines = statement
            .doc
            .iter()
            .map(|span| self.sources.text(*span).trim_start_matches('#').trim());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The statements of `statement`'s block that belong there; the others are reported.
    fn fields<'a>(&mut self, place: Place, statement: &'a Statement<'s>) -> Vec<Field<'a, 's>> {
        let Some(block) = &statement.block else {
            return Vec::new();
        };
        self.empty_block(statement, block);
        self.fields_of(place, &block.items, Some(statement))
    }

    fn fields_of<'a>(
        &mut self,
        place: Place,
        items: &'a [Item<'s>],
        parent: Option<&Statement<'s>>,
    ) -> Vec<Field<'a, 's>> {
        // few words may stand only once: looking through them is faster than hashing
        let mut seen: Vec<(&'static str, Span)> = Vec::new();
        let mut fields = Vec::new();
        if items.iter().any(|i| matches!(i, Item::Broken(_))) {
            self.incomplete = true;
        }
        for statement in statements(items) {
            let Some(row) = schema::find(place, statement.word) else {
                if statement.is_broken() && statement.block.is_none() {
                    self.incomplete = true; // no statement at all, such as `a -> b`
                } else {
                    self.misplaced(place, statement, parent);
                }
                continue;
            };
            if statement.is_broken() {
                self.incomplete = true;
                if !schema::takes_name(row) {
                    continue;
                }
            }
            if row.times == Times::Once
                && let Some(first) = seen_before(&mut seen, row.word, statement.word_span)
            {
                let at = self.sources.start(first);
                self.report(
                    Diagnostic::new(
                        "E0104",
                        statement.word_span,
                        format!("`{}` given twice (first: {at})", row.word),
                    )
                    .label("given again")
                    .related(first, "first given here")
                    .help("keep one of them"),
                );
                continue;
            }
            self.block_fits(row, statement);
            self.doc_fits(row, statement);
            fields.push(Field { row, statement });
        }
        fields
    }

    /// W0015: a doc comment above a statement that declares nothing.
    fn doc_fits(&mut self, row: &'static Row, statement: &Statement<'s>) {
        let Some(doc) = statement.doc.first().filter(|_| !schema::takes_doc(row)) else {
            return;
        };
        self.report(
            Diagnostic::new("W0015", *doc, "this doc comment documents nothing")
                .label(format!("`{}` declares nothing", row.word))
                .fix(
                    Span::new(doc.file, doc.start as usize, doc.start as usize + 2),
                    "#",
                    "use `#` for a plain comment",
                ),
        );
    }

    fn empty_block(&mut self, statement: &Statement<'s>, block: &Block<'s>) {
        if block.items.is_empty() && block.closed {
            self.report(
                Diagnostic::new("W0108", block.span, "this block is empty")
                    .label("nothing stands in it")
                    .help(format!(
                        "write what `{}` holds, or delete the braces",
                        statement.word
                    )),
            );
        }
    }

    fn block_fits(&mut self, row: &'static Row, statement: &Statement<'s>) {
        match (row.body, &statement.block) {
            (Body::None, Some(block)) => self.report(
                Diagnostic::new(
                    "E0107",
                    block.span,
                    format!("`{}` takes no block", row.word),
                )
                .label("nothing belongs here")
                .help(format!(
                    "the shape is `{}`",
                    format!("{} {}", row.word, row.shape).trim_end()
                )),
            ),
            (Body::Required(_), None) if !statement.is_broken() => self.report(
                Diagnostic::new(
                    "E0105",
                    statement.head_span(),
                    format!("`{}` expects a block", row.word),
                )
                .label("`{ … }` is missing")
                .help(format!("as in `{} {{ … }}`", row.example)),
            ),
            _ => {}
        }
    }

    /// A word that the table does not know here: somewhere else (E0102), or nowhere (E0101).
    fn misplaced(
        &mut self,
        place: Place,
        statement: &Statement<'s>,
        parent: Option<&Statement<'s>>,
    ) {
        let word = statement.word;
        let span = statement.word_span;
        let here = match place {
            Place::File => "at the top of a file".to_string(),
            _ => format!("in `{}`", place.name()),
        };
        let mut places: Vec<Place> = schema::rows_of(word)
            .flat_map(|r| r.places)
            .copied()
            .collect();
        places.sort();
        places.dedup();
        let d = if places.is_empty() {
            let near = closest(word, schema::in_place(place).map(|r| r.word));
            let d = Diagnostic::new("E0101", span, format!("`{word}` is not a statement {here}"))
                .label("not known here");
            match near.as_slice() {
                [] => d.help(format!("{here} there are {}", one_of(in_order(place)))),
                [only] => d.fix(span, (*only).to_string(), format!("did you mean `{only}`?")),
                many => d
                    .fix(
                        span,
                        many[0].to_string(),
                        format!("did you mean {}?", one_of(many.iter().copied())),
                    )
                    .guessed(word, many),
            }
        } else {
            let homes = one_of(places.iter().map(|p| p.name()));
            let near = closest(word, schema::in_place(place).map(|r| r.word));
            let d = Diagnostic::new(
                "E0102",
                span,
                format!("`{word}` belongs in {homes}, not {here}"),
            )
            .label("does not belong here");
            let d = match parent {
                Some(parent) => {
                    d.related(parent.word_span, format!("inside this `{}`", parent.word))
                }
                None => d,
            };
            let home = if places.contains(&Place::Task) {
                Place::Task
            } else {
                places[0]
            };
            match near.first() {
                _ if place == Place::Phase && word == "needs" => {
                    d.help("phases come `after` phases; tasks and milestones have `needs`")
                }
                Some(meant) if strsim::osa_distance(word, meant) == 1 => {
                    d.help(format!("did you mean `{meant}`?"))
                }
                _ => d.help(format!(
                    "move it into the block of the {} that it is about",
                    home.name()
                )),
            }
        };
        self.report(d);
    }

    /// The name that a declaration starts with.
    fn declared_name(&mut self, args: &mut Args<'_, 's>) -> Option<Spanned<String>> {
        match args.word() {
            Some((word, span)) => Some(Spanned::new(word.to_string(), span)),
            None if args.statement.is_broken() => None,
            None => {
                let word = args.statement.word;
                let article = if word.starts_with(['a', 'e', 'i', 'o']) {
                    "an"
                } else {
                    "a"
                };
                self.report(
                    Diagnostic::new(
                        "E0106",
                        args.statement.head_span(),
                        format!("`{word}` needs a name, as in `{}`", example_head(word)),
                    )
                    .label(format!("{article} {word} without a name"))
                    .help("names start with a letter and hold letters, digits, `-` and `_`"),
                );
                None
            }
        }
    }

    /// The answer when there are too many tasks: nothing but that is said, and none is read.
    fn unread(mut self) -> (Model, Facts, Vec<Diagnostic>) {
        self.facts.incomplete = true;
        self.facts.incomplete_graph = true;
        let mut model = Model::default();
        model.agents.push(local_agent());
        self.out.retain(|d| d.code == "E0908");
        (model, self.facts, self.out)
    }

    fn use_of(&mut self, kind: Kind, id: impl Id) {
        self.facts.used.insert((kind, id.index() as u32));
    }
}

fn in_order(place: Place) -> Vec<&'static str> {
    let mut words: Vec<&'static str> = schema::in_place(place).map(|r| r.word).collect();
    words.dedup();
    words
}

fn example_head(word: &str) -> String {
    let example = schema::rows_of(word).next().map_or("", |r| r.example);
    example.split(" \"").next().unwrap_or(example).to_string()
}

/// The first span of a file, for what concerns all of it.
fn file_start(file: FileId) -> Span {
    Span::new(file, 0, 0)
}
