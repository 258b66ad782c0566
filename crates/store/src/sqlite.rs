//! SQLite: a few readers and one writer.

mod file;
mod job;
mod link;
mod readers;
mod statement;
mod writer;

use std::path::Path;

use sqlx::AnyConnection;
use tokio::task::spawn_blocking;

use self::file::SqliteFile;
pub(crate) use self::link::Link;
use self::readers::Readers;
use self::writer::Writer;
use crate::conn::{Conn, Reader, UnitOfWork};
use crate::error::StoreError;
use crate::options::StoreOptions;

/// A row if there is a table of this name.
pub(crate) const HAS_TABLE: &str =
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name = $1";

pub(crate) struct Sqlite {
    file: SqliteFile,
    readers: Readers,
    writer: Writer,
}

impl Sqlite {
    pub(crate) async fn open(path: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        let file = SqliteFile::create(path, options.lock_wait)?;
        // The writer comes first: it turns write-ahead logging on.
        let opening = file.clone();
        let connection = spawn_blocking(move || opening.open_writer()).await;
        let connection = connection.map_err(StoreError::unreachable)??;
        let readers = Readers::new(file.clone(), options.acquire_wait);
        let writer = Writer::start(file.clone(), connection).map_err(StoreError::unreachable)?;
        Ok(Self { file, readers, writer })
    }

    pub(crate) async fn maintenance(&self) -> Result<AnyConnection, StoreError> {
        self.file.open_for_maintenance().await
    }

    pub(crate) async fn read(&self) -> Result<Reader, StoreError> {
        Ok(Reader::new(Conn::sqlite(Link::Lent(self.readers.lend().await?))))
    }

    pub(crate) async fn write<U: UnitOfWork>(&self, unit: U) -> Result<U::Outcome, StoreError> {
        self.writer.write(unit).await
    }

    /// The writer goes last, so that it folds the log back into the file.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
