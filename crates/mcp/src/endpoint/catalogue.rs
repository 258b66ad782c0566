//! The tools of an upstream, asked for by the sidecar itself, for the consent page.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method, Response, StatusCode};
use kernel::Timestamp;
use protocol::catalogue::{CatalogueTool, Consenting};
use protocol::text::display_name;
use protocol::{Scopes, UserType};
use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use upstream::Transport;
use upstream::connection::Caller;

use crate::access::{Reach, bearer};
use crate::endpoint::server::Server;
use crate::policy::Decision;
use crate::reply;
use crate::reply::body::Body;
use crate::request::{Endpoint, Shared};
use crate::tools::listing::{list, nobody};
use crate::tools::lists::filter::{Tool, tools_of};

/// What was asked of a server before, by user type, and by person where each has a program of their
/// own.
pub(crate) struct Catalogues {
    kept: Mutex<Vec<Kept>>,
    /// Turns at asking the server. A page is loaded as often as somebody likes.
    turns: Semaphore,
}

struct Kept {
    key: Key,
    until: Timestamp,
    tools: Answered,
}

/// The tools, or that they could not be had.
type Answered = Option<Arc<Vec<CatalogueTool>>>;

#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    user_type: UserType,
    /// The principal whose program was asked.
    own: Option<[u8; 32]>,
}

const KEEP_SECONDS: i64 = 60;
/// A server that gave no list is not asked for one again at once.
const KEEP_FAILURE_SECONDS: i64 = 5;
/// How many ask one server at the same time.
const TURNS: usize = 2;
const TIME_LIMIT: Duration = Duration::from_secs(2);
/// More tools than anybody would read; the server chooses how many it has.
const MOST_TOOLS: usize = 1_000;
/// Lists that are kept of one server.
const MOST_LISTS: usize = 1_000;

/// Answers an authorization server that runs apart; `None` for everybody else, to whom there is
/// nothing at this path.
pub(crate) async fn answer(
    shared: &Shared,
    server: &Server,
    (method, headers): (&Method, &HeaderMap),
) -> Option<Response<Body>> {
    let token = bearer::credential(headers).ok().flatten().filter(|_| *method == Method::GET)?;
    let person = server.endpoint.verifier.catalogue_request(token).await.ok()?;
    let tools = of(shared, server, &person).await;
    let body = tools.and_then(|tools| serde_json::to_vec(&*tools).ok());
    Some(match body {
        Some(body) => reply::json(StatusCode::OK, body.into()),
        None => reply::empty(StatusCode::BAD_GATEWAY),
    })
}

/// The tools of `server` that this person could ever use there.
pub(crate) async fn of(
    shared: &Shared,
    Server { endpoint: server, catalogues: kept, .. }: &Server,
    person: &Consenting,
) -> Option<Arc<Vec<CatalogueTool>>> {
    let (now, user_type) = (shared.trust.now(), person.user_type);
    // A program is started as the person who consents. Any other server is asked without an identity.
    let is_program = matches!(server.upstream.transport, Transport::Stdio(_));
    let caller = if is_program { server.verifier.caller(person)? } else { nobody(user_type) };
    let own = is_program && !server.upstream.is_shared_by_everyone();
    let key = Key { user_type, own: own.then_some(caller.whose.principal) };
    if let Some(tools) = kept.find(key, now) {
        return tools;
    }
    if let Some(seen) = server.tools.lists.seen_by_all() {
        return visible(server, user_type, &seen).map(Arc::new);
    }
    let asking = async {
        let _turn = kept.turns.acquire().await.ok()?;
        // Whoever had the turn before may have asked the same.
        if let Some(tools) = kept.find(key, now) {
            return tools;
        }
        let tools = ask(server, &caller, user_type).await.map(Arc::new);
        kept.keep(key, now, tools.clone());
        tools
    };
    tokio::time::timeout(TIME_LIMIT, asking).await.unwrap_or_else(|_| {
        kept.keep(key, now, None);
        None
    })
}

/// Asks the server. `None` if it gives no list, or one that cannot be read.
async fn ask(
    server: &Endpoint,
    caller: &Caller,
    user_type: UserType,
) -> Option<Vec<CatalogueTool>> {
    let (mut tools, mut readable) = (Vec::new(), true);
    let listing = list(&server.upstream, caller, |page| match visible(server, user_type, page) {
        Some(more) => {
            let room = MOST_TOOLS.saturating_sub(tools.len());
            tools.extend(more.into_iter().take(room));
        }
        None => readable = false,
    });
    listing.await.ok()?;
    readable.then_some(tools)
}

/// Everything that is not hidden from somebody who holds all that this user type can hold.
fn visible(
    server: &Endpoint,
    user_type: UserType,
    result: &RawValue,
) -> Option<Vec<CatalogueTool>> {
    let all: Scopes = server.ceiling.and(user_type.allows());
    let reach = Reach { held: all, obtainable: all };
    let shown = |tool: &Tool<'_>| {
        server.policy.decide(reach, &tool.name, Some(tool.hints)) != Decision::Hide
    };
    // People read them, so they are cleaned like everything that others call themselves.
    let entry = |tool: Tool<'_>| {
        let name = display_name(&tool.name)?;
        let title = tool.title.as_deref().and_then(display_name);
        let scope = server.policy.scope_of(&tool.name, Some(tool.hints)).as_str().to_owned();
        Some(CatalogueTool { title: title.unwrap_or_else(|| name.clone()), scope, name })
    };
    Some(tools_of(result).ok()?.into_iter().filter(shown).filter_map(entry).collect())
}

impl Default for Catalogues {
    fn default() -> Self {
        Self { kept: Mutex::default(), turns: Semaphore::new(TURNS) }
    }
}

impl Catalogues {
    fn find(&self, key: Key, now: Timestamp) -> Option<Answered> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.iter().find(|entry| entry.key == key && now < entry.until)?;
        Some(known.tools.clone())
    }

    fn keep(&self, key: Key, now: Timestamp, tools: Answered) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|entry| now < entry.until && entry.key != key);
        if kept.len() >= MOST_LISTS {
            kept.remove(0);
        }
        let seconds = if tools.is_some() { KEEP_SECONDS } else { KEEP_FAILURE_SECONDS };
        kept.push(Kept { key, until: now.plus_seconds(seconds), tools });
    }
}
