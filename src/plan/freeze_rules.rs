//! The rules of a model in their frozen form.

use crate::freeze::Freezer;
use crate::plan;
use crate::rules::{
    Action, Budget, Chain, Channel, Claim, Conflict, Decision, Domain, Escalation, Every, Expect,
    Goal, Handoff, Happening, Incident, Level, Measured, Metric, MetricSource, Mode, Page, Party,
    Reaction, Recurring, Rules, Target,
};
use coord_lang::ids::{BudgetId, Table};
use coord_lang::model::{self, Model};
use coord_lang::source::Spanned;

impl Freezer<'_> {
    /// Everything beside the work. Nodes have to be there already.
    pub(crate) fn rules(&self) -> Rules {
        let model: &Model = self.model;
        Rules {
            escalations: model
                .escalations
                .values()
                .map(|e| self.escalation(e))
                .collect(),
            conflicts: model.conflicts.values().map(|c| self.conflict(c)).collect(),
            domains: model.domains.values().map(|d| self.domain(d)).collect(),
            handoffs: model.handoffs.values().map(|h| self.handoff(h)).collect(),
            incidents: model.incidents.values().map(|i| self.incident(i)).collect(),
            reactions: (model.reactions.iter().map(|r| self.reaction(r)))
                .chain(self.triggers())
                .collect(),
            modes: model.modes.values().map(|m| self.mode(m)).collect(),
            recurring: model
                .recurring
                .values()
                .map(|r| self.recurring(r))
                .collect(),
            channels: model.channels.values().map(|c| self.channel(c)).collect(),
            templates: model.templates.values().map(|p| self.page(p)).collect(),
            metrics: model.metrics.values().map(|m| self.metric(m)).collect(),
            expects: model.expects.iter().map(|e| self.expect(e)).collect(),
            budgets: self.budgets(),
            context: model.project.context.as_ref().map(|c| c.value.clone()),
        }
    }

    /// Those of agents, in order, and then those of the project.
    fn budgets(&self) -> Table<BudgetId, Budget> {
        let budget = |agent, from: &model::Budget| Budget {
            agent,
            of: from.of.clone(),
            most: from.most,
            otherwise: (from.otherwise.as_ref()).map_or(Vec::new(), |chain| self.chain(chain)),
        };
        let agents = self.model.agents.iter();
        let of_agents = agents.flat_map(|(id, agent)| {
            let own = agent.budgets.iter();
            own.map(move |from| budget(Some(id), from))
        });
        let of_all = self.model.project.budgets.iter();
        of_agents
            .chain(of_all.map(|from| budget(None, from)))
            .collect()
    }

    fn escalation(&self, from: &model::Escalation) -> Escalation {
        Escalation {
            name: from.name.value.clone(),
            title: from.title.clone(),
            levels: self.levels(&from.levels),
            sla_ms: value(&from.sla_ms),
            otherwise: from.otherwise,
        }
    }

    fn levels(&self, levels: &[model::Level]) -> Vec<Level> {
        let level = |level: &model::Level| Level {
            name: level.name.value.clone(),
            title: level.title.clone(),
            by: party(&level.by),
            quorum: level.quorum.max(1),
            within_ms: value(&level.within_ms),
            actions: self.chains(&level.actions),
        };
        levels.iter().map(level).collect()
    }

    fn conflict(&self, from: &model::Conflict) -> Conflict {
        Conflict {
            kind: from.kind.value.clone(),
            title: from.title.clone(),
            owner: from.owner.as_ref().map(party),
            reviewers: from.reviewers.as_ref().map(party),
            consensus: value(&from.consensus),
            decide: from.decide.as_ref().map(|d| Decision {
                by: party(&d.by),
                within_ms: value(&d.within_ms),
            }),
            levels: self.levels(&from.levels),
            escalate_after_ms: from.escalate.map(|e| e.after_ms),
            escalate_to: from.escalate.and_then(|e| e.to),
            otherwise: from.otherwise,
            actions: self.chains(&from.actions),
        }
    }

    fn domain(&self, from: &model::Domain) -> Domain {
        Domain {
            name: from.name.value.clone(),
            title: from.title.clone(),
            lead: from.lead.as_ref().map(party),
            support: from.support.as_ref().map(party),
            reviewers: from.reviewers.as_ref().map(party),
            approvals: from.approvals.iter().map(|a| self.approval(a)).collect(),
            may_halt: from.may_halt.as_ref().map(party),
            paths: (from.paths.iter())
                .map(|g| g.value.as_str().to_string())
                .collect(),
            record: from.record.as_ref().map(|r| r.value.clone()),
        }
    }

    fn handoff(&self, from: &model::Handoff) -> Handoff {
        let by_receiver = |by: &Option<model::Party>| {
            by.as_ref()
                .is_some_and(|p| p.roles.contains(&model::Role::Receiver))
        };
        Handoff {
            name: from.name.value.clone(),
            title: from.title.clone(),
            requires: (from.requires.iter())
                .map(|r| (r.text.value.clone(), by_receiver(&r.by)))
                .collect(),
            checks: from.checks.iter().map(|c| self.check(c)).collect(),
            fields: (from.fields.iter())
                .map(|f| (f.name.value.clone(), f.ty.name().to_string(), f.many))
                .collect(),
            accept_within_ms: from.accept.as_ref().map(|a| a.within_ms),
            accept_otherwise: (from.accept.as_ref())
                .and_then(|a| a.otherwise.as_ref())
                .map_or_else(Vec::new, |c| self.chain(c)),
            format: from.format,
        }
    }

    fn incident(&self, from: &model::Incident) -> Incident {
        Incident {
            name: from.name.value.clone(),
            title: from.title.clone(),
            priority: from.priority as u8,
            respond: (from.respond.as_ref())
                .map(|e| plan::Span::from_effort(e.value, self.hours.day_ms())),
            declare: from.declare.as_ref().map(party),
            lead: from.lead.as_ref().map(party),
            requires: from.requires.as_ref().map(party),
            confirms: (from.confirms.iter())
                .map(|c| (c.text.value.clone(), c.by.as_ref().map(party)))
                .collect(),
            start: from.start.as_ref().map(|s| s.value),
            preempts: from.preempts,
            actions: self.incident_actions(from),
        }
    }

    /// Its workflow starts first.
    fn incident_actions(&self, from: &model::Incident) -> Vec<Chain> {
        let start = from.start.as_ref().map(|workflow| {
            vec![Action::Start {
                workflow: workflow.value,
                arguments: self.arguments(&from.arguments),
            }]
        });
        start
            .into_iter()
            .chain(self.chains(&from.actions))
            .collect()
    }

    /// `on EVENT` of a workflow starts it.
    fn triggers(&self) -> impl Iterator<Item = Reaction> + '_ {
        let workflows = self.model.workflows.iter();
        workflows.flat_map(move |(workflow, of)| {
            of.on.iter().map(move |on| Reaction {
                on: self.happening(&on.value),
                for_ms: None,
                when: None,
                because: None,
                actions: vec![vec![Action::Start {
                    workflow,
                    arguments: Vec::new(),
                }]],
            })
        })
    }

    fn reaction(&self, from: &model::Reaction) -> Reaction {
        Reaction {
            on: self.happening(&from.on.value),
            for_ms: value(&from.for_ms),
            when: from.when.as_ref().map(|e| self.expr(&e.value)),
            because: from.because.clone(),
            actions: self.chains(&from.actions),
        }
    }

    fn happening(&self, from: &model::Happening) -> Happening {
        use model::Happening as From;
        let node = |task: &Option<coord_lang::ids::TaskId>| task.map(plan::Plan::task_node);
        match from {
            From::TaskFailed(task) => Happening::TaskFailed(node(task)),
            From::TaskBlocked(task) => Happening::TaskBlocked(node(task)),
            From::TaskLate(task) => Happening::TaskLate(node(task)),
            From::TaskStalled(task) => Happening::TaskStalled(node(task)),
            From::TaskCompleted(task) => Happening::TaskCompleted(node(task)),
            From::AgentFailed(agent) => Happening::AgentFailed(*agent),
            From::AgentBlocked(agent) => Happening::AgentBlocked(*agent),
            From::ConflictOpen(kind) => Happening::ConflictOpen(*kind),
            From::GateFailed(gate) => Happening::GateFailed(*gate),
            From::ApprovalWaiting => Happening::ApprovalWaiting,
            From::IncidentOpen(incident) => Happening::IncidentOpen(*incident),
            From::ResourceExhausted(resource) => Happening::ResourceExhausted(*resource),
            From::EscalationOpen(ladder) => Happening::EscalationOpen(*ladder),
            From::RunStarted => Happening::RunStarted,
            From::RunFinished => Happening::RunFinished,
            From::ChangeMade(globs) => {
                Happening::ChangeMade(globs.iter().map(|g| g.value.as_str().to_string()).collect())
            }
            From::Metric { metric, op, value } => Happening::Metric {
                metric: *metric,
                op: *op,
                value: value.clone(),
            },
        }
    }

    fn mode(&self, from: &model::Mode) -> Mode {
        Mode {
            name: from.name.value.clone(),
            title: from.title.clone(),
            enter: from.enter.iter().map(|p| self.program(p)).collect(),
            exit: from.exit.iter().map(|p| self.program(p)).collect(),
            restart: value(&from.restart),
            cancels: from.cancels,
        }
    }

    fn recurring(&self, from: &model::Recurring) -> Recurring {
        Recurring {
            name: from.name.value.clone(),
            title: from.title.clone(),
            every: from.every.as_ref().map(|e| self.every(&e.value)),
            participants: from.participants.clone(),
            requires: from.requires.iter().map(requirement).collect(),
            agenda: from.agenda.clone(),
            within: from.within.as_ref().map(|l| self.limit(l)),
            via: from.via,
        }
    }

    pub(crate) fn every(&self, from: &model::Every) -> Every {
        let zone = || self.anchor.zone.iana_name().unwrap_or("UTC").to_string();
        Every {
            period: from.period.clone(),
            at: (from.at.as_ref()).map(|at| (at.second, at.zone.clone().unwrap_or_else(zone))),
        }
    }

    fn channel(&self, from: &model::Channel) -> Channel {
        Channel {
            name: from.name.value.clone(),
            title: from.title.clone(),
            target: match from.target.as_ref().map(|t| &t.value) {
                Some(model::Target::File(path)) => Target::File(path.clone()),
                Some(model::Target::Http(url)) => Target::Http(self.fill(url)),
                Some(model::Target::Stdout) | None => Target::Stdout,
            },
            every: from.every.as_ref().map(|e| self.every(&e.value)),
            format: from.format,
            reply_ms: value(&from.reply_ms),
        }
    }

    /// A template keeps its fields; parameters have their values from here on.
    fn page(&self, from: &model::Page) -> Page {
        let mut text = from.text.clone();
        for (id, param) in self.model.params.iter() {
            let field = format!("${{{}}}", param.name.value);
            if param.workflow.is_none() && text.contains(&field) {
                let value = self.fill(&model::Template {
                    parts: vec![model::TemplatePart::Param(id)],
                });
                text = text.replace(&field, &value);
            }
        }
        Page {
            name: from.name.value.clone(),
            text,
        }
    }

    fn metric(&self, from: &model::Metric) -> Metric {
        Metric {
            name: from.name.value.clone(),
            title: from.title.clone(),
            target: from.target.as_ref().map(|goal| match goal {
                model::Goal::Compared { op, value } => Goal::Compared {
                    op: *op,
                    value: value.value.clone(),
                },
                model::Goal::Between { low, high } => Goal::Between {
                    low: low.value.clone(),
                    high: high.value.clone(),
                },
            }),
            from: match from.from.as_ref().map(|f| &f.value) {
                Some(model::MetricSource::Builtin(b)) => MetricSource::Builtin(b.name().into()),
                Some(model::MetricSource::Run(p)) => MetricSource::Run(self.program(p)),
                Some(model::MetricSource::Person(p)) => MetricSource::Person(p.agents.clone()),
                None => MetricSource::Person(Vec::new()),
            },
            unit: from.unit.clone(),
        }
    }

    fn expect(&self, from: &model::Expect) -> Expect {
        use model::Claim as From;
        Expect {
            title: from.title.value.clone(),
            claim: match &from.claim.value {
                From::Measure { of, op, value } => Claim::Measure {
                    of: self.measured(*of),
                    op: *op,
                    value: value.clone(),
                },
                From::Condition(expr) => Claim::Condition(self.expr(expr)),
                From::Metric { metric, op, value } => Claim::Metric {
                    metric: *metric,
                    op: *op,
                    value: value.clone(),
                },
                From::Person => Claim::Person,
            },
            by_ms: (from.by.as_ref()).and_then(|m| self.anchor.deadline(m.value)),
        }
    }

    fn measured(&self, from: model::Measured) -> Measured {
        use model::Measured as From;
        match from {
            From::Finish => Measured::Finish,
            From::Percentile(percent) => Measured::Percentile(percent),
            From::CriticalPath => Measured::CriticalPath,
            From::LowerBound => Measured::LowerBound,
            From::Load(agent) => Measured::Load(agent),
            From::Slack(task) => Measured::Slack(plan::Plan::task_node(task)),
            From::EndOf(work) => Measured::EndOf(self.node_of(work)),
        }
    }

    pub(crate) fn chains(&self, chains: &[model::Chain]) -> Vec<Chain> {
        chains.iter().map(|c| self.chain(c)).collect()
    }

    pub(crate) fn chain(&self, chain: &model::Chain) -> Chain {
        chain.actions().map(|a| self.action(a)).collect()
    }

    fn action(&self, from: &model::Action) -> Action {
        use model::Action as From;
        match from {
            From::Notify { who, via } => Action::Notify {
                who: party(who),
                via: *via,
            },
            From::Escalate { to, level } => Action::Escalate {
                to: *to,
                level: *level,
            },
            From::Retry(times) => Action::Retry(*times),
            From::Reassign(agent) => Action::Reassign(*agent),
            From::Isolate => Action::Isolate,
            From::Redistribute => Action::Redistribute,
            From::Recover(program) => Action::Recover(self.program(program)),
            From::Rollback => Action::Rollback,
            From::Start {
                workflow,
                arguments,
            } => Action::Start {
                workflow: *workflow,
                arguments: self.arguments(arguments),
            },
            From::Halt => Action::Halt,
            From::Enter(mode) => Action::Enter(*mode),
            From::Leave(mode) => Action::Leave(*mode),
            From::SetPriority(priority) => Action::SetPriority(*priority as u8),
            From::Record(text) => Action::Record(self.fill(text)),
            From::Fail => Action::Fail,
            From::Skip => Action::Skip,
            From::Proceed => Action::Proceed,
            From::Warn => Action::Warn,
            From::Continue => Action::Continue,
        }
    }

    pub(crate) fn arguments(&self, arguments: &[model::Argument]) -> Vec<(String, String)> {
        let argument = |a: &model::Argument| (a.name.value.clone(), self.fill(&a.value.value));
        arguments.iter().map(argument).collect()
    }
}

fn value<T: Copy>(from: &Option<Spanned<T>>) -> Option<T> {
    from.as_ref().map(|s| s.value)
}

fn requirement(from: &model::Requirement) -> plan::Requirement {
    plan::Requirement {
        text: from.text.value.clone(),
        by: from.by.clone(),
    }
}

pub(crate) fn party(from: &model::Party) -> Party {
    Party {
        agents: from.agents.clone(),
        roles: from.roles.clone(),
        everybody: from.everybody,
    }
}
