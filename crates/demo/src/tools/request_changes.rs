//! Requests: making and changing them.

use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::records::Records;
use crate::records::id::Id;
use crate::records::processes::Process;
use crate::records::requests::{Amendment, Draft, Priority, Request};
use crate::refusal::Refusal;
use crate::server::WorkflowServer;
use crate::text::Text;
use crate::views::RequestView;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CreateRequest {
    /// The process that decides it; `list_processes` shows which there are.
    process_id: Id<Process>,
    /// One line that says what is asked for.
    title: Text<120>,
    /// Why it is needed.
    description: Text<4000>,
    #[serde(default)]
    priority: Priority,
    /// What it costs, in whole euros.
    amount_eur: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UpdateRequest {
    /// The id of the request, such as REQ-1001.
    request_id: Id<Request>,
    /// The new title. Left out, it stays.
    title: Option<Text<120>>,
    /// The new description. Left out, it stays.
    description: Option<Text<4000>>,
    /// The new priority. Left out, it stays.
    priority: Option<Priority>,
    /// The new amount in whole euros. Left out, it stays.
    amount_eur: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
struct OneRequest {
    request: RequestView,
}

#[tool_router(router = request_change_tools, vis = "pub(crate)")]
impl WorkflowServer {
    #[tool(
        title = "Create a request",
        description = "Asks for something in your name. The process decides who approves it.",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    fn create_request(
        &self,
        caller: Caller,
        Parameters(args): Parameters<CreateRequest>,
    ) -> Result<Json<OneRequest>, Refusal> {
        let draft = Draft {
            process: args.process_id,
            title: args.title.into_string(),
            description: args.description.into_string(),
            priority: args.priority,
            amount_eur: args.amount_eur,
        };
        self.workflow.change(|records| {
            let id = records.create_request(&caller, draft)?;
            one(records, id)
        })
    }

    #[tool(
        title = "Update a request",
        description = "Changes an open request. Only its owner and administrators may; what you leave out stays.",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn update_request(
        &self,
        caller: Caller,
        Parameters(args): Parameters<UpdateRequest>,
    ) -> Result<Json<OneRequest>, Refusal> {
        let amendment = Amendment {
            title: args.title.map(Text::into_string),
            description: args.description.map(Text::into_string),
            priority: args.priority,
            amount_eur: args.amount_eur,
        };
        self.workflow.change(|records| {
            records.update_request(&caller, args.request_id, amendment)?;
            one(records, args.request_id)
        })
    }
}

fn one(records: &Records, id: Id<Request>) -> Result<Json<OneRequest>, Refusal> {
    let request = records.requests.get(id)?;
    Ok(Json(OneRequest { request: records.view_request(id, request) }))
}
