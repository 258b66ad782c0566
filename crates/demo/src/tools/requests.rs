//! Requests: finding and reading them.

use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::records::Records;
use crate::records::id::Id;
use crate::records::processes::Process;
use crate::records::requests::{Request, RequestState};
use crate::refusal::Refusal;
use crate::server::WorkflowServer;
use crate::text::Text;
use crate::views::{ActionView, CommentView, RequestView};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 100;

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Filter {
    #[default]
    All,
    Mine,
    WaitingForMe,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListRequests {
    /// Whose requests: all, those you own, or those that wait for your decision.
    #[serde(default)]
    filter: Filter,
    /// Only requests in this state.
    state: Option<RequestState>,
    /// Only requests of this process.
    process_id: Option<Id<Process>>,
    /// How many at most, 1 to 100.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SearchRequests {
    /// Words that must all occur in the title, the description or the names.
    query: Text<200>,
    /// How many at most, 1 to 100.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u32,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GetRequest {
    /// The id of the request, such as REQ-1001.
    request_id: Id<Request>,
}

#[derive(Serialize, JsonSchema)]
struct RequestList {
    requests: Vec<RequestView>,
    /// How many there are, including those beyond the limit.
    total: usize,
}

#[derive(Serialize, JsonSchema)]
struct RequestWithHistory {
    request: RequestView,
    comments: Vec<CommentView>,
    /// What happened to it, oldest first.
    history: Vec<ActionView>,
}

#[tool_router(router = request_tools, vis = "pub(crate)")]
impl WorkflowServer {
    #[tool(
        title = "List requests",
        description = "Lists requests, newest first. Use filter \"waiting_for_me\" for what you are to decide.",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn list_requests(
        &self,
        caller: Caller,
        Parameters(args): Parameters<ListRequests>,
    ) -> Result<Json<RequestList>, Refusal> {
        let me = caller.person();
        let wanted = |request: &Request| {
            let whose = match args.filter {
                Filter::All => true,
                Filter::Mine => request.owner == me,
                Filter::WaitingForMe => {
                    request.approver == me && request.state == RequestState::Open
                }
            };
            whose
                && args.state.is_none_or(|state| request.state == state)
                && args.process_id.is_none_or(|process| request.process == process)
        };
        self.workflow.read(|records| page(records, args.limit, wanted)).map(Json)
    }

    #[tool(
        title = "Search requests",
        description = "Finds requests by words in their title, description, owner or approver, newest first.",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn search_requests(
        &self,
        Parameters(args): Parameters<SearchRequests>,
    ) -> Result<Json<RequestList>, Refusal> {
        let words: Vec<String> = args.query.split_whitespace().map(str::to_lowercase).collect();
        self.workflow.read(|records| {
            let wanted = |request: &Request| {
                let text = searchable(records, request);
                words.iter().all(|word| text.contains(word.as_str()))
            };
            page(records, args.limit, wanted).map(Json)
        })
    }

    #[tool(
        title = "Get a request",
        description = "Shows one request with its comments and everything that happened to it.",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    fn get_request(
        &self,
        Parameters(args): Parameters<GetRequest>,
    ) -> Result<Json<RequestWithHistory>, Refusal> {
        let id = args.request_id;
        self.workflow.read(|records| {
            let request = records.requests.get(id)?;
            Ok(Json(RequestWithHistory {
                request: records.view_request(id, request),
                comments: records.view_comments(id),
                history: records.view_actions(id),
            }))
        })
    }
}

fn default_limit() -> u32 {
    DEFAULT_LIMIT
}

/// The newest requests that are wanted, up to the limit.
fn page(
    records: &Records,
    limit: u32,
    wanted: impl Fn(&Request) -> bool,
) -> Result<RequestList, Refusal> {
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Refusal::Invalid(format!("limit must be 1 to {MAX_LIMIT}, not {limit}")));
    }
    let found = records.requests.iter().rev().filter(|(_, request)| wanted(request));
    let mut list = RequestList { requests: Vec::new(), total: 0 };
    for (id, request) in found {
        list.total += 1;
        if list.requests.len() < usize::try_from(limit).unwrap_or(usize::MAX) {
            list.requests.push(records.view_request(id, request));
        }
    }
    Ok(list)
}

fn searchable(records: &Records, request: &Request) -> String {
    let name = |person| records.people.get(person).map_or("", |person| person.name.as_str());
    let (owner, approver) = (name(request.owner), name(request.approver));
    format!("{}\n{}\n{owner}\n{approver}", request.title, request.description).to_lowercase()
}
