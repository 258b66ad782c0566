//! The pulse: tells running streams to look again whether they may go on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;

use crate::access::{Permit, TokenStatus, Trust};

/// Beats when anything changed that a running stream depends on. There is one for the process and,
/// beating with it, one for each server.
pub(crate) struct Pulse {
    beats: watch::Sender<()>,
    draining: Arc<AtomicBool>,
    retired: OnceLock<Retired>,
}

/// Why a server serves nothing new any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retired {
    /// Another one of its name took its place. Its clients open their streams there; answers that
    /// are on their way may come to their end.
    Replaced,
    /// It is not configured any more. Nothing goes on beyond the grace.
    Removed,
}

/// Whether streams may go on, their tokens apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    Steady,
    /// Those that answer a request.
    AnswersOnly,
    /// None, after the grace.
    Ending,
}

impl Pulse {
    pub(crate) fn new() -> Self {
        let (beats, retired) = (watch::Sender::new(()), OnceLock::new());
        Self { beats, draining: Arc::default(), retired }
    }

    /// The pulse of one server, which beats whenever this one does.
    pub(crate) fn of_a_server(&self) -> Self {
        let (beats, draining) = (self.beats.clone(), Arc::clone(&self.draining));
        Self { beats, draining, retired: OnceLock::new() }
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

    /// Ends the streams of this server. Those that wait for news end at once. Answers under way come to
    /// their end if the server was replaced, and have the grace if it was removed.
    pub(crate) fn retire(&self, why: Retired) {
        // A server is retired once; what it then was for stays.
        let _ = self.retired.set(why);
        self.beat();
    }

    /// Resolves when whatever still waits for an answer will get none: everything ends, and the
    /// grace is over.
    pub(crate) async fn over(&self, grace: Duration) {
        let mut beats = self.beats.subscribe();
        while self.course() != Course::Ending {
            if beats.changed().await.is_err() {
                return;
            }
        }
        tokio::time::sleep(grace).await;
    }

    /// Resolves when a stream must end: its permit is no longer good (MC-5), or everything ends.
    /// What only waits for news has no grace.
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
            match self.course() {
                Course::Ending => return tokio::time::sleep(grace).await,
                Course::AnswersOnly if grace.is_zero() => return,
                Course::AnswersOnly | Course::Steady => {}
            }
            if beats.changed().await.is_err() {
                return;
            }
        }
    }

    /// Whether this server serves nothing new any more.
    pub(crate) fn is_retired(&self) -> bool {
        self.retired.get().is_some()
    }

    fn course(&self) -> Course {
        match (self.draining.load(Ordering::Relaxed), self.retired.get()) {
            (true, _) | (_, Some(Retired::Removed)) => Course::Ending,
            (false, Some(Retired::Replaced)) => Course::AnswersOnly,
            (false, None) => Course::Steady,
        }
    }
}
