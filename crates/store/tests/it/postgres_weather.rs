//! PostgreSQL in bad weather: broken connections, deadlocks, callers who go away.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use kernel::Hashed;
use model::person::SessionSecret;
use sqlx::{AssertSqlSafe, Executor as _};
use store::unit::{EndSession, SignIn};
use store::{Store, StoreError, StoreOptions, Txn, UnitOfWork};
use tokio::sync::Barrier;

use crate::support::NOW;
use crate::support::database::{Kind, on};
use crate::support::story::sign_in;

const DROP_ALL_CONNECTIONS: &str = "SELECT COUNT(pg_terminate_backend(pid, 10000)) \
     FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// The server drops every connection; nothing needs a restart.
#[tokio::test(flavor = "multi_thread")]
async fn t_sto_04_broken_connections_are_replaced() {
    on(Kind::Postgres, async |db| {
        db.store.write(sign_in("ada")).await.unwrap();
        db.meddle(DROP_ALL_CONNECTIONS).await;
        db.store.write(sign_in("bob")).await.unwrap();
        db.store.ping().await.unwrap();
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SUBJECT").await, 2);
    })
    .await;
}

/// A server that is not there is unavailable, soon, and never a wrong answer (T-STO-07).
#[tokio::test(flavor = "multi_thread")]
async fn t_sto_07_a_missing_server_is_unavailable() {
    let options = StoreOptions {
        acquire_wait: Duration::from_millis(200),
        // A port that was just free.
        ..StoreOptions::new(format!("postgres://u:secret@127.0.0.1:{}/d", free_port()))
    };
    let error = Store::open(options).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    let mut text = error.to_string();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error);
    while let Some(error) = cause {
        text.push_str(&error.to_string());
        cause = error.source();
    }
    assert!(!text.contains("secret"), "{text}");
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Ends two sessions, in the order that invites a deadlock with its mirror image. Both take the
/// first before either takes the second; a run after the first does not wait.
struct Crossing {
    first: Hashed<SessionSecret>,
    second: Hashed<SessionSecret>,
    meet: Arc<Barrier>,
    runs: Arc<std::sync::atomic::AtomicU32>,
    met: std::sync::atomic::AtomicBool,
}

impl UnitOfWork for Crossing {
    type Outcome = ();

    async fn run(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        use std::sync::atomic::Ordering::SeqCst;
        self.runs.fetch_add(1, SeqCst);
        EndSession { hash: self.first.clone(), now: NOW }.run(txn).await?;
        if !self.met.swap(true, SeqCst) {
            self.meet.wait().await;
        }
        EndSession { hash: self.second.clone(), now: NOW }.run(txn).await
    }
}

/// T-STO-04: the one of two transactions that the server gives up runs again, and nobody notices.
#[tokio::test(flavor = "multi_thread")]
async fn t_sto_04_a_deadlock_is_run_again() {
    on(Kind::Postgres, async |db| {
        let (one, two) = (sign_in("ada"), sign_in("bob"));
        let (a, b) = (one.session.0.clone(), two.session.0.clone());
        db.store.write(one).await.unwrap();
        db.store.write(two).await.unwrap();
        let meet = Arc::new(Barrier::new(2));
        let runs = Arc::default();
        let crossing = |first: &Hashed<_>, second: &Hashed<_>| Crossing {
            first: first.clone(),
            second: second.clone(),
            meet: Arc::clone(&meet),
            runs: Arc::clone(&runs),
            met: false.into(),
        };
        let left = db.store.write(crossing(&a, &b));
        let right = db.replica.write(crossing(&b, &a));
        let (left, right) = futures_util::future::join(left, right).await;
        left.unwrap();
        right.unwrap();
        // The second run may meet the other one again, but neither may fail.
        let runs = runs.load(std::sync::atomic::Ordering::SeqCst);
        assert!(runs >= 3, "one of them ran again: {runs}");
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SESSION").await, 0);
    })
    .await;
}

/// T-CON-15: a caller who goes away in the middle leaves nothing behind, and the connection is
/// good for the next one.
#[tokio::test(flavor = "multi_thread")]
async fn t_con_15_a_dropped_unit_is_undone() {
    struct Endless(SignIn, Arc<tokio::sync::Notify>);
    impl UnitOfWork for Endless {
        type Outcome = ();
        async fn run(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
            self.0.run(txn).await?;
            self.1.notify_one();
            std::future::pending().await
        }
    }
    on(Kind::Postgres, async |db| {
        let options = StoreOptions { pool_size: 1, ..StoreOptions::new(&db.url) };
        let store = Store::open(options).await.unwrap();
        for _ in 0..5 {
            let in_the_middle = Arc::new(tokio::sync::Notify::new());
            let unit = Endless(sign_in("ada"), Arc::clone(&in_the_middle));
            let gone = in_the_middle.notified();
            futures_util::future::select(Box::pin(store.write(unit)), Box::pin(gone)).await;
            store.ping().await.unwrap();
        }
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SUBJECT").await, 0);
        store.write(sign_in("ada")).await.unwrap();
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SUBJECT").await, 1);
        store.close().await;
    })
    .await;
}

/// T-STO-08: an exhausted pool answers in time.
#[tokio::test(flavor = "multi_thread")]
async fn t_sto_08_an_exhausted_pool_is_unavailable() {
    on(Kind::Postgres, async |db| {
        let options = StoreOptions {
            pool_size: 1,
            acquire_wait: Duration::from_millis(50),
            ..StoreOptions::new(&db.url)
        };
        let store = Store::open(options).await.unwrap();
        let reader = store.read().await.unwrap();
        assert!(store.write(sign_in("ada")).now_or_never().is_none());
        let error = store.write(sign_in("ada")).await.unwrap_err();
        assert!(error.is_unavailable(), "{error}");
        drop(reader);
        store.close().await;
    })
    .await;
}

/// A node that became read-only still answers reads, with what was true before, and refuses
/// changes. Nothing is read or changed there, and the pool finds its way back by itself
/// (T-STO-07). The story `failover` tells it with two nodes.
#[tokio::test(flavor = "multi_thread")]
async fn t_sto_07_a_read_only_node_is_not_asked() {
    on(Kind::Postgres, async |db| {
        let options =
            StoreOptions { acquire_wait: Duration::from_millis(500), ..StoreOptions::new(&db.url) };
        let store = Store::open(options).await.unwrap();
        store.write(sign_in("ada")).await.unwrap();
        let database = db.url.rsplit('/').next().unwrap();
        let set = "SET default_transaction_read_only";
        db.meddle(format!("ALTER DATABASE {database} {set} = on")).await;
        // What was set holds for connections made from now on.
        db.meddle(DROP_ALL_CONNECTIONS).await;

        let Err(error) = store.read().await else { panic!("it reads at a read-only node") };
        assert!(error.is_unavailable(), "{error}");
        assert!(store.write(sign_in("bob")).await.unwrap_err().is_unavailable());

        let mut raw = db.raw().await;
        raw.execute(AssertSqlSafe(format!("{set} = off"))).await.unwrap();
        raw.execute(AssertSqlSafe(format!("ALTER DATABASE {database} {set} = off"))).await.unwrap();
        store.write(sign_in("bob")).await.unwrap();
        store.close().await;
    })
    .await;
}
