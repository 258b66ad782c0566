//! A person leaves for a provider to sign in there.

use model::{AuditEvent, AuditKind, UpstreamSignIn};

use super::begin_authorization::BeginOutcome;
use super::room::{FEW, Room};
use crate::query::query;
use crate::{StoreError, Txn, UnitOfWork};

/// Stores what is needed when the person comes back.
#[derive(Clone, Debug)]
pub struct BeginUpstream {
    /// The sign-in, with a fresh state. It begins without an answer, whatever it says.
    pub sign_in: UpstreamSignIn,
    /// Which network the person comes from, as a hash.
    pub source: String,
    /// How many people may be away at the same time.
    pub room: Room,
}

impl UnitOfWork for BeginUpstream {
    type Outcome = BeginOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<BeginOutcome, StoreError> {
        if self.insert(txn).await? == 0 {
            return Ok(BeginOutcome::TooMany);
        }
        txn.record(self.event());
        Ok(BeginOutcome::Begun)
    }
}

impl BeginUpstream {
    async fn insert(&self, txn: &mut Txn<'_>) -> Result<u64, StoreError> {
        let begun = &self.sign_in;
        let insert = query(
            "INSERT INTO OAUTH_UPSTREAM (state_hash, provider, browser_hash, handle_hash, \
             pending_sealed, created_at, expires_at, source) SELECT $1, $2, $3, $4, $5, $6, $7, $8 \
             WHERE (SELECT COUNT(*) FROM OAUTH_UPSTREAM WHERE expires_at > $6) < CASE WHEN \
             (SELECT COUNT(*) FROM OAUTH_UPSTREAM WHERE source = $8 AND expires_at > $6) < $9 \
             THEN $10 ELSE $11 END",
        )
        .bind(begun.state.as_str())
        .bind(begun.provider.as_str())
        .bind(begun.browser.as_str())
        .bind(begun.handle.as_ref().map(|handle| handle.as_str().to_owned()))
        .bind(begun.pending_sealed.as_str())
        .bind(begun.created_at.as_millis())
        .bind(begun.expires_at.as_millis())
        .bind(self.source.clone())
        .bind(FEW)
        .bind(self.room.most_for_others)
        .bind(self.room.most);
        txn.change("begin a sign-in at a provider", insert).await
    }

    fn event(&self) -> AuditEvent {
        AuditEvent {
            detail: self.sign_in.provider.clone(),
            ..AuditEvent::new(AuditKind::UpstreamStarted, self.sign_in.created_at)
        }
    }
}
