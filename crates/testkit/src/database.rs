//! A database of one's own, on either engine, with a look at everything that is in it.

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, Connection as _, Executor as _};
use tempfile::TempDir;

use crate::dump::Dump;
use crate::random::random;

/// Which database a deployment runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file in a temporary directory.
    Sqlite,
    /// A database of its own on the server of the test run.
    Postgres,
}

/// An empty database. It is gone when this is dropped.
#[derive(Debug)]
pub struct Database {
    engine: Engine,
    url: String,
    keeper: Keeper,
}

#[derive(Debug)]
enum Keeper {
    Directory(TempDir),
    Server { url: String, name: String },
}

/// A database that nobody else can write to for the moment.
#[derive(Debug)]
pub struct Lock(Held);

#[derive(Debug)]
enum Held {
    Sqlite(AnyConnection),
    Postgres { server: String, name: String },
}

/// Names the server on which databases can be made.
const SERVER: &str = "WICKETGATE_TEST_POSTGRES";

impl Database {
    /// Makes an empty database.
    pub async fn create(engine: Engine) -> Self {
        sqlx::any::install_default_drivers();
        match engine {
            Engine::Sqlite => {
                let directory = TempDir::new().expect("a temporary directory");
                let path = directory.path().join("wicketgate.db");
                Self {
                    engine,
                    url: format!("sqlite://{}", path.display()),
                    keeper: Keeper::Directory(directory),
                }
            }
            Engine::Postgres => {
                let server = server();
                let name = format!("it_{}", random().to_lowercase().replace('-', "_"));
                run(&server, &format!("CREATE DATABASE \"{name}\"")).await;
                let (base, _) = server.rsplit_once('/').expect("a database in the URL");
                Self {
                    engine,
                    url: format!("{base}/{name}"),
                    keeper: Keeper::Server { url: server, name },
                }
            }
        }
    }

    /// Which engine it is on.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// As in `database.url`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything that is in it.
    pub async fn dump(&self) -> Dump {
        let mut connection = connect(&self.url).await;
        let dump = Dump::read(&mut connection, self.engine).await;
        connection.close().await.expect("closed");
        dump
    }

    /// Every byte of its files, where it has files of its own: what a thief of the disk would get.
    pub fn stolen(&self) -> Vec<u8> {
        let Keeper::Directory(directory) = &self.keeper else {
            return Vec::new();
        };
        let files = std::fs::read_dir(directory.path()).expect("the directory");
        files.filter_map(|file| std::fs::read(file.ok()?.path()).ok()).flatten().collect()
    }

    /// Runs a statement, for what no outside world can do.
    pub async fn execute(&self, sql: &str) {
        run(&self.url, sql).await;
    }

    /// Keeps everybody else from writing, until the lock is released: on SQLite another process
    /// that writes, on PostgreSQL a server that lets nobody in.
    pub async fn lock(&self) -> Lock {
        match &self.keeper {
            Keeper::Directory(_) => {
                let mut connection = connect(&self.url).await;
                connection.execute("BEGIN IMMEDIATE").await.expect("the write lock");
                Lock(Held::Sqlite(connection))
            }
            Keeper::Server { url, name } => {
                admit(url, name, false).await;
                let end = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity \
                           WHERE datname";
                run(url, &format!("{end} = '{name}'")).await;
                Lock(Held::Postgres { server: url.clone(), name: name.clone() })
            }
        }
    }
}

impl Lock {
    /// Lets the others write again.
    pub async fn release(self) {
        match self.0 {
            Held::Sqlite(mut connection) => {
                connection.execute("ROLLBACK").await.expect("rolled back");
                connection.close().await.expect("closed");
            }
            Held::Postgres { server, name } => admit(&server, &name, true).await,
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Keeper::Server { url, name } = &self.keeper else {
            return;
        };
        let (url, name) = (url.clone(), name.clone());
        // The test's own runtime may be ending, so this needs one of its own.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            let sql = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
            runtime.block_on(run(&url, &sql));
        });
        dropped.join().ok();
    }
}

async fn admit(server: &str, name: &str, allowed: bool) {
    let sql = format!("ALTER DATABASE \"{name}\" WITH ALLOW_CONNECTIONS {allowed}");
    run(server, &sql).await;
}

async fn run(url: &str, sql: &str) {
    let mut connection = connect(url).await;
    let statement = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()));
    if let Err(error) = statement.execute(&mut connection).await {
        panic!("{sql}: {error}");
    }
    connection.close().await.expect("closed");
}

async fn connect(url: &str) -> AnyConnection {
    let options: AnyConnectOptions = url.parse().expect("a database URL");
    match AnyConnection::connect_with(&options).await {
        Ok(connection) => connection,
        Err(error) => panic!("{url}: {error}"),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the test run's environment"
)]
fn server() -> String {
    std::env::var(SERVER).unwrap_or_else(|_| {
        panic!("{SERVER} is not set; `make test` starts a PostgreSQL for the tests and sets it")
    })
}
