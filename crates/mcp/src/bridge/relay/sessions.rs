//! The sessions that are held here, each between one client and one upstream.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kernel::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio_util::sync::CancellationToken;
use upstream::Transport;
use upstream::connection::legacy::LegacyPeer;
use upstream::connection::{Caller, ConnectionError};
use upstream::shares::{Shares, Whose};

use super::questions::Questions;
use crate::bridge::Crossing;
use crate::bridge::table::{NoRoom, Room, Table};
use crate::request::session::Session;

/// The sessions of one server, by the digest that is different for each session of each principal:
/// whoever cannot open its sealed id finds nothing here (G-20).
pub(crate) struct Relays(Table<[u8; 32], Arc<Relayed>>);

/// One session.
pub(super) struct Relayed {
    pub(super) digest: [u8; 32],
    whose: Whose,
    pub(super) peer: Arc<LegacyPeer>,
    /// One child serves everybody, so whatever names no request of ours is nobody's.
    pub(super) shared_by_everyone: bool,
    /// Questions of the server that this client was asked.
    pub(super) questions: Questions,
    /// What came on account of a request whose client is gone, for the standing stream.
    pub(super) aside: broadcast::Sender<String>,
    /// The requests that run, by the client's ids.
    running: Mutex<HashMap<Box<str>, Run>>,
    places: Arc<Semaphore>,
    listening: Mutex<CancellationToken>,
    idle_seconds: i64,
    /// When it was used last, in milliseconds.
    used: AtomicI64,
}

/// What is known of a request that runs.
struct Run {
    /// Our id of it.
    id: u64,
    /// Cancelled when the client cancels it.
    stop: CancellationToken,
}

/// A running request of a session; dropping it frees the place.
pub(super) struct Running {
    relayed: Arc<Relayed>,
    client_id: Box<str>,
    id: u64,
    stop: CancellationToken,
    _place: OwnedSemaphorePermit,
}

/// Sessions of one server, and of one person through one client. Each says itself how long it is kept:
/// as long as it is in use.
const ROOM: Room = Room { shares: Shares { total: 2_000, of_principal: 100 }, seconds: FOR_EVER };
/// Ten years.
const FOR_EVER: i64 = 315_360_000;
/// How long a session is kept that nobody uses, unless it keeps a child waiting.
const IDLE_SECONDS: i64 = 3_600;
/// Requests of one session at the same time.
const REQUESTS: usize = 100;
/// Messages that wait for a standing stream that is slow.
const ASIDE: usize = 64;

impl Default for Relays {
    fn default() -> Self {
        Self(Table::new(ROOM))
    }
}

impl Relays {
    /// Keeps a session that was just opened.
    pub(super) fn keep(&self, relayed: Relayed, now: Timestamp) -> Result<(), ConnectionError> {
        self.sweep(now);
        relayed.used.store(now.as_millis(), Ordering::Relaxed);
        let (digest, whose) = (relayed.digest, relayed.whose);
        self.0.put(digest, whose, Arc::new(relayed), now).map_err(|NoRoom| ConnectionError::Full)
    }

    /// The session with this digest.
    pub(super) fn find(&self, digest: &[u8; 32], now: Timestamp) -> Option<Arc<Relayed>> {
        drop(self.0.take_if(digest, |known| known.is_idle(now)));
        let relayed = self.0.touch(digest, now)?;
        relayed.used.store(now.as_millis(), Ordering::Relaxed);
        Some(relayed)
    }

    /// Lets go of sessions that nobody used lately, and of those whose server is gone. What a
    /// session held to its server is free then, and the pool closes it.
    pub(crate) fn sweep(&self, now: Timestamp) {
        self.0.retain(|known| known.peer.is_open() && !known.is_idle(now));
    }

    /// Lets go of all sessions.
    pub(crate) fn clear(&self) {
        self.0.clear();
    }
}

impl Relayed {
    pub(super) fn new(
        session: &Session,
        whose: Whose,
        peer: Arc<LegacyPeer>,
        transport: &Transport,
    ) -> Self {
        let (shared_by_everyone, idle_seconds) = match transport {
            Transport::Stdio(child) if child.shared_by_everyone => (true, IDLE_SECONDS),
            // Who holds a session holds its child.
            Transport::Stdio(child) => (false, child.idle_seconds),
            Transport::Http | Transport::HttpSse => (false, IDLE_SECONDS),
        };
        Self {
            digest: session.digest,
            whose,
            peer,
            shared_by_everyone,
            questions: Questions::default(),
            aside: broadcast::channel(ASIDE).0,
            running: Mutex::default(),
            places: Arc::new(Semaphore::new(REQUESTS)),
            listening: Mutex::default(),
            idle_seconds,
            used: AtomicI64::new(0),
        }
    }

    /// Takes a place for a request and remembers under which id it goes on.
    pub(super) fn begin(self: &Arc<Self>, client_id: &str) -> Result<Running, ConnectionError> {
        let place =
            Arc::clone(&self.places).try_acquire_owned().map_err(|_| ConnectionError::Full)?;
        let id = self.peer.next_id();
        let (relayed, stop) = (Arc::clone(self), CancellationToken::new());
        self.running().insert(client_id.into(), Run { id, stop: stop.clone() });
        Ok(Running { relayed, client_id: client_id.into(), id, stop, _place: place })
    }

    /// Stops a request of the client's that still runs: nothing that comes of it is waited for any
    /// more. Our id of it.
    pub(super) fn stop(&self, client_id: &str) -> Option<u64> {
        let running = self.running();
        let run = running.get(client_id)?;
        run.stop.cancel();
        Some(run.id)
    }

    /// Each message goes to one stream only (D-02), so a new one ends the one before. The token is
    /// cancelled when that happens.
    pub(super) fn begin_listening(&self) -> CancellationToken {
        let begun = CancellationToken::new();
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *listening, begun.clone()).cancel();
        begun
    }

    /// The client ends it.
    pub(super) fn end(&self, call: &Crossing<'_>) {
        self.forget(&call.state.relays, &call.caller());
    }

    pub(super) fn forget(&self, relays: &Relays, caller: &Caller) {
        drop(relays.0.take_if(&self.digest, |_| true));
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).cancel();
        if !self.shared_by_everyone {
            self.peer.connection().close(caller);
        }
    }

    /// A session is in use while a request of it runs or its standing stream is open.
    fn is_idle(self: &Arc<Self>, now: Timestamp) -> bool {
        let used = Timestamp::from_millis(self.used.load(Ordering::Relaxed));
        now > used.plus_seconds(self.idle_seconds) && Arc::strong_count(self) == 1
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<Box<str>, Run>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Resolves when the client cancels it.
    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }

    pub(super) fn relayed(&self) -> &Arc<Relayed> {
        &self.relayed
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.relayed.running();
        // A client that uses an id twice at once has the later request under it.
        if running.get(&self.client_id).is_some_and(|run| run.id == self.id) {
            running.remove(&self.client_id);
        }
    }
}
