//! What one replica changes, another one learns: at once where the database tells it, and else when it
//! asks.

use std::time::Duration;

use kernel::Clock as _;
use model::{Disabled, DisabledKind};
use store::unit::{Disable, Enable};
use store::{Store, StoreOptions};
use testkit::Connected;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::world::{Plan, World};

/// GR-4: no replica takes longer.
const SOON: Duration = Duration::from_secs(5);

/// Asking by itself would be far too late for any of these tests.
const NEVER: Duration = Duration::from_hours(1);

/// Two replicas on PostgreSQL that ask after so long; the second one's changes, after it found its feet.
async fn pair(poll: Duration) -> (World, watch::Receiver<u64>) {
    let mut world = Plan::postgres().config(move |config| config.poll = poll).start().await;
    world.replica().await;
    let mut changes = world.changes_at_last();
    // It looks once when it begins to listen, which may have been already.
    let looked = timeout(SOON, changes.wait_for(|number| *number > 0)).await;
    looked.expect("it listens within five seconds").expect("it runs");
    (world, changes)
}

async fn changes_soon(changes: &mut watch::Receiver<u64>, after: &str) {
    let in_time = timeout(SOON, changes.changed()).await;
    in_time.unwrap_or_else(|_| panic!("not known five seconds after {after}")).expect("it runs");
}

/// Nobody who listens is left; what the database tells from now on until they are back is lost.
async fn cut_listeners(world: &World) {
    let cut = "SELECT COUNT(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity \
               WHERE datname = current_database() AND query LIKE 'LISTEN %'";
    world.database.execute(cut).await;
}

/// GR-4: a revocation (RFC 7009), something that is switched off, and a signing key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gr_4_a_replica_is_told_at_once() {
    let (world, mut changes) = pair(NEVER).await;
    let Connected { client, tokens, .. } = world.connect("basic").await;
    assert!(!changes.has_changed().expect("it runs"), "tokens are no news");

    client.revoke(&tokens.refresh).await;
    changes_soon(&mut changes, "a revocation").await;

    let store = Store::open(StoreOptions::new(world.database.url())).await.expect("a store");
    let what = Disabled::new(DisabledKind::Client, "desk");
    let now = world.clock.now();
    store.write(Disable { what: what.clone(), now }).await.expect("it is switched off");
    changes_soon(&mut changes, "switching off").await;
    store.write(Enable { what, now }).await.expect("it is switched on");
    changes_soon(&mut changes, "switching on").await;
    store.close().await;
}

/// GR-4: nothing is told while the connection is away, so the replica looks when it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gr_4_what_was_not_heard_is_looked_for() {
    let (world, mut changes) = pair(NEVER).await;
    let Connected { client, tokens, .. } = world.connect("basic").await;
    cut_listeners(&world).await;
    client.revoke(&tokens.refresh).await;
    changes_soon(&mut changes, "a revocation that nobody heard of").await;
}

/// GR-4: a database that tells nobody is asked, as often as ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gr_4_without_listening_the_database_is_asked() {
    let plan = Plan::postgres().config(|config| config.poll = Duration::from_millis(300));
    // Nobody is there.
    let plan = plan.settings(|settings| settings.listen_url("postgres://u@127.0.0.1:1/nowhere"));
    let mut world = plan.start().await;
    world.replica().await;
    let mut changes = world.changes_at_last();
    let looked = timeout(SOON, changes.wait_for(|number| *number > 0)).await;
    looked.expect("it asks within five seconds").expect("it runs");
    let Connected { client, tokens, .. } = world.connect("basic").await;
    client.revoke(&tokens.refresh).await;
    changes_soon(&mut changes, "a revocation").await;
}
