//! Participants: who takes part in a process, and as what.

use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::records::Records;
use crate::records::id::Id;
use crate::records::people::Person;
use crate::records::processes::{Part, Process};
use crate::refusal::Refusal;
use crate::server::WorkflowServer;
use crate::views::ParticipantView;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListParticipants {
    /// The id of the process, such as PRC-1.
    process_id: Id<Process>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddParticipant {
    /// The id of the process, such as PRC-1.
    process_id: Id<Process>,
    /// The id of the person, such as USR-2.
    person_id: Id<Person>,
    /// Approvers decide requests, observers are listed only.
    part: Part,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RemoveParticipant {
    /// The id of the process, such as PRC-1.
    process_id: Id<Process>,
    /// The id of the person, such as USR-2.
    person_id: Id<Person>,
}

#[derive(Serialize, JsonSchema)]
struct Participants {
    participants: Vec<ParticipantView>,
}

#[tool_router(router = participant_tools, vis = "pub(crate)")]
impl WorkflowServer {
    #[tool(
        title = "List participants",
        description = "Lists who takes part in a process, and whether they approve or observe.",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn list_participants(
        &self,
        Parameters(args): Parameters<ListParticipants>,
    ) -> Result<Json<Participants>, Refusal> {
        self.workflow.read(|records| participants(records, args.process_id))
    }

    #[tool(
        title = "Add a participant",
        description = "Makes somebody an approver or observer of a process, or changes which of the two.",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn participant_add(
        &self,
        caller: Caller,
        Parameters(args): Parameters<AddParticipant>,
    ) -> Result<Json<Participants>, Refusal> {
        self.workflow.change(|records| {
            let permit = records.process_manager(&caller)?;
            records.add_participant(&permit, args.process_id, args.person_id, args.part)?;
            participants(records, args.process_id)
        })
    }

    #[tool(
        title = "Remove a participant",
        description = "Takes somebody off a process. Requests that already wait for them stay with them.",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    fn participant_remove(
        &self,
        caller: Caller,
        Parameters(args): Parameters<RemoveParticipant>,
    ) -> Result<Json<Participants>, Refusal> {
        self.workflow.change(|records| {
            let permit = records.process_manager(&caller)?;
            records.remove_participant(&permit, args.process_id, args.person_id)?;
            participants(records, args.process_id)
        })
    }
}

fn participants(records: &Records, id: Id<Process>) -> Result<Json<Participants>, Refusal> {
    let process = records.processes.get(id)?;
    Ok(Json(Participants { participants: records.view_participants(process) }))
}
