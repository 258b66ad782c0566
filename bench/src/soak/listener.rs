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

/// The subscription, and what has come.
pub(super) struct Listener {
    standing: Standing,
    heard: Heard,
}

/// What has come to a client of this generation.
struct Heard {
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
        Ok(Self { standing, heard: Heard { era, last: None } })
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
                    let lost = self.heard.check(&serde_json::from_str(&event)?)?;
                    Tally::add(&tally.lost, lost);
                    Tally::add(&tally.events, 1);
                    more = !stopping;
                }
            }
        }
        Ok(Latencies::new())
    }
}

impl Heard {
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn tick(number: u64) -> Value {
        json!({
            "method": "notifications/resources/updated",
            "params": { "uri": tool::TICKS, "_meta": { "tick": number } },
        })
    }

    #[test]
    fn gaps_are_counted_and_repetitions_are_refused() {
        let mut heard = Heard { era: Era::Sessions, last: None };
        assert_eq!(heard.check(&tick(7)).unwrap(), 0, "the first may have any number");
        assert_eq!(heard.check(&tick(8)).unwrap(), 0);
        assert_eq!(heard.check(&tick(11)).unwrap(), 2);
        assert!(heard.check(&tick(11)).is_err());
        assert!(heard.check(&tick(9)).is_err());
    }

    #[test]
    fn events_belong_to_the_subscription() {
        let mut modern = Heard { era: Era::Stateless, last: None };
        assert!(modern.check(&tick(1)).is_err(), "nobody marked it");
        let mut marked = tick(1);
        marked["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] = MARKER.into();
        assert_eq!(modern.check(&marked).unwrap(), 0);
        assert!(Heard { era: Era::Sessions, last: None }.check(&marked).is_err());
        marked["params"]["uri"] = "bench://other".into();
        assert!(modern.check(&marked).is_err());
    }
}
