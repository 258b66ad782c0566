//! The file of a SQLite database and how connections to it are set up.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions as _, Executor as _};

use crate::conn::Conn;
use crate::error::StoreError;

/// A database file that exists.
#[derive(Clone)]
pub(crate) struct SqliteFile {
    url: String,
    lock_wait: Duration,
}

impl SqliteFile {
    /// Makes the file and its directory if they are missing. Only the current user may read them:
    /// the file holds names of people and sealed keys.
    pub(crate) fn create(path: &Path, lock_wait: Duration) -> Result<Self, StoreError> {
        let url = create_private(path).map_err(|error| StoreError::unreachable(error.into()))?;
        Ok(Self { url, lock_wait })
    }

    /// A connection that waits for locks, with more pragmas of its own.
    pub(super) async fn open(&self, own: &'static str) -> Result<AnyConnection, StoreError> {
        let options = AnyConnectOptions::from_str(&self.url).map_err(StoreError::unreachable)?;
        let mut connection = options.connect().await.map_err(StoreError::unreachable)?;
        connection.execute(self.pragmas(own)).await.map_err(StoreError::unreachable)?;
        Ok(connection)
    }

    /// A connection for the writer. With `synchronous = FULL` a commit that was acknowledged
    /// survives a power cut (T-STO-14). It caches 8 MB of pages: whatever is looked at to be
    /// changed, it reads.
    pub(super) async fn open_writer(&self) -> Result<Conn, StoreError> {
        let mut connection = self.open("synchronous = FULL; PRAGMA cache_size = -8000").await?;
        let wal = connection.execute("PRAGMA journal_mode = WAL").await;
        wal.map_err(StoreError::unreachable)?;
        Ok(Conn::alone(connection))
    }

    /// A connection that cannot change anything. There are several, so each caches 2 MB only.
    pub(super) async fn open_reader(&self) -> Result<AnyConnection, StoreError> {
        self.open("query_only = ON; PRAGMA cache_size = -2000").await
    }

    fn pragmas(&self, own: &'static str) -> AssertSqlSafe<String> {
        let wait = self.lock_wait.as_millis();
        AssertSqlSafe(format!(
            "PRAGMA busy_timeout = {wait}; PRAGMA foreign_keys = ON; \
             PRAGMA temp_store = memory; PRAGMA {own}"
        ))
    }
}

/// Makes the file and returns the URL of its absolute path.
fn create_private(path: &Path) -> io::Result<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| io::Error::other("the path does not name a file"))?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or_else(|| Path::new("."));
    if !directory.exists() {
        private_directories().create(directory)?;
    }
    let path = directory.canonicalize()?.join(name);
    private_file().open(&path)?;
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
    use super::percent_encoded;

    #[test]
    fn unusual_paths_are_encoded() {
        assert_eq!(percent_encoded("/a b/c?d#é.db"), "/a%20b/c%3Fd%23%C3%A9.db");
    }
}
