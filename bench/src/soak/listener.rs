//! One client's subscription: every event must come, once, and in order.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::sync::watch;

use super::{Latencies, Tally};
use crate::ask::Era;
use crate::lane::Lane;
use crate::standing::Standing;
use crate::subscriber::{self, Interest};
use crate::template::MARKER;
use crate::tool;

/// The subscription, and what came last.
pub(super) struct Listener {
    standing: Standing,
    era: Era,
    last: Option<u64>,
}

/// The silence that means that the stream is dead.
const SILENCE: Duration = Duration::from_secs(5);

impl Listener {
    pub(super) async fn open(lane: &Lane, era: Era) -> anyhow::Result<Self> {
        let standing = match era {
            Era::Stateless => subscriber::listen(lane, &lane.few, Interest::Ticks).await?,
            Era::Sessions => subscriber::stand(lane, &lane.few).await?,
        };
        Ok(Self { standing, era, last: None })
    }

    /// Until it is told to stop; then one more event must come, to show that none was stuck.
    pub(super) async fn run(
        mut self,
        tally: Arc<Tally>,
        mut stop: watch::Receiver<bool>,
    ) -> anyhow::Result<Latencies> {
        let (mut stopping, mut more) = (false, true);
        while more {
            tokio::select! {
                _ = stop.changed(), if !stopping => stopping = true,
                event = tokio::time::timeout(SILENCE, self.standing.next()) => {
                    let event = event.context("a subscription fell silent")??;
                    let lost = self.check(&serde_json::from_str(&event)?)?;
                    Tally::add(&tally.lost, lost);
                    Tally::add(&tally.events, 1);
                    more = !stopping;
                }
            }
        }
        Ok(Latencies::new())
    }

    /// Returns how many are missing before this one.
    fn check(&mut self, event: &Value) -> anyhow::Result<u64> {
        let meta = &event["params"]["_meta"];
        let mark = &meta["io.modelcontextprotocol/subscriptionId"];
        let marked = match self.era {
            Era::Stateless => *mark == MARKER,
            Era::Sessions => mark.is_null(),
        };
        ensure!(
            event["method"] == "notifications/resources/updated"
                && event["params"]["uri"] == tool::TICKS
                && marked,
            "not an event of this subscription: {event}"
        );
        let tick = meta["tick"].as_u64().with_context(|| format!("no number: {event}"))?;
        let wanted = self.last.map_or(tick, |last| last + 1);
        ensure!(tick >= wanted, "an event came twice or too late: {event}");
        self.last = Some(tick);
        Ok(tick - wanted)
    }
}
