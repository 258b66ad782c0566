//! D-36: a legacy server asks its client something in the middle of a call.
//!
//! The server waits for the answer with the call's stream open. A modern client gets the question
//! as the *result* of its request (C-80) and comes back with another request. In between the call
//! is parked here: a task goes on listening to the server, answers its pings, and waits to be
//! woken by the retry. Nobody comes: the call is cancelled.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use protocol::jsonrpc::member::RESULT;
use protocol::jsonrpc::response;
use protocol::mcp::{member, result_type};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use upstream::connection::ConnectionError;
use upstream::wire::json::{Members, Object, quoted};

use super::parked::{self, Ticket};
use super::result;
use super::running::Running;
use super::state::{PATIENCE_SECONDS, State};
use crate::bridge;
use crate::bridge::table::NoRoom;
use crate::passthrough::front::ClientMessage;
use crate::reply::failure::Unusable;

/// A parked call. Dropping it cancels the call.
pub(crate) struct Waiting {
    wake: oneshot::Sender<()>,
    task: JoinHandle<Option<Running>>,
}

/// C-84: how often one call may send its client away. A server that asks for ever is stopped.
const MOST_ROUNDS: u32 = 25;

/// Parks a call and tells its client what to answer.
pub(super) fn park(mut running: Running) -> Result<ClientMessage, ConnectionError> {
    running.rest();
    running.rounds += 1;
    let id = running.asked.id.clone();
    if running.rounds > MOST_ROUNDS {
        return Ok(ClientMessage::failure(Unusable::KeepsAsking.into(), Some(&id)));
    }
    let ticket = parked::ticket(&*running.asked.shared.sealing.random);
    let said = input_required(&running, &State::seal(&running.asked, ticket));
    // The digest of it travels in the state; it need not be kept as well.
    running.asked.body = Bytes::new();
    let (state, whose) = (Arc::clone(&running.asked.state), running.asked.caller.whose);
    let now = running.asked.shared.trust.now();
    let (wake, woken) = oneshot::channel();
    let task = tokio::spawn(wait(running, woken, Arc::clone(&state), ticket));
    state
        .parked
        .put(ticket, whose, Waiting { wake, task }, now)
        .map_err(|NoRoom| ConnectionError::Full)?;
    Ok(ClientMessage::answer(response(&id, RESULT, &said), StatusCode::OK))
}

impl Waiting {
    /// The call, for the retry that goes on with it. `None` if it has just been given up.
    pub(super) async fn wake(self) -> Option<Running> {
        self.wake.send(()).ok()?;
        self.task.await.ok().flatten()
    }
}

/// Listens until somebody comes for the call, or nobody does.
async fn wait(
    mut running: Running,
    mut woken: oneshot::Receiver<()>,
    state: Arc<bridge::State>,
    ticket: Ticket,
) -> Option<Running> {
    let patience = tokio::time::sleep(Duration::from_secs(PATIENCE_SECONDS.into()));
    tokio::pin!(patience);
    loop {
        tokio::select! {
            biased;
            // An error means that there was no room, or that the table is gone.
            woken = &mut woken => return woken.ok().map(|()| running),
            () = &mut patience => {
                drop(state.parked.take_if(&ticket, |_| true));
                return None;
            }
            heard = running.next_unheard() => running.keep(heard).await,
        }
    }
}

fn input_required(running: &Running, state: &str) -> String {
    let mut requests = Object::with_capacity(256);
    for pending in &running.pending {
        requests.member(&pending.key, &pending.request);
    }
    let mut object = Object::with_capacity(512);
    object.member(member::RESULT_TYPE, &quoted(result_type::INPUT_REQUIRED));
    object.member(member::INPUT_REQUESTS, &requests.finish());
    object.member(member::REQUEST_STATE, &quoted(state));
    let server = result::server_info(&running.peer);
    let nothing = Members::of(None).ok();
    if let Some(meta) = nothing.and_then(|nothing| result::meta(&nothing, server.as_deref())) {
        object.member(member::META, &meta);
    }
    object.finish()
}
