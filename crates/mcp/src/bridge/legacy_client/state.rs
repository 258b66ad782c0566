//! What is held for the legacy clients of one modern server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::Timestamp;
use upstream::shares::{Shares, Whose};

use super::answers::Waiter;
use super::client_session::ClientSession;
use super::discovery::{self, Discoveries};
use super::running::{Name, Run};
use super::session_state::ClientSessionState;
use crate::bridge::table::{Room, Table};

/// Everything that outlives one message. All of it is limited in number and in time.
pub(crate) struct LegacyClients {
    /// What the upstream says of itself, by who asked.
    pub(super) discoveries: Discoveries,
    /// Questions that wait for a client's answer, by their nonces.
    pub(super) waiting: Table<Box<str>, Waiter>,
    /// Requests that run.
    pub(super) running: Table<Name, Run>,
    /// What sessions have besides what their ids say.
    stands: Table<[u8; 32], Arc<ClientSessionState>>,
    last_id: AtomicU64,
}

/// A person has ten minutes to answer.
pub(super) const PATIENCE_SECONDS: i64 = 600;
const WAITING: Room =
    Room { shares: Shares { total: 10_000, of_principal: 100 }, seconds: PATIENCE_SECONDS };
/// No request runs longer.
pub(super) const LONGEST_SECONDS: i64 = 3_600;
const RUNNING: Room =
    Room { shares: Shares { total: 10_000, of_principal: 200 }, seconds: LONGEST_SECONDS };
const STANDS: Room = Room { shares: Shares { total: 20_000, of_principal: 100 }, seconds: 3_600 };

impl Default for LegacyClients {
    fn default() -> Self {
        Self {
            discoveries: discovery::none_yet(),
            waiting: Table::new(WAITING),
            running: Table::new(RUNNING),
            stands: Table::new(STANDS),
            last_id: AtomicU64::new(0),
        }
    }
}

impl LegacyClients {
    /// An id that no other request of ours to this server has.
    pub(super) fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// What a session has, if it has anything yet.
    pub(super) fn stand(
        &self,
        session: &[u8; 32],
        now: Timestamp,
    ) -> Option<Arc<ClientSessionState>> {
        self.stands.touch(session, now)
    }

    /// The same, made now if need be. `None` if there is no room.
    pub(super) fn stand_of(
        &self,
        seat: &ClientSession,
        whose: Whose,
        now: Timestamp,
    ) -> Option<Arc<ClientSessionState>> {
        if let Some(stand) = self.stand(&seat.digest, now) {
            return Some(stand);
        }
        let stand = Arc::new(ClientSessionState::default());
        let put = self.stands.put_anyway(seat.digest, whose, Arc::clone(&stand), now);
        put.is_ok().then_some(stand)
    }

    /// Whether the client ended this session, as far as this replica heard of it.
    pub(super) fn has_ended(&self, session: &[u8; 32]) -> bool {
        self.stands.get(session).is_some_and(|stand| stand.has_ended())
    }

    /// Lets go of the questions that wait for answers: nobody will bring one.
    pub(crate) fn clear(&self) {
        self.waiting.clear();
    }

    /// Ends what stands for a session and what runs in it.
    pub(super) fn end(&self, seat: &ClientSession, whose: Whose, now: Timestamp) {
        if let Some(stand) = self.stand_of(seat, whose, now) {
            stand.end();
        }
        for run in self.running.all(|name| name.session == seat.digest) {
            run.cancel();
        }
    }
}
