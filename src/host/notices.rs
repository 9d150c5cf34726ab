//! Notices, digests and decision records: what a run writes for people beside its journal.

use crate::driver::Driver;
use coord_engine::About;
use coord_lang::ids::{AgentId, ChannelId, DomainId, RecurringId};
use coord_plan::rules::Target;
use std::io::Write;
use std::path::Path;

impl Driver {
    /// Into the file of its channel; every notice is in the journal, too.
    pub(crate) fn tell(
        &mut self,
        of: &[AgentId],
        via: Option<ChannelId>,
        _about: &About,
        text: &str,
    ) {
        let plan = &self.run.plan;
        let Some(channel) = via.and_then(|id| plan.rules.channels.get(id)) else {
            return;
        };
        let names: Vec<&str> = of.iter().map(|a| plan.agents[*a].name.as_str()).collect();
        let line = format!("{}: {text}\n", names.join(", "));
        if let Target::File(path) = &channel.target {
            // a channel that cannot be written to must not stop the work
            let _told = append(&self.run.meta.root.join(path), &line);
        }
    }

    pub(crate) fn write_digest(&mut self, _sync: RecurringId) {}

    pub(crate) fn write_decision(
        &mut self,
        _domain: Option<DomainId>,
        _by: Option<&str>,
        _title: &str,
        _text: &str,
    ) {
    }
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?;
    file.write_all(text.as_bytes())
}
