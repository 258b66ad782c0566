//! Requests that run, so that the client can cancel them.

use std::sync::Arc;

use kernel::Timestamp;
use tokio_util::sync::CancellationToken;
use upstream::shares::Whose;

use super::client_session::ClientSession;
use crate::bridge::State;
use crate::bridge::table::NoRoom;

/// What a running request is called: ids are unique within a session only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name {
    pub(super) session: [u8; 32],
    /// The client's id as it was written.
    pub(super) id: Box<str>,
}

/// One running request. Of two with the same name, each has its own.
#[derive(Clone, Debug)]
pub(super) struct Run {
    number: u64,
    stop: CancellationToken,
}

/// The place of a running request; dropping it frees the place.
pub(super) struct Running {
    state: Arc<State>,
    name: Name,
    run: Run,
}

impl Run {
    pub(super) fn cancel(&self) {
        self.stop.cancel();
    }
}

impl Running {
    pub(super) fn begin(
        state: &Arc<State>,
        seat: &ClientSession,
        id: &str,
        whose: Whose,
        now: Timestamp,
    ) -> Result<Self, NoRoom> {
        let clients = &state.legacy_clients;
        let name = Name { session: seat.digest, id: id.into() };
        let run = Run { number: clients.next_id(), stop: CancellationToken::new() };
        clients.running.put(name.clone(), whose, run.clone(), now)?;
        Ok(Self { state: Arc::clone(state), name, run })
    }

    /// Resolves when the client cancelled the request.
    pub(super) async fn cancelled(&self) {
        self.run.stop.cancelled().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mine = |run: &Run| run.number == self.run.number;
        self.state.legacy_clients.running.take_if(&self.name, mine);
    }
}

/// Cancels a request that runs here. Whether there was one.
pub(super) fn cancel(state: &State, seat: &ClientSession, id: &str) -> bool {
    let name = Name { session: seat.digest, id: id.into() };
    let run = state.legacy_clients.running.get(&name);
    run.inspect(Run::cancel).is_some()
}
