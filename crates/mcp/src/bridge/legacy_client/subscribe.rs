//! `resources/subscribe` and `resources/unsubscribe` (D-57): remembered at the session's home,
//! where its standing stream turns them into one subscription of the modern kind.

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http_body_util::BodyStream;
use protocol::jsonrpc::member::PARAMS;
use protocol::mcp::{capability, member, method};
use upstream::connection::ConnectionError;
use upstream::wire::json::Members;
use upstream::wire::whole;

use super::asker::Asker;
use super::client_session::ClientSession;
use super::discovery::discovered;
use super::{at_once, local, status};
use crate::bridge::Crossing;
use crate::bridge::legacy_client::UNREADABLE_PARAMS;
use crate::passthrough::front::{ClientMessage, Reply};
use crate::reply::Refused;
use crate::reply::failure::{Failure, Limit};

/// Changes what the session is subscribed to.
pub(super) async fn change(
    call: &Crossing<'_>,
    seat: &ClientSession,
    method: &str,
    body: Bytes,
) -> Result<Reply, Refused> {
    if !call.shared.is_own(&seat.facts.home) {
        return elsewhere(call, seat, body).await;
    }
    let changed = change_here(call, seat, method, &body).await;
    Ok(at_once(match changed {
        Ok(()) => local::result(call.id, "{}"),
        Err(trouble) => ClientMessage::failure(trouble, call.id),
    }))
}

async fn change_here(
    call: &Crossing<'_>,
    seat: &ClientSession,
    method: &str,
    body: &[u8],
) -> Result<(), Failure> {
    let known = discovered(&Asker::of(call, seat.clone())).await?;
    if !known.offers(capability::RESOURCES_SUBSCRIBE) {
        return Err(Failure::UnknownMethod);
    }
    let text = std::str::from_utf8(body).unwrap_or_default();
    let params = Members::read(text).ok().and_then(|members| members.get(PARAMS));
    let uri = Members::of(params).ok().and_then(|params| params.text(member::URI));
    let uri = uri.ok_or(UNREADABLE_PARAMS)?;
    let (clients, now) = (&call.state.legacy_clients, call.shared.trust.now());
    let stand =
        clients.stand_of(seat, call.permit.whose(), now).ok_or(Failure::Limit(Limit::Requests))?;
    if method == method::RESOURCES_UNSUBSCRIBE {
        stand.unsubscribe(&uri);
        return Ok(());
    }
    stand.subscribe(uri).map_err(|_| Limit::Subscriptions)?;
    stand.settle().await;
    Ok(())
}

/// Lets the session's home answer.
async fn elsewhere(
    call: &Crossing<'_>,
    seat: &ClientSession,
    body: Bytes,
) -> Result<Reply, Refused> {
    let response = call.hand_over(&seat.facts.home, &call.server.path, body).await?;
    if !response.status().is_success() {
        return Err(response.into());
    }
    let text = whole(response.into_body(), call.shared.limits.body_bytes).await;
    let text = text.map_err(|_| call.failed(ConnectionError::Broken))?;
    Ok(at_once(ClientMessage::answer(text, status::ANSWER)))
}

/// Tells the session's home as well, if that is another replica that can be reached.
pub(super) async fn at_home_too(call: &Crossing<'_>, seat: &ClientSession, body: Bytes) {
    let home = &seat.facts.home;
    if call.shared.is_own(home) {
        return;
    }
    if let Ok(response) = call.hand_over(home, &call.server.path, body).await {
        // Read to its end, so that the connection can be used again.
        let _ = BodyStream::new(response.into_body()).try_for_each(|_| async { Ok(()) }).await;
    }
}
