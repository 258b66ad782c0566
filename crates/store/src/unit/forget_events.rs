//! Old events go, a few rows at a time.

use kernel::Timestamp;

use crate::query::query;
use crate::{StoreError, Txn, UnitOfWork};

/// Removes the oldest events that happened before a moment.
#[derive(Clone, Copy, Debug)]
pub struct ForgetEvents {
    /// Events at this moment or earlier may go.
    pub until: Timestamp,
    /// About how many rows go at most; events of one moment go together.
    pub batch: u32,
}

impl UnitOfWork for ForgetEvents {
    /// How many rows went.
    type Outcome = u64;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<u64, StoreError> {
        let delete = query(OLDEST).bind(self.until.as_millis()).bind(i64::from(self.batch));
        txn.change("remove old events", delete).await
    }
}

/// Rows have no key of their own, so they go by their moment.
const OLDEST: &str = "DELETE FROM OAUTH_AUDIT WHERE at <= \
    (SELECT MAX(at) FROM (SELECT at FROM OAUTH_AUDIT WHERE at <= $1 \
    ORDER BY at LIMIT $2) AS oldest)";
