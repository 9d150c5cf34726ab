//! Drawings, held against the contracts that the agents declare.
//!
//! The contracts hold. An arrow that no order of the agents allows beside them is wrong: its
//! reverse is declared, or the agent that it puts before all needs others. What is to be deleted is
//! a smallest set.

use crate::loops::Loops;
use coord_lang::diagnostic::Diagnostic;
use coord_lang::ids::{AgentId, Id};
use coord_lang::model::{Diagram, Edge, Model};
use coord_lang::source::Span;
use std::collections::{HashSet, VecDeque};

pub(crate) fn drawings(model: &Model, out: &mut Vec<Diagnostic>) {
    let contracts = Contracts::of(model);
    for diagram in model.diagrams.values() {
        Drawing::new(model, &contracts, diagram).judge(out);
    }
}

/// Who depends on whom, as declared: `(dependency, dependent)`.
struct Contracts {
    declared: Vec<(AgentId, AgentId, Span)>,
    pairs: HashSet<(AgentId, AgentId)>,
    /// For each agent, what waits for it directly, by `needs` alone.
    behind: Vec<Vec<(AgentId, Span)>>,
}

impl Contracts {
    fn of(model: &Model) -> Contracts {
        let mut behind = vec![Vec::new(); model.agents.len()];
        let mut declared = Vec::new();
        for (dependent, agent) in model.agents.iter() {
            for contract in &agent.needs {
                behind[contract.on.index()].push((dependent, contract.span));
            }
            let all = agent.needs.iter().chain(&agent.wants);
            declared.extend(all.map(|c| (c.on, dependent, c.span)));
        }
        let pairs = declared.iter().map(|(a, b, _)| (*a, *b)).collect();
        Contracts {
            declared,
            pairs,
            behind,
        }
    }

    fn span(&self, dependency: AgentId, dependent: AgentId) -> Option<Span> {
        let found = self.declared.iter();
        let mut found = found.filter(|(a, b, _)| (*a, *b) == (dependency, dependent));
        found.next().map(|(_, _, span)| *span)
    }

    /// What `agent` needs first, of what is declared: the span of its contract, and how many.
    fn needs(&self, agent: AgentId) -> Option<(Span, usize)> {
        let mut own = self.declared.iter().filter(|(_, b, _)| *b == agent);
        let (_, _, span) = own.next()?;
        Some((*span, own.count() + 1))
    }

    /// Whether `dependent` waits for `dependency`, however many steps away; with the last contract
    /// on the way.
    fn waits(&self, dependency: AgentId, dependent: AgentId) -> Option<Span> {
        let mut seen = HashSet::from([dependency]);
        let mut queue = VecDeque::from([dependency]);
        while let Some(agent) = queue.pop_front() {
            for (next, span) in &self.behind[agent.index()] {
                if *next == dependent {
                    return Some(*span);
                }
                if seen.insert(*next) {
                    queue.push_back(*next);
                }
            }
        }
        None
    }
}

/// One arrow, turned so that it leads from a dependency to its dependents.
struct Arrow {
    dependency: Option<AgentId>,
    dependent: Option<AgentId>,
    span: Span,
    pairs: Vec<(AgentId, AgentId)>,
}

/// Why an arrow cannot stand beside the contracts.
enum Wrong {
    /// The reverse is declared.
    Reversed(Span),
    /// The reverse follows from what is declared; the last contract on the way.
    Against(Span),
    /// Before all, and itself needs so many; behind all, and itself needed.
    All(Span, usize),
    /// Allowed alone, and in a loop with others.
    Loop,
}

struct Drawing<'a> {
    model: &'a Model,
    contracts: &'a Contracts,
    diagram: &'a Diagram,
    arrows: Vec<Arrow>,
}

impl<'a> Drawing<'a> {
    fn new(model: &'a Model, contracts: &'a Contracts, diagram: &'a Diagram) -> Drawing<'a> {
        let everybody: Vec<AgentId> = model
            .agents
            .ids()
            .filter(|id| *id != Model::LOCAL)
            .collect();
        let arrows = diagram.edges.iter();
        let arrows = arrows.map(|edge| arrow(edge, diagram.from_dependency, &everybody));
        Drawing {
            model,
            contracts,
            diagram,
            arrows: arrows.collect(),
        }
    }

    fn name(&self, agent: Option<AgentId>) -> &str {
        agent.map_or("all", |id| &self.model.agents[id].name.value)
    }

    /// An arrow as the drawing has it.
    fn shown(&self, arrow: &Arrow) -> String {
        let (before, after) = (self.name(arrow.dependency), self.name(arrow.dependent));
        if self.diagram.from_dependency {
            format!("`{before} -> {after}`")
        } else {
            format!("`{after} -> {before}`")
        }
    }

    fn judge(&self, out: &mut Vec<Diagnostic>) {
        let mut wrong: Vec<Option<Wrong>> = self.arrows.iter().map(|a| self.wrong(a)).collect();
        let smallest = self.break_loops(&mut wrong);
        self.contradiction(&wrong, smallest, out);
        self.before_all(&wrong, out);
        self.differences(&wrong, out);
    }

    /// What the contracts say against one arrow alone.
    fn wrong(&self, arrow: &Arrow) -> Option<Wrong> {
        match (arrow.dependency, arrow.dependent) {
            (Some(dependency), Some(dependent)) => {
                if let Some(span) = self.contracts.span(dependent, dependency) {
                    return Some(Wrong::Reversed(span));
                }
                let span = self.contracts.waits(dependent, dependency)?;
                Some(Wrong::Against(span))
            }
            (Some(dependency), None) => {
                let (span, count) = self.contracts.needs(dependency)?;
                Some(Wrong::All(span, count))
            }
            (None, Some(dependent)) => {
                let behind = &self.contracts.behind[dependent.index()];
                let (_, span) = behind.first()?;
                Some(Wrong::All(*span, behind.len()))
            }
            (None, None) => None,
        }
    }

    /// Marks arrows that only together close a loop; true when what is marked is a smallest set.
    fn break_loops(&self, wrong: &mut [Option<Wrong>]) -> bool {
        let behind = self.contracts.behind.iter().enumerate();
        let declared = behind.flat_map(|(a, all)| all.iter().map(move |(b, _)| (a, b.index())));
        let drawn = |a: &Arrow| {
            a.pairs
                .iter()
                .map(|(x, y)| (x.index(), y.index()))
                .collect()
        };
        let loops = Loops {
            nodes: self.model.agents.len(),
            kept: declared.collect(),
            lines: self.arrows.iter().map(drawn).collect(),
        };
        let mut gone: HashSet<usize> = (0..wrong.len()).filter(|i| wrong[*i].is_some()).collect();
        let smallest = loops.smallest(&gone);
        for index in smallest.iter().flatten() {
            wrong[*index] = Some(Wrong::Loop);
        }
        if smallest.is_some() {
            return true;
        }
        while let Some(index) = loops.in_loop(&gone).first().copied() {
            gone.insert(index);
            wrong[index] = Some(Wrong::Loop);
        }
        false
    }

    /// E0303: everything that cannot stand, in one report.
    fn contradiction(&self, wrong: &[Option<Wrong>], smallest: bool, out: &mut Vec<Diagnostic>) {
        let bad: Vec<(&Arrow, &Wrong)> = self
            .arrows
            .iter()
            .zip(wrong)
            .filter_map(|(arrow, wrong)| Some((arrow, wrong.as_ref()?)))
            .collect();
        let Some((first, _)) = bad.first() else {
            return;
        };
        let lines: Vec<String> = bad.iter().map(|(a, _)| self.shown(a)).collect();
        let lines = lines.join(", ");
        let help = match (bad.len(), smallest) {
            (1, true) => format!("delete {lines}: then the two agree"),
            (n, true) => format!("delete these {n}, no smaller set is enough: {lines}"),
            (_, false) => format!("delete these: {lines}"),
        };
        let mut d = Diagnostic::new("E0303", first.span, counted(&bad)).help(help);
        for (index, (arrow, wrong)) in bad.iter().enumerate() {
            let text = self.drawn_label(arrow, wrong);
            d = match index {
                0 => d.label(text),
                _ => d.related(arrow.span, text),
            };
            if let Some((span, text)) = self.declared_label(arrow, wrong) {
                d = d.related(span, text);
            }
        }
        out.push(d);
    }

    fn drawn_label(&self, arrow: &Arrow, wrong: &Wrong) -> String {
        let (before, after) = (self.name(arrow.dependency), self.name(arrow.dependent));
        match wrong {
            Wrong::All(..) => match arrow.dependency {
                Some(_) => format!("drawn: all depend on `{before}`"),
                None => format!("drawn: `{after}` depends on all"),
            },
            Wrong::Reversed(_) | Wrong::Against(_) => {
                format!("drawn: `{after}` depends on `{before}`")
            }
            Wrong::Loop => format!("closes a loop: `{after}` depends on `{before}`"),
        }
    }

    fn declared_label(&self, arrow: &Arrow, wrong: &Wrong) -> Option<(Span, String)> {
        let (before, after) = (self.name(arrow.dependency), self.name(arrow.dependent));
        match wrong {
            Wrong::Reversed(span) => {
                Some((*span, format!("declared: `{before}` depends on `{after}`")))
            }
            Wrong::Against(span) => Some((
                *span,
                format!("declared: so `{before}` waits for `{after}` in the end"),
            )),
            Wrong::All(span, n) => {
                let others = if *n == 1 { "other" } else { "others" };
                let text = match arrow.dependency {
                    Some(_) => format!("declared: `{before}` depends on {n} {others}"),
                    None => format!("declared: {n} {others} depend on `{after}`"),
                };
                Some((*span, text))
            }
            Wrong::Loop => None,
        }
    }

    /// E0305: two that are both drawn before all contain each other, whatever is declared.
    fn before_all(&self, wrong: &[Option<Wrong>], out: &mut Vec<Diagnostic>) {
        let all: Vec<(&Arrow, bool)> = self
            .arrows
            .iter()
            .zip(wrong)
            .filter(|(arrow, _)| arrow.dependency.is_some() && arrow.dependent.is_none())
            .map(|(arrow, wrong)| (arrow, wrong.is_some()))
            .collect();
        for (i, (a, a_wrong)) in all.iter().enumerate() {
            for (b, b_wrong) in &all[i + 1..] {
                // one that stands and one that does not are told apart by E0303
                if a_wrong != b_wrong || a.dependency == b.dependency {
                    continue;
                }
                let (x, y) = (self.name(a.dependency), self.name(b.dependency));
                out.push(
                    Diagnostic::new(
                        "E0305",
                        b.span,
                        format!(
                            "`{x}` and `{y}` are both drawn before all, so each waits for the other"
                        ),
                    )
                    .label(format!("`{x}` depends on `{y}`, too"))
                    .related(a.span, format!("`{y}` depends on `{x}`"))
                    .help("draw an arrow to each that really depends on them"),
                );
            }
        }
    }

    /// W0304: what is only drawn, and what is only declared.
    fn differences(&self, wrong: &[Option<Wrong>], out: &mut Vec<Diagnostic>) {
        let right = || self.arrows.iter().zip(wrong).filter(|(_, w)| w.is_none());
        for (arrow, _) in right() {
            let (Some(before), Some(after)) = (arrow.dependency, arrow.dependent) else {
                continue;
            };
            if self.contracts.pairs.contains(&(before, after))
                || self.contracts.waits(before, after).is_some()
            {
                continue;
            }
            let (x, y) = (self.name(Some(after)), self.name(Some(before)));
            out.push(
                Diagnostic::new(
                    "W0304",
                    arrow.span,
                    format!("drawn, but not declared: `{x}` depends on `{y}`"),
                )
                .label("only in the drawing")
                .related(
                    self.model.agents[after].name.span,
                    format!("declares no contract with `{y}`"),
                )
                .help(format!(
                    "write `needs {y}` or `wants {y}` in `{x}`, or delete the arrow"
                )),
            );
        }
        // an arrow that is wrong has told of its contracts already
        let drawn: HashSet<(AgentId, AgentId)> = self
            .arrows
            .iter()
            .zip(wrong)
            .flat_map(|(arrow, wrong)| {
                let turned = wrong.is_some();
                let pairs = arrow.pairs.iter();
                pairs.map(move |(a, b)| if turned { (*b, *a) } else { (*a, *b) })
            })
            .collect();
        for (before, after, span) in &self.contracts.declared {
            if drawn.contains(&(*before, *after)) {
                continue;
            }
            let (x, y) = (self.name(Some(*after)), self.name(Some(*before)));
            out.push(
                Diagnostic::new(
                    "W0304",
                    *span,
                    format!("declared, but not drawn: `{x}` depends on `{y}`"),
                )
                .label("only declared")
                .related(self.diagram.name.span, "this drawing has no such arrow")
                .help("draw it, or delete the contract"),
            );
        }
    }
}

fn arrow(edge: &Edge, from_dependency: bool, everybody: &[AgentId]) -> Arrow {
    let (dependency, dependent) = if from_dependency {
        (edge.from, edge.to)
    } else {
        (edge.to, edge.from)
    };
    let others = |one: AgentId| everybody.iter().copied().filter(move |id| *id != one);
    let pairs = match (dependency, dependent) {
        (Some(a), Some(b)) => vec![(a, b)],
        (Some(a), None) => others(a).map(|b| (a, b)).collect(),
        (None, Some(b)) => others(b).map(|a| (a, b)).collect(),
        (None, None) => Vec::new(),
    };
    Arrow {
        dependency,
        dependent,
        span: edge.span,
        pairs,
    }
}

/// "the drawing contradicts the declared contracts: 3 arrows point the other way, …".
fn counted(bad: &[(&Arrow, &Wrong)]) -> String {
    let count = |is: fn(&Wrong) -> bool| bad.iter().filter(|(_, w)| is(w)).count();
    let several = |n: usize| match n {
        1 => "1 arrow".to_string(),
        n => format!("{n} arrows"),
    };
    let points = |n: usize, one: &str, many: &str| {
        let verb = if n == 1 { one } else { many };
        (n > 0).then(|| format!("{} {verb}", several(n)))
    };
    let parts: Vec<String> = [
        points(
            count(|w| matches!(w, Wrong::Reversed(_) | Wrong::Against(_))),
            "points the other way",
            "point the other way",
        ),
        points(
            count(|w| matches!(w, Wrong::All(..))),
            "with `all` contradicts its agent",
            "with `all` contradict their agents",
        ),
        points(
            count(|w| matches!(w, Wrong::Loop)),
            "closes a loop",
            "close loops",
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    format!(
        "the drawing contradicts the declared contracts: {}",
        parts.join(", ")
    )
}
