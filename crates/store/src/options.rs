//! Where the database is and how it is used.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use crate::postgres::url;

/// How to open a [`Store`](crate::Store).
#[derive(Clone)]
pub struct StoreOptions {
    /// `sqlite://path` (relative to the working directory, or absolute with a third slash) or
    /// `postgres://user:password@host/database`.
    pub url: String,
    /// Where to listen for changes of other replicas, if not at `url`: PostgreSQL itself, where `url`
    /// leads to a pooler.
    pub listen_url: Option<String>,
    /// Connections to PostgreSQL at most, without the one that listens. SQLite has one writer and four readers.
    pub pool_size: u32,
    /// How long to wait for a SQLite file that another process has locked.
    pub lock_wait: Duration,
    /// How long to wait for a connection to read with, or for PostgreSQL at all.
    pub acquire_wait: Duration,
}

/// Which database it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Sqlite(PathBuf),
    Postgres,
}

impl StoreOptions {
    /// The usual options for a URL: 16 connections, 5 s for a lock, 2 s for a connection.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            listen_url: None,
            pool_size: 16,
            lock_wait: Duration::from_secs(5),
            acquire_wait: Duration::from_secs(2),
        }
    }

    /// Whether the URL can be used, as far as can be told without the database.
    ///
    /// # Errors
    ///
    /// What is wrong with it. No value that is in it, since that may be a password.
    pub fn check_url(&self) -> Result<(), Cow<'static, str>> {
        match self.target()? {
            Target::Sqlite(_) => Ok(()),
            Target::Postgres => url::connect_options(&self.url).map(drop),
        }
    }

    /// Whether `listen_url` can be used, as far as can be told without the database.
    ///
    /// # Errors
    ///
    /// As those of [`StoreOptions::check_url`].
    pub fn check_listen_url(&self) -> Result<(), Cow<'static, str>> {
        let Some(listen_url) = &self.listen_url else { return Ok(()) };
        match self.target()? {
            Target::Sqlite(_) => Err("only PostgreSQL is listened to, and url is SQLite".into()),
            Target::Postgres if is_postgres(listen_url) => {
                url::listen_options(listen_url).map(drop)
            }
            Target::Postgres => Err("it must start with postgres://".into()),
        }
    }

    /// The file of a SQLite database, as the URL says it; `None` for PostgreSQL.
    pub fn sqlite_file(&self) -> Option<PathBuf> {
        match self.target() {
            Ok(Target::Sqlite(file)) => Some(file),
            Ok(Target::Postgres) | Err(_) => None,
        }
    }

    pub(crate) fn target(&self) -> Result<Target, &'static str> {
        if is_postgres(&self.url) {
            return Ok(Target::Postgres);
        }
        let path = self
            .url
            .strip_prefix("sqlite://")
            .ok_or("it must start with sqlite:// or postgres://")?;
        if path.is_empty() || path.contains(['?', '#']) || path.ends_with('/') || path == ":memory:"
        {
            return Err("after sqlite:// comes the path of a file, without parameters");
        }
        Ok(Target::Sqlite(PathBuf::from(path)))
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// The URL may hold a password.
impl std::fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreOptions").field("pool_size", &self.pool_size).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_apart() {
        let target = |url: &str| StoreOptions::new(url).target().ok();
        assert_eq!(target("sqlite://data/w.db"), Some(Target::Sqlite("data/w.db".into())));
        assert_eq!(target("sqlite:///var/w.db"), Some(Target::Sqlite("/var/w.db".into())));
        assert_eq!(target("postgres://u:p@h/d"), Some(Target::Postgres));
        for bad in [
            "",
            "mysql://h/d",
            "sqlite://",
            "sqlite://:memory:",
            "sqlite://x?mode=ro",
            "sqlite::memory:",
        ] {
            assert_eq!(target(bad), None, "{bad}");
        }
    }

    #[test]
    fn debug_shows_no_password() {
        assert!(!format!("{:?}", StoreOptions::new("postgres://u:secret@h/d")).contains("secret"));
    }
}
