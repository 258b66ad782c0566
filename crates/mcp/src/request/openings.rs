//! Streams that are being opened. What a client sent after its GET must not reach the upstream
//! before the stream stands there: a server has nowhere to put a question that belongs on a stream
//! which it does not have yet, and drops it.
//!
//! A GET opens a connection of its own, so it would always be overtaken. Here whoever comes later
//! in the same session waits until the head of its answer came, or trouble, but never for more
//! than a second after it began.
//!
//! The GET is overtaken on its way here, too: clients send it right after
//! `notifications/initialized`, but while its connection is still being made the next message takes
//! one that exists. So the first messages of a session wait for the GET as well, but only for
//! clients that send one at all, and for half a second.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;
use upstream::connection::opening::Opening;

/// The longest that the stream of a new session is waited for.
const EXPECTATION: Duration = Duration::from_millis(500);
/// How many clients are remembered that open no streams.
const SILENT: usize = 10_000;

/// The streams on their way of one server, by the session that they belong to.
pub(crate) struct Openings {
    /// How many there are, so that nobody asks for the lock in vain.
    under_way: AtomicUsize,
    sessions: Mutex<HashMap<[u8; 32], Vec<Opening>>>,
    /// Whose clients open no streams, as far as is known.
    silent: Cache<[u8; 32], ()>,
}

/// A stream on its way; dropping it says that it stands, or never will.
pub(crate) struct UnderWay {
    openings: Arc<Openings>,
    session: [u8; 32],
    opening: Opening,
}

impl Default for Openings {
    fn default() -> Self {
        let (under_way, sessions) = (AtomicUsize::new(0), Mutex::default());
        Self { under_way, sessions, silent: Cache::new(SILENT) }
    }
}

impl Openings {
    /// A stream of this session of this principal is opened now.
    pub(crate) fn begin(self: &Arc<Self>, session: [u8; 32], principal: &[u8; 32]) -> UnderWay {
        self.silent.remove(principal);
        let under_way = self.add(session, Opening::begin());
        let expected = self.of(&session).into_iter().filter(|opening| opening.is_expected);
        expected.for_each(|opening| opening.settle());
        under_way
    }

    /// The client said that this new session is ready, so its stream should be on its way.
    pub(crate) fn expect(self: &Arc<Self>, session: [u8; 32], principal: [u8; 32]) {
        if self.silent.get(&principal).is_some() {
            return;
        }
        let expected = Opening { is_expected: true, ..Opening::within(EXPECTATION) };
        let under_way = self.add(session, expected);
        tokio::spawn(async move {
            under_way.opening.settled().await;
            if !under_way.opening.stands.is_cancelled() {
                under_way.openings.silent.insert(principal, ());
            }
        });
    }

    /// Waits for the streams of this session that are on their way now.
    pub(crate) async fn settled(&self, session: &[u8; 32]) {
        if self.under_way.load(Ordering::Acquire) == 0 {
            return;
        }
        let before = self.of(session);
        for opening in &before {
            opening.settled().await;
        }
        // A stream that was expected is under way only now.
        if before.iter().any(|opening| opening.is_expected) {
            for opening in self.of(session) {
                opening.settled().await;
            }
        }
    }

    fn add(self: &Arc<Self>, session: [u8; 32], opening: Opening) -> UnderWay {
        self.sessions().entry(session).or_default().push(opening.clone());
        self.under_way.fetch_add(1, Ordering::Release);
        UnderWay { openings: Arc::clone(self), session, opening }
    }

    fn of(&self, session: &[u8; 32]) -> Vec<Opening> {
        self.sessions().get(session).cloned().unwrap_or_default()
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<[u8; 32], Vec<Opening>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut sessions = self.openings.sessions();
        if let Some(known) = sessions.get_mut(&self.session) {
            known.retain(|opening| !opening.is(&self.opening));
            if known.is_empty() {
                sessions.remove(&self.session);
            }
        }
        drop(sessions);
        self.openings.under_way.fetch_sub(1, Ordering::Release);
        self.opening.settle();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;
    use upstream::connection::opening::PATIENCE;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_what_came_later_in_the_same_session_waits() {
        let openings = Arc::new(Openings::default());
        let began = Instant::now();
        let first = openings.begin([1; 32], &[9; 32]);
        let second = openings.begin([1; 32], &[9; 32]);
        openings.settled(&[2; 32]).await;
        assert_eq!(began.elapsed(), Duration::ZERO, "another session does not wait");
        let waiting = tokio::spawn({
            let openings = Arc::clone(&openings);
            async move { openings.settled(&[1; 32]).await }
        });
        tokio::task::yield_now().await;
        drop(first);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "the other stream is still on its way");
        drop(second);
        assert!(waiting.await.is_ok());
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert!(openings.sessions().is_empty(), "nothing is left of them");
    }

    /// A server that sends no head before it has something to say holds up one second in all.
    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_more_than_a_second() {
        let openings = Arc::new(Openings::default());
        let _never = openings.begin([1; 32], &[9; 32]);
        let began = Instant::now();
        for _ in 0..3 {
            openings.settled(&[1; 32]).await;
            assert_eq!(began.elapsed(), PATIENCE);
        }
    }

    /// The first messages of a session wait for the stream that its client is about to open.
    #[tokio::test(start_paused = true)]
    async fn the_stream_of_a_new_session_is_waited_for() {
        let openings = Arc::new(Openings::default());
        let began = Instant::now();
        openings.expect([1; 32], [9; 32]);
        let waiting = tokio::spawn({
            let openings = Arc::clone(&openings);
            async move { openings.settled(&[1; 32]).await }
        });
        tokio::task::yield_now().await;
        let stream = openings.begin([1; 32], &[9; 32]);
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(!waiting.is_finished(), "it came, but does not stand");
        drop(stream);
        assert!(waiting.await.is_ok());
        assert_eq!(began.elapsed(), Duration::from_millis(10));
    }

    /// A client that opens no stream waits for it once, and not again in its other sessions.
    #[tokio::test(start_paused = true)]
    async fn a_client_without_streams_waits_once() {
        let openings = Arc::new(Openings::default());
        let began = Instant::now();
        for session in 1..4 {
            openings.expect([session; 32], [9; 32]);
            openings.settled(&[session; 32]).await;
            tokio::task::yield_now().await;
            assert_eq!(began.elapsed(), EXPECTATION);
        }
        drop(openings.begin([4; 32], &[9; 32]));
        openings.expect([5; 32], [9; 32]);
        openings.settled(&[5; 32]).await;
        assert_eq!(began.elapsed(), EXPECTATION * 2, "now it opened one");
    }
}
