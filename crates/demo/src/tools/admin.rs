//! Users and settings: what only administrators do.

use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::records::Records;
use crate::records::id::Id;
use crate::records::people::Person;
use crate::records::role::Role;
use crate::records::settings::{Settings, SettingsChange};
use crate::refusal::Refusal;
use crate::server::WorkflowServer;
use crate::text::Text;
use crate::views::PersonView;

const MAX_OPEN_REQUESTS: u32 = 1_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetUserType {
    /// The id of the person, such as USR-2.
    person_id: Id<Person>,
    /// The most that the person may be here. It takes away; it never gives more than the sign-in.
    user_type: Role,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UpdateSettings {
    /// The name of the organisation. Left out, it stays.
    organisation: Option<Text<120>>,
    /// Whether new requests are taken at all. Left out, it stays.
    accepting_requests: Option<bool>,
    /// Whether a rejection needs a note. Left out, it stays.
    rejection_needs_note: Option<bool>,
    /// How many open requests one person may have, 1 to 1000. Left out, it stays.
    #[schemars(range(min = 1, max = 1000))]
    max_open_requests: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
struct UserList {
    users: Vec<PersonView>,
}

#[derive(Serialize, JsonSchema)]
struct OneUser {
    user: PersonView,
}

#[derive(Serialize, JsonSchema)]
struct CurrentSettings {
    settings: Settings,
}

#[tool_router(router = admin_tools, vis = "pub(crate)")]
impl WorkflowServer {
    #[tool(
        title = "List users",
        description = "Lists everybody the application has seen, with user type and limit.",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn admin_list_users(&self, caller: Caller) -> Result<Json<UserList>, Refusal> {
        self.workflow.read(|records| {
            records.administrator(&caller)?;
            let everybody = records.people.iter();
            let users = everybody.map(|(id, person)| Records::view_person(id, person)).collect();
            Ok(Json(UserList { users }))
        })
    }

    #[tool(
        title = "Limit a user",
        description = "Sets the most that a person may be in this application. Nobody changes themselves.",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn admin_set_user_type(
        &self,
        caller: Caller,
        Parameters(args): Parameters<SetUserType>,
    ) -> Result<Json<OneUser>, Refusal> {
        let id = args.person_id;
        self.workflow.change(|records| {
            let permit = records.administrator(&caller)?;
            records.limit_person(&permit, &caller, id, args.user_type)?;
            Ok(Json(OneUser { user: Records::view_person(id, records.people.get(id)?) }))
        })
    }

    #[tool(
        title = "Get settings",
        description = "Shows the settings of the whole application.",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn admin_get_settings(&self, caller: Caller) -> Result<Json<CurrentSettings>, Refusal> {
        self.workflow.read(|records| {
            records.administrator(&caller)?;
            Ok(Json(CurrentSettings { settings: records.settings.clone() }))
        })
    }

    #[tool(
        title = "Update settings",
        description = "Changes settings for everybody, at once. What you leave out stays.",
        annotations(
            read_only_hint = false,
            destructive_hint = true,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn admin_update_settings(
        &self,
        caller: Caller,
        Parameters(args): Parameters<UpdateSettings>,
    ) -> Result<Json<CurrentSettings>, Refusal> {
        let limit = args.max_open_requests;
        if limit.is_some_and(|limit| !(1..=MAX_OPEN_REQUESTS).contains(&limit)) {
            let reason = format!("max_open_requests must be 1 to {MAX_OPEN_REQUESTS}");
            return Err(Refusal::Invalid(reason));
        }
        let change = SettingsChange {
            organisation: args.organisation.map(Text::into_string),
            accepting_requests: args.accepting_requests,
            rejection_needs_note: args.rejection_needs_note,
            max_open_requests: limit,
        };
        self.workflow.change(|records| {
            let permit = records.administrator(&caller)?;
            records.change_settings(&permit, change);
            Ok(Json(CurrentSettings { settings: records.settings.clone() }))
        })
    }
}
