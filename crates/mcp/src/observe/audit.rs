//! Reporting: what waits goes to the authority in batches, and again until it is taken.

use std::time::Duration;

use protocol::audit::{Entry, Report};
use tokio_util::sync::CancellationToken;

use crate::authority::AuthorityAway;
use crate::sidecar::Shared;

/// How long entries are collected, so that many of them share one write.
const COLLECT: Duration = Duration::from_millis(200);
/// The first pause after a report was not taken; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long the last reports may take when the process ends.
const LAST: Duration = Duration::from_secs(3);

/// Runs until `done` is cancelled, and then says what is left.
pub(crate) async fn report(shared: &Shared, done: CancellationToken) {
    let mut left = None;
    while !done.is_cancelled() {
        tokio::select! {
            () = done.cancelled() => break,
            () = shared.observer.queue.work() => {}
        }
        tokio::select! {
            () = done.cancelled() => break,
            () = tokio::time::sleep(COLLECT) => {}
        }
        left = shared.observer.queue.take();
        tokio::select! {
            () = done.cancelled() => break,
            () = delivered(shared, left.as_ref()) => left = None,
        }
    }
    let last = async {
        while let Some(report) = left.take().or_else(|| shared.observer.queue.take()) {
            left = Some(report);
            delivered(shared, left.as_ref()).await;
            left = None;
        }
    };
    if tokio::time::timeout(LAST, last).await.is_err() {
        let unsaid = left.map_or(0, |report| report.entries.len());
        let entries = unsaid + shared.observer.queue.waiting();
        tracing::error!(entries, "mcp.audit.lost");
    }
}

/// Resolves when the authority has taken the report. It is never given up here: meanwhile the
/// queue fills, and what finds no room is counted.
async fn delivered(shared: &Shared, report: Option<&Report>) {
    let Some(report) = report else { return };
    let mut pause = FIRST_PAUSE;
    while let Err(AuthorityAway { reason }) = shared.trust.authority().report(report).await {
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
