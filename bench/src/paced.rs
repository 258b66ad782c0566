//! Requests at moments that are set before they begin. Latency counts from the moment that was
//! intended, so that whoever had to wait for a slow answer counts as slow too.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::load::{Sample, Span, Worker};
use crate::process::Family;

/// When the requests of one worker are due.
#[derive(Clone, Copy)]
pub(crate) struct Beat {
    pub(crate) first: Duration,
    pub(crate) every: Duration,
}

/// The moments of all workers, in a thread of its own: timers of tokio are as coarse as a
/// millisecond.
struct Metronome {
    beats: Vec<Beat>,
    workers: Vec<UnboundedSender<Instant>>,
}

/// So many workers that share a rate, in turn.
pub(crate) fn in_turn(workers: u32, per_second: f64) -> Vec<Beat> {
    let every = Duration::from_secs_f64(f64::from(workers) / per_second);
    (0..workers).map(|number| Beat { first: every * number / workers, every }).collect()
}

/// Lets each worker follow its beat, and watches a process meanwhile. Any wrong answer is an error.
pub(crate) async fn measure<W: Worker>(
    workers: Vec<W>,
    beats: Vec<Beat>,
    watched: &Family,
    span: Span,
) -> anyhow::Result<Sample> {
    let counted_from = Instant::now() + span.warm_up;
    let mut running = JoinSet::new();
    let mut senders = Vec::new();
    for worker in workers {
        let (sender, due) = unbounded_channel();
        senders.push(sender);
        running.spawn(follow(worker, due, counted_from));
    }
    let metronome = Metronome { beats, workers: senders };
    let beating = thread::spawn(move || metronome.run(counted_from + span.measured));
    tokio::time::sleep_until(counted_from).await;
    let used_before = watched.processor_time()?;
    let mut latencies = Vec::new();
    while let Some(ended) = running.join_next().await {
        latencies.extend(ended??);
    }
    let elapsed = counted_from.elapsed();
    let processor_time = watched.processor_time()?.saturating_sub(used_before);
    anyhow::ensure!(beating.join().is_ok() && !latencies.is_empty(), "nothing was due");
    latencies.sort_unstable();
    Ok(Sample { latencies, elapsed, processor_time })
}

async fn follow<W: Worker>(
    mut worker: W,
    mut due: UnboundedReceiver<Instant>,
    counted_from: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    while let Some(intended) = due.recv().await {
        worker.once().await?;
        if intended >= counted_from {
            latencies.push(intended.elapsed());
        }
    }
    Ok(latencies)
}

impl Metronome {
    fn run(self, end: Instant) {
        let start = Instant::now();
        let first = |(place, beat): (usize, &Beat)| Reverse((start + beat.first, place));
        let mut next: BinaryHeap<_> = self.beats.iter().enumerate().map(first).collect();
        while let Some(Reverse((at, place))) = next.pop().filter(|Reverse((at, _))| *at < end) {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            // The worker that is gone has an error to tell.
            if self.workers[place].send(at).is_err() {
                return;
            }
            next.push(Reverse((at + self.beats[place].every, place)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_take_turns() {
        let beats = in_turn(4, 1000.0);
        assert!(beats.iter().all(|beat| beat.every == Duration::from_millis(4)));
        let firsts: Vec<_> = beats.iter().map(|beat| beat.first.as_millis()).collect();
        assert_eq!(firsts, [0, 1, 2, 3]);
    }
}
