//! The picture of a schedule: a row for each task, by phase, on a ruler of time.
//!
//! Bars lie where the levelled schedule has them; slack is what the needs alone leave. Nothing is
//! told by colour alone: what is critical has its own glyph and a mark in front.

use super::axis::Axis;
use super::heat::{busiest, heat};
use super::outlook::Outlook;
use super::sheet::{Cells, Ink, Line, Sheet, columns};
use coord_lang::ids::{NodeId, PhaseId};
use coord_plan::plan::NodeKind;
use std::collections::BTreeSet;

/// With more tasks, only those that matter most have a row of their own.
const ROWS_LIMIT: usize = 60;
/// Agents whose load is drawn.
const AGENTS: usize = 8;
const TODAY: char = '╎';
/// Columns of the estimates, where they have room.
const TAKES_ROOM: usize = 8;

/// Draws everything that is planned.
pub(crate) fn draw(outlook: &Outlook, sheet: &mut Sheet) {
    let rows = rows(outlook);
    let layout = Layout::new(outlook, &rows, sheet.width());
    let end_ms = end_of_axis(outlook);
    let axis = Axis::new(outlook, end_ms, layout.bars_room());
    let today_ms = sheet
        .now_ms()
        .zip(outlook.plan.origin_ms)
        .map(|(now, origin)| now - origin)
        .filter(|today| (0..=end_ms).contains(today));
    let gantt = Gantt {
        outlook,
        layout,
        axis,
        end_ms,
        today_ms,
    };
    sheet.blank();
    for cells in gantt.axis.ruler() {
        sheet.line(Line::new().to(gantt.layout.bars_at()).cells(&cells));
    }
    for row in &rows {
        sheet.line(gantt.row(row));
    }
    gantt.loads(sheet);
    let drawn: Vec<NodeId> = rows.iter().filter_map(Row::node).collect();
    sheet.blank();
    sheet.entries(2, Ink::Faint, &gantt.legend(&drawn));
}

/// The end of the picture: what is planned, and deadlines that are not far behind it.
fn end_of_axis(outlook: &Outlook) -> i64 {
    let makespan = outlook.schedule.makespan_ms;
    let due = outlook
        .plan
        .nodes
        .ids()
        .filter_map(|node| outlook.due_ms(node));
    let near = due.filter(|&due| due <= makespan + makespan / 10);
    near.max().unwrap_or(makespan).max(makespan).max(1)
}

enum Row {
    Phase(PhaseId),
    /// Before what is in no phase, when there are phases.
    Outside,
    Node(NodeId),
    /// Tasks without a row of their own.
    Hidden(Vec<NodeId>),
}

impl Row {
    fn node(&self) -> Option<NodeId> {
        match self {
            Row::Node(node) => Some(*node),
            Row::Phase(_) | Row::Outside | Row::Hidden(_) => None,
        }
    }
}

fn rows(outlook: &Outlook) -> Vec<Row> {
    let plan = outlook.plan;
    let shown = shown(outlook);
    let mut groups: Vec<Vec<NodeId>> = vec![Vec::new(); plan.phases.len() + 1];
    for (id, _) in plan
        .nodes
        .iter()
        .filter(|(_, node)| node.kind != NodeKind::Join)
    {
        let group = outlook
            .phase_of(id)
            .map_or(plan.phases.len(), |phase| phase.0 as usize);
        groups[group].push(id);
    }
    let headers = plan.phases.ids().map(|phase| Some(Row::Phase(phase)));
    let outside = plan.active_phases().next().map(|_| Row::Outside);
    let mut rows = Vec::new();
    for (header, nodes) in headers.chain([outside]).zip(groups) {
        if !nodes.is_empty() {
            rows.extend(header);
            rows.extend(group_rows(outlook, nodes, &shown));
        }
    }
    rows
}

/// In the order of their starts; what ends a phase behind all of it.
fn group_rows(outlook: &Outlook, mut nodes: Vec<NodeId>, shown: &BTreeSet<NodeId>) -> Vec<Row> {
    let times = |node: NodeId| &outlook.schedule.nodes[node];
    let is_task = |node: NodeId| outlook.plan.task(node).is_some();
    nodes.sort_by_key(|&node| {
        let (start, finish) = (times(node).start_ms, times(node).finish_ms);
        (
            if is_task(node) { start } else { finish },
            !is_task(node),
            finish,
            node,
        )
    });
    let (seen, hidden): (Vec<NodeId>, Vec<NodeId>) = nodes
        .into_iter()
        .partition(|node| !is_task(*node) || shown.contains(node));
    let rest = (!hidden.is_empty()).then_some(Row::Hidden(hidden));
    rest.into_iter()
        .chain(seen.into_iter().map(Row::Node))
        .collect()
}

/// The tasks with a row of their own: all, or those that are late, critical, or hold the end.
fn shown(outlook: &Outlook) -> BTreeSet<NodeId> {
    let tasks = || outlook.plan.tasks().map(|(id, _, _)| id);
    if tasks().count() <= ROWS_LIMIT {
        return tasks().collect();
    }
    let late = tasks().filter(|&node| outlook.is_late(node));
    let path = tasks().filter(|&node| outlook.is_on_path(node));
    let critical = tasks().filter(|&node| outlook.is_critical(node));
    let chain = tasks().filter(|&node| outlook.is_in_chain(node));
    let mut shown = BTreeSet::new();
    for node in late.chain(path).chain(critical).chain(chain) {
        if shown.len() < ROWS_LIMIT {
            shown.insert(node);
        }
    }
    shown
}

/// Where the columns of the picture begin.
struct Layout {
    label_room: usize,
    who_room: usize,
    takes_room: usize,
    width: usize,
}

impl Layout {
    const MARK: usize = 2;

    fn new(outlook: &Outlook, rows: &[Row], width: usize) -> Layout {
        let nodes = || rows.iter().filter_map(Row::node);
        let labels = nodes().map(|node| label_columns(outlook, node));
        let phases = outlook
            .plan
            .phases
            .ids()
            .map(|phase| columns(&phase_label(outlook, phase)));
        let who: BTreeSet<String> = nodes()
            .map(|node| outlook.who(node))
            .filter(|who| !who.is_empty())
            .collect();
        let longest_who = who.iter().map(|who| columns(who)).max().unwrap_or(0);
        Layout {
            label_room: labels
                .chain(phases)
                .max()
                .unwrap_or(0)
                .clamp(12, (width * 30 / 100).max(18)),
            // one name for everything says nothing
            who_room: if who.len() > 1 {
                longest_who.min((width / 8).max(8))
            } else {
                0
            },
            takes_room: if width >= 120 { TAKES_ROOM } else { 0 },
            width,
        }
    }

    fn who_at(&self) -> usize {
        Layout::MARK + self.label_room + 1
    }

    fn takes_at(&self) -> usize {
        self.who_at()
            + if self.who_room > 0 {
                self.who_room + 1
            } else {
                0
            }
    }

    fn bars_at(&self) -> usize {
        self.takes_at()
            + if self.takes_room > 0 {
                self.takes_room + 2
            } else {
                0
            }
    }

    /// Without the column for what is at the very end.
    fn bars_room(&self) -> usize {
        self.width.saturating_sub(self.bars_at() + 1).max(8)
    }
}

fn label_columns(outlook: &Outlook, node: NodeId) -> usize {
    let title = columns(&outlook.title(node));
    columns(&outlook.name(node)) + if title > 0 { title + 1 } else { 0 }
}

fn phase_label(outlook: &Outlook, phase: PhaseId) -> String {
    let weeks = outlook.weeks(phase);
    let between = if weeks.is_empty() { "" } else { " · " };
    format!("{}{between}{weeks}", outlook.phase(phase))
}

struct Gantt<'a> {
    outlook: &'a Outlook<'a>,
    layout: Layout,
    axis: Axis<'a>,
    /// What is due later is not in the picture.
    end_ms: i64,
    /// Now, when that is in the picture.
    today_ms: Option<i64>,
}

impl Gantt<'_> {
    fn row(&self, row: &Row) -> Line {
        match row {
            Row::Phase(phase) => self.phase_row(*phase),
            Row::Outside => Line::new().add(Ink::Strong, "Outside the phases"),
            Row::Node(node) => self.node_row(*node),
            Row::Hidden(nodes) => self.hidden_row(nodes),
        }
    }

    fn cells(&self) -> Cells {
        let mut cells = Cells::blank(self.axis.columns() + 1);
        self.axis.shade(&mut cells);
        if let Some(today) = self.today_ms {
            cells.put(self.axis.at(today), TODAY, Ink::Event);
        }
        cells
    }

    /// How busy each agent is in each column, the busiest first.
    fn loads(&self, sheet: &mut Sheet) {
        let outlook = self.outlook;
        let agents = busiest(outlook);
        if agents.is_empty() {
            return;
        }
        sheet.blank();
        sheet.line(Line::new().add(Ink::Strong, "Load").plain(" of each agent"));
        let bounds = self.axis.bounds();
        for &agent in agents.iter().take(AGENTS) {
            let mut cells = self.cells();
            for (column, share) in heat(outlook, agent, &bounds).into_iter().enumerate() {
                let glyph = match share {
                    None | Some(0) => continue,
                    Some(1..=250) => '░',
                    Some(251..=500) => '▒',
                    Some(501..=949) => '▓',
                    Some(_) => '█',
                };
                let ink = if glyph == '█' {
                    Ink::Critical
                } else {
                    Ink::Work
                };
                cells.put(column, glyph, ink);
            }
            let percent = (outlook.schedule.agents[agent].per_mille() + 5) / 10;
            let room = self.layout.bars_at().saturating_sub(Layout::MARK + 6);
            let line = Line::new().to(Layout::MARK);
            let line = line.fit(Ink::Plain, &outlook.agent(agent), room);
            let line = line.fit_right(Ink::Faint, &format!("{percent}%"), 4);
            sheet.line(line.to(self.layout.bars_at()).cells(&cells));
        }
        if agents.len() > AGENTS {
            let more = format!("… {} less busy", agents.len() - AGENTS);
            sheet.wrapped(Layout::MARK, Ink::Faint, &more);
        }
    }

    fn phase_row(&self, phase: PhaseId) -> Line {
        let label = phase_label(self.outlook, phase);
        let line = Line::new()
            .fit(Ink::Strong, &label, self.layout.bars_at() - 2)
            .plain("  ");
        let span = &self.outlook.schedule.phases[phase];
        let Some((start, finish)) = span.levelled_ms else {
            return line;
        };
        let mut cells = Cells::blank(self.axis.columns() + 1);
        let bar = self.axis.bar(start, finish);
        cells.fill(bar.clone(), '━', Ink::Strong);
        cells.put(bar.start, '┏', Ink::Strong);
        cells.put(bar.end - 1, '┓', Ink::Strong);
        let length = self.outlook.between(start, finish);
        let text = match span
            .logical_ms
            .map(|(from, to)| self.outlook.between(from, to))
        {
            Some(logical) if logical != length => format!("{length} (needs alone: {logical})"),
            _ => length.clone(),
        };
        for text in [text, length] {
            let before = bar.start.checked_sub(text.chars().count() + 1);
            if cells.write_if_free(bar.end + 1, &text, Ink::Faint)
                || before.is_some_and(|at| cells.write_if_free(at, &text, Ink::Faint))
            {
                break;
            }
        }
        line.cells(&cells)
    }

    fn node_row(&self, node: NodeId) -> Line {
        let mut cells = self.cells();
        match &self.outlook.plan.nodes[node].kind {
            NodeKind::Task(_) if self.outlook.is_contingent(node) => {}
            NodeKind::Task(_) => self.draw_task(node, &mut cells),
            NodeKind::Sync(_) => self.draw_event(node, '◆', &mut cells),
            NodeKind::Milestone(_) => self.draw_event(node, '◇', &mut cells),
            NodeKind::Join => {}
        }
        self.draw_due(node, &mut cells);
        self.head(node).cells(&cells)
    }

    /// Mark, name, title, agent and estimate.
    fn head(&self, node: NodeId) -> Line {
        let outlook = self.outlook;
        let (mark, ink) = self.mark(node);
        let name = outlook.name(node);
        let title_room = self.layout.label_room.saturating_sub(columns(&name) + 1);
        let mut line = Line::new().add(ink, mark).to(Layout::MARK);
        line = if title_room > 3 {
            line.add(ink, name).plain(" ").add(
                Ink::Faint,
                super::sheet::cut(&outlook.title(node), title_room),
            )
        } else {
            line.fit(ink, &name, self.layout.label_room)
        };
        if self.layout.who_room > 0 {
            line = line.to(self.layout.who_at()).fit(
                Ink::Plain,
                &outlook.who(node),
                self.layout.who_room,
            );
        }
        if self.layout.takes_room > 0 {
            line = line.to(self.layout.takes_at());
            line = line.fit_right(Ink::Faint, &self.takes(node), self.layout.takes_room);
        }
        line.to(self.layout.bars_at())
    }

    fn mark(&self, node: NodeId) -> (&'static str, Ink) {
        if self.outlook.is_late(node) {
            ("!", Ink::Late)
        } else if self.outlook.is_critical(node) {
            ("●", Ink::Critical)
        } else if self.outlook.is_in_chain(node) {
            ("○", Ink::Strong)
        } else {
            ("", Ink::Plain)
        }
    }

    fn takes(&self, node: NodeId) -> String {
        match self.outlook.is_contingent(node) {
            true => "off plan".into(),
            false => self.outlook.takes(node),
        }
    }

    fn draw_task(&self, node: NodeId, cells: &mut Cells) {
        let times = &self.outlook.schedule.nodes[node];
        let (start, finish) = (times.start_ms, times.finish_ms);
        let latest = times.logical.latest_finish_ms;
        if finish <= start {
            let glyph = if self.is_unknown(node) { '?' } else { '▏' };
            cells.put(self.axis.bar(start, start).start, glyph, Ink::Event);
            return;
        }
        let bar = self.axis.bar(start, finish);
        if latest > finish && !times.logical.critical {
            cells.fill(bar.end..self.axis.at(latest), '┄', Ink::Faint);
        }
        let (glyph, ink) = match times.logical.critical {
            true => ('█', Ink::Critical),
            false => ('▒', Ink::Work),
        };
        cells.fill(bar, glyph, ink);
    }

    fn is_unknown(&self, node: NodeId) -> bool {
        self.outlook
            .plan
            .task(node)
            .is_some_and(|task| task.estimate.is_none())
    }

    fn draw_event(&self, node: NodeId, glyph: char, cells: &mut Cells) {
        let at = self.axis.at(self.outlook.schedule.nodes[node].finish_ms);
        let ink = if self.outlook.is_critical(node) {
            Ink::Critical
        } else {
            Ink::Event
        };
        cells.put(at, glyph, ink);
    }

    fn draw_due(&self, node: NodeId, cells: &mut Cells) {
        let Some(due) = self.outlook.due_ms(node) else {
            return;
        };
        if due > self.end_ms {
            return;
        }
        match self.outlook.is_late(node) {
            true => cells.put(self.axis.at(due), '!', Ink::Late),
            false => cells.put(self.axis.at(due), '▼', Ink::Good),
        }
    }

    fn hidden_row(&self, nodes: &[NodeId]) -> Line {
        let mut cells = self.cells();
        let expected = nodes
            .iter()
            .filter(|&&node| !self.outlook.is_contingent(node));
        for &node in expected {
            let times = &self.outlook.schedule.nodes[node];
            cells.fill(
                self.axis.bar(times.start_ms, times.finish_ms),
                '░',
                Ink::Work,
            );
        }
        let text = format!(
            "… {} more {}",
            nodes.len(),
            if nodes.len() == 1 { "task" } else { "tasks" }
        );
        let line = Line::new()
            .to(Layout::MARK)
            .fit(Ink::Faint, &text, self.layout.bars_at() - 4);
        line.to(self.layout.bars_at()).cells(&cells)
    }

    fn legend(&self, drawn: &[NodeId]) -> Vec<String> {
        let outlook = self.outlook;
        let any = |test: &dyn Fn(NodeId) -> bool| drawn.iter().any(|&node| test(node));
        let task = |node: NodeId| outlook.plan.task(node).is_some();
        let kind = |node: NodeId| &outlook.plan.nodes[node].kind;
        let in_chain_only = |node| outlook.is_in_chain(node) && !outlook.is_critical(node);
        let hidden =
            outlook.plan.tasks().count() - drawn.iter().filter(|&&node| task(node)).count();
        let entries = [
            (
                any(&|n| outlook.is_critical(n)),
                "● █ critical: no slack".to_string(),
            ),
            (
                any(&in_chain_only),
                "○ holds the end, with who is there".to_string(),
            ),
            (
                any(&|n| task(n) && !outlook.is_critical(n)),
                "▒ other work".to_string(),
            ),
            (
                any(&|n| self.has_slack(n)),
                "┄ slack by needs alone".to_string(),
            ),
            (
                any(&|n| matches!(kind(n), NodeKind::Sync(_))),
                "◆ sync".to_string(),
            ),
            (
                any(&|n| matches!(kind(n), NodeKind::Milestone(_))),
                "◇ milestone".to_string(),
            ),
            (
                any(&|n| outlook.due_ms(n).is_some() && !outlook.is_late(n)),
                "▼ deadline".to_string(),
            ),
            (
                any(&|n| outlook.is_late(n)),
                "! deadline missed".to_string(),
            ),
            (any(&|n| self.is_unknown(n)), "? no estimate".to_string()),
            (self.axis.has_free_days(), "· no working day".to_string()),
            (self.today_ms.is_some(), format!("{TODAY} today")),
            (
                !busiest(outlook).is_empty(),
                "load ░ some ▒ half ▓ most █ full".to_string(),
            ),
            (
                hidden > 0,
                format!("░ {hidden} tasks without a row of their own"),
            ),
        ];
        entries
            .into_iter()
            .filter(|(is_used, _)| *is_used)
            .map(|(_, text)| text)
            .collect()
    }

    fn has_slack(&self, node: NodeId) -> bool {
        let times = &self.outlook.schedule.nodes[node];
        let slack = times.logical.latest_finish_ms > times.finish_ms && !times.logical.critical;
        slack && times.finish_ms > times.start_ms
    }
}
