//! A modern client in front of a legacy server (D-30…D-43).
//!
//! The client knows no session: each of its requests says everything. The server knows nothing
//! else. So the sidecar holds the session, one for each principal and each set of capabilities,
//! and each request goes through it. The hardest part is a server that asks its client something
//! in the middle of a call: see [`park`].

mod bridged_request;
mod cancel;
mod declared;
mod discover;
mod error;
mod flight;
mod listen;
mod logging;
mod news;
mod notices;
mod park;
mod parked;
mod question;
mod request;
mod result;
mod retry;
mod running;
mod state;
mod subscriptions;
mod talk;
mod tasks;
#[cfg(test)]
mod test_support;
mod url;

use bytes::Bytes;
use http::StatusCode;
use protocol::jsonrpc::{Message, Params};
use protocol::mcp::{capability, method};
use upstream::connection::ConnectionError;
use upstream::connection::legacy::LegacyPeer;
use upstream::wire::Era;

use crate::bridge::{Crossing, without_session};
use crate::passthrough::answer::StreamKind;
use crate::passthrough::front::deliver;
use crate::passthrough::lists::answer::{Sieve, respond_with};
use crate::policy::judge::{Denial, Handling};
use crate::reply;
use crate::reply::{Answer, Refused};
use bridged_request::BridgedRequest;
use running::Running;

pub(crate) use parked::{ParkedCalls, none_yet};

/// Answers a message of a modern client.
pub(crate) async fn answer(
    call: &Crossing<'_>,
    message: &Message<'_>,
    _handling: Handling,
    body: Bytes,
) -> Answer {
    // C-03: a modern client has nothing to notify a server of over HTTP, so it goes no further.
    let Message::Request { method, params, .. } = message else {
        return Ok(reply::empty(StatusCode::ACCEPTED));
    };
    let asked = BridgedRequest::read(call, method, params, body)?;
    match &**method {
        method::SERVER_DISCOVER => discover::answer(call, &asked).await,
        method::SUBSCRIPTIONS_LISTEN => listen::answer(call, asked).await,
        method::TOOLS_LIST => list_tools(call, params, asked).await,
        method::TOOLS_CALL | method::PROMPTS_GET | method::RESOURCES_READ => match asked.state() {
            Some(state) => retry::answer(call, asked, &state).await,
            None => ask(call, asked, None).await,
        },
        method::PROMPTS_LIST
        | method::RESOURCES_LIST
        | method::RESOURCES_TEMPLATES_LIST
        | method::COMPLETION_COMPLETE => ask(call, asked, None).await,
        // C-42: what this revision no longer has: `ping`, `logging/setLevel` and so on.
        _ => Err(unknown_method(call)),
    }
}

async fn list_tools(call: &Crossing<'_>, params: &Params<'_>, asked: BridgedRequest) -> Answer {
    let sieve = Sieve::new(call, params);
    if let Some(result) = sieve.ready() {
        return Ok(respond_with(call, result));
    }
    ask(call, asked, Some(sieve)).await
}

async fn ask(call: &Crossing<'_>, asked: BridgedRequest, sieve: Option<Sieve>) -> Answer {
    let peer = asked.peer().await.map_err(|error| refusal(call, error))?;
    // C-42: so does what the server does not offer.
    if !offers(&peer, &asked.method) {
        return Err(unknown_method(call));
    }
    logging::set_level(&asked, &peer).await;
    let reply = talk::reply(Running::start(asked, peer));
    deliver(call, reply, sieve, StreamKind::Answer).await
}

fn offers(peer: &LegacyPeer, method: &str) -> bool {
    match method.split_once('/') {
        _ if method == method::COMPLETION_COMPLETE => peer.offers(capability::COMPLETIONS),
        Some((capability, _)) => peer.offers(capability),
        None => false,
    }
}

fn unknown_method(call: &Crossing<'_>) -> Refused {
    call.server.denied(&Denial::UnknownMethod, call.permit, Era::Modern, call.id)
}

fn refusal(call: &Crossing<'_>, error: ConnectionError) -> Refused {
    call.failed(without_session(error))
}
