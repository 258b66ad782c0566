//! What a clean-up of expired refresh tokens costs those who refresh meanwhile (A9).

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use tokio::time::Instant;

use crate::cli;
use crate::figures::{micros, percentile};
use crate::filled::Filled;
use crate::load::{self, Span};
use crate::run::note;
use crate::sqlite;

/// After so much time each it is looked at how many rows are gone.
const STEP: Span = Span { warm_up: Duration::ZERO, measured: Duration::from_millis(250) };
/// The first clean-up comes seconds after the start, and is over within a minute or two.
const TOO_LONG: Duration = Duration::from_mins(5);

/// The smallest moment at which a row can go: see bench/expired.sql.
const SMALLEST: &str = "SELECT min(kept_until) FROM OAUTH_REFRESH_TOKEN";
/// No row that is kept for its time has one this early: the year 2001.
const EXPIRED: &str = "SELECT count(*) FROM OAUTH_REFRESH_TOKEN WHERE kept_until < 1000000000000";

/// What was seen.
pub(crate) struct Cleanup {
    pub(crate) rows: u32,
    /// How many of them could go.
    pub(crate) expired: u64,
    /// How many of those went in this clean-up.
    pub(crate) removed: u64,
    /// Rows that went in a second.
    pub(crate) rate: f64,
    pub(crate) meanwhile: Refreshes,
    pub(crate) afterwards: Refreshes,
}

/// Refreshes of ten clients.
pub(crate) struct Refreshes {
    /// In a second.
    pub(crate) rate: f64,
    /// Microseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) longest: f64,
}

struct Step {
    latencies: Vec<Duration>,
    elapsed: Duration,
    removed: u64,
}

/// Takes a gateway with a large table. The clean-up is the gateway's own; the clients refresh before,
/// meanwhile and afterwards.
pub(crate) async fn measure(options: &cli::Run, filled: Filled) -> anyhow::Result<Cleanup> {
    note("a tenth of the rows expires");
    let filled = filled.change(|database| sqlite::run(database, "expired.sql", 0)).await?;
    let expired = sqlite::number(filled.database(), EXPIRED)?;
    let quiet = options.pace.span().measured * options.pace.rounds;
    let steps = watch(&filled, expired, quiet).await?;
    let (meanwhile, afterwards) = apart(&steps);
    let removed = |steps: &[Step]| steps.iter().map(|step| step.removed).sum::<u64>();
    Ok(Cleanup {
        rows: options.table_rows,
        expired,
        removed: removed(&steps),
        rate: number(removed(meanwhile)) / seconds(meanwhile),
        meanwhile: Refreshes::of(meanwhile),
        afterwards: Refreshes::of(afterwards),
    })
}

/// Until nothing has gone for so long after something went.
async fn watch(filled: &Filled, expired: u64, quiet: Duration) -> anyhow::Result<Vec<Step>> {
    let tokens = filled.granted.iter().map(|tokens| tokens.refresh_token.clone()).collect();
    let mut refreshers = filled.server.refreshers(tokens).await?;
    let (begin, mut steps) = (Instant::now(), Vec::<Step>::new());
    let (mut gone, mut last_change) = (gone(filled.database(), expired)?, None::<Instant>);
    while last_change.is_none_or(|last| last.elapsed() < quiet) {
        ensure!(begin.elapsed() < TOO_LONG, "there was no clean-up that came to an end");
        let (sample, same) = load::measure(refreshers, &filled.server.watched, STEP).await?;
        refreshers = same;
        let now = self::gone(filled.database(), expired)?;
        let removed = now.saturating_sub(gone);
        if removed > 0 {
            last_change = Some(Instant::now());
        }
        gone = now;
        steps.push(Step { latencies: sample.latencies, elapsed: sample.elapsed, removed });
    }
    Ok(steps)
}

/// How many of the expired rows are gone.
fn gone(database: &Path, expired: u64) -> anyhow::Result<u64> {
    Ok(sqlite::number(database, SMALLEST)?.saturating_sub(1).min(expired))
}

/// The steps within the clean-up and those after it. A step in which it began or ended is neither, if
/// there are enough of them.
fn apart(steps: &[Step]) -> (&[Step], &[Step]) {
    let went = |step: &Step| step.removed > 0;
    let first = steps.iter().position(went).unwrap_or(steps.len());
    let after = steps.iter().rposition(went).map_or(steps.len(), |last| last + 1);
    let (first, end) = if after - first > 2 { (first + 1, after - 1) } else { (first, after) };
    (&steps[first..end], &steps[after..])
}

impl Refreshes {
    fn of(steps: &[Step]) -> Self {
        let mut all: Vec<Duration> = steps.iter().flat_map(|step| step.latencies.clone()).collect();
        all.sort_unstable();
        Self {
            rate: number(all.len() as u64) / seconds(steps),
            p50: micros(percentile(&all, 500)),
            p99: micros(percentile(&all, 990)),
            longest: micros(percentile(&all, 1000)),
        }
    }
}

fn seconds(steps: &[Step]) -> f64 {
    steps.iter().map(|step| step.elapsed.as_secs_f64()).sum()
}

fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(removed: &[u64]) -> Vec<Step> {
        let step = |removed: &u64| Step {
            latencies: Vec::new(),
            elapsed: STEP.measured,
            removed: *removed,
        };
        removed.iter().map(step).collect()
    }

    #[test]
    fn a_step_in_which_the_clean_up_began_or_ended_counts_for_neither() {
        let counts = |part: &[Step]| part.iter().map(|step| step.removed).collect::<Vec<_>>();
        let long = steps(&[0, 3, 10, 0, 11, 2, 0, 0]);
        let (meanwhile, afterwards) = apart(&long);
        assert_eq!((counts(meanwhile), afterwards.len()), (vec![10, 0, 11], 2));
        let short = steps(&[0, 3, 2, 0]);
        let (meanwhile, afterwards) = apart(&short);
        assert_eq!((counts(meanwhile), afterwards.len()), (vec![3, 2], 1));
    }
}
