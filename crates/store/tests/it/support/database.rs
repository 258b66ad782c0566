//! A fresh database for each test, of each kind.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use futures_util::FutureExt as _;
use kernel::encoding::base64url;
use kernel::{OsRandom, SecureRandom as _};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};
use store::{Store, StoreOptions};
use tempfile::TempDir;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// A migrated database of its own, with two stores on it: two replicas.
pub(crate) struct Database {
    pub(crate) kind: Kind,
    pub(crate) url: String,
    pub(crate) store: Store,
    pub(crate) replica: Store,
    directory: Option<TempDir>,
}

/// Runs a test on a fresh SQLite database and then on a fresh PostgreSQL database.
pub(crate) async fn on_each_database(test: impl AsyncFn(&Database)) {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        on(kind, &test).await;
    }
}

/// Runs a test on a fresh database of one kind and removes the database, also after a failure.
pub(crate) async fn on(kind: Kind, test: impl AsyncFn(&Database)) {
    let database = Database::create(kind).await;
    let outcome = AssertUnwindSafe(test(&database)).catch_unwind().await;
    database.remove().await;
    if let Err(panic) = outcome {
        eprintln!("this was on {kind:?}");
        resume_unwind(panic);
    }
}

/// An empty database, not migrated: its URL, and the directory that keeps a SQLite file alive.
pub(crate) async fn empty(kind: Kind) -> (String, Option<TempDir>) {
    sqlx::any::install_default_drivers();
    match kind {
        Kind::Sqlite => {
            let directory = TempDir::new().unwrap();
            let path = directory.path().join("made on demand").join("w.db");
            (format!("sqlite://{}", path.display()), Some(directory))
        }
        Kind::Postgres => {
            let mut random = [0; 9];
            OsRandom::new().fill(&mut random);
            let name = format!("t_{}", base64url(&random).replace('-', "_").to_lowercase());
            let mut admin = AnyConnection::connect(&server_url()).await.unwrap();
            admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
            (with_database(&server_url(), &name), None)
        }
    }
}

/// Removes what [`empty`] made. A SQLite file goes with its directory.
pub(crate) async fn remove(kind: Kind, url: &str) {
    if kind == Kind::Postgres {
        let name = url.rsplit('/').next().unwrap();
        let mut admin = AnyConnection::connect(&server_url()).await.unwrap();
        let drop = format!("DROP DATABASE {name} WITH (FORCE)");
        admin.execute(AssertSqlSafe(drop)).await.unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are told where the server is")]
fn server_url() -> String {
    std::env::var("WICKETGATE_TEST_POSTGRES").expect(
        "WICKETGATE_TEST_POSTGRES must be the URL of a PostgreSQL server on which databases can \
         be made; `make test` starts one and sets it",
    )
}

fn with_database(server: &str, name: &str) -> String {
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}

impl Database {
    async fn create(kind: Kind) -> Self {
        let (url, directory) = empty(kind).await;
        // A busy machine must not fail a race; what happens when time is up has its own tests.
        let patient = StoreOptions {
            lock_wait: Duration::from_secs(30),
            acquire_wait: Duration::from_secs(30),
            ..StoreOptions::new(&url)
        };
        let store = Store::open(patient.clone()).await.unwrap();
        store.migrate().await.unwrap();
        let replica = Store::open(patient).await.unwrap();
        Self { kind, url, store, replica, directory }
    }

    async fn remove(self) {
        self.store.close().await;
        self.replica.close().await;
        remove(self.kind, &self.url).await;
        drop(self.directory);
    }

    /// A connection beside the store, to look and to meddle.
    pub(crate) async fn raw(&self) -> AnyConnection {
        let mut raw = AnyConnection::connect(&self.url.replace(' ', "%20")).await.unwrap();
        if self.kind == Kind::Sqlite {
            raw.execute("PRAGMA busy_timeout = 5000").await.unwrap();
        }
        raw
    }

    /// The one number that a query returns.
    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        let row = sqlx::query(sql).fetch_one(&mut self.raw().await).await.unwrap();
        row.get(0)
    }

    /// Changes something behind the store's back.
    pub(crate) async fn meddle(&self, sql: impl Into<String>) -> u64 {
        let done = sqlx::query(AssertSqlSafe(sql.into())).execute(&mut self.raw().await).await;
        done.unwrap().rows_affected()
    }

    /// The names of our tables, in the form in which the database keeps them.
    pub(crate) async fn tables(&self) -> Vec<String> {
        let sql = match self.kind {
            Kind::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'OAUTH%'"
            }
            Kind::Postgres => {
                "SELECT CAST(table_name AS TEXT) FROM information_schema.tables \
                 WHERE table_name LIKE 'oauth%'"
            }
        };
        let rows = sqlx::query(sql).fetch_all(&mut self.raw().await).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Everything in our tables, as text.
    pub(crate) async fn dump(&self) -> String {
        let mut raw = self.raw().await;
        let mut dump = String::new();
        for table in self.tables().await {
            let select = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}")));
            for row in select.fetch_all(&mut raw).await.unwrap() {
                for column in 0..row.columns().len() {
                    let text = row.try_get::<Option<String>, _>(column).ok().flatten();
                    let number = row.try_get::<Option<i64>, _>(column).ok().flatten();
                    dump.push_str(&text.or(number.map(|n| n.to_string())).unwrap_or_default());
                    dump.push('\n');
                }
            }
        }
        dump
    }
}
