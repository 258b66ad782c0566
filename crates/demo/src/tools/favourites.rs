//! Favourites: requests that a person keeps at hand.

use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::records::Records;
use crate::records::id::Id;
use crate::records::requests::Request;
use crate::refusal::Refusal;
use crate::server::WorkflowServer;
use crate::views::RequestView;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangeFavourite {
    /// The id of the request, such as REQ-1001.
    request_id: Id<Request>,
}

#[derive(Serialize, JsonSchema)]
struct Favourites {
    favourites: Vec<RequestView>,
}

#[tool_router(router = favourite_tools, vis = "pub(crate)")]
impl WorkflowServer {
    #[tool(
        title = "List my favourites",
        description = "Lists the requests that you keep at hand. Nobody else sees them.",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn list_favourites(&self, caller: Caller) -> Json<Favourites> {
        self.workflow.read(|records| favourites(records, &caller))
    }

    #[tool(
        title = "Add a favourite",
        description = "Keeps a request at hand for you. Adding it twice changes nothing.",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn add_favourite(
        &self,
        caller: Caller,
        Parameters(args): Parameters<ChangeFavourite>,
    ) -> Result<Json<Favourites>, Refusal> {
        self.workflow.change(|records| {
            records.keep(&caller, args.request_id)?;
            Ok(favourites(records, &caller))
        })
    }

    #[tool(
        title = "Remove a favourite",
        description = "No longer keeps a request at hand for you. The request itself stays.",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn remove_favourite(
        &self,
        caller: Caller,
        Parameters(args): Parameters<ChangeFavourite>,
    ) -> Json<Favourites> {
        self.workflow.change(|records| {
            records.favourites.remove(&(caller.person(), args.request_id));
            favourites(records, &caller)
        })
    }
}

fn favourites(records: &Records, caller: &Caller) -> Json<Favourites> {
    let mine = records.favourites.iter().filter(|(person, _)| *person == caller.person());
    let requests = mine.filter_map(|(_, id)| Some((*id, records.requests.get(*id).ok()?)));
    let favourites = requests.map(|(id, request)| records.view_request(id, request)).collect();
    Json(Favourites { favourites })
}
