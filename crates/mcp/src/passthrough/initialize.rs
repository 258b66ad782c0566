//! `initialize`: the answer opens a legacy session, whose id leaves here sealed.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::StreamBody;
use protocol::mcp::{SESSION_HEADER, method};
use serde::Deserialize;
use upstream::http::BackendId;
use upstream::wire::reader::Reader;
use upstream::wire::{broke_off, handshake};

use crate::passthrough::answer::{Accepted, Form, StreamKind, respond};
use crate::passthrough::headers;
use crate::passthrough::lists::rewrite::rewritten;
use crate::passthrough::stream::strays::{Stray, Watch};
use crate::passthrough::stream::waiting::{Overfull, Waiting};
use crate::policy::judge::JudgedRequest;
use crate::reply::Answer;
use crate::reply::body::Body;
use crate::reply::failure::Unusable;
use crate::request::Call;
use crate::request::session::Held;
use crate::tools::tasks::advertised::without_list;

#[derive(Deserialize)]
struct Response {
    result: Option<InitializeResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InitializeResult {
    protocol_version: String,
}

/// Passes `initialize` on and seals the session that it opens, with the revision agreed on.
pub(crate) async fn answer(call: &Call<'_>, judged: &JudgedRequest<'_>) -> Answer {
    let sending = Box::pin(call.send(judged, judged.body().clone()));
    let sent = call.server.upstream.opening(method::INITIALIZE, sending).await?;
    let accepted = call.accept(sent)?;
    match (accepted.status, accepted.form) {
        (StatusCode::OK, Form::Json) => from_json(call, accepted).await,
        (StatusCode::OK, Form::Events) => from_events(call, accepted).await,
        _ => Ok(call.pass(accepted, StreamKind::Answer)),
    }
}

async fn from_json(call: &Call<'_>, accepted: Accepted) -> Answer {
    let Accepted { status, upstream_headers, body, backend, .. } = accepted;
    let message = call.collect_watched(body).await?;
    let version = version_in(&message).unwrap_or_default();
    let head = sealed_head(call, (&upstream_headers, backend), &version)?;
    let message = changed(&message).unwrap_or(message);
    Ok(respond(status, head, Body::ready(message)))
}

async fn from_events(call: &Call<'_>, accepted: Accepted) -> Answer {
    let Accepted { status, upstream_headers, body, backend, .. } = accepted;
    let mut reader = Reader::new(body, call.shared.limits.list_bytes);
    let mut before = Waiting::new(call.shared.limits.list_bytes);
    let search = async {
        loop {
            let Ok(Some(event)) = reader.next().await else {
                return Ok(None);
            };
            let version = event.message().and_then(|message| version_in(&message));
            before.put(event)?;
            if version.is_some() {
                return Ok(version);
            }
        }
    };
    let found = tokio::time::timeout(call.server.upstream.http.response_timeout(), search).await;
    let found = found.unwrap_or(Ok(None)).map_err(|Overfull| {
        tracing::warn!(server.name = %call.server.name, "mcp.initialize.too_much_before");
        call.refused(Unusable::BeforeInitialize)
    })?;
    let version = found.unwrap_or_default();
    let mut head = sealed_head(call, (&upstream_headers, backend), &version)?;
    headers::for_events(&mut head);
    let mut watch = Watch::of(call, Form::Events);
    let events = rewritten(reader, before.into_events(), move |event| {
        watch.look(&event.raw).map_err(|Stray| broke_off("a list that was not asked for"))?;
        let Some(message) = event.message() else {
            return Ok(event.beside_messages());
        };
        Ok(changed(&message)
            .map_or_else(|| event.unchanged(&message), |changed| event.with_message(&changed)))
    });
    let body = call.guard(StreamBody::new(Box::pin(events)), StreamKind::Answer);
    Ok(respond(status, head, body))
}

/// The answer as clients can read it, without what is not served. `None` if that changes nothing.
fn changed(message: &[u8]) -> Option<Bytes> {
    let tidied = handshake::tidy(message);
    tidied.as_deref().map_or_else(|| without_list(message), without_list).or(tidied)
}

fn sealed_head(
    call: &Call<'_>,
    (upstream, backend): (&HeaderMap, BackendId),
    version: &str,
) -> Result<HeaderMap, crate::reply::Refused> {
    let mut head = headers::to_client(call, upstream);
    if let Some(id) = upstream.get(SESSION_HEADER) {
        let place = Held::Behind { id: id.clone(), backend };
        let session = call.server.sessions.seal(call.permit, place, version);
        let session = session.ok_or_else(|| call.refused(Unusable::SessionId))?;
        head.insert(SESSION_HEADER, session.sealed.clone());
    }
    Ok(head)
}

fn version_in(message: &[u8]) -> Option<String> {
    let response: Response = serde_json::from_slice(message).ok()?;
    response.result.map(|result| result.protocol_version)
}
