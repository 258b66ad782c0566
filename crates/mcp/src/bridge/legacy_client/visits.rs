//! Requests of a session that run at other replicas than its home. The home knows these replicas, so
//! that what concerns the whole session (a cancellation, a log level, the end) reaches all of them.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderName, HeaderValue, Response};
use http_body_util::BodyExt as _;
use kernel::encoding::base64url;
use protocol::jsonrpc::notification;
use protocol::mcp::INITIALIZED;
use protocol::replica;

use super::client_session::ClientSession;
use super::local;
use crate::bridge::Crossing;
use crate::reply::body::Body;

/// Names the replica at which a request of this session runs, sealed: nobody else can name one.
const VISITOR: HeaderName = HeaderName::from_static(replica::VISITOR);
/// The level that the home knows of.
const LEVEL: HeaderName = HeaderName::from_static(replica::LOG_LEVEL);
/// How long other replicas are waited for. One that hangs must hold nobody up.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a home is taken to remember: it may be started anew.
const REMEMBERED_SECONDS: i64 = 60;

/// Tells the session's home that requests of it run here, unless it was told just now.
pub(super) async fn announce(call: &Crossing<'_>, seat: &ClientSession) {
    let (home, now) = (&seat.facts.home, call.shared.trust.now());
    if call.shared.is_own(home) {
        return;
    }
    let clients = &call.state.legacy_clients;
    let Some(stand) = clients.stand_of(seat, call.permit.whose(), now) else { return };
    if !stand.begins_visit(now, now.plus_seconds(REMEMBERED_SECONDS)) {
        return;
    }
    let sealing = &call.shared.sealing;
    let name = call.shared.own_name();
    let sealed = sealing.key.seal(name.as_bytes(), &place(seat), &*sealing.random);
    let Ok(visitor) = HeaderValue::from_str(&sealed) else { return };
    // What carries the visitor's name. It means nothing else to a session that stands.
    let greeting = Bytes::from(notification(INITIALIZED, None));
    let told = call.greet(home, &call.server.path, greeting, (VISITOR, visitor));
    let Ok(Ok(response)) = tokio::time::timeout(PATIENCE, told).await else { return };
    let level = response.headers().get(LEVEL).and_then(|level| level.to_str().ok());
    if let Some(level) = level.and_then(local::level) {
        stand.set_level(level);
    }
    drain(response).await;
}

/// At the home: remembers the replica that a notification names, and says which level counts.
pub(super) fn welcome(call: &Crossing<'_>, seat: &ClientSession, response: &mut Response<Body>) {
    let Some(visitor) = call.headers.get(VISITOR).and_then(|sealed| sealed.to_str().ok()) else {
        return;
    };
    let Ok(name) = call.shared.sealing.key.open(visitor, &place(seat)) else { return };
    let Ok(name) = std::str::from_utf8(&name) else { return };
    let now = call.shared.trust.now();
    let clients = &call.state.legacy_clients;
    let Some(stand) = clients.stand_of(seat, call.permit.whose(), now) else { return };
    stand.visited_by(name);
    if let Some(level) = stand.view().level {
        response.headers_mut().insert(LEVEL, HeaderValue::from_static(level));
    }
}

/// At the home: says this at every replica that has requests of the session.
pub(super) async fn tell_visitors(call: &Crossing<'_>, seat: &ClientSession, body: Bytes) {
    if !call.shared.is_own(&seat.facts.home) {
        return;
    }
    let now = call.shared.trust.now();
    let stand = call.state.legacy_clients.stand(&seat.digest, now);
    let visitors = stand.map(|stand| stand.visitors()).unwrap_or_default();
    let telling = visitors.iter().map(|visitor| async {
        if let Ok(response) = call.hand_on(visitor, &call.server.path, body.clone()).await {
            drain(response).await;
        }
    });
    let _ = tokio::time::timeout(PATIENCE, join_all(telling)).await;
}

/// Read to its end, so that the connection can be used again.
async fn drain(response: Response<Body>) {
    let _ = response.into_body().collect().await;
}

fn place(seat: &ClientSession) -> String {
    format!("mcp visitor/{}", base64url(&seat.digest))
}
