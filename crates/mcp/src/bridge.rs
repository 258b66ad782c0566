//! Clients and servers of different generations, and servers that are not reached over Streamable
//! HTTP. Where both sides speak the same over HTTP, nothing here is involved.

pub(crate) mod direct;
pub(crate) mod legacy_client;
pub(crate) mod modern_client;
pub(crate) mod relay;

use bytes::Bytes;
use kernel::Timestamp;
use protocol::jsonrpc::Message;

use self::legacy_client::LegacyClients;
use self::modern_client::ParkedCalls;
use self::relay::Relays;
use crate::config::Transport;
use crate::endpoint::message::Admitted;
use crate::policy::judge::Handling;
use crate::reply::Answer;
use crate::request::Call;
use crate::upstream::connection::ConnectionError;
use crate::upstream::wire::Era;

/// What is kept at one server for clients and upstreams of different generations.
#[derive(Default)]
pub(crate) struct State {
    /// Calls at a legacy server that wait for their clients (D-36).
    pub(crate) parked: ParkedCalls,
    /// Sessions of legacy clients that are relayed (D-70).
    pub(crate) relays: Relays,
    pub(crate) legacy_clients: LegacyClients,
}

impl State {
    /// Ends what nobody used for long.
    pub(crate) fn sweep(&self, now: Timestamp) {
        self.relays.sweep(now);
    }

    /// Ends everything that nobody uses at this moment.
    pub(crate) fn end(&self) {
        self.relays.clear();
    }
}

/// How a message gets from its client to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Its bytes pass untouched.
    Pass,
    /// A modern client's to a legacy server (D-30…D-43).
    ModernToLegacy,
    /// A legacy client's to a modern server (D-50…D-62).
    LegacyToModern,
    /// A legacy client's to a legacy server over another transport (D-70).
    Relay,
    /// A modern client's to a modern server over another transport.
    Direct,
}

/// The route of a client of this era.
pub(crate) async fn route(admitted: &Admitted<'_>, era: Era) -> Result<Route, ConnectionError> {
    let server = admitted.server;
    let speaks = if let Some(speaks) = server.upstream.eras.known(admitted.shared.trust.now()) {
        speaks
    } else {
        server.upstream.speaks(&admitted.call(None, None).caller()).await?
    };
    let http = server.upstream.transport == Transport::Http;
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
    call: &Call<'_>,
    message: &Message<'_>,
    way: Handling,
    body: Bytes,
) -> Answer {
    let sent = call.exchange.sending();
    let answered = match route {
        Route::ModernToLegacy => modern_client::answer(call, message, way, body).await,
        Route::LegacyToModern => legacy_client::answer(call, message, way, body).await,
        Route::Relay => relay::answer(call, message, way, body).await,
        Route::Direct => direct::answer(call, message, way, body).await,
        Route::Pass => call.relay(body, crate::passthrough::answer::StreamKind::Answer).await,
    };
    call.exchange.answered(sent, answered.is_ok());
    answered
}
