//! Clients and servers of different generations, and servers that are not reached over Streamable
//! HTTP. Where both sides speak the same over HTTP, nothing here is involved.

pub(crate) mod direct;
pub(crate) mod legacy_client;
pub(crate) mod modern_client;
pub(crate) mod relay;
mod table;

#[cfg(test)]
mod tests;

use std::ops::Deref;
use std::sync::Arc;

use kernel::Timestamp;
use protocol::jsonrpc::Element;
use upstream::Transport;
use upstream::connection::ConnectionError;
use upstream::wire::Era;

use self::legacy_client::LegacyClients;
use self::modern_client::ParkedCalls;
use self::relay::Relays;
use crate::outbound::{Cause, Probe};
use crate::passthrough::answer::StreamKind;
use crate::policy::judge::JudgedRequest;
use crate::reply::Answer;
use crate::request::Call;

/// What is kept at one server for clients and upstreams of different generations.
pub(crate) struct State {
    /// Calls at a legacy server that wait for their clients (D-36).
    pub(crate) parked: ParkedCalls,
    /// Sessions of legacy clients that are relayed (D-70).
    pub(crate) relays: Relays,
    pub(crate) legacy_clients: LegacyClients,
}

impl Default for State {
    fn default() -> Self {
        Self {
            parked: modern_client::none_yet(),
            relays: Relays::default(),
            legacy_clients: LegacyClients::default(),
        }
    }
}

impl State {
    /// Ends what nobody used for long.
    pub(crate) fn sweep(&self, now: Timestamp) {
        self.relays.sweep(now);
    }

    /// Ends everything that nobody uses at this moment.
    pub(crate) fn end(&self) {
        self.relays.clear();
        self.parked.clear();
        self.legacy_clients.clear();
    }
}

/// How a message gets from its client to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Its bytes pass untouched.
    Pass,
    /// A modern client's to a legacy server (D-30…D-43).
    ModernToLegacy,
    /// A legacy client's to a modern server (D-50…D-61).
    LegacyToModern,
    /// A legacy client's to a legacy server over another transport (D-70).
    Relay,
    /// A modern client's to a modern server over another transport.
    Direct,
}

/// A call that crosses eras or transports: the call itself, and what is kept for such calls.
pub(crate) struct Crossing<'r> {
    call: &'r Call<'r>,
    state: &'r Arc<State>,
    /// Why everything here is sent: the judged message, or a probe.
    cause: Cause,
}

impl<'r> Deref for Crossing<'r> {
    type Target = Call<'r>;

    fn deref(&self) -> &Call<'r> {
        self.call
    }
}

/// What a legacy client is told that names no session.
const NO_SESSION: &str = "send the Mcp-Session-Id from the answer to initialize";

/// Neither a modern client nor a client of a modern server knows sessions with the upstream, so it
/// never hears that one is gone (D-55).
fn without_session(error: ConnectionError) -> ConnectionError {
    if error == ConnectionError::SessionGone { ConnectionError::Broken } else { error }
}

/// The route of a client of this era.
pub(crate) async fn route(call: &Call<'_>, era: Era) -> Result<Route, ConnectionError> {
    let upstream = &call.server.upstream;
    let speaks = if let Some(speaks) = upstream.eras.known(call.shared.trust.now()) {
        speaks
    } else {
        upstream.speaks(&call.caller()).await?
    };
    let http = upstream.transport == Transport::Http;
    Ok(match era {
        Era::Modern if speaks.modern && http => Route::Pass,
        Era::Modern if speaks.modern => Route::Direct,
        Era::Modern => Route::ModernToLegacy,
        Era::Legacy if speaks.legacy && http => Route::Pass,
        Era::Legacy if speaks.legacy => Route::Relay,
        Era::Legacy => Route::LegacyToModern,
    })
}

/// Answers a message that does not simply pass. It was judged before.
pub(crate) async fn answer(
    route: Route,
    (call, state): (&Call<'_>, &Arc<State>),
    judged: JudgedRequest<'_>,
) -> Answer {
    let sent = call.record.sending();
    let crossing = &Crossing { call, state, cause: Cause::from(&judged) };
    let (message, handling, body) = (judged.message(), judged.handling(), judged.body().clone());
    let answered = match route {
        Route::ModernToLegacy => modern_client::answer(crossing, message, handling, body).await,
        Route::LegacyToModern => legacy_client::answer(crossing, message, handling, body).await,
        Route::Relay => relay::answer(crossing, message, handling, body).await,
        Route::Direct => direct::answer(crossing, message, handling, body).await,
        Route::Pass => call.relay(&judged, body, StreamKind::Answer).await,
    };
    call.record.answered(sent, answered.is_ok());
    answered
}

/// GET: the standing stream of a session that the sidecar holds.
pub(crate) async fn listen(route: Route, (call, state): (&Call<'_>, &Arc<State>)) -> Answer {
    let crossing = &Crossing { call, state, cause: Probe::Stream.into() };
    match route {
        Route::Relay => relay::listen(crossing).await,
        Route::LegacyToModern => legacy_client::listen(crossing).await,
        Route::Pass | Route::Direct | Route::ModernToLegacy => Err(call.gone()),
    }
}

/// DELETE: such a session ends.
pub(crate) async fn end(route: Route, (call, state): (&Call<'_>, &Arc<State>)) -> Answer {
    let crossing = &Crossing { call, state, cause: Probe::EndOfSession.into() };
    match route {
        Route::Relay => relay::end(crossing).await,
        Route::LegacyToModern => legacy_client::end(crossing).await,
        Route::Pass | Route::Direct | Route::ModernToLegacy => Err(call.gone()),
    }
}

/// Answers a batch in a session that the sidecar holds, whose messages are judged one by one.
pub(crate) async fn batch(
    (call, state): (&Call<'_>, &Arc<State>),
    batch: &[Element<'_>],
) -> Answer {
    legacy_client::batch((call, state), batch).await
}
