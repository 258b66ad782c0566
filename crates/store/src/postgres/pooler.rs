//! A pooler between us and PostgreSQL that lends a server connection for a transaction only
//! (`PgBouncer`'s `pool_mode = transaction` or `statement`).
//!
//! Reads here are named statements outside transactions. Through such a pooler they reach whichever
//! server connection is free, and some silently run another client's statement: of 180 queries 44
//! to 64 did (`PgBouncer` 1.18, sqlx 0.9). No setting of a query helps, so it is refused at the start.

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions as _, Connection as _, Row as _};

use super::tls;
use crate::error::StoreError;

/// How often two connections are compared. An idle pooler shows at once, a busy one soon.
const ROUNDS: usize = 5;

/// Refuses a pooler that lends server connections: through one, two connections have the same
/// server process, or one connection has several of them one after the other.
pub(super) async fn refuse_lent_connections(to: &AnyConnectOptions) -> Result<(), StoreError> {
    let mut one = to.connect().await.map_err(|error| tls::explained(error, to))?;
    let mut other = to.connect().await.map_err(StoreError::unreachable)?;
    let first = (process(&mut one).await?, process(&mut other).await?);
    let mut lent = first.0 == first.1;
    for _ in 1..ROUNDS {
        lent |= (process(&mut one).await?, process(&mut other).await?) != first;
    }
    for connection in [one, other] {
        // It is not needed any more; how it ends changes nothing.
        let _ = connection.close().await;
    }
    if lent { Err(StoreError::LentConnections) } else { Ok(()) }
}

/// The server process behind a connection. Not a named statement, which a pooler could mix up.
async fn process(connection: &mut AnyConnection) -> Result<i32, StoreError> {
    let asked = sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(connection).await;
    asked.and_then(|row| row.try_get(0)).map_err(StoreError::unreachable)
}
