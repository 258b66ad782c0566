//! A legacy client of a legacy server that is not reached over Streamable HTTP (D-70): a child
//! process, or a server of 2024-11-05.
//!
//! Both speak the same words, so messages pass as they are. Only what belongs to a connection is
//! exchanged: ids, progress tokens and the session itself, which the sidecar holds. What it holds
//! cannot travel, so another replica hands over to the one that answered `initialize`.

mod ask;
mod listen;
mod open;
mod questions;
mod retell;
mod sessions;
mod tell;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use protocol::jsonrpc::Message;

use crate::bridge::{Crossing, NO_SESSION};
use crate::policy::judge::Handling;
use crate::reply;
use crate::reply::failure::{Failure, Malformed};
use crate::reply::{Answer, Refused};
use sessions::Relayed;

pub(crate) use sessions::Relays;

/// Answers a POST.
pub(crate) async fn answer(
    call: &Crossing<'_>,
    message: &Message<'_>,
    handling: Handling,
    body: Bytes,
) -> Answer {
    if handling == Handling::Initialize {
        return open::initialize(call, &body).await;
    }
    let relayed = match held(call)? {
        Held::Here(relayed) => relayed,
        Held::At(home) => return call.hand_over(home, &call.server.path, body).await,
    };
    match message {
        Message::Request { method, params, .. } => {
            ask::request(call, relayed, method, params, handling, &body).await
        }
        Message::Notification { method, .. } => {
            tell::notification(call, &relayed, method, &body).await
        }
        Message::Answer => tell::answer(call, &relayed, &body).await,
    }
}

/// GET: the standing stream of a session that the sidecar holds.
pub(crate) async fn listen(call: &Crossing<'_>) -> Answer {
    match held(call)? {
        Held::Here(relayed) => listen::stream(call, &relayed),
        Held::At(home) => call.hand_over(home, &call.server.path, Bytes::new()).await,
    }
}

/// DELETE: the client ends its session.
pub(crate) async fn end(call: &Crossing<'_>) -> Answer {
    match held(call)? {
        Held::Here(relayed) => {
            relayed.end(call);
            Ok(reply::empty(StatusCode::NO_CONTENT))
        }
        Held::At(home) => call.hand_over(home, &call.server.path, Bytes::new()).await,
    }
}

/// Where a session is held.
enum Held<'c> {
    Here(Arc<Relayed>),
    At(&'c str),
}

/// The session that a call names. A server that is gone took its session along (404), so that the
/// client initializes a new one.
fn held<'c>(call: &'c Crossing<'_>) -> Result<Held<'c>, Refused> {
    let Some(session) = &call.session else {
        return Err(call.refused(Failure::Message(Malformed::Request, NO_SESSION)));
    };
    let facts = session.facts().ok_or_else(|| call.gone())?;
    if !call.shared.is_own(&facts.home) {
        return Ok(Held::At(&facts.home));
    }
    let relays = &call.state.relays;
    let relayed = relays.find(&session.digest, call.shared.trust.now());
    let relayed = relayed.ok_or_else(|| call.gone())?;
    if !relayed.peer.is_open() {
        relayed.forget(&call.state.relays, &call.caller());
        return Err(call.gone());
    }
    Ok(Held::Here(relayed))
}
