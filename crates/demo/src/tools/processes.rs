//! Processes: looking at them, and running them.

use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::records::Records;
use crate::records::id::Id;
use crate::records::processes::{Process, Step};
use crate::refusal::Refusal;
use crate::server::WorkflowServer;
use crate::views::ProcessView;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NameProcess {
    /// The id of the process, such as PRC-1.
    process_id: Id<Process>,
}

#[derive(Serialize, JsonSchema)]
struct ProcessList {
    processes: Vec<ProcessView>,
}

#[derive(Serialize, JsonSchema)]
struct OneProcess {
    process: ProcessView,
}

#[tool_router(router = process_tools, vis = "pub(crate)")]
impl WorkflowServer {
    #[tool(
        title = "List processes",
        description = "Lists the kinds of request there are, and which of them are running.",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn list_processes(&self) -> Json<ProcessList> {
        self.workflow.read(|records| {
            let all = records.processes.iter();
            let processes = all.map(|(id, process)| records.view_process(id, process)).collect();
            Json(ProcessList { processes })
        })
    }

    #[tool(
        title = "Get a process",
        description = "Shows one process: what it is for, and whether it takes requests.",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn get_process(
        &self,
        Parameters(args): Parameters<NameProcess>,
    ) -> Result<Json<OneProcess>, Refusal> {
        self.workflow.read(|records| one(records, args.process_id))
    }

    #[tool(
        title = "Start a process",
        description = "Starts a process that has not run yet, so that it takes requests.",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    fn process_start(
        &self,
        caller: Caller,
        Parameters(args): Parameters<NameProcess>,
    ) -> Result<Json<OneProcess>, Refusal> {
        self.step(&caller, args.process_id, Step::Start)
    }

    #[tool(
        title = "Pause a process",
        description = "Stops a running process from taking new requests. Open ones can still be decided.",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    fn process_pause(
        &self,
        caller: Caller,
        Parameters(args): Parameters<NameProcess>,
    ) -> Result<Json<OneProcess>, Refusal> {
        self.step(&caller, args.process_id, Step::Pause)
    }

    #[tool(
        title = "Resume a process",
        description = "Lets a paused process take requests again.",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    fn process_resume(
        &self,
        caller: Caller,
        Parameters(args): Parameters<NameProcess>,
    ) -> Result<Json<OneProcess>, Refusal> {
        self.step(&caller, args.process_id, Step::Resume)
    }

    fn step(
        &self,
        caller: &Caller,
        id: Id<Process>,
        step: Step,
    ) -> Result<Json<OneProcess>, Refusal> {
        self.workflow.change(|records| {
            let permit = records.process_manager(caller)?;
            records.step_process(&permit, id, step)?;
            one(records, id)
        })
    }
}

fn one(records: &Records, id: Id<Process>) -> Result<Json<OneProcess>, Refusal> {
    let process = records.processes.get(id)?;
    Ok(Json(OneProcess { process: records.view_process(id, process) }))
}
