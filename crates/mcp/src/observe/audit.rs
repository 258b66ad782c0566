//! Reporting: what waits goes to the authority in batches, and again until it is taken.

use std::time::Duration;

use protocol::audit::{Entry, MAX_REPORT_ENTRIES, Report};
use tokio_util::sync::CancellationToken;

use crate::access::Trust;
use crate::authority::AuthorityAway;
use crate::observe::Queue;

/// How long entries are collected at most, so that many of them share one write.
const COLLECT: Duration = Duration::from_millis(200);
/// The first pause after a report was not taken; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long the last reports may take when the process ends.
const LAST: Duration = Duration::from_secs(3);

/// Runs until `done` is cancelled, and then says what is left.
pub(crate) async fn report(queue: &Queue, trust: &Trust, done: CancellationToken) {
    let mut reporter = Reporter { queue, trust, done, left: None };
    while !reporter.done.is_cancelled() {
        tokio::select! {
            () = reporter.done.cancelled() => {}
            () = collected(queue) => reporter.deliver().await,
        }
    }
    queue.tell_refusals(None);
    if tokio::time::timeout(LAST, reporter.deliver_all()).await.is_err() {
        let unsaid = reporter.left.map_or(0, |report| report.entries.len());
        let entries = unsaid + queue.waiting();
        tracing::error!(entries, "mcp.audit.lost");
    }
}

/// Brings what was collected to the authority.
struct Reporter<'q> {
    queue: &'q Queue,
    trust: &'q Trust,
    done: CancellationToken,
    /// What was not taken yet.
    left: Option<Report>,
}

/// Resolves when there is something to report, and others had time to join it.
async fn collected(queue: &Queue) {
    queue.work().await;
    // Whether there was time or there were enough of them.
    let _ = tokio::time::timeout(COLLECT, queue.enough()).await;
}

impl Reporter<'_> {
    /// Delivers what was collected, in as many reports as that takes, until all of it was taken or the
    /// process ends; then the rest is `left`.
    async fn deliver(&mut self) {
        let mut pause = FIRST_PAUSE;
        while let Some(report) = self.left.take().or_else(|| self.queue.take()) {
            // Whatever is in one that is not full came during the last delivery, so it can wait.
            let is_last = report.entries.len() + 1 < MAX_REPORT_ENTRIES;
            let done = self.done.clone();
            let too_late = async {
                done.cancelled().await;
                tokio::time::sleep(LAST).await;
            };
            let taken = tokio::select! {
                taken = self.is_taken(report) => taken,
                () = too_late => return,
            };
            if taken {
                pause = FIRST_PAUSE;
                if is_last {
                    return;
                }
                continue;
            }
            // It is never given up here: meanwhile the queue fills, and what finds no room is counted.
            tokio::select! {
                () = self.done.cancelled() => return,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
    }

    /// Delivers all there is, when nothing more comes.
    async fn deliver_all(&mut self) {
        while let Some(report) = self.left.take().or_else(|| self.queue.take()) {
            if !self.is_taken(report).await {
                tokio::time::sleep(FIRST_PAUSE).await;
            }
        }
    }

    /// Whether the authority has taken the report; otherwise it is `left`. Once begun this should run to
    /// its end: a report that is on its way may be written, and would be written twice.
    async fn is_taken(&mut self, report: Report) -> bool {
        let report = self.left.insert(report);
        if let Err(AuthorityAway { reason }) = self.trust.authority().report(report).await {
            tracing::warn!(%reason, entries = report.entries.len(), "mcp.audit.waits");
            return false;
        }
        for entry in &report.entries {
            if let Entry::Gap(gap) = entry {
                tracing::error!(calls = gap.calls, denials = gap.denials, "mcp.audit.gap");
            }
        }
        self.left = None;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;
    use futures_util::FutureExt as _;
    use futures_util::future::BoxFuture;
    use kernel::{ManualClock, Timestamp};
    use protocol::status_list::StatusList;
    use tokio::time::Instant;
    use upstream::{EraChoice, Transport};

    use super::*;
    use crate::authority::Authority;
    use crate::observe::queue::Pending;
    use crate::observe::{RequestId, Verdict};
    use crate::testing::World;

    fn call(request: RequestId) -> Pending {
        Pending {
            at: Timestamp::from_millis(0),
            request,
            server: "default".into(),
            permit: None,
            asked: None,
            verdict: Verdict::OPEN,
            reason: None,
            repeated: None,
        }
    }

    /// Writes what is reported a second after it came, whether or not anybody still listens.
    #[derive(Default)]
    struct Slow(Arc<AtomicUsize>);

    impl Authority for Slow {
        fn report<'a>(&'a self, report: &'a Report) -> BoxFuture<'a, Result<(), AuthorityAway>> {
            let (written, entries) = (Arc::clone(&self.0), report.entries.len());
            let writing = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                written.fetch_add(entries, Ordering::SeqCst);
            });
            writing.map(|_| Ok(())).boxed()
        }

        fn keys(&self) -> BoxFuture<'_, Result<Bytes, AuthorityAway>> {
            std::future::pending().boxed()
        }

        fn metadata(&self) -> BoxFuture<'_, Result<Bytes, AuthorityAway>> {
            std::future::pending().boxed()
        }

        fn status(&self, _: u64) -> BoxFuture<'_, Result<StatusList, AuthorityAway>> {
            std::future::pending().boxed()
        }

        fn changed(&self) -> BoxFuture<'_, ()> {
            std::future::pending().boxed()
        }
    }

    /// A report that is on its way when the process ends is not sent once more.
    #[tokio::test(start_paused = true)]
    async fn nothing_is_written_twice_at_the_end() {
        let world = World::new(Transport::Http, EraChoice::Legacy);
        let (shared, _) = world.sidecar.inside();
        let (queue, authority) = (Queue::new(1000), Slow::default());
        let written = Arc::clone(&authority.0);
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
        let trust = Trust::new(Arc::new(authority), clock, 60);
        (0..300).for_each(|_| queue.allow(call(shared.observer.next_request())));
        let done = CancellationToken::new();
        let ends = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            (0..5).for_each(|_| queue.allow(call(shared.observer.next_request())));
            done.cancel();
        };
        tokio::join!(report(&queue, &trust, done.clone()), ends);
        assert_eq!(written.load(Ordering::SeqCst), 305);
    }

    /// More than one report holds goes without another pause, or fast callers would fill the queue.
    #[tokio::test(start_paused = true)]
    async fn all_that_was_collected_goes() {
        let world = World::new(Transport::Http, EraChoice::Legacy);
        let (shared, _) = world.sidecar.inside();
        let many = MAX_REPORT_ENTRIES * 3;
        for _ in 0..many {
            shared.observer.queue.allow(call(shared.observer.next_request()));
        }
        let begun = Instant::now();
        tokio::select! {
            () = report(&shared.observer.queue, &shared.trust, CancellationToken::new()) => {}
            entries = world.authority.reported(many) => assert_eq!(entries.len(), many),
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
