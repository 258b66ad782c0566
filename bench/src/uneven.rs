//! The same calls and the same 10 MB answers, once spread evenly over 64 connections, and once on
//! connections of very different activity: a few are busy, most are quiet, and one streams.
//!
//! Every eighth connection is busy, so that whoever deals connections out in turn gives all of them
//! to one worker: a request must not wait there while other workers have nothing to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::anyhow;
use tokio::time::MissedTickBehavior;

use crate::asker::Script;
use crate::cli;
use crate::figures::Figures;
use crate::load::{self, Span, Worker as _};
use crate::own_gateway::OwnGateway;
use crate::paced::{self, Beat, in_turn};
use crate::rows::{CALL, HUGE};

/// Workers of the gateway, and the site that is configured so.
const SITES: [(u32, &str); 2] = [(2, "two-workers"), (4, "four-workers")];
/// Connections of each case, those that stream included.
const CONNECTIONS: u32 = 64;
/// The part of what it manages when everybody calls again at once.
const PART: f64 = 0.25;
/// Which connections are busy, and their part of all calls.
const EVERY_EIGHTH: u32 = 8;
const BUSY_PART: f64 = 0.9;
/// The time between two 10 MB answers.
const BETWEEN_STREAMS: Duration = Duration::from_millis(100);
/// Connections that take these in turn in the even case.
const STREAMING: u32 = 8;
const SPANS: u32 = 2;
/// The part of the rate that must be reached, or it is not below saturation.
const KEPT: f64 = 0.95;
/// In which a gateway may deal connections out again.
const DEALING: Duration = Duration::from_secs(1);

/// The calls of both cases, with so many workers.
pub(crate) struct Loads {
    pub(crate) workers: u32,
    /// Calls that were due in a second, of all connections together.
    pub(crate) rate: f64,
    pub(crate) even: Figures,
    pub(crate) uneven: Figures,
}

impl Loads {
    /// How much slower the slow calls are under uneven load; not a number if even load was too much.
    pub(crate) fn ratio(&self) -> f64 {
        if self.even.rate < self.rate * KEPT { f64::NAN } else { self.uneven.p99 / self.even.p99 }
    }
}

/// One gateway, with what is asked of it.
struct Measured {
    gateway: OwnGateway,
    rate: f64,
    call: Script,
    huge: Arc<Script>,
    even: Vec<Figures>,
    uneven: Vec<Figures>,
}

/// Whoever streams has a thread of its own, so as not to hold up those who call.
struct Streamer {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<()>>,
}

pub(crate) async fn measure(options: &cli::Run) -> anyhow::Result<Vec<Loads>> {
    let span = Span { warm_up: DEALING, ..options.pace.span().times(SPANS) };
    let mut all = Vec::new();
    for (_, site) in SITES {
        all.push(Measured::start(options, site).await?);
    }
    for _ in 0..options.pace.rounds {
        for measured in &mut all {
            measured.round(span).await?;
        }
    }
    let medians = |(measured, (workers, _)): (&Measured, (u32, _))| Loads {
        workers,
        rate: measured.rate,
        even: Figures::medians(&measured.even),
        uneven: Figures::medians(&measured.uneven),
    };
    Ok(all.iter().zip(SITES).map(medians).collect())
}

impl Measured {
    async fn start(options: &cli::Run, site: &str) -> anyhow::Result<Self> {
        let gateway = OwnGateway::start(options, site).await?;
        let call = gateway.lane.prepare(CALL).await?;
        let askers = call.askers(CONNECTIONS).await?;
        let (sample, _) = load::measure(askers, &gateway.lane.watched, options.pace.span()).await?;
        Ok(Self {
            rate: Figures::of(&sample).rate * PART,
            call,
            huge: Arc::new(gateway.lane.prepare(HUGE).await?),
            gateway,
            even: Vec::new(),
            uneven: Vec::new(),
        })
    }

    async fn round(&mut self, span: Span) -> anyhow::Result<()> {
        let calling = in_turn(CONNECTIONS - STREAMING, self.rate);
        self.even.push(self.case(calling, STREAMING, span).await?);
        self.uneven.push(self.case(few_are_busy(CONNECTIONS - 1, self.rate), 1, span).await?);
        Ok(())
    }

    async fn case(
        &self,
        calling: Vec<Beat>,
        streaming: u32,
        span: Span,
    ) -> anyhow::Result<Figures> {
        let connections = u32::try_from(calling.len())?;
        let streamer = Streamer::start(Arc::clone(&self.huge), streaming);
        let askers = self.call.askers(connections).await?;
        let watched = &self.gateway.lane.watched;
        let sample = paced::measure(askers, calling, watched, span).await?;
        streamer.stop()?;
        Ok(Figures::of(&sample))
    }
}

fn few_are_busy(connections: u32, rate: f64) -> Vec<Beat> {
    let busy = connections.div_ceil(EVERY_EIGHTH);
    let mut busy_beats = in_turn(busy, rate * BUSY_PART).into_iter();
    let mut quiet_beats = in_turn(connections - busy, rate * (1.0 - BUSY_PART)).into_iter();
    let beat = |number: u32| {
        let beats =
            if number.is_multiple_of(EVERY_EIGHTH) { &mut busy_beats } else { &mut quiet_beats };
        beats.next()
    };
    (0..connections).filter_map(beat).collect()
}

impl Streamer {
    fn start(script: Arc<Script>, connections: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(stream(&script, connections, &stopped))
        });
        Self { stop, thread }
    }

    fn stop(self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the thread that streams has panicked"))?
    }
}

async fn stream(script: &Script, connections: u32, stopped: &AtomicBool) -> anyhow::Result<()> {
    let mut askers = script.askers(connections).await?;
    let mut moments = tokio::time::interval(BETWEEN_STREAMS);
    moments.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stopped.load(Ordering::Relaxed) {
        for asker in &mut askers {
            moments.tick().await;
            asker.once().await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_connections_are_busy_and_the_rate_is_the_same() {
        let beats = few_are_busy(63, 8000.0);
        let rate = |beat: &Beat| 1.0 / beat.every.as_secs_f64();
        let (all, first) = (beats.iter().map(rate).sum::<f64>(), rate(&beats[0]));
        assert_eq!(beats.len(), 63);
        assert!((all - 8000.0).abs() < 1.0, "{all}");
        assert!((first - 900.0).abs() < 1.0, "{first}");
    }
}
