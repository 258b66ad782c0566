//! `tools/list`: from what is kept, or from the upstream through the filter.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use kernel::Timestamp;
use protocol::jsonrpc::member::RESULT;
use protocol::jsonrpc::{Params, response};
use upstream::Transport;

use crate::access::Permit;
use crate::passthrough::answer::{Accepted, Form, respond};
use crate::passthrough::headers;
use crate::policy::judge::JudgedRequest;
use crate::reply;
use crate::reply::Answer;
use crate::reply::body::Body;
use crate::reply::failure::Unusable;
use crate::request::{Call, Endpoint};
use crate::tools::lists::dropped::Dropped;
use crate::tools::lists::filter::{Filtered, Message, Unfilterable, answers, filter, read};
use crate::tools::lists::tidy::Reader;
use crate::tools::lists::{Key, Owner};

/// Filters the lists of one call and keeps them.
pub(crate) struct Sieve {
    server: Arc<Endpoint>,
    permit: Arc<Permit>,
    /// The id of the request, as it was written.
    id: Option<Box<str>>,
    key: Key,
    reader: Reader,
    asked: (u64, Timestamp),
}

/// Answers `tools/list`.
pub(crate) async fn answer(
    call: &Call<'_>,
    params: &Params<'_>,
    judged: &JudgedRequest<'_>,
) -> Answer {
    let sieve = Sieve::new(call, params);
    if let Some(result) = sieve.ready() {
        return Ok(respond_with(call, result));
    }
    let accepted = call.accept(call.send(judged, judged.body().clone()).await?)?;
    match (accepted.status, accepted.form) {
        (StatusCode::OK, Form::Json) => filter_json(call, sieve, accepted).await,
        (StatusCode::OK, Form::Events) => {
            super::rewrite::filter_events(call, sieve, accepted).await
        }
        // Whatever else calls itself a success was not filtered, so it does not pass.
        (status, _) if status.is_success() => Err(unfilterable(call)),
        _ => failed(call, &sieve, accepted).await,
    }
}

/// Passes an HTTP error on whose body is empty or a JSON-RPC error. Any other body could be an
/// unfiltered list, whatever the status says.
pub(crate) async fn failed(call: &Call<'_>, sieve: &Sieve, accepted: Accepted) -> Answer {
    let head = headers::to_client(call, &accepted.upstream_headers);
    let (status, form) = (accepted.status, accepted.form);
    let message = call.collect(accepted.body).await?;
    let is_failure = message.is_empty()
        || form == Form::Json && matches!(sieve.sift(&message), Ok(Sifted::Error));
    if is_failure {
        return Ok(respond(status, head, Body::ready(message)));
    }
    tracing::warn!(server.name = %call.server.name, %status, "mcp.list.unreadable_error");
    Err(call.refused(call.refused_with(status)))
}

async fn filter_json(call: &Call<'_>, sieve: Sieve, accepted: Accepted) -> Answer {
    let head = headers::to_client(call, &accepted.upstream_headers);
    let message = call.collect(accepted.body).await?;
    match sieve.sift(&message) {
        Ok(Sifted::List(result)) => Ok(respond_with(call, result)),
        Ok(Sifted::Error) => Ok(respond(accepted.status, head, Body::ready(message))),
        Ok(Sifted::Untouched) | Err(Unfilterable) => Err(unfilterable(call)),
    }
}

/// The answer around a ready result.
pub(crate) fn respond_with(call: &Call<'_>, result: Bytes) -> Response<Body> {
    let body = if result.len() < COPIED_BYTES {
        Body::ready(message(call.id, &result))
    } else {
        Body::pieces([before(call.id).into(), result, AFTER])
    };
    let mut response = reply::json_body(StatusCode::OK, body);
    repeat_session(call, response.headers_mut());
    response
}

/// The message around a ready result.
pub(crate) fn message(id: Option<&str>, result: &[u8]) -> Vec<u8> {
    let mut message = before(id);
    message.reserve_exact(result.len() + AFTER.len());
    message.extend_from_slice(result);
    message.extend_from_slice(&AFTER);
    message
}

/// The message up to its result.
fn before(id: Option<&str>) -> Vec<u8> {
    let mut message = response(id.unwrap_or("null"), RESULT, "").into_bytes();
    message.truncate(message.len() - AFTER.len());
    message
}

/// What comes after it.
const AFTER: Bytes = Bytes::from_static(b"}");
/// Below this, one piece that is copied costs less than three that are not.
const COPIED_BYTES: usize = 16 << 10;

/// An answer that was not understood might hold anything, so it does not pass.
pub(crate) fn unfilterable(call: &Call<'_>) -> reply::Refused {
    call.refused(Unusable::List)
}

fn repeat_session(call: &Call<'_>, headers: &mut HeaderMap) {
    if let Some(session) = &call.session {
        headers.insert(protocol::mcp::SESSION_HEADER, session.sealed.clone());
    }
}

/// How much of a tool's name is logged.
const LOGGED: usize = 128;

/// What became of one message.
pub(crate) enum Sifted {
    /// A list; this is its filtered result.
    List(Bytes),
    /// An error instead of a list.
    Error,
    /// No answer at all; it passes as it is.
    Untouched,
}

impl Sieve {
    pub(crate) fn new(call: &Call<'_>, params: &Params<'_>) -> Self {
        let (permit, server) = (call.permit, call.server);
        let session = call.session.as_ref();
        let owner = session.map_or(Owner::Principal(*permit.principal()), |session| {
            Owner::Session(session.digest)
        });
        let version = params.protocol_version.as_deref();
        let reader = if version.is_some() { Reader::Modern } else { Reader::Legacy };
        let version = version.or(session.map(|session| session.version.as_str()));
        let key = Key::new(
            owner,
            permit.reach(),
            permit.user_type(),
            version.unwrap_or_default(),
            params.cursor.as_deref(),
        );
        let asked = (server.tools.lists.epoch(), call.shared.trust.now());
        let id = call.id.map(Box::from);
        Self { server: Arc::clone(server), permit: Arc::clone(permit), id, key, reader, asked }
    }

    /// A kept result: this principal's own, or one that is the same for everybody. Whether there was
    /// one is counted.
    pub(crate) fn ready(&self) -> Option<Bytes> {
        let (lists, now) = (&self.server.tools.lists, self.asked.1);
        let kept = lists.ready(&self.key, now);
        let kept = kept.or_else(|| lists.ready(&self.key.clone().shared(), now));
        match &kept {
            Some(_) => lists.tally().hit(),
            None => lists.tally().miss(),
        }
        kept
    }

    /// Filters one message, if it is the answer with a list, and keeps the result. The answer to
    /// some other request is none to this one.
    pub(crate) fn sift(&self, message: &[u8]) -> Result<Sifted, Unfilterable> {
        let result = match read(message)? {
            Message::Other => return Ok(Sifted::Untouched),
            _ if !answers(message, self.id.as_deref()) => return Err(Unfilterable),
            Message::Error => return Ok(Sifted::Error),
            Message::Result(result) => result,
        };
        self.sift_result(result).map(Sifted::List)
    }

    /// Filters the result of this request and keeps it.
    pub(crate) fn sift_result(
        &self,
        result: &serde_json::value::RawValue,
    ) -> Result<Bytes, Unfilterable> {
        let filtered = self.filter(result)?;
        let key = self.key.clone();
        let key = if filtered.public { key.shared() } else { key };
        let result = filtered.result;
        self.server.tools.lists.keep(key, &result, self.asked, filtered.ttl_millis);
        Ok(result)
    }

    /// Filters a result that may or may not be a list, and keeps nothing.
    pub(crate) fn filter(
        &self,
        result: &serde_json::value::RawValue,
    ) -> Result<Filtered, Unfilterable> {
        self.server.tools.schemas.learn(result);
        // One child for all is told nothing of anybody.
        let one_for_all = matches!(&self.server.upstream.transport, Transport::Stdio(child) if child.shared_by_everyone);
        if one_for_all && self.key.is_first_page() {
            self.server.tools.lists.see_for_all(result);
        }
        let (policy, reach) = (&self.server.policy, self.permit.reach());
        let keep = |tool: &str, hints| policy.lists(reach, tool, Some(hints));
        let mut filtered = filter(result, self.reader, keep)?;
        self.note_odd(&filtered);
        if policy.uses_hints() {
            self.server.tools.lists.learn(std::mem::take(&mut filtered.hints));
        }
        Ok(filtered)
    }

    /// Says what is missing in a list, and remembers what must not be called.
    fn note_odd(&self, filtered: &Filtered) {
        let name = &self.server.name;
        if let Some(Dropped { reason, .. }) = filtered.dropped.first() {
            let count = filtered.dropped.len();
            tracing::warn!(server.name = %name, count, reason, "mcp.list.tools_dropped");
        }
        if let Some((tool, members)) = &filtered.tidied {
            let tool: String = tool.chars().take(LOGGED).collect();
            tracing::warn!(server.name = %name, ?tool, ?members, "mcp.list.members_left_out");
        }
        let listed = filtered.hints.iter().map(|(tool, _)| &**tool);
        self.server.tools.lists.dropped().learn(listed, &filtered.dropped);
    }
}
