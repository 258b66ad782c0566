//! A call that its session's other questions can be related to.

use std::sync::Arc;

use tokio::sync::mpsc;
use upstream::connection::ServerMessage;
use upstream::connection::legacy::LegacyPeer;

/// A call's place among those of its session; dropping it gives the place up.
pub(super) struct Flight {
    peer: Arc<LegacyPeer>,
    number: u64,
    questions: mpsc::Receiver<ServerMessage>,
}

impl Flight {
    /// Takes a place.
    pub(super) fn begin(peer: &Arc<LegacyPeer>) -> Self {
        let (number, questions) = peer.desk().in_flight.enter();
        Self { peer: Arc::clone(peer), number, questions }
    }

    /// The next question that came without relation and was given to this call. Never resolves
    /// for a call without a place.
    pub(super) async fn question(flight: &mut Option<Self>) -> ServerMessage {
        if let Some(flight) = flight
            && let Some(question) = flight.questions.recv().await
        {
            return question;
        }
        std::future::pending().await
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.peer.desk().in_flight.leave(self.number);
    }
}
