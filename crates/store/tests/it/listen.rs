//! What PostgreSQL tells those who listen.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use model::{Disabled, DisabledKind};
use store::unit::{Disable, Enable};
use store::{Store, StoreError, StoreOptions, Txn, UnitOfWork};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::support::NOW;
use crate::support::database::{Kind, empty, on, remove};
use crate::support::story::sign_in;

const SOON: Duration = Duration::from_secs(5);

/// Long enough for what would come to be there.
const A_WHILE: Duration = Duration::from_millis(300);

fn what() -> Disabled {
    Disabled::new(DisabledKind::Client, "desk")
}

/// Somebody who listens already.
async fn listening(store: &Store) -> (Arc<Notify>, JoinHandle<Infallible>) {
    let look = Arc::new(Notify::new());
    let (store, heard) = (store.clone(), Arc::clone(&look));
    let listening = tokio::spawn(async move { store.listen(&heard).await });
    timeout(SOON, look.notified()).await.expect("it listens, and looks once");
    (look, listening)
}

/// GR-4: the commit tells, once for a unit; a change that was undone, or that is nobody's business, does
/// not.
#[tokio::test(flavor = "multi_thread")]
async fn gr_4_only_a_commit_is_told() {
    struct Undone;
    impl UnitOfWork for Undone {
        type Outcome = ();
        async fn run(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
            Disable { what: what(), now: NOW }.run(txn).await?;
            Err(StoreError::NotMigrated)
        }
    }
    on(Kind::Postgres, async |db| {
        let (look, listening) = listening(&db.replica).await;
        db.store.write(Undone).await.unwrap_err();
        db.store.write(sign_in("ada")).await.unwrap();
        timeout(A_WHILE, look.notified()).await.expect_err("nothing changed");

        assert!(db.store.write(Disable { what: what(), now: NOW }).await.unwrap());
        timeout(SOON, look.notified()).await.expect("it is told");
        assert!(db.store.write(Enable { what: what(), now: NOW }).await.unwrap());
        timeout(SOON, look.notified()).await.expect("it is told");
        listening.abort();
    })
    .await;
}

/// GR-4: a connection that broke is made anew, and then there is reason to look.
#[tokio::test(flavor = "multi_thread")]
async fn gr_4_a_broken_connection_is_made_anew() {
    on(Kind::Postgres, async |db| {
        let (look, listening) = listening(&db.replica).await;
        for _ in 0..2 {
            let cut = db.number(
                "SELECT COUNT(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity \
                 WHERE datname = current_database() AND query LIKE 'LISTEN %'",
            );
            assert_eq!(cut.await, 1, "a connection of its own");
            timeout(SOON, look.notified()).await.expect("it listens again, and looks");
        }
        db.store.write(Disable { what: what(), now: NOW }).await.unwrap();
        timeout(SOON, look.notified()).await.expect("it is told");
        listening.abort();
    })
    .await;
}

/// `listen_url` is where it listens, and nowhere else: here another database, which tells of nothing.
#[tokio::test(flavor = "multi_thread")]
async fn gr_4_it_listens_where_it_is_told_to() {
    on(Kind::Postgres, async |db| {
        let (elsewhere, _) = empty(Kind::Postgres).await;
        let options =
            StoreOptions { listen_url: Some(elsewhere.clone()), ..StoreOptions::new(&db.url) };
        let store = Store::open(options).await.unwrap();
        let (look, listening) = listening(&store).await;
        db.store.write(Disable { what: what(), now: NOW }).await.unwrap();
        timeout(A_WHILE, look.notified()).await.expect_err("it is told here only");
        listening.abort();
        store.close().await;
        remove(Kind::Postgres, &elsewhere).await;
    })
    .await;
}
