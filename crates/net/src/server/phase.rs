//! What a connection is at between its requests, which hyper does not say: whether the client may be
//! silent, or owes the rest of a head.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Sleep;

/// Kept by a connection, its socket and the answer that runs on it.
pub(super) struct Phase {
    now: AtomicU8,
    /// The connection goes on at another worker, and the socket does not know it yet.
    moved: AtomicBool,
}

/// Nothing of a next request came.
const IDLE: u8 = 0;
/// A head is on its way.
const HEAD: u8 = 1;
/// A request is being answered.
const ANSWER: u8 = 2;

/// Held by the body of an answer; with its end the answer is over.
pub(super) struct Answering(Arc<Phase>);

/// The time that a head may take.
pub(super) struct HeadLimit {
    limit: Duration,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Phase {
    /// Of a new connection, from which a request is expected at once.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { now: AtomicU8::new(HEAD), moved: AtomicBool::new(false) })
    }

    /// Bytes came.
    pub(super) fn came(&self) {
        let order = Ordering::Relaxed;
        // While a request is answered they are its body.
        let _ = self.now.compare_exchange(IDLE, HEAD, order, order);
    }

    /// A whole head came.
    pub(super) fn answer(self: &Arc<Self>) -> Answering {
        self.now.store(ANSWER, Ordering::Relaxed);
        Answering(Arc::clone(self))
    }

    /// Whether a request is being answered.
    pub(super) fn is_answering(&self) -> bool {
        self.now.load(Ordering::Relaxed) == ANSWER
    }

    /// Whether nothing is asked.
    pub(super) fn is_idle(&self) -> bool {
        self.now.load(Ordering::Relaxed) == IDLE
    }

    /// The connection goes on at another worker.
    pub(super) fn moves(&self) {
        self.moved.store(true, Ordering::Relaxed);
    }

    /// Whether it went on since this was last asked.
    pub(super) fn has_moved(&self) -> bool {
        self.moved.load(Ordering::Relaxed) && self.moved.swap(false, Ordering::Relaxed)
    }

    fn is_head(&self) -> bool {
        self.now.load(Ordering::Relaxed) == HEAD
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.now.store(IDLE, Ordering::Relaxed);
    }
}

impl HeadLimit {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, alarm: None }
    }

    /// Ready once a head took too long. Only what waits is timed, so a head that comes whole costs
    /// nothing.
    pub(super) fn poll_late(&mut self, phase: &Phase, cx: &mut Context<'_>) -> Poll<()> {
        if !phase.is_head() {
            self.alarm = None;
            return Poll::Pending;
        }
        let limit = self.limit;
        self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit))).as_mut().poll(cx)
    }
}
