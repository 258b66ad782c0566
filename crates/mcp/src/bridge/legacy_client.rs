//! A legacy client in front of a modern server (D-50…D-61): the sidecar holds the session that the
//! client believes in, and asks the server one self-contained question after the other.

mod answers;
mod asker;
mod batch;
mod capabilities;
mod client_session;
mod discovery;
mod forms;
mod initialize;
mod listen;
mod local;
mod notices;
mod param_headers;
mod questions;
mod request;
mod revision;
mod rounds;
mod running;
mod session_state;
mod shape;
mod state;
mod status;
mod subscribe;
mod talk;
mod visits;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use http::StatusCode;
use protocol::jsonrpc::{Message, Params};
use protocol::mcp::method;

pub(crate) use batch::answer as batch;
pub(crate) use listen::listen;
pub(crate) use state::LegacyClients;

use crate::bridge::Crossing;
use crate::passthrough::answer::StreamKind;
use crate::passthrough::front::{ClientMessage, Reply, deliver};
use crate::policy::judge::Handling;
use crate::reply;
use crate::reply::failure::{Failure, Malformed};
use crate::reply::{Answer, Refused};
use asker::Original;
use client_session::ClientSession;

/// Answers one message.
pub(crate) async fn answer(
    call: &Crossing<'_>,
    message: &Message<'_>,
    handling: Handling,
    body: Bytes,
) -> Answer {
    if handling == Handling::Initialize {
        return initialize::answer(call, &body).await;
    }
    let seat = ClientSession::of(call, call.state)?;
    match message {
        Message::Request { method, params, .. } => {
            let reply = request(call, seat, (method, params), body).await?;
            deliver(call, reply, None, StreamKind::Answer).await
        }
        Message::Notification { method, .. } => notices::take(call, &seat, method, body).await,
        Message::Answer => answers::take(call, &seat, body).await,
    }
}

/// What a request is told: at once where the sidecar knows it, otherwise by the upstream.
async fn request(
    call: &Crossing<'_>,
    seat: ClientSession,
    (method, params): (&str, &Params<'_>),
    body: Bytes,
) -> Result<Reply, Refused> {
    match method {
        method::PING => Ok(at_once(local::result(call.id, "{}"))),
        method::LOGGING_SET_LEVEL => local::set_level(call, &seat, body).await,
        method::RESOURCES_SUBSCRIBE | method::RESOURCES_UNSUBSCRIBE => {
            subscribe::change(call, &seat, method, body).await
        }
        method::TOOLS_LIST
        | method::TOOLS_CALL
        | method::PROMPTS_LIST
        | method::PROMPTS_GET
        | method::RESOURCES_LIST
        | method::RESOURCES_READ
        | method::RESOURCES_TEMPLATES_LIST
        | method::COMPLETION_COMPLETE => {
            let original = Original::read(call.id, (method, params), &body);
            let original = original.map_err(|_| call.refused(UNREADABLE_PARAMS))?;
            visits::announce(call, &seat).await;
            Ok(talk::start(call, seat, original, params))
        }
        // What only other revisions know, and tasks, which are not bridged (D-61).
        _ => Ok(at_once(ClientMessage::failure(Failure::UnknownMethod, call.id))),
    }
}

/// DELETE: what stands for the session ends with it, wherever that is.
pub(crate) async fn end(call: &Crossing<'_>) -> Answer {
    let seat = ClientSession::of(call, call.state)?;
    call.state.legacy_clients.end(&seat, call.permit.whose(), call.shared.trust.now());
    visits::tell_visitors(call, &seat, Bytes::new()).await;
    let home = &seat.facts.home;
    if !call.shared.is_own(home) {
        // If its home is gone, nothing stands there any more.
        let _ = call.hand_over(home, &call.server.path, Bytes::new()).await;
    }
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// What a client is told whose parameters are no object, or not what the method wants.
const UNREADABLE_PARAMS: Failure = Failure::Message(
    Malformed::Params,
    "these params cannot be read; send an object as the method wants it",
);

/// A reply that is known already.
fn at_once(said: ClientMessage) -> Reply {
    stream::iter([Ok(said)]).boxed()
}
