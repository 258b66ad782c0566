//! A batch, as only MCP 2025-03-26 knows it (D-07): each message is judged by itself (D-60).
//!
//! What may pass goes on, what may not is answered here, and both come back together. One HTTP
//! status cannot speak for several messages, so each refusal is a JSON-RPC error of its own, unless
//! more scope is all that is missing to every request: then the whole answer says so.

mod join;
mod piecemeal;

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use protocol::Scopes;
use protocol::jsonrpc::{Element, Message, Params};
use protocol::mcp::{BATCHING_REVISION, Method};
use upstream::wire::Era;

use crate::access::mirror;
use crate::bridge::Route;
use crate::endpoint::message::{Admitted, bad_request};
use crate::outbound::Cause;
use crate::passthrough::answer::{Form, StreamKind};
use crate::passthrough::lists::answer::{Sieve, unfilterable};
use crate::policy::judge::{Denial, Handling, JudgedRequest};
use crate::reply::{Answer, Refused};
use crate::request::session::Session;
use crate::{bridge, reply};

/// A batch after judgement.
struct Split<'b> {
    passing: Vec<JudgedRequest<'b>>,
    /// The errors for the rest.
    refused: Vec<Bytes>,
    /// The scopes that would do, if nothing but scope is missing and no request may pass.
    needed: Option<Scopes>,
}

/// Answers a batch.
pub(crate) async fn answer(admitted: &Admitted<'_>, batch: &[Element<'_>]) -> Answer {
    mirror::check_batch(batch, admitted.headers).map_err(|mismatch| mismatch.refusal(None))?;
    let session = admitted.session(None)?;
    if session.as_ref().is_none_or(|session| session.version != BATCHING_REVISION) {
        return Err(bad_request(
            "send one message at a time; this protocol revision has no batches",
        ));
    }
    refuse_what_stands_alone(batch)?;
    if session.as_ref().is_some_and(|session| session.facts().is_some()) {
        return held_here(admitted, session, batch).await;
    }
    let split = Split::of(admitted, batch).await;
    if let Some(needed) = split.needed {
        let endpoint = &admitted.server.endpoint;
        return Err(endpoint.insufficient(&admitted.permit, Era::Legacy, None, needed));
    }
    let Some(cause) = split.passing.first().map(Cause::from) else {
        return Ok(reply::json(StatusCode::OK, join::array(&split.refused)));
    };
    let call = admitted.call(None, session);
    call.in_order().await;
    let list = split.lists().next();
    split.lists().for_each(|_| admitted.server.endpoint.tools.lists.tally().miss());
    // Without a list that was asked for there may be one all the same.
    let sieve = Sieve::new(&call, list.unwrap_or(&Params::default()));
    let response = call.send(cause, split.body()).await?;
    // Servers of later revisions that still open such sessions know no arrays.
    if response.response.status() == StatusCode::BAD_REQUEST {
        return Ok(piecemeal::answer(&call, sieve, &split.passing, &split.refused));
    }
    let accepted = call.accept(response)?;
    if list.is_none() && split.refused.is_empty() {
        return Ok(call.pass(accepted, StreamKind::Answer));
    }
    match (accepted.status, accepted.form) {
        (StatusCode::OK, Form::Json) => join::json(&call, sieve, split.refused, accepted).await,
        (StatusCode::OK, Form::Events) => Ok(join::events(&call, sieve, &split.refused, accepted)),
        (status, _) if !status.is_success() => Ok(call.pass(accepted, StreamKind::Answer)),
        _ if list.is_some() => Err(unfilterable(&call)),
        // Nothing that passed wanted an answer.
        _ => Ok(reply::json(StatusCode::OK, join::array(&split.refused))),
    }
}

/// A batch in a session that the sidecar holds.
async fn held_here(
    admitted: &Admitted<'_>,
    session: Option<Arc<Session>>,
    batch: &[Element<'_>],
) -> Answer {
    let call = admitted.call(None, session);
    call.in_order().await;
    match bridge::route(&call, Era::Legacy).await.map_err(|error| call.failed(error))? {
        Route::LegacyToModern => bridge::batch((&call, &admitted.server.bridge), batch).await,
        _ => Err(bad_request("send one message at a time to this server")),
    }
}

/// MCP 2025-03-26: `initialize` is never part of a batch. A stream that stays cannot be either.
fn refuse_what_stands_alone(batch: &[Element<'_>]) -> Result<(), Refused> {
    let alone = |element: &Element<'_>| {
        let method = element.message.method().and_then(Method::of_request);
        matches!(method, Some(Method::Initialize | Method::Listen))
    };
    if batch.iter().any(alone) {
        return Err(bad_request("send this method alone, outside a batch"));
    }
    Ok(())
}

impl<'b> Split<'b> {
    async fn of(admitted: &Admitted<'_>, batch: &'b [Element<'b>]) -> Self {
        let mut split = Self { passing: Vec::new(), refused: Vec::new(), needed: None };
        let (mut needed, mut only_scope) = (Scopes::NONE, true);
        for element in batch {
            match verdict(admitted, element) {
                Ok(judged) => {
                    only_scope &= element.message.id().is_none();
                    split.passing.push(judged);
                }
                Err(refused) => {
                    match refused.needed() {
                        Some(scopes) => needed = needed.or(scopes),
                        None => only_scope = false,
                    }
                    split.refused.push(refused.into_text().await);
                }
            }
        }
        split.needed = Some(needed).filter(|needed| only_scope && *needed != Scopes::NONE);
        split
    }

    /// What goes on: the messages that may pass, each as it was judged.
    fn body(&self) -> Bytes {
        let passing: Vec<Bytes> = self.passing.iter().map(|judged| judged.body().clone()).collect();
        join::array(&passing)
    }

    /// The parameters of each `tools/list` that passes.
    fn lists(&self) -> impl Iterator<Item = &'b Params<'b>> {
        self.passing.iter().filter_map(|judged| match judged.message() {
            Message::Request { method, params, .. }
                if Method::of_request(method) == Some(Method::ListTools) =>
            {
                Some(params)
            }
            _ => None,
        })
    }
}

fn verdict<'b>(
    admitted: &Admitted<'_>,
    element: &'b Element<'b>,
) -> Result<JudgedRequest<'b>, Refused> {
    let message = &element.message;
    let body = Bytes::copy_from_slice(element.text.as_bytes());
    let judged = admitted.judge(Era::Legacy, message, body)?;
    match judged.handling() {
        Handling::Pass | Handling::CallTool | Handling::ListTools => Ok(judged),
        // The revision that knows batches knows no tasks.
        Handling::Task | Handling::Initialize | Handling::Listen => {
            let endpoint = &admitted.server.endpoint;
            let id = message.id().map(serde_json::value::RawValue::get);
            Err(endpoint.denied(&Denial::UnknownMethod, &admitted.permit, Era::Legacy, id))
        }
    }
}
