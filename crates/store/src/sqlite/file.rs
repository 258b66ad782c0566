//! The file of a SQLite database and how connections to it are set up.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions as _, Executor as _};

use crate::error::StoreError;

/// Statements that the writer keeps prepared: more than are in use at any time, some 10 KB each.
const WRITER_STATEMENTS: usize = 64;

/// Statements that a reader keeps prepared.
const READER_STATEMENTS: usize = 16;

/// A database file that exists.
#[derive(Clone)]
pub(crate) struct SqliteFile {
    path: PathBuf,
    /// The same for sqlx.
    url: String,
    lock_wait: Duration,
}

impl SqliteFile {
    /// Makes the file and its directory if they are missing. Only the current user may read them:
    /// the file holds names of people and sealed keys.
    pub(crate) fn create(path: &Path, lock_wait: Duration) -> Result<Self, StoreError> {
        let path = create_private(path).map_err(StoreError::unreachable)?;
        let url = url_of(&path).map_err(StoreError::unreachable)?;
        Ok(Self { path, url, lock_wait })
    }

    /// How long to wait for somebody else's lock.
    pub(super) const fn lock_wait(&self) -> Duration {
        self.lock_wait
    }

    /// A connection for the writer. With `synchronous = FULL` a commit that was acknowledged
    /// survives a power cut (T-STO-14). It caches 4 MB of pages: the upper pages of every index of a
    /// database with millions of rows. What is beyond that the operating system has.
    pub(super) fn open_writer(&self) -> Result<Connection, StoreError> {
        let connection = self.open(self.lock_wait, "synchronous = FULL; PRAGMA cache_size = -4000");
        let connection = connection.and_then(|connection| {
            connection.execute_batch("PRAGMA journal_mode = WAL")?;
            connection.set_prepared_statement_cache_capacity(WRITER_STATEMENTS);
            Ok(connection)
        });
        connection.map_err(StoreError::unreachable)
    }

    /// A connection that cannot change anything and waits for no lock: it may be asked on a thread
    /// that has other things to do. Each commit of the writer makes its cache worthless, so that is
    /// 512 KB only: a look-up needs some fifteen pages of 4 KB.
    pub(super) fn open_reader(&self) -> Result<Connection, StoreError> {
        let connection = self.open(Duration::ZERO, "query_only = ON; PRAGMA cache_size = -512");
        let connection = connection.map_err(StoreError::unreachable)?;
        connection.set_prepared_statement_cache_capacity(READER_STATEMENTS);
        Ok(connection)
    }

    /// A connection of sqlx's, for its migrations.
    pub(super) async fn open_for_maintenance(&self) -> Result<AnyConnection, StoreError> {
        let options = AnyConnectOptions::from_str(&self.url).map_err(StoreError::unreachable)?;
        let mut connection = options.connect().await.map_err(StoreError::unreachable)?;
        let wait = self.lock_wait.as_millis();
        let pragmas = AssertSqlSafe(format!(
            "PRAGMA busy_timeout = {wait}; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL"
        ));
        connection.execute(pragmas).await.map_err(StoreError::unreachable)?;
        Ok(connection)
    }

    fn open(&self, lock_wait: Duration, own: &'static str) -> rusqlite::Result<Connection> {
        // No lock around each call: one thread at a time has the connection.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(lock_wait)?;
        connection.execute_batch(&format!(
            "PRAGMA foreign_keys = ON; PRAGMA temp_store = memory; PRAGMA {own}"
        ))?;
        Ok(connection)
    }
}

/// Makes the file and returns its absolute path.
fn create_private(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| io::Error::other("the path does not name a file"))?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or_else(|| Path::new("."));
    if !directory.exists() {
        private_directories().create(directory)?;
    }
    let path = directory.canonicalize()?.join(name);
    private_file().open(&path)?;
    Ok(path)
}

fn url_of(path: &Path) -> io::Result<String> {
    let text = path.to_str().ok_or_else(|| io::Error::other("the path is not UTF-8"))?;
    Ok(format!("sqlite://{}", percent_encoded(text)))
}

fn private_directories() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The path as a URL wants it; the driver decodes it again.
fn percent_encoded(path: &str) -> String {
    use std::fmt::Write as _;
    path.bytes().fold(String::with_capacity(path.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rusqlite::Connection;

    use super::{SqliteFile, percent_encoded};

    fn pragma(connection: &Connection, name: &str) -> Option<String> {
        let text = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
        connection.query_row(&text, (), |row| row.get(0)).ok()
    }

    /// T-STO-14: 2 is FULL, each commit is flushed before it is answered.
    #[test]
    fn the_writer_flushes_and_a_reader_changes_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("w.db");
        let file = SqliteFile::create(&path, Duration::ZERO).expect("a file");
        let writer = file.open_writer().expect("a writer");
        assert_eq!(pragma(&writer, "synchronous").as_deref(), Some("2"));
        assert_eq!(pragma(&writer, "journal_mode").as_deref(), Some("wal"));
        let reader = file.open_reader().expect("a reader");
        for connection in [&writer, &reader] {
            assert_eq!(pragma(connection, "foreign_keys").as_deref(), Some("1"));
        }
        assert!(reader.execute_batch("CREATE TABLE MINE (id BIGINT)").is_err());
        assert!(writer.execute_batch("CREATE TABLE MINE (id BIGINT)").is_ok());
    }

    #[test]
    fn unusual_paths_are_encoded() {
        assert_eq!(percent_encoded("/a b/c?d#é.db"), "/a%20b/c%3Fd%23%C3%A9.db");
    }
}
