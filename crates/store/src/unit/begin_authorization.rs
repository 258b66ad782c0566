//! `GET /authorize` freezes a request (AZ-6).

use model::authorization::Asking;
use model::{AuditEvent, AuditKind, Authorization};

use super::room::{FEW, Room};
use crate::query::query;
use crate::table::client;
use crate::{StoreError, Txn, UnitOfWork};

/// Stores a fresh authorization, in which nobody is known yet.
#[derive(Clone, Debug)]
pub struct BeginAuthorization {
    /// The authorization; it begins as pending whatever its stage says.
    pub authorization: Authorization,
    /// Which network asks, as a hash.
    pub source: String,
    /// How many may be open at the same time (T-AZ-28).
    pub room: Room,
}

/// What came of the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeginOutcome {
    /// It waits for a person now.
    Begun,
    /// Too many are open.
    TooMany,
}

impl UnitOfWork for BeginAuthorization {
    type Outcome = BeginOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<BeginOutcome, StoreError> {
        if self.insert(txn).await? == 0 {
            return Ok(BeginOutcome::TooMany);
        }
        txn.record(self.event());
        Ok(BeginOutcome::Begun)
    }
}

impl BeginAuthorization {
    async fn insert(&self, txn: &mut Txn<'_>) -> Result<u64, StoreError> {
        let begun = &self.authorization;
        let request = &begun.request;
        let insert = query(
            "INSERT INTO OAUTH_TXN (handle_hash, browser_hash, client_id, client_name, \
             client_origin, redirect_uri, state, scopes, resource, code_challenge, stage, \
             created_at, expires_at, authenticated_after, source, client_metadata_hash, always_ask) \
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pending', $11, $12, $13, $14, $18, \
             $19 \
             WHERE (SELECT COUNT(*) FROM OAUTH_TXN WHERE expires_at > $11) < CASE WHEN \
             (SELECT COUNT(*) FROM OAUTH_TXN WHERE source = $14 AND expires_at > $11) < $15 \
             THEN $16 ELSE $17 END",
        )
        .bind(begun.handle.as_str())
        .bind(begun.browser.as_str())
        .bind(request.client.as_str())
        .bind(request.client_name.as_str())
        .bind(client::origin_name(request.client_origin))
        .bind(request.redirect_uri.as_str())
        .bind(request.state.clone())
        .bind(request.scopes.to_string())
        .bind(request.resource.as_str())
        .bind(request.challenge.as_str())
        .bind(begun.created_at.as_millis())
        .bind(begun.expires_at.as_millis())
        .bind(request.authenticated_after.as_millis())
        .bind(self.source.clone())
        .bind(FEW)
        .bind(self.room.most_for_others)
        .bind(self.room.most)
        .bind(request.client_metadata.as_str())
        .bind(i64::from(request.asking == Asking::Always));
        txn.change("begin an authorization", insert).await
    }

    fn event(&self) -> AuditEvent {
        let Authorization { handle, request, created_at, .. } = &self.authorization;
        let event = AuditEvent::new(AuditKind::AuthorizationStarted, *created_at);
        AuditEvent {
            client: Some(request.client.clone()),
            detail: request.scopes.to_string(),
            ..event.within(handle).on(&request.resource)
        }
    }
}
