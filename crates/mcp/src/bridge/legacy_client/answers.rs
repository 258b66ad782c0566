//! Answers of a client to what it was asked, each brought to where its question waits.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::StatusCode;
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use upstream::connection::{Outcome, ServerMessage};

use super::asker::Asker;
use super::client_session::ClientSession;
use super::questions;
use crate::bridge::{Crossing, State};
use crate::reply;
use crate::reply::Answer;
use crate::reply::failure::{Failure, Malformed};

/// What a client said to a question.
#[derive(Debug)]
pub(super) enum Given {
    Result(Box<RawValue>),
    /// An error, or nothing in time.
    Error,
    /// Nobody can bring an answer any more: the server is given up.
    Gone,
}

/// Where a question waits.
#[derive(Clone)]
pub(super) struct Waiter {
    session: [u8; 32],
    give: Arc<Mutex<Option<oneshot::Sender<Given>>>>,
}

/// A waiting question; dropping it frees the place.
pub(super) struct Waiting {
    state: Arc<State>,
    nonce: Box<str>,
    given: Mutex<Option<oneshot::Receiver<Given>>>,
}

impl Waiting {
    /// A place to wait; `None` if all are taken.
    pub(super) fn begin(asker: &Asker, nonce: &str) -> Option<Self> {
        let (give, given) = oneshot::channel();
        let give = Arc::new(Mutex::new(Some(give)));
        let waiter = Waiter { session: asker.seat.digest, give };
        let (whose, now) = (asker.caller.whose, asker.shared.trust.now());
        let clients = &asker.state.legacy_clients;
        clients.waiting.put(nonce.into(), whose, waiter, now).ok()?;
        let given = Mutex::new(Some(given));
        Some(Self { state: Arc::clone(&asker.state), nonce: nonce.into(), given })
    }

    /// What the client says.
    pub(super) async fn given(&self) -> Given {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner).take();
        match given {
            Some(given) => given.await.unwrap_or(Given::Gone),
            None => Given::Gone,
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.state.legacy_clients.waiting.take_if(&self.nonce, |_| true);
    }
}

/// Takes an answer: 202, whether somebody still waits for it or not.
///
/// The id alone proves nothing (G-20): it opens for the principal who was asked and no other, and
/// counts in the session in which it was asked.
pub(super) async fn take(call: &Crossing<'_>, seat: &ClientSession, body: Bytes) -> Answer {
    let Ok(heard) = ServerMessage::read(body.clone()) else {
        return Err(not_asked(call));
    };
    let id = heard.id().and_then(|id| serde_json::from_str::<String>(id.get()).ok());
    let key = &call.shared.sealing.key;
    let address = id.and_then(|id| questions::open(&id, call.permit, key));
    let address = address.ok_or_else(|| not_asked(call))?;
    if !call.shared.is_own(&address.owner) {
        return call.hand_over(&address.owner, &call.server.path, body).await;
    }
    let here = |waiter: &Waiter| waiter.session == seat.digest;
    if let Some(waiter) = call.state.legacy_clients.waiting.take_if(&address.nonce, here) {
        let given = match heard.outcome() {
            Ok(Outcome::Result(result)) => Given::Result(result.to_owned()),
            _ => Given::Error,
        };
        let give = waiter.give.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Whoever waited may just have given up.
        let _ = give.map(|give| give.send(given));
    }
    Ok(reply::empty(StatusCode::ACCEPTED))
}

fn not_asked(call: &Crossing<'_>) -> reply::Refused {
    let message = "this answers nothing that was asked in this session";
    call.refused(Failure::Message(Malformed::Request, message))
}
