//! `coord mcp`: a run as a server of the Model Context Protocol, for agents that take part in it.
//!
//! An agent sees the work and its brief, says how far it is, hands its work over, and raises what
//! it cannot settle, always under the name that whoever started the server gave it. What is for
//! people to say (approvals, confirmations, doubts, decisions) has no tool here.

use super::args::{Common, Mcp as Args};
use super::brief;
use super::exit::{Exit, Failure, Outcome};
use super::home;
use super::rules;
use coord_engine::{About, Ask, ItemId, Of, Verdict};
use coord_host::artifacts::attach;
use coord_host::brief::{KNOWN_ISSUES, SUCCESS_CRITERIA, clean, cut};
use coord_host::control::{Order, Request, give};
use coord_host::home::Home;
use coord_host::run::Run;
use coord_lang::ids::{AgentId, NodeId};
use coord_plan::plan::By;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolResult, ContentBlock, ServerCapabilities, ServerConfig};
use rmcp::schemars::{self, JsonSchema};
use rmcp::{ErrorData, ServerHandler, ServiceExt, tool, tool_handler, tool_router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Longest text that is taken from an agent.
const MAX_TEXT: usize = 8_000;
/// Most values of one hand-over.
const MAX_VALUES: usize = 100;
/// Names of outputs that are not an agent's to give.
const RESERVED: [&str; 3] = ["artifacts.", "usage.", "agent."];

pub(crate) fn mcp(common: &Common, args: &Args) -> Outcome {
    let home = home::existing(common)?;
    let server = Server {
        home: home.path().to_path_buf(),
        run: args.run.clone(),
        agent: args.r#as.clone(),
    };
    server.desk()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|e| Failure::environment(format!("cannot start: {e}")))?;
    runtime.block_on(async {
        let gone = |why: String| Failure::environment(format!("the conversation ended: {why}"));
        let serving = server.serve(rmcp::transport::stdio()).await;
        let serving = serving.map_err(|error| gone(error.to_string()))?;
        serving
            .waiting()
            .await
            .map_err(|error| gone(error.to_string()))?;
        Ok(Exit::Done)
    })
}

#[derive(Clone)]
struct Server {
    home: std::path::PathBuf,
    run: Option<String>,
    agent: String,
}

/// A run as it is now, seen by one agent.
struct Desk {
    home: Home,
    run: Run,
    agent: AgentId,
}

#[derive(Deserialize, JsonSchema)]
struct OfTask {
    /// The name of the task.
    task: String,
}

#[derive(Deserialize, JsonSchema)]
struct Told {
    /// The name of the task.
    task: String,
    /// What there is to say, in a sentence or two.
    text: String,
}

#[derive(Deserialize, JsonSchema)]
struct HandedOver {
    /// The name of the task.
    task: String,
    /// Values that later tasks and conditions may read.
    #[serde(default)]
    outputs: BTreeMap<String, String>,
    /// Files that belong to the work: a name, and a path inside the project.
    #[serde(default)]
    artifacts: BTreeMap<String, String>,
    /// What whoever takes the work over has to know.
    #[serde(default)]
    known_issues: Vec<String>,
    /// How whoever takes it over sees that it is good.
    #[serde(default)]
    success_criteria: Vec<String>,
    /// A short account of what was done.
    #[serde(default)]
    note: String,
}

#[derive(Deserialize, JsonSchema)]
struct Raised {
    /// `conflict`, `escalation` or `incident`.
    kind: String,
    /// Which one of those that the project declares.
    name: String,
    /// What is wrong, or what has to be decided.
    text: String,
    /// The task that it is about.
    #[serde(default)]
    task: Option<String>,
}

#[tool_router]
impl Server {
    #[tool(
        name = "coord_tasks",
        description = "List the tasks of the run: their states, who does them, which are yours and which of them ask for your work now.",
        annotations(read_only_hint = true)
    )]
    async fn tasks(&self) -> Result<CallToolResult, ErrorData> {
        Ok(result(self.desk().map(|desk| desk.tasks())))
    }

    #[tool(
        name = "coord_brief",
        description = "What you are told of a task: what is asked, what you may write and what not, what you get, when it counts as done.",
        annotations(read_only_hint = true)
    )]
    async fn brief(&self, Parameters(of): Parameters<OfTask>) -> Result<CallToolResult, ErrorData> {
        let desk = self.desk();
        Ok(
            match desk.and_then(|d| brief::of(&d.run.plan, &d.run.state, &of.task)) {
                Ok(brief) => {
                    let mut result =
                        CallToolResult::success(vec![ContentBlock::text(brief.markdown())]);
                    result.structured_content = Some(json!(brief));
                    result
                }
                Err(failure) => refused(&failure),
            },
        )
    }

    #[tool(
        name = "coord_claim",
        description = "Take a task that any one of several agents may do, when you are one of them."
    )]
    async fn claim(&self, Parameters(of): Parameters<OfTask>) -> Result<CallToolResult, ErrorData> {
        Ok(result(self.desk().and_then(|desk| desk.claim(&of.task))))
    }

    #[tool(
        name = "coord_progress",
        description = "Write into the record of the run how far you are with a task of yours."
    )]
    async fn progress(
        &self,
        Parameters(of): Parameters<Told>,
    ) -> Result<CallToolResult, ErrorData> {
        Ok(result(self.desk().and_then(|desk| desk.progress(&of))))
    }

    #[tool(
        name = "coord_done",
        description = "Hand over the work of a task that asks for it: outputs, files, known issues, and how others see that it is good."
    )]
    async fn done(
        &self,
        Parameters(of): Parameters<HandedOver>,
    ) -> Result<CallToolResult, ErrorData> {
        Ok(result(self.desk().and_then(|desk| desk.done(of))))
    }

    #[tool(
        name = "coord_give_up",
        description = "Say that a task that asks for your work cannot be done, and why."
    )]
    async fn give_up(&self, Parameters(of): Parameters<Told>) -> Result<CallToolResult, ErrorData> {
        Ok(result(self.desk().and_then(|desk| desk.give_up(&of))))
    }

    #[tool(
        name = "coord_raise",
        description = "Raise a blocker, or ask people for a decision: a conflict, an escalation or an incident that the project declares."
    )]
    async fn raise(&self, Parameters(of): Parameters<Raised>) -> Result<CallToolResult, ErrorData> {
        Ok(result(self.desk().and_then(|desk| desk.raise(&of))))
    }
}

#[tool_handler]
impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::new(ServerCapabilities::builder().enable_tools().build());
        info.server_info.name = "coord".into();
        info.server_info.version = env!("CARGO_PKG_VERSION").into();
        info.instructions = Some(format!(
            "You are the agent `{}` of a run of coord. Look at coord_tasks, read coord_brief before you begin, write nothing but what the brief says is yours, and hand over with coord_done. You approve nothing.",
            self.agent
        ));
        info
    }
}

impl Server {
    /// The run as it is now: another process may have moved it.
    fn desk(&self) -> Result<Desk, Failure> {
        let home = Home::existing(&self.home).map_err(home::journal_failure)?;
        let run = home::open_run(&home::reader(&home)?, self.run.as_deref())?;
        let agent = rules::agent(&run, &self.agent)?;
        Ok(Desk { home, run, agent })
    }
}

impl Desk {
    fn me(&self) -> &str {
        &self.run.plan.agents[self.agent].name
    }

    fn tasks(&self) -> Value {
        let (plan, state) = (&self.run.plan, &self.run.state);
        let tasks = state.tasks(plan).map(|(id, node, task)| {
            let agents = task.by.agents();
            let names: Vec<&str> = agents
                .iter()
                .map(|a| plan.agents[*a].name.as_str())
                .collect();
            json!({
                "task": node.name,
                "title": node.title,
                "state": state.node(id).status.name(),
                "agents": names,
                "mine": agents.contains(&self.agent),
                "asks_for_your_work": self.work_item(id).is_some(),
            })
        });
        json!({
            "run": self.run.id,
            "state": state.status().name(),
            "agent": self.me(),
            "tasks": tasks.collect::<Vec<_>>(),
        })
    }

    /// The open question for this agent's work on a task: no other kind is an agent's to answer.
    fn work_item(&self, node: NodeId) -> Option<ItemId> {
        let mut open = self.run.state.open_items();
        open.find(|(_, item)| {
            item.ask == Ask::Work && item.node == Some(node) && item.of.contains(&self.agent)
        })
        .map(|(id, _)| id)
    }

    fn work(&self, task: &str) -> Result<ItemId, Failure> {
        let node = home::node(&self.run, task)?;
        self.work_item(node).ok_or_else(|| {
            let me = self.me();
            Failure::wrong(format!("`{task}` does not ask for the work of `{me}` now"))
                .help("coord_tasks shows which tasks do; approvals and the like are for people")
        })
    }

    fn own(&self, task: &str) -> Result<NodeId, Failure> {
        let node = home::node(&self.run, task)?;
        let of = self.run.plan.task(node).map(|task| task.by.agents());
        match of.is_some_and(|agents| agents.contains(&self.agent)) {
            true => Ok(node),
            false => Err(Failure::wrong(format!(
                "`{task}` is not a task of `{}`",
                self.me()
            ))),
        }
    }

    fn claim(&self, task: &str) -> Result<Value, Failure> {
        let node = self.own(task)?;
        let any = self
            .run
            .plan
            .task(node)
            .is_some_and(|t| matches!(t.by, By::Any(_)));
        if !any {
            return Err(Failure::wrong(format!("`{task}` is yours already")));
        }
        self.give(Order::Reassign {
            node,
            to: Some(self.agent),
            by: Some(self.me().into()),
        })
    }

    fn progress(&self, of: &Told) -> Result<Value, Failure> {
        self.own(&of.task)?;
        let text = text(&of.text);
        self.give(Order::Note {
            text: format!("{}, of {}: {text}", self.me(), of.task),
        })
    }

    fn done(&self, of: HandedOver) -> Result<Value, Failure> {
        let item = self.work(&of.task)?;
        let mut outputs = BTreeMap::new();
        for (name, value) in of.outputs.iter().take(MAX_VALUES) {
            named(name)?;
            outputs.insert(name.clone(), text(value));
        }
        for (name, lines) in [
            (KNOWN_ISSUES, of.known_issues),
            (SUCCESS_CRITERIA, of.success_criteria),
        ] {
            let lines = lines
                .iter()
                .take(MAX_VALUES)
                .map(|l| text(l).replace('\n', " "));
            let lines: Vec<String> = lines.collect();
            if !lines.is_empty() {
                outputs.insert(name.into(), lines.join("\n"));
            }
        }
        for (name, path) in of.artifacts.iter().take(MAX_VALUES) {
            named(name)?;
            let kept = attach(&self.home, &self.run, &of.task, name, path).map_err(|error| {
                Failure::wrong(format!("`{path}` cannot be attached: {error}"))
                    .help("name a file inside the project")
            })?;
            outputs.insert(format!("attached.{name}"), kept);
        }
        self.answer(item, Verdict::Done, &of.note, outputs)
    }

    fn give_up(&self, of: &Told) -> Result<Value, Failure> {
        let item = self.work(&of.task)?;
        self.answer(item, Verdict::Reject, &of.text, BTreeMap::new())
    }

    fn raise(&self, of: &Raised) -> Result<Value, Failure> {
        let (run, name) = (&self.run, of.name.as_str());
        let which = match of.kind.as_str() {
            "conflict" => Of::Conflict(rules::conflict(run, name)?),
            "escalation" => Of::Escalation(rules::escalation(run, name)?),
            "incident" => Of::Incident(rules::incident(run, name)?),
            other => {
                return Err(
                    Failure::wrong(format!("`{other}` is nothing that can be raised"))
                        .help("raise a conflict, an escalation or an incident"),
                );
            }
        };
        let task = of.task.as_deref();
        self.give(Order::Raise {
            of: which,
            about: About {
                node: task.map(|task| home::node(run, task)).transpose()?,
                agents: vec![self.agent],
                ..About::default()
            },
            by: Some(self.me().into()),
            note: text(&of.text),
        })
    }

    fn answer(
        &self,
        item: ItemId,
        verdict: Verdict,
        note: &str,
        outputs: BTreeMap<String, String>,
    ) -> Result<Value, Failure> {
        self.give(Order::Answer {
            item: item.0,
            by: Some(self.me().into()),
            verdict,
            to: None,
            note: text(note),
            outputs,
        })
    }

    /// By the same way as the commands: to whoever runs the project, else into its journal.
    fn give(&self, order: Order) -> Result<Value, Failure> {
        let request = Request {
            run: self.run.id.clone(),
            order,
        };
        give(&self.home, request, &home::command_line()).map_err(home::control_failure)?;
        Ok(json!({ "recorded": true }))
    }
}

fn named(name: &str) -> Result<(), Failure> {
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let reserved = RESERVED.iter().any(|r| name.starts_with(r));
    match !name.is_empty() && name.len() <= 128 && name.chars().all(fine) && !reserved {
        true => Ok(()),
        false => Err(Failure::wrong(format!("`{name}` is no name for an output"))
            .help("use letters, digits, `-`, `_` and `.`")),
    }
}

fn text(text: &str) -> String {
    cut(&clean(text), MAX_TEXT)
}

/// A refusal is a result that the agent can read, not a failure of the server.
fn result(of: Result<Value, Failure>) -> CallToolResult {
    match of {
        Ok(value) => CallToolResult::structured(value),
        Err(failure) => refused(&failure),
    }
}

fn refused(failure: &Failure) -> CallToolResult {
    let help = failure.help.as_ref().map(|help| format!("\nhelp: {help}"));
    let text = format!("{}{}", failure.message, help.unwrap_or_default());
    CallToolResult::error(vec![ContentBlock::text(text)])
}
