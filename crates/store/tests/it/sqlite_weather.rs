//! SQLite in bad weather: locks, failing units, panics, callers who go away.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use sqlx::{Connection as _, Executor as _};
use store::unit::{EndSession, SignIn};
use store::{Store, StoreError, StoreOptions, Txn, UnitOfWork};
use tokio::sync::Notify;

use crate::support::database::{Kind, on};
use crate::support::story::{secret, sign_in};
use crate::support::{Database, NOW, Story, check_invariants};

/// A store that does not wait long for a lock.
async fn impatient(db: &Database) -> Store {
    let options = StoreOptions {
        lock_wait: Duration::from_millis(50),
        acquire_wait: Duration::from_millis(50),
        ..StoreOptions::new(&db.url)
    };
    Store::open(options).await.unwrap()
}

/// Does its work and then ends badly.
struct Doomed {
    work: SignIn,
    end: End,
}

#[derive(Clone, Copy)]
enum End {
    Error,
    Panic,
    /// As if the disk were full.
    Trouble,
}

impl UnitOfWork for Doomed {
    type Outcome = ();

    async fn run(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        self.work.run(txn).await?;
        match self.end {
            End::Error => Err(StoreError::NotMigrated),
            End::Panic => panic!("this unit panics"),
            End::Trouble => {
                let source = Arc::new(std::io::Error::other("the disk is full"));
                Err(StoreError::Unavailable { source })
            }
        }
    }
}

/// T-STO-04: another process holds the lock, so the answer is 503; when it lets go, everything
/// works again without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn t_sto_04_a_locked_database_is_unavailable_and_recovers() {
    on(Kind::Sqlite, async |db| {
        let store = impatient(db).await;
        let mut other = db.raw().await;
        for round in 0..3 {
            other.execute("BEGIN EXCLUSIVE").await.unwrap();
            let error = store.write(sign_in("ada")).await.unwrap_err();
            assert!(error.is_unavailable(), "{error}");
            other.execute("ROLLBACK").await.unwrap();
            store.write(sign_in("ada")).await.unwrap();
            assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SESSION").await, round + 1);
        }
        store.close().await;
    })
    .await;
}

/// Holds the writer until the test lets it go on.
#[derive(Clone, Default)]
struct Gate {
    reached: Arc<Notify>,
    open: Arc<Notify>,
}

impl UnitOfWork for Gate {
    type Outcome = ();

    async fn run(&self, _: &mut Txn<'_>) -> Result<(), StoreError> {
        self.reached.notify_one();
        self.open.notified().await;
        Ok(())
    }
}

impl Gate {
    /// Keeps the writer busy, so that everything after this gathers into one group.
    async fn shut(store: &Store) -> Self {
        let gate = Self::default();
        let (unit, store) = (gate.clone(), store.clone());
        tokio::spawn(async move { store.write(unit).await });
        gate.reached.notified().await;
        gate
    }
}

/// The others in the group of a unit that fails are not concerned.
#[tokio::test(flavor = "multi_thread")]
async fn a_failing_unit_undoes_only_itself() {
    on(Kind::Sqlite, async |db| {
        let gate = Gate::shut(&db.store).await;
        let mut good = Vec::new();
        let mut bad = Vec::new();
        for number in 0..30 {
            let name = format!("person-{number}");
            if number % 3 == 1 {
                let unit = Doomed { work: sign_in(&name), end: End::Error };
                let mut waiting = Box::pin(db.store.write(unit));
                assert!(waiting.as_mut().now_or_never().is_none());
                bad.push(waiting);
            } else {
                let mut waiting = Box::pin(db.store.write(sign_in(&name)));
                assert!(waiting.as_mut().now_or_never().is_none());
                good.push(waiting);
            }
        }
        gate.open.notify_one();
        for waiting in good {
            waiting.await.unwrap();
        }
        for waiting in bad {
            let error = waiting.await.unwrap_err();
            assert!(matches!(error, StoreError::NotMigrated), "{error}");
        }
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SUBJECT").await, 20);
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SESSION").await, 20);
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_AUDIT").await, 20);
    })
    .await;
}

/// A statement that a constraint refuses is the unit's own trouble, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_constraint_undoes_only_its_unit() {
    on(Kind::Sqlite, async |db| {
        let twice = sign_in("ada");
        let units = [twice.clone(), twice, sign_in("bob")].map(|unit| db.store.write(unit));
        let outcomes = futures_util::future::join_all(units).await;
        assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
        assert!(matches!(outcomes[1], Err(StoreError::Query { operation: "begin a session", .. })));
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SESSION").await, 2);
    })
    .await;
}

/// A bug in a unit costs its group, not the writer.
#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_unit_leaves_the_writer_alive() {
    on(Kind::Sqlite, async |db| {
        let unit = Doomed { work: sign_in("ada"), end: End::Panic };
        let error = db.store.write(unit).await.unwrap_err();
        assert!(error.is_unavailable(), "{error}");
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SUBJECT").await, 0);
        db.store.write(sign_in("ada")).await.unwrap();
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SUBJECT").await, 1);
    })
    .await;
}

/// T-STO-05: trouble in the middle undoes the whole group, since nobody can say what is left of
/// it; all of it may be tried again, and the writer needs no restart.
#[tokio::test(flavor = "multi_thread")]
async fn t_sto_05_trouble_in_the_middle_undoes_the_group() {
    on(Kind::Sqlite, async |db| {
        let gate = Gate::shut(&db.store).await;
        let mut before = Box::pin(db.store.write(sign_in("ada")));
        assert!(before.as_mut().now_or_never().is_none());
        let doomed = Doomed { work: sign_in("bob"), end: End::Trouble };
        let mut doomed = Box::pin(db.store.write(doomed));
        assert!(doomed.as_mut().now_or_never().is_none());
        gate.open.notify_one();
        assert!(before.await.unwrap_err().is_unavailable());
        assert!(doomed.await.unwrap_err().is_unavailable());
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SUBJECT").await, 0);
        db.store.write(sign_in("ada")).await.unwrap();
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SUBJECT").await, 1);
    })
    .await;
}

/// T-CON-15: a caller who goes away before the writer came to the unit has changed nothing.
#[tokio::test(flavor = "multi_thread")]
async fn t_con_15_an_abandoned_unit_is_not_run() {
    on(Kind::Sqlite, async |db| {
        let gate = Gate::shut(&db.store).await;
        let abandoned = Box::pin(db.store.write(sign_in("ada"))).as_mut().now_or_never();
        assert!(abandoned.is_none());
        gate.open.notify_one();
        db.store.write(sign_in("bob")).await.unwrap();
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SUBJECT").await, 1);
    })
    .await;
}

/// T-CON-15: a caller who goes away while the unit runs leaves it whole.
#[tokio::test(flavor = "multi_thread")]
async fn t_con_15_a_running_unit_is_finished_without_its_caller() {
    struct Slow(SignIn, Gate);
    impl UnitOfWork for Slow {
        type Outcome = ();
        async fn run(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
            self.0.run(txn).await?;
            self.1.run(txn).await
        }
    }
    on(Kind::Sqlite, async |db| {
        let gate = Gate::default();
        let caller = db.store.write(Slow(sign_in("ada"), gate.clone()));
        let reached = gate.reached.notified();
        futures_util::future::select(Box::pin(caller), Box::pin(reached)).await;
        gate.open.notify_one();
        db.store.write(EndSession { hash: secret().hash(), now: NOW }).await.unwrap();
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SESSION").await, 1);
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_AUDIT").await, 1);
    })
    .await;
}

/// More waiting units than the queue holds are refused at once, not piled up.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses() {
    on(Kind::Sqlite, async |db| {
        let gate = Gate::shut(&db.store).await;
        let mut waiting = Vec::new();
        let refused = loop {
            let mut unit = Box::pin(db.store.write(EndSession { hash: secret().hash(), now: NOW }));
            if let Some(result) = unit.as_mut().now_or_never() {
                break result.unwrap_err();
            }
            waiting.push(unit);
            assert!(waiting.len() <= 4096, "the queue has an end");
        };
        assert!(refused.is_unavailable(), "{refused}");
        gate.open.notify_one();
        for unit in waiting {
            unit.await.unwrap();
        }
    })
    .await;
}

/// T-STO-08: when all readers are busy, the answer is an error in time, not a hang.
#[tokio::test(flavor = "multi_thread")]
async fn t_sto_08_too_many_readers_are_unavailable() {
    on(Kind::Sqlite, async |db| {
        let store = impatient(db).await;
        let mut readers = Vec::new();
        for _ in 0..4 {
            readers.push(store.read().await.unwrap());
        }
        let Err(error) = store.read().await else { panic!("there are four readers only") };
        assert!(error.is_unavailable(), "{error}");
        drop(readers);
        store.ping().await.unwrap();
        store.close().await;
    })
    .await;
}

/// Somebody who hangs up while a list is read takes no reader along, and leaves none half-read.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_reader_costs_nobody_anything() {
    on(Kind::Sqlite, async |db| {
        db.store.write(sign_in("ada")).await.unwrap();
        for _ in 0..20 {
            let mut reader = db.store.read().await.unwrap();
            let listing = Box::pin(store::audit::tail(reader.conn(), 10)).as_mut().now_or_never();
            drop((listing, reader));
        }
        let mut readers = Vec::new();
        for _ in 0..4 {
            readers.push(db.store.read().await.unwrap());
        }
        for reader in &mut readers {
            assert_eq!(store::audit::tail(reader.conn(), 10).await.unwrap().len(), 1);
        }
    })
    .await;
}

/// Readers go on while somebody writes.
#[tokio::test(flavor = "multi_thread")]
async fn readers_do_not_wait_for_the_writer() {
    on(Kind::Sqlite, async |db| {
        let story = Story::begin(db).await;
        let mut other = db.raw().await;
        other.execute("BEGIN IMMEDIATE").await.unwrap();
        let mut reader = db.store.read().await.unwrap();
        let found = store::client::find(reader.conn(), &story.client.id).await.unwrap();
        assert!(found.is_some());
        other.execute("ROLLBACK").await.unwrap();
    })
    .await;
}

/// Units that were accepted are finished before the store closes; later ones are refused.
#[tokio::test(flavor = "multi_thread")]
async fn closing_finishes_what_was_accepted() {
    on(Kind::Sqlite, async |db| {
        // Nobody else's lock, no certainty that the unit has not been finished yet.
        let mut other = sqlx::AnyConnection::connect(&db.url).await.unwrap();
        other.execute("BEGIN IMMEDIATE").await.unwrap();
        let mut accepted = Box::pin(db.store.write(sign_in("ada")));
        assert!(accepted.as_mut().now_or_never().is_none());
        let mut closing = Box::pin(db.store.close());
        assert!(closing.as_mut().now_or_never().is_none(), "it waits for what was accepted");
        other.execute("ROLLBACK").await.unwrap();
        closing.await;
        accepted.await.unwrap();
        let error = db.store.write(sign_in("bob")).await.unwrap_err();
        assert!(error.is_unavailable(), "{error}");
        assert!(db.store.read().await.is_err());
        // The other replica still has the file.
        let mut reader = db.replica.read().await.unwrap();
        let session = secret().hash();
        assert_eq!(store::session::find(reader.conn(), &session, NOW).await.unwrap(), None);
        drop(reader);
        check_invariants(db).await;
    })
    .await;
}

/// T-STO-14, as far as a test can see it: each connection of the writer flushes before it answers.
#[tokio::test(flavor = "multi_thread")]
async fn t_sto_14_write_ahead_logging_is_on() {
    on(Kind::Sqlite, async |db| {
        let mut raw = sqlx::AnyConnection::connect(&db.url).await.unwrap();
        let row = sqlx::query("PRAGMA journal_mode").fetch_one(&mut raw).await.unwrap();
        assert_eq!(sqlx::Row::get::<String, _>(&row, 0), "wal");
    })
    .await;
}
