//! The standing stream of a session (D-57): one `subscriptions/listen` at the upstream for
//! everything that the client wants to hear.

mod subscription;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use http_body::Frame;
use http_body_util::StreamBody;
use protocol::jsonrpc::INVALID_REQUEST;
use protocol::mcp::SESSION_HEADER;
use tokio::sync::{mpsc, watch};
use upstream::wire::{BodyError, events};

use super::asker::Asker;
use super::client_session::ClientSession;
use super::discovery::discovered;
use super::session_state::View;
use crate::bridge::Crossing;
use crate::passthrough::answer::StreamKind;
use crate::passthrough::front::events_response;
use crate::reply::Answer;
use crate::reply::failure::Limit;
use subscription::{Kinds, Subscription};

/// How often an idle stream shows that it is alive.
const ALIVE_EVERY: Duration = Duration::from_secs(25);
const WAITING: usize = 16;

/// One stream and what feeds it.
struct Listener {
    view: watch::Receiver<View>,
    /// Which of the session's streams this is.
    number: u64,
    subscription: Subscription,
    tell: mpsc::Sender<Bytes>,
}

/// GET: opens the stream, at the session's home.
pub(crate) async fn listen(call: &Crossing<'_>) -> Answer {
    if call.session.is_none() {
        // D-02: without a session there is nothing to listen to.
        let message = "initialize first; without a session only POST is served";
        return Err(call
            .fault(StatusCode::METHOD_NOT_ALLOWED, INVALID_REQUEST, message)
            .allowing("POST"));
    }
    let seat = ClientSession::of(call, call.state)?;
    if !call.shared.is_own(&seat.facts.home) {
        return call.hand_over(&seat.facts.home, &call.server.path, Bytes::new()).await;
    }
    open(call, seat).await
}

async fn open(call: &Crossing<'_>, seat: ClientSession) -> Answer {
    let whose = call.permit.whose();
    let slot = call.slot()?;
    let asker = Asker::of(call, seat);
    let known = discovered(&asker).await.map_err(|trouble| call.refused(trouble))?;
    let (clients, now) = (&call.state.legacy_clients, call.shared.trust.now());
    let stand = clients.stand_of(&asker.seat, whose, now);
    let stand = stand.ok_or_else(|| call.refused(Limit::Requests))?;
    let number = stand.begin_stream();
    let view = stand.watch();
    let (tell, told) = mpsc::channel(WAITING);
    stand.settled(None);
    let subscription = Subscription::new(asker, Kinds::of(&known), Arc::clone(&stand));
    let listener = Listener { view, number, subscription, tell };
    tokio::spawn(listener.run());
    stand.settle().await;
    let events = stream::unfold(told, |mut told| async {
        Some((Ok::<_, BodyError>(Frame::data(told.recv().await?)), told))
    });
    let body = call.guard(StreamBody::new(Box::pin(events)), StreamKind::Open(Some(slot)));
    let mut response = events_response(body);
    if let Some(session) = &call.session {
        response.headers_mut().insert(SESSION_HEADER, session.sealed.clone());
    }
    Ok(response)
}

impl Listener {
    /// Until the client goes away, its token or session ends, or it opens another stream.
    async fn run(mut self) {
        let mut alive = tokio::time::interval(ALIVE_EVERY);
        loop {
            let view = self.view.borrow_and_update().clone();
            if view.ended || view.stream != self.number {
                return;
            }
            self.subscription.want(&view.resources);
            let event = tokio::select! {
                changed = self.view.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
                () = self.tell.closed() => return,
                _ = alive.tick() => {
                    self.stay_in_use();
                    Bytes::from_static(b": \n\n")
                }
                news = self.subscription.next() => events::of_message(&news),
            };
            if self.tell.send(event).await.is_err() {
                return;
            }
        }
    }

    /// The session is in use, however silent it is.
    fn stay_in_use(&self) {
        let asker = &self.subscription.asker;
        asker.state.legacy_clients.stand(&asker.seat.digest, asker.shared.trust.now());
    }
}
