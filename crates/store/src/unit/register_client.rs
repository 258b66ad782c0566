//! A client registers itself (RFC 7591).

use model::{AuditEvent, AuditKind, Client};

use crate::query::query;
use crate::table::client;
use crate::{StoreError, Txn, UnitOfWork};

/// Stores a client that registered itself. If too many were never used, the oldest one of the
/// network that has most of them makes room: whoever fills the table displaces their own, and ends
/// registration for nobody.
#[derive(Clone, Debug)]
pub struct RegisterClient {
    /// The client, with a fresh id.
    pub client: Client,
    /// Which network it comes from, as a hash.
    pub source: String,
    /// How many clients without any grant may exist (T-REG-22 and DS-6 ask for a bound). On
    /// PostgreSQL registrations that run at the same moment may pass it by their number.
    pub max_unused: i64,
}

/// A client that is known now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// How many others made room for it.
    pub displaced: u64,
}

impl UnitOfWork for RegisterClient {
    type Outcome = Registered;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<Registered, StoreError> {
        let displaced = self.make_room(txn).await?;
        self.insert(txn).await?;
        txn.record(self.event());
        Ok(Registered { displaced })
    }
}

impl RegisterClient {
    async fn make_room(&self, txn: &mut Txn<'_>) -> Result<u64, StoreError> {
        if client::count_unused(txn.conn()).await? < self.max_unused {
            return Ok(0);
        }
        // Some more at once, so that the next ones need not look who has most.
        let kept = self.max_unused.saturating_sub(1).saturating_sub(self.max_unused / 100);
        // Counted again by the statement itself: those who register at the same moment would each
        // remove what only one of them has to. The condition is repeated outside: between choosing
        // and deleting, a person may have come.
        let delete = query(
            "DELETE FROM OAUTH_CLIENT WHERE unused_since IS NOT NULL AND client_id IN \
             (SELECT client_id FROM (SELECT client_id, \
             ROW_NUMBER() OVER (ORDER BY unused_since, client_id) AS place, \
             (SELECT COUNT(*) FROM OAUTH_CLIENT WHERE unused_since IS NOT NULL) AS unused \
             FROM OAUTH_CLIENT WHERE unused_since IS NOT NULL AND source = \
             (SELECT source FROM OAUTH_CLIENT WHERE unused_since IS NOT NULL \
             GROUP BY source ORDER BY COUNT(*) DESC, source LIMIT 1)) AS ranked \
             WHERE place <= unused - $1)",
        )
        .bind(kept)
        .walking();
        txn.change("make room for a client", delete).await
    }

    async fn insert(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let client = &self.client;
        let insert = query(
            "INSERT INTO OAUTH_CLIENT (client_id, name, origin, redirect_uris, auth_method, \
             secret_hash, grant_types, scopes, created_at, unused_since, source) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)",
        )
        .bind(client.id.as_str())
        .bind(client.name.as_str())
        .bind(client::origin_name(client.origin))
        .bind(client::redirect_uris_text(&client.redirect_uris))
        .bind(client.auth.method())
        .bind(client.auth.secret().map(|hash| hash.as_str().to_owned()))
        .bind(client::grant_types(client.refresh_tokens))
        .bind(client.scopes.to_string())
        .bind(client.created_at.as_millis())
        .bind(self.source.clone());
        txn.change("register a client", insert).await.map(drop)
    }

    fn event(&self) -> AuditEvent {
        AuditEvent {
            kind: AuditKind::ClientRegistered,
            at: self.client.created_at,
            client: Some(self.client.id.clone()),
            subject: None,
            grant: None,
            organization: None,
            detail: String::new(),
        }
    }
}
