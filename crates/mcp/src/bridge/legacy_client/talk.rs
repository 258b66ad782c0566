//! One request of a client, carried out to its end whether or not the client stays (D-58).

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use protocol::jsonrpc::Params;
use protocol::mcp::method;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use upstream::connection::{ConnectionError, Outcome};

use super::asker::{Asker, Original};
use super::client_session::ClientSession;
use super::running::Running;
use super::state::LONGEST_SECONDS;
use super::{at_once, rounds, shape, status};
use crate::bridge::Crossing;
use crate::passthrough::front::{ClientMessage, Reply};
use crate::passthrough::lists::answer::{Sieve, message};
use crate::reply::failure::{Failure, Limit, Unusable};

/// How many messages wait for a client that reads slowly; then the upstream waits, too.
const WAITING: usize = 4;
const LONGEST: Duration = Duration::from_secs(LONGEST_SECONDS.unsigned_abs());
/// How long a request goes on whose client went away.
const ALONE: Duration = Duration::from_mins(10);

/// Begins to carry out a request.
///
/// MCP 2025-11-25, "Sending Messages": a client that goes away has not cancelled, so the request
/// runs in a task of its own. Its result then is nobody's: streams are not resumable here.
pub(super) fn start(
    call: &Crossing<'_>,
    seat: ClientSession,
    original: Original,
    params: &Params<'_>,
) -> Reply {
    let sieve = (&*original.method == method::TOOLS_LIST).then(|| Sieve::new(call, params));
    if let Some(result) = sieve.as_ref().and_then(Sieve::ready) {
        return at_once(list(&seat, &original, &result));
    }
    let (id, whose) = (original.id().unwrap_or_default(), call.permit.whose());
    let now = call.shared.trust.now();
    let Ok(running) = Running::begin(call.state, &seat, id, whose, now) else {
        return at_once(ClientMessage::failure(Limit::Requests.into(), call.id));
    };
    let (tell, told) = mpsc::channel(WAITING);
    tokio::spawn(carry_out(Asker::of(call, seat), original, sieve, running, tell));
    let told = stream::unfold(told, |mut told| async { Some((Ok(told.recv().await?), told)) });
    told.boxed()
}

async fn carry_out(
    asker: Asker,
    original: Original,
    sieve: Option<Sieve>,
    running: Running,
    tell: mpsc::Sender<ClientMessage>,
) {
    let shared = &asker.shared;
    let (trust, permit) = (Arc::clone(&shared.trust), Arc::clone(&asker.permit));
    let ended = Arc::clone(&asker.server.pulse).ended(trust, permit, shared.limits.drain_grace);
    let alone = async {
        tell.closed().await;
        tokio::time::sleep(ALONE).await;
    };
    // Whatever comes first; the others are dropped, and with them what was asked behind.
    let said = tokio::select! {
        said = conclude(&asker, &original, sieve, &tell) => said,
        () = running.cancelled() => ClientMessage::failure(Failure::Cancelled, original.id()),
        () = ended => ClientMessage::failure(Failure::AccessEnded, original.id()),
        () = tokio::time::sleep(LONGEST) => ClientMessage::failure(ConnectionError::Timeout.into(), original.id()),
        () = alone => return,
    };
    // Nobody may be there to hear it, or nobody who reads.
    let _ = tokio::time::timeout(ALONE, tell.send(said)).await;
}

async fn conclude(
    asker: &Asker,
    original: &Original,
    sieve: Option<Sieve>,
    tell: &mpsc::Sender<ClientMessage>,
) -> ClientMessage {
    let answer = match rounds::answer(asker, original, tell).await {
        Ok(answer) => answer,
        Err(trouble) => return ClientMessage::failure(trouble, original.id()),
    };
    match (sieve, answer.outcome()) {
        (Some(sieve), Ok(Outcome::Result(result))) => sifted(asker, original, &sieve, result),
        _ => shape::answer(asker.seat.revision, original, &answer)
            .unwrap_or_else(|error| ClientMessage::failure(Failure::from(error), original.id())),
    }
}

/// A list of tools, first filtered and then shaped: what is kept still says how long it may be.
fn sifted(asker: &Asker, original: &Original, sieve: &Sieve, result: &RawValue) -> ClientMessage {
    match sieve.sift_result(result) {
        Ok(result) => list(&asker.seat, original, &result),
        Err(_) => ClientMessage::failure(Unusable::List.into(), original.id()),
    }
}

fn list(seat: &ClientSession, original: &Original, result: &[u8]) -> ClientMessage {
    match shape::result_text(seat.revision, &original.method, result) {
        Ok(shaped) => {
            ClientMessage::answer(message(original.id(), shaped.as_bytes()), status::ANSWER)
        }
        Err(_) => ClientMessage::failure(Unusable::List.into(), original.id()),
    }
}
