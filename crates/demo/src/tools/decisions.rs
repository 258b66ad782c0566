//! Actions: what happened to a request, and deciding it.

use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::records::decisions::Decision;
use crate::records::id::Id;
use crate::records::requests::Request;
use crate::refusal::Refusal;
use crate::server::WorkflowServer;
use crate::text::Text;
use crate::views::{ActionView, RequestView};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListActions {
    /// The id of the request, such as REQ-1001.
    request_id: Id<Request>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SubmitAction {
    /// The id of the request, such as REQ-1001.
    request_id: Id<Request>,
    decision: Decision,
    /// A word to the owner. A rejection needs one.
    note: Option<Text<1000>>,
}

#[derive(Serialize, JsonSchema)]
struct ActionList {
    /// Oldest first.
    actions: Vec<ActionView>,
}

#[derive(Serialize, JsonSchema)]
struct Decided {
    request: RequestView,
}

#[tool_router(router = decision_tools, vis = "pub(crate)")]
impl WorkflowServer {
    #[tool(
        title = "List actions",
        description = "Lists what happened to a request, oldest first: who did what, and why.",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn list_actions(
        &self,
        Parameters(args): Parameters<ListActions>,
    ) -> Result<Json<ActionList>, Refusal> {
        let id = args.request_id;
        self.workflow.read(|records| {
            records.requests.get(id)?;
            Ok(Json(ActionList { actions: records.view_actions(id) }))
        })
    }

    #[tool(
        title = "Approve or reject a request",
        description = "Decides a request for good. Only its assigned approver or a delegate may, and nobody decides their own.",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    fn submit_action(
        &self,
        caller: Caller,
        Parameters(args): Parameters<SubmitAction>,
    ) -> Result<Json<Decided>, Refusal> {
        let id = args.request_id;
        let note = args.note.map(Text::into_string);
        self.workflow.change(|records| {
            records.decide_request(&caller, id, args.decision, note)?;
            let request = records.requests.get(id)?;
            Ok(Json(Decided { request: records.view_request(id, request) }))
        })
    }
}
