//! The caller's own profile.

use rmcp::handler::server::wrapper::Json;
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::Serialize;

use crate::caller::Caller;
use crate::records::Records;
use crate::records::people::UserType;
use crate::records::requests::{Request, RequestState};
use crate::records::role::Role;
use crate::server::WorkflowServer;
use crate::views::PersonRef;

#[derive(Serialize, JsonSchema)]
struct Profile {
    person: PersonRef,
    /// What the gateway says you are.
    user_type: UserType,
    /// What you are in this application.
    role: Role,
    /// The scopes of the token in use.
    scopes: Vec<String>,
    /// The client in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// The name of the organisation.
    organisation: String,
    /// How many requests wait for your decision.
    waiting_for_me: usize,
    /// How many of your own requests are open.
    my_open_requests: usize,
}

#[tool_router(router = profile_tools, vis = "pub(crate)")]
impl WorkflowServer {
    #[tool(
        title = "Get my profile",
        description = "Says who you act for, what they are here, and how much waits for them.",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn get_my_profile(&self, caller: Caller) -> Json<Profile> {
        let me = caller.person();
        self.workflow.read(|records| {
            Json(Profile {
                person: records.person_ref(me),
                user_type: caller.user_type(),
                role: records.role(&caller),
                scopes: caller.scopes().to_vec(),
                client: caller.client().map(str::to_owned),
                organisation: records.settings.organisation.clone(),
                waiting_for_me: count_open(records, |request| request.approver == me),
                my_open_requests: count_open(records, |request| request.owner == me),
            })
        })
    }
}

fn count_open(records: &Records, whose: impl Fn(&Request) -> bool) -> usize {
    let open = records.requests.iter().filter(|(_, r)| r.state == RequestState::Open);
    open.filter(|(_, request)| whose(request)).count()
}
