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
    let mut left = None;
    while !done.is_cancelled() {
        tokio::select! {
            () = done.cancelled() => {}
            () = collected(queue) => {
                tokio::select! {
                    () = done.cancelled() => {}
                    () = deliver((queue, trust), &mut left) => {}
                }
            }
        }
    }
    queue.tell_refusals(None);
    let last = async {
        while left.is_some() || !queue.is_empty() {
            deliver((queue, trust), &mut left).await;
        }
    };
    if tokio::time::timeout(LAST, last).await.is_err() {
        let unsaid = left.map_or(0, |report| report.entries.len());
        let entries = unsaid + queue.waiting();
        tracing::error!(entries, "mcp.audit.lost");
    }
}

/// Resolves when there is something to report, and others had time to join it.
async fn collected(queue: &Queue) {
    queue.work().await;
    // Whether there was time or there were enough of them.
    let _ = tokio::time::timeout(COLLECT, queue.enough()).await;
}

/// Delivers what was collected, in as many reports as that takes. If this is dropped, what was not
/// delivered is `left`.
async fn deliver((queue, trust): (&Queue, &Trust), left: &mut Option<Report>) {
    while let Some(report) = left.take().or_else(|| queue.take()) {
        // Whatever is in one that is not full came during the last delivery, so it can wait.
        let is_last = report.entries.len() + 1 < MAX_REPORT_ENTRIES;
        delivered(trust, left.insert(report)).await;
        *left = None;
        if is_last {
            return;
        }
    }
}

/// Resolves when the authority has taken the report. It is never given up here: meanwhile the
/// queue fills, and what finds no room is counted.
async fn delivered(trust: &Trust, report: &Report) {
    let mut pause = FIRST_PAUSE;
    while let Err(AuthorityAway { reason }) = trust.authority().report(report).await {
        tracing::warn!(%reason, entries = report.entries.len(), "mcp.audit.waits");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    for entry in &report.entries {
        if let Entry::Gap(gap) = entry {
            tracing::error!(calls = gap.calls, denials = gap.denials, "mcp.audit.gap");
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;
    use upstream::{EraChoice, Transport};

    use super::*;
    use crate::observe::Verdict;
    use crate::observe::queue::Pending;
    use crate::testing::World;

    /// More than one report holds goes without another pause, or fast callers would fill the queue.
    #[tokio::test(start_paused = true)]
    async fn all_that_was_collected_goes() {
        let world = World::new(Transport::Http, EraChoice::Legacy);
        let (shared, _) = world.sidecar.inside();
        let many = MAX_REPORT_ENTRIES * 3;
        for _ in 0..many {
            shared.observer.queue.allow(Pending {
                at: shared.trust.now(),
                request: shared.observer.next_request(),
                server: "default".into(),
                permit: None,
                asked: None,
                verdict: Verdict::OPEN,
                reason: None,
                repeated: None,
            });
        }
        let begun = Instant::now();
        tokio::select! {
            () = report(&shared.observer.queue, &shared.trust, CancellationToken::new()) => {}
            entries = world.authority.reported(many) => assert_eq!(entries.len(), many),
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
