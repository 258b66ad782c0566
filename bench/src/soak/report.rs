//! How a soak went, as Markdown.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Tally;
use crate::figures::{median, micros, percentile};
use crate::markdown::thousands;

/// What was seen.
pub(super) struct Soaked<'s> {
    pub(super) elapsed: Duration,
    /// Of each request, sorted.
    pub(super) latencies: Vec<Duration>,
    /// Each second.
    pub(super) memory_kib: Vec<u32>,
    pub(super) tally: &'s Tally,
}

/// When caches have filled; in a shorter run a fifth of it.
const SETTLED_AFTER: usize = 120;
/// Seconds on which a figure of memory rests.
const WINDOW: usize = 10;
/// What growth is none: so many MiB, or this part of what there was.
const FLAT: (f64, f64) = (5.0, 0.1);

/// The tables.
pub(super) fn markdown(soaked: &Soaked<'_>) -> String {
    let Soaked { elapsed, latencies, memory_kib, tally } = soaked;
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let (answers, refreshes) = (count(&tally.answers), count(&tally.refreshes));
    let (events, lost) = (count(&tally.events), count(&tally.lost));
    let settled = SETTLED_AFTER.min(memory_kib.len() / 5);
    let early = mebibytes(&memory_kib[settled..]);
    let late = mebibytes(&memory_kib[memory_kib.len().saturating_sub(WINDOW)..]);
    let growth = late - early;
    let limit = FLAT.0.max(early * FLAT.1);
    let met = |good: bool| if good { "met" } else { "missed" };
    let flat = met(growth <= limit);
    let whole = met(lost == 0);
    let shown = |in_thousand| micros(percentile(latencies, in_thousand));
    let (p50, p99) = (shown(500), shown(990));
    let most = memory_kib.iter().copied().max().unwrap_or_default();
    let most = f64::from(most) / 1024.0;
    let seconds = elapsed.as_secs();
    let minutes: Vec<String> =
        memory_kib.chunks(60).map(|minute| format!("{:.1}", mebibytes(minute))).collect();
    let minutes = minutes.join(", ");
    let answers = grouped(answers);
    let events = grouped(events);
    format!(
        "### Soak\n\n\
         | Measure | Goal | Measured | |\n|---|---:|---:|---|\n\
         | lost events | 0 | {lost} | {whole} |\n\
         | memory: growth from second {settled} to the end | ≤ {limit:.1} MiB | {growth:.1} MiB | {flat} |\n\n\
         | Seconds | Answers, all right | Refreshes | Events | p50 µs | p99 µs | Memory at second {settled} | at the end | at most |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|---:|\n\
         | {seconds} | {answers} | {refreshes} | {events} | {p50:.0} | {p99:.0} | {early:.1} MiB | {late:.1} MiB | {most:.1} MiB |\n\n\
         Memory at the beginning of each minute, in MiB: {minutes}.\n"
    )
}

/// The median of the first seconds of these.
fn mebibytes(seconds_kib: &[u32]) -> f64 {
    median(seconds_kib.iter().take(WINDOW).map(|kib| f64::from(*kib) / 1024.0).collect())
}

fn grouped(count: u64) -> String {
    thousands(f64::from(u32::try_from(count).unwrap_or(u32::MAX)))
}
