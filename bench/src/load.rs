//! The closed loop: some connections, each asking again as soon as it has its answer.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::process::Family;

/// One connection's work.
pub(crate) trait Worker: Send + 'static {
    /// Sends one request and checks its answer to the last byte. `false`: nothing is left to ask.
    fn once(&mut self) -> impl Future<Output = anyhow::Result<bool>> + Send;
}

/// How long to measure, and how long to go on before that without measuring.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

impl Span {
    /// So many times as long, after the same beginning.
    pub(crate) fn times(self, factor: u32) -> Self {
        Self { measured: self.measured * factor, ..self }
    }
}

/// What one measurement saw.
pub(crate) struct Sample {
    /// Of each request, sorted.
    pub(crate) latencies: Vec<Duration>,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
    /// Processor time of the watched process in between.
    pub(crate) processor_time: Duration,
}

/// Lets the workers run, and watches a process meanwhile. Any wrong answer is an error.
pub(crate) async fn measure<W: Worker>(
    workers: Vec<W>,
    watched: &Family,
    span: Span,
) -> anyhow::Result<(Sample, Vec<W>)> {
    let (workers, _) = run(workers, span.warm_up).await?;
    let used_before = watched.processor_time()?;
    let start = Instant::now();
    let (workers, mut latencies) = run(workers, span.measured).await?;
    let elapsed = start.elapsed();
    let processor_time = watched.processor_time()?.saturating_sub(used_before);
    anyhow::ensure!(!latencies.is_empty(), "there was no time for one request");
    latencies.sort_unstable();
    let sample = Sample { latencies, elapsed, processor_time };
    Ok((sample, workers))
}

async fn run<W: Worker>(
    workers: Vec<W>,
    span: Duration,
) -> anyhow::Result<(Vec<W>, Vec<Duration>)> {
    let end = Instant::now() + span;
    let mut running = JoinSet::new();
    for worker in workers {
        running.spawn(until(worker, end));
    }
    let mut workers = Vec::new();
    let mut all = Vec::new();
    while let Some(ended) = running.join_next().await {
        let (worker, latencies) = ended??;
        workers.push(worker);
        all.extend(latencies);
    }
    Ok((workers, all))
}

async fn until<W: Worker>(mut worker: W, end: Instant) -> anyhow::Result<(W, Vec<Duration>)> {
    let mut latencies = Vec::with_capacity(32 * 1024);
    let mut before = Instant::now();
    while before < end && worker.once().await? {
        let after = Instant::now();
        latencies.push(after - before);
        before = after;
    }
    Ok((worker, latencies))
}
