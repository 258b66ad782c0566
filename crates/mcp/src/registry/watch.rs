//! The background task: what the authority changes reaches the board and the running streams.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::registry::Registry;
use crate::request::Shared;

/// How often running streams are looked at for tokens that expired.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often the board is confirmed although nothing changed, in seconds.
const CONFIRM_EVERY_SECONDS: i64 = 60;

/// Runs until `shutdown` is cancelled.
pub(crate) async fn run(shared: &Shared, servers: &Registry, shutdown: CancellationToken) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    shared.trust.refresh().await;
    // One wait goes on across looks; begun anew at each look, a wait of two seconds would never end.
    let mut changed = shared.trust.authority().changed();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = &mut changed => {
                shared.trust.refresh().await;
                changed = shared.trust.authority().changed();
            }
            _ = looks.tick() => {
                confirm(shared).await;
                shared.observer.queue.tell_refusals(Some(shared.trust.now()));
                servers.sweep(shared.trust.now());
                shared.peers.sweep();
            }
        }
        shared.pulse.beat();
    }
}

/// In process nothing is ever said while nothing changes, and yet what is known must not age.
async fn confirm(shared: &Shared) {
    let now = shared.trust.now();
    let recent = |at: kernel::Timestamp| now < at.plus_seconds(CONFIRM_EVERY_SECONDS);
    if !shared.trust.confirmed().is_some_and(recent) {
        shared.trust.refresh().await;
    }
}
