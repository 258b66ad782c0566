//! SQLite: a few readers and one writer.

mod file;
mod job;
mod writer;

use std::path::Path;

use sqlx::any::Any;
use sqlx::pool::PoolOptions;
use sqlx::{AnyConnection, AnyPool, Executor as _};

use self::file::SqliteFile;
use self::writer::Writer;
use crate::conn::{Conn, Reader, UnitOfWork};
use crate::error::StoreError;
use crate::options::StoreOptions;

/// Readers beside the writer.
const READERS: u32 = 4;

pub(crate) struct Sqlite {
    file: SqliteFile,
    readers: AnyPool,
    writer: Writer,
}

impl Sqlite {
    pub(crate) async fn open(path: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        let file = SqliteFile::create(path, options.lock_wait)?;
        // The writer comes first: it turns write-ahead logging on.
        let connection = file.open_writer().await?;
        let pragmas = file.reader_pragmas();
        let readers = PoolOptions::<Any>::new()
            .max_connections(READERS)
            .acquire_timeout(options.acquire_wait)
            // A file does not hang up; asking before each use would double the cost of reading.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_connect(move |connection, _| {
                let pragmas = pragmas.clone();
                Box::pin(async move { connection.execute(pragmas).await.map(drop) })
            })
            .connect_lazy_with(file.connect_options()?);
        let writer = Writer::start(file.clone(), connection);
        Ok(Self { file, readers, writer })
    }

    pub(crate) async fn maintenance(&self) -> Result<AnyConnection, StoreError> {
        self.file.open().await
    }

    pub(crate) async fn read(&self) -> Result<Reader, StoreError> {
        let connection = self.readers.acquire().await.map_err(StoreError::unreachable)?;
        Ok(Reader::new(Conn::pooled(connection)))
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
