//! The pulse: tells running streams to look again whether they may go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::access::{Permit, TokenStatus, Trust};

/// Beats when anything changed that a running stream depends on.
pub(crate) struct Pulse {
    beats: watch::Sender<()>,
    draining: AtomicBool,
}

impl Pulse {
    pub(crate) fn new() -> Self {
        Self { beats: watch::Sender::new(()), draining: AtomicBool::new(false) }
    }

    /// Makes every stream look.
    pub(crate) fn beat(&self) {
        self.beats.send_replace(());
    }

    /// Ends every stream, those that stand idle at once.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.beat();
    }

    /// Resolves when whatever still waits for an answer will get none: everything ends, and the
    /// grace is over.
    pub(crate) async fn over(&self, grace: Duration) {
        let mut beats = self.beats.subscribe();
        while !self.draining.load(Ordering::Relaxed) {
            if beats.changed().await.is_err() {
                return;
            }
        }
        tokio::time::sleep(grace).await;
    }

    /// Resolves when a stream must end: its permit is no longer good (MC-5), or everything ends.
    ///
    /// While the authority is away and too long silent nobody knows, so the stream ends as well.
    pub(crate) async fn ended(
        self: Arc<Self>,
        trust: Arc<Trust>,
        permit: Arc<Permit>,
        grace: Duration,
    ) {
        let mut beats = self.beats.subscribe();
        loop {
            if trust.standing(&permit) != TokenStatus::Good {
                return;
            }
            if self.draining.load(Ordering::Relaxed) {
                tokio::time::sleep(grace).await;
                return;
            }
            if beats.changed().await.is_err() {
                return;
            }
        }
    }
}
