//! Delegations: letting a colleague decide in one's place.

use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::records::id::Id;
use crate::records::people::Person;
use crate::records::processes::Process;
use crate::refusal::Refusal;
use crate::server::WorkflowServer;
use crate::text::Text;
use crate::views::DelegationView;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CreateDelegation {
    /// The id of the colleague, such as USR-2; `list_participants` names people.
    to_person_id: Id<Person>,
    /// Only requests of this process. Left out, all that wait for you.
    process_id: Option<Id<Process>>,
    /// Why, for the colleague to read.
    reason: Option<Text<1000>>,
}

#[derive(Serialize, JsonSchema)]
struct DelegationList {
    /// Delegations that you gave.
    given: Vec<DelegationView>,
    /// Delegations that you received.
    received: Vec<DelegationView>,
}

#[derive(Serialize, JsonSchema)]
struct OneDelegation {
    delegation: DelegationView,
}

#[tool_router(router = delegation_tools, vis = "pub(crate)")]
impl WorkflowServer {
    #[tool(
        title = "List my delegations",
        description = "Lists who may decide in your place, and in whose place you may decide.",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn list_delegations(&self, caller: Caller) -> Json<DelegationList> {
        let me = caller.person();
        self.workflow.read(|records| {
            let all = || records.delegations.iter();
            let view = |(id, given)| records.view_delegation(id, given);
            Json(DelegationList {
                given: all().filter(|(_, d)| d.from == me).map(view).collect(),
                received: all().filter(|(_, d)| d.to == me).map(view).collect(),
            })
        })
    }

    #[tool(
        title = "Delegate my decisions",
        description = "Lets a colleague decide the requests that wait for you, except their own.",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    fn create_delegation(
        &self,
        caller: Caller,
        Parameters(args): Parameters<CreateDelegation>,
    ) -> Result<Json<OneDelegation>, Refusal> {
        let reason = args.reason.map(Text::into_string);
        self.workflow.change(|records| {
            let id = records.delegate(&caller, args.to_person_id, args.process_id, reason)?;
            let delegation = records.delegations.get(id)?;
            Ok(Json(OneDelegation { delegation: records.view_delegation(id, delegation) }))
        })
    }
}
