//! Moves connections from workers that have too much to do to those that have little.
//!
//! Connections are dealt out before anybody knows what they will ask for. Ten times a second it is looked
//! at how long each worker was busy; if one connection elsewhere would make things more equal, the next one
//! that has done with a request goes. It takes its socket along and keeps all else that it has.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

use super::workers::{All, Seat, Workers};

/// How often it is looked at what the workers do.
const PERIOD: Duration = Duration::from_millis(100);
/// Less of a difference between two workers is not worth a move.
const SLIGHT: Duration = Duration::from_millis(20);

/// What connections that have done with a request look at.
#[derive(Debug, Default)]
pub(super) struct Balance {
    /// The number of the present period.
    period: AtomicU64,
}

/// What happens at one worker.
#[derive(Debug)]
pub(super) struct Activity {
    /// Connections that had done with a request in this period.
    active: AtomicUsize,
    /// The worker that one connection is to move to, or `NOWHERE`.
    to: AtomicUsize,
}

const NOWHERE: usize = usize::MAX;

/// What a worker did in one period.
#[derive(Clone, Copy, Debug)]
struct Work {
    busy: Duration,
    active: usize,
}

impl Default for Activity {
    fn default() -> Self {
        Self { active: AtomicUsize::new(0), to: AtomicUsize::new(NOWHERE) }
    }
}

impl Workers {
    /// Keeps the work of the threads equal, for ever.
    pub(super) async fn balance(&self) {
        if self.0.workers.len() < 2 {
            return std::future::pending().await;
        }
        let (mut tick, mut busy) = (ticks(), self.0.busy());
        loop {
            tick.tick().await;
            let now = self.0.busy();
            let work = self.0.next_period(&busy, &now);
            busy = now;
            if let Some((from, to)) = unequal(&work) {
                self.0.workers[from].activity.to.store(to, Ordering::Relaxed);
            }
        }
    }
}

fn ticks() -> Interval {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

impl All {
    /// How long each worker was busy so far.
    fn busy(&self) -> Vec<Duration> {
        let busy = self.workers.iter().map(|worker| worker.runtime.metrics());
        busy.map(|metrics| metrics.worker_total_busy_duration(0)).collect()
    }

    /// Ends a period, between these times, and says what was done in it.
    fn next_period(&self, before: &[Duration], now: &[Duration]) -> Vec<Work> {
        self.balance.period.fetch_add(1, Ordering::Relaxed);
        let busy = now.iter().zip(before).map(|(now, before)| now.saturating_sub(*before));
        let work = self.workers.iter().zip(busy).map(|(worker, busy)| {
            worker.activity.to.store(NOWHERE, Ordering::Relaxed);
            Work { busy, active: worker.activity.active.swap(0, Ordering::Relaxed) }
        });
        work.collect()
    }
}

/// From which worker to which one a connection should move, if that makes them more equal.
fn unequal(work: &[Work]) -> Option<(usize, usize)> {
    let (from, most) = work.iter().enumerate().max_by_key(|(_, work)| work.busy)?;
    let (to, least) = work.iter().enumerate().min_by_key(|(_, work)| work.busy)?;
    let each = most.busy / u32::try_from(most.active).ok()?.max(1);
    let difference = most.busy.saturating_sub(least.busy);
    // What moves is missing on one side and comes on top at the other; the worker's only active
    // connection would take the inequality along.
    let better = most.active > 1 && difference > each * 3 / 2;
    (better && difference > SLIGHT).then_some((from, to))
}

impl Seat {
    /// Where the connection goes on, if it is to move. Asked when it has done with a request, with the
    /// period in which it was asked before.
    pub(super) fn elsewhere(&self, asked: &mut u64) -> Option<Seat> {
        let (all, activity) = (self.all(), &self.worker().activity);
        let period = all.balance.period.load(Ordering::Relaxed);
        if std::mem::replace(asked, period) != period {
            activity.active.fetch_add(1, Ordering::Relaxed);
        }
        if activity.to.load(Ordering::Relaxed) == NOWHERE {
            return None;
        }
        let to = activity.to.swap(NOWHERE, Ordering::Relaxed);
        (to != NOWHERE).then(|| Seat::at(all, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For workers that were busy for so many milliseconds with so many connections.
    fn of(workers: &[(u64, usize)]) -> Option<(usize, usize)> {
        let work = |&(busy, active)| Work { busy: Duration::from_millis(busy), active };
        unequal(&workers.iter().map(work).collect::<Vec<_>>())
    }

    #[test]
    fn a_connection_moves_only_if_that_helps() {
        assert_eq!(of(&[(10, 1), (90, 3), (50, 9)]), Some((1, 0)));
        assert_eq!(of(&[(100, 2), (0, 0)]), Some((0, 1)));
        // Three cannot be dealt out to two more equally than so.
        assert_eq!(of(&[(66, 2), (33, 1)]), None);
        // The only one that does anything, beside which others may stand.
        assert_eq!(of(&[(100, 1), (0, 0)]), None);
        assert_eq!(of(&[(100, 0), (0, 5)]), None);
        assert_eq!(of(&[(19, 30), (0, 0)]), None);
        assert_eq!(of(&[(0, 0), (0, 0)]), None);
        assert_eq!(of(&[(100, 30)]), None);
    }
}
