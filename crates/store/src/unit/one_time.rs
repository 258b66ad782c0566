//! What may be used once: assertions and tokens that providers and clients make.

use kernel::Timestamp;
use kernel::encoding::sha256_base64url;
use model::{AuditEvent, AuditKind};

use crate::query::query;
use crate::{StoreError, Txn};

/// The one-time id of something that a provider or a client made.
///
/// Ids of different purposes never meet. Others choose these ids, so only a hash is kept: of one
/// length, whatever they send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTime {
    /// What it is for and from whom, such as `logout_token:corp`.
    pub purpose: String,
    /// The id, as it was given.
    pub id: String,
    /// Until when it could be sent again.
    pub expires_at: Timestamp,
}

impl OneTime {
    /// Uses it up: whether this was the first time. The primary key decides (T-CON-11).
    pub(super) async fn use_up(&self, txn: &mut Txn<'_>) -> Result<bool, StoreError> {
        let insert = query(
            "INSERT INTO OAUTH_REPLAY (purpose, one_time_id, expires_at) \
             VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(self.purpose.clone())
        .bind(self.hashed())
        .bind(self.expires_at.as_millis());
        Ok(txn.change("use up a one-time id", insert).await? == 1)
    }

    /// Whether it was used up before.
    pub(super) async fn is_used(&self, txn: &mut Txn<'_>) -> Result<bool, StoreError> {
        let select =
            query("SELECT one_time_id FROM OAUTH_REPLAY WHERE purpose = $1 AND one_time_id = $2")
                .bind(self.purpose.clone())
                .bind(self.hashed());
        Ok(txn.conn().one_or_none("look for a one-time id", select).await?.is_some())
    }

    /// That it came again, for the record.
    pub(super) fn replayed(&self, at: Timestamp) -> AuditEvent {
        AuditEvent {
            detail: self.purpose.clone(),
            ..AuditEvent::new(AuditKind::UpstreamReplayed, at)
        }
    }

    fn hashed(&self) -> String {
        sha256_base64url(self.id.as_bytes())
    }
}
