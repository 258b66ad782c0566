//! One client's requests, at its own steady pace.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use super::{Latencies, Tally};
use crate::ask::{Ask, Era, What};
use crate::asker::Asker;
use crate::lane::Lane;
use crate::load::Worker as _;
use crate::refresh::Refresher;
use crate::tool;

/// A client with its connections.
pub(super) struct Caller {
    lane: Lane,
    era: Era,
    askers: Askers,
    refresher: Refresher,
    refreshed: Instant,
    turn: usize,
}

struct Askers {
    call: Asker,
    list: Asker,
    progress: Asker,
}

/// How often a client redeems its refresh token.
const REFRESH_EVERY: Duration = Duration::from_secs(30);
/// Of so many requests two are lists and two are streams of ten events.
const CYCLE: usize = 20;

impl Caller {
    pub(super) async fn new(lane: Lane, era: Era, refresher: Refresher) -> anyhow::Result<Self> {
        let askers = Askers::connect(&lane, era).await?;
        Ok(Self { lane, era, askers, refresher, refreshed: Instant::now(), turn: 0 })
    }

    /// One request at each beat. Those that a slow answer held up follow at once, so that the
    /// rate holds.
    pub(super) async fn run(
        mut self,
        pace: Duration,
        offset: Duration,
        tally: Arc<Tally>,
        mut stop: watch::Receiver<bool>,
    ) -> anyhow::Result<Latencies> {
        let mut latencies = Latencies::new();
        let mut beats = tokio::time::interval_at(Instant::now() + offset, pace);
        beats.set_missed_tick_behavior(MissedTickBehavior::Burst);
        loop {
            tokio::select! {
                biased;
                _ = stop.changed() => return Ok(latencies),
                _ = beats.tick() => {}
            }
            if self.refreshed.elapsed() > REFRESH_EVERY {
                self.refresh().await?;
                Tally::add(&tally.refreshes, 1);
            }
            let before = Instant::now();
            self.ask().await?;
            latencies.push(before.elapsed());
            Tally::add(&tally.answers, 1);
        }
    }

    async fn ask(&mut self) -> anyhow::Result<()> {
        let asker = match self.turn % CYCLE {
            5 | 15 => &mut self.askers.list,
            9 | 19 => &mut self.askers.progress,
            _ => &mut self.askers.call,
        };
        self.turn += 1;
        asker.once().await?;
        Ok(())
    }

    /// From now on with a new token, on new connections, and in a new session.
    async fn refresh(&mut self) -> anyhow::Result<()> {
        self.refresher.reconnect().await?;
        self.refresher.once().await?;
        self.lane.few.token = self.refresher.newest();
        self.askers = Askers::connect(&self.lane, self.era).await?;
        self.refreshed = Instant::now();
        Ok(())
    }
}

impl Askers {
    async fn connect(lane: &Lane, era: Era) -> anyhow::Result<Self> {
        let what = |what| Ask { what, era };
        Ok(Self {
            call: lane.prepare(what(What::Call(tool::SMALL))).await?.asker().await?,
            list: lane.prepare(what(What::List)).await?.asker().await?,
            progress: lane.prepare(what(What::Call(tool::PROGRESS))).await?.asker().await?,
        })
    }
}
