//! Events that anybody can cause without signing in are kept in bounded numbers.

use std::sync::LazyLock;

use model::AuditKind;

use crate::query::query;
use crate::{StoreError, Txn, UnitOfWork};

/// Removes the oldest of those events, kind by kind, as far as there are more than so many. What
/// people and clients with tokens did is not touched: see [`ForgetEvents`](super::ForgetEvents).
#[derive(Clone, Copy, Debug)]
pub struct ThinEvents {
    /// So many of each kind stay.
    pub kept: u32,
    /// About how many rows of each kind go at most; events of one moment go together.
    pub batch: u32,
}

/// The kinds of the index `OAUTH_AUDIT_ANONYMOUS`.
const ANONYMOUS: [AuditKind; 11] = [
    AuditKind::ClientRegistered,
    AuditKind::AuthorizationStarted,
    AuditKind::UpstreamStarted,
    AuditKind::UpstreamRejected,
    AuditKind::UpstreamReplayed,
    AuditKind::SignInFailed,
    AuditKind::AccountLocked,
    AuditKind::DocumentRead,
    AuditKind::LimitReached,
    AuditKind::ClientsForgotten,
    AuditKind::DocumentRefused,
];

impl UnitOfWork for ThinEvents {
    /// How many rows went.
    type Outcome = u64;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<u64, StoreError> {
        let mut gone = 0;
        for sql in &*OLDEST {
            let delete = query(sql).bind(i64::from(self.kept)).bind(i64::from(self.batch));
            let delete = delete.walking();
            gone += txn.change("thin out events", delete).await?;
        }
        Ok(gone)
    }
}

/// One statement for each kind, which is spelled out so that the index can be used. Rows have no key
/// of their own, so they go by their moment.
static OLDEST: LazyLock<[String; ANONYMOUS.len()]> = LazyLock::new(|| {
    ANONYMOUS.map(|kind| {
        let of_kind = format!("FROM OAUTH_AUDIT WHERE kind = '{}'", kind.as_str());
        format!(
            "DELETE {of_kind} AND at <= (SELECT at {of_kind} ORDER BY at DESC LIMIT 1 OFFSET $1) \
             AND at <= (SELECT MAX(at) FROM (SELECT at {of_kind} ORDER BY at LIMIT $2) AS oldest)"
        )
    })
});
