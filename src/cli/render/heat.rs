//! How busy an agent is in each stretch of time.

use super::outlook::Outlook;
use coord_lang::ids::AgentId;

/// The share of its time that an agent is busy in each stretch between two bounds, in thousandths;
/// None where it does not work.
pub(crate) fn heat(outlook: &Outlook, agent: AgentId, bounds: &[i64]) -> Vec<Option<u32>> {
    let stretches = bounds.len().saturating_sub(1);
    let mut busy = vec![0i64; stretches];
    for node in outlook.schedule.nodes.values() {
        if !node.agents.contains(&agent) || node.finish_ms <= node.start_ms {
            continue;
        }
        let first = bounds.partition_point(|b| *b <= node.start_ms).max(1) - 1;
        for at in first..stretches {
            let (from, to) = (bounds[at], bounds[at + 1]);
            if from >= node.finish_ms {
                break;
            }
            let (from, to) = (from.max(node.start_ms), to.min(node.finish_ms));
            busy[at] += outlook.counted(agent, from, to.max(from));
        }
    }
    let slots = i64::from(outlook.schedule.agents[agent].slots.max(1));
    let share = |at: usize| {
        let whole = outlook.counted(agent, bounds[at], bounds[at + 1]) * slots;
        (whole > 0).then(|| (busy[at] * 1000 / whole).clamp(0, 1000) as u32)
    };
    (0..stretches).map(share).collect()
}

/// Agents with work, the busiest first.
pub(crate) fn busiest(outlook: &Outlook) -> Vec<AgentId> {
    let loads = outlook.schedule.agents.iter();
    let mut busy: Vec<AgentId> = loads
        .filter(|(_, load)| load.tasks > 0)
        .map(|(id, _)| id)
        .collect();
    busy.sort_by_key(|id| (-outlook.schedule.agents[*id].per_mille(), *id));
    busy
}
