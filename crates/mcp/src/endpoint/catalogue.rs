//! The tools of an upstream, asked for by the sidecar itself, for the consent page.

mod child;
mod sse;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use kernel::Timestamp;
use protocol::catalogue::{CatalogueTool, Consenting};
use protocol::mcp::{METHOD_HEADER, MODERN_REVISION, PROTOCOL_VERSION_HEADER, SESSION_HEADER};
use protocol::text::display_name;
use protocol::{Scopes, UserType};
use serde_json::value::RawValue;

use crate::access::{Reach, bearer};
use crate::config::Transport;
use crate::policy::Decision;
use crate::reply;
use crate::reply::body::Body;
use crate::request::{Endpoint, Shared};
use crate::tools::lists::filter::{Message, Tool, read, tools_of};
use crate::upstream::http::{BackendId, Incoming, Outgoing, Sent};
use crate::upstream::wire::json::without_mark;
use crate::upstream::wire::splitter::Splitter;
use crate::upstream::wire::whole;

/// What was asked before, by server and user type, and by person where each has a program of their
/// own.
#[derive(Default)]
pub(crate) struct Catalogues(Mutex<Vec<Kept>>);

struct Kept {
    server: String,
    key: Key,
    until: Timestamp,
    tools: Arc<Vec<CatalogueTool>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    user_type: UserType,
    /// The principal whose program was asked.
    own: Option<[u8; 32]>,
}

const KEEP_SECONDS: i64 = 60;
const TIME_LIMIT: Duration = Duration::from_secs(2);
const LEGACY_REVISION: &str = "2025-11-25";

/// Answers an authorization server that runs apart; `None` for everybody else, to whom there is
/// nothing at this path.
pub(crate) async fn answer(
    shared: &Shared,
    kept: &Catalogues,
    server: &Endpoint,
    (method, headers): (&Method, &HeaderMap),
) -> Option<Response<Body>> {
    let token = bearer::token(headers).ok().flatten().filter(|_| *method == Method::GET)?;
    let person = server.verifier.catalogue_request(token).await.ok()?;
    let tools = of(shared, kept, server, &person).await;
    let body = tools.and_then(|tools| serde_json::to_vec(&*tools).ok());
    Some(match body {
        Some(body) => reply::json(StatusCode::OK, body.into()),
        None => reply::empty(StatusCode::BAD_GATEWAY),
    })
}

/// The tools of `server` that this person could ever use there.
pub(crate) async fn of(
    shared: &Shared,
    kept: &Catalogues,
    server: &Endpoint,
    person: &Consenting,
) -> Option<Arc<Vec<CatalogueTool>>> {
    let (now, user_type) = (shared.trust.now(), person.user_type);
    let is_program = matches!(server.upstream.transport, Transport::Stdio(_));
    let caller = if is_program { Some(server.verifier.caller(person)?) } else { None };
    let own = caller.as_ref().filter(|_| !server.upstream.is_shared_by_everyone());
    let key = Key { user_type, own: own.map(|caller| caller.whose.principal) };
    if let Some(tools) = kept.find(&server.name, key, now) {
        return Some(tools);
    }
    let fetching = async {
        match (&server.upstream.transport, &caller) {
            (Transport::Http, _) => fetch(shared, server).await,
            (Transport::HttpSse, _) => sse::fetch(shared, server).await,
            (Transport::Stdio(_), Some(caller)) => child::fetch(server, caller).await,
            (Transport::Stdio(_), None) => None,
        }
    };
    if let Some(seen) = server.tools.lists.seen_by_all() {
        return visible(server, user_type, &seen).map(Arc::new);
    }
    let message = tokio::time::timeout(TIME_LIMIT, fetching).await.ok()??;
    let Ok(Message::Result(result)) = read(&message) else { return None };
    let tools = Arc::new(visible(server, user_type, result)?);
    kept.keep(&server.name, key, now, &tools);
    Some(tools)
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

/// Modern first; a legacy server refuses that with some 4xx, and then gets a session.
async fn fetch(shared: &Shared, server: &Endpoint) -> Option<Vec<u8>> {
    let asking = Asking { shared, server, session: None, backend: None };
    let modern = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"{MODERN_REVISION}","io.modelcontextprotocol/clientCapabilities":{{}},"io.modelcontextprotocol/clientInfo":{{"name":"wicketgate","version":"1"}}}}}}}}"#
    );
    let answered = asking.post(modern, MODERN_REVISION).await?;
    match answered.message {
        Some(message) if matches!(read(&message), Ok(Message::Result(_))) => Some(message),
        _ => asking.in_a_session().await,
    }
}

struct Asking<'a> {
    shared: &'a Shared,
    server: &'a Endpoint,
    session: Option<HeaderValue>,
    backend: Option<BackendId>,
}

struct Answered {
    backend: BackendId,
    session: Option<HeaderValue>,
    message: Option<Vec<u8>>,
}

impl Asking<'_> {
    async fn in_a_session(mut self) -> Option<Vec<u8>> {
        let initialize = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":"{LEGACY_REVISION}","capabilities":{{}},"clientInfo":{{"name":"wicketgate","version":"1"}}}}}}"#
        );
        let opened = self.post(initialize, LEGACY_REVISION).await?;
        let version = agreed_version(&opened.message?)?;
        self.session = opened.session;
        self.backend = Some(opened.backend);
        let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        self.post(initialized.to_owned(), &version).await?;
        let list = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;
        let listed = self.post(list.to_owned(), &version).await;
        if self.session.is_some() {
            // The server would drop the session some day anyway, so failure does not matter.
            let _ = self.request(Method::DELETE, String::new(), &version).await;
        }
        listed?.message
    }

    async fn post(&self, body: String, version: &str) -> Option<Answered> {
        let Sent { response, backend } = self.request(Method::POST, body, version).await?;
        let session = response.headers().get(SESSION_HEADER).cloned();
        let events = response.headers().get(CONTENT_TYPE).is_some_and(|value| {
            value.as_bytes().to_ascii_lowercase().starts_with(b"text/event-stream")
        });
        let success = response.status() == StatusCode::OK;
        if !success {
            return Some(Answered { backend, session, message: None });
        }
        let (body, limit) = (response.into_body(), self.shared.limits.list_bytes);
        let message = if events {
            first_response(Limited::new(body, limit)).await
        } else {
            whole(body, limit).await.ok().map(|message| without_mark(message).to_vec())
        };
        Some(Answered { backend, session, message })
    }

    async fn request(&self, method: Method, body: String, version: &str) -> Option<Sent> {
        let mut headers = HeaderMap::with_capacity(10);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        let version_header = HeaderName::from_static(PROTOCOL_VERSION_HEADER);
        headers.insert(version_header, HeaderValue::from_str(version).ok()?);
        if version == MODERN_REVISION {
            headers.insert(METHOD_HEADER, HeaderValue::from_static("tools/list"));
        }
        if let Some(session) = &self.session {
            headers.insert(SESSION_HEADER, session.clone());
        }
        let (body, backend) = (Bytes::from(body), self.backend);
        self.server
            .upstream
            .http
            .send(Outgoing { method, headers, body, backend, path: None, standing: false })
            .await
            .ok()
    }
}

fn agreed_version(message: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(message).ok()?;
    Some(value.get("result")?.get("protocolVersion")?.as_str()?.to_owned())
}

/// The first response in a stream of events.
async fn first_response(mut body: Limited<Incoming>) -> Option<Vec<u8>> {
    let mut splitter = Splitter::default();
    loop {
        while let Some(event) = splitter.next() {
            let message = event.message();
            if let Some(message) = message.filter(|m| !matches!(read(m), Ok(Message::Other))) {
                return Some(message);
            }
        }
        splitter.push(&body.frame().await?.ok()?.into_data().ok()?);
    }
}

impl Catalogues {
    fn find(&self, server: &str, key: Key, now: Timestamp) -> Option<Arc<Vec<CatalogueTool>>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = |entry: &&Kept| entry.server == server && entry.key == key;
        kept.iter().find(mine).filter(|entry| now < entry.until).map(|e| Arc::clone(&e.tools))
    }

    fn keep(&self, server: &str, key: Key, now: Timestamp, tools: &Arc<Vec<CatalogueTool>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|entry| now < entry.until);
        let (server, until) = (server.to_owned(), now.plus_seconds(KEEP_SECONDS));
        kept.push(Kept { server, key, until, tools: Arc::clone(tools) });
    }
}
