//! Streams that are being opened. What a client sent after its GET must not reach the server behind
//! before the stream stands there: a server has nowhere to put a question that belongs on a stream
//! which it does not have yet, and drops it.
//!
//! A GET opens a connection of its own, so it would always be overtaken. Here whoever comes later
//! in the same session waits until the head of its answer came, or trouble, but never for more
//! than a second after it began.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The longest that one stream holds up what comes after it.
const PATIENCE: Duration = Duration::from_secs(1);

/// One stream on its way.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    stands: CancellationToken,
    until: Instant,
}

/// The streams on their way of one server, by the session that they belong to.
#[derive(Default)]
pub(crate) struct Openings {
    /// How many there are, so that nobody asks for the lock in vain.
    under_way: AtomicUsize,
    sessions: Mutex<HashMap<[u8; 32], Vec<Opening>>>,
}

/// A stream on its way; dropping it says that it stands, or never will.
pub(crate) struct UnderWay {
    openings: Arc<Openings>,
    session: [u8; 32],
    opening: Opening,
}

impl Opening {
    /// A stream that is opened now.
    pub(crate) fn begin() -> Self {
        Self { stands: CancellationToken::new(), until: Instant::now() + PATIENCE }
    }

    /// The stream stands, or never will.
    pub(crate) fn settle(&self) {
        self.stands.cancel();
    }

    /// Waits until that is known, but not for long.
    pub(crate) async fn settled(&self) {
        let _ = tokio::time::timeout_at(self.until, self.stands.cancelled()).await;
    }

    fn is(&self, other: &Self) -> bool {
        // Tokens are equal only as one.
        self.stands == other.stands
    }
}

impl Openings {
    /// A stream of this session is opened now.
    pub(crate) fn begin(self: &Arc<Self>, session: [u8; 32]) -> UnderWay {
        let opening = Opening::begin();
        self.sessions().entry(session).or_default().push(opening.clone());
        self.under_way.fetch_add(1, Ordering::Release);
        UnderWay { openings: Arc::clone(self), session, opening }
    }

    /// Waits for the streams of this session that are on their way now.
    pub(crate) async fn settled(&self, session: &[u8; 32]) {
        if self.under_way.load(Ordering::Acquire) == 0 {
            return;
        }
        let before = self.sessions().get(session).cloned().unwrap_or_default();
        for opening in before {
            opening.settled().await;
        }
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
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_what_came_later_in_the_same_session_waits() {
        let openings = Arc::new(Openings::default());
        let began = Instant::now();
        let first = openings.begin([1; 32]);
        let second = openings.begin([1; 32]);
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
        let _never = openings.begin([1; 32]);
        let began = Instant::now();
        for _ in 0..3 {
            openings.settled(&[1; 32]).await;
            assert_eq!(began.elapsed(), PATIENCE);
        }
    }
}
