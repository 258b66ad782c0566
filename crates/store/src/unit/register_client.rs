//! A client registers itself (RFC 7591).

use model::{AuditEvent, AuditKind, Client};
use sqlx::query;

use crate::table::client;
use crate::{StoreError, Txn, UnitOfWork};

/// Stores a client that registered itself.
#[derive(Clone, Debug)]
pub struct RegisterClient {
    /// The client, with a fresh id.
    pub client: Client,
    /// How many clients without any grant may exist. On PostgreSQL registrations that run at the
    /// same moment may pass it by their number.
    pub max_unused: i64,
}

/// What came of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterOutcome {
    /// The client is known now.
    Registered,
    /// Too many clients were registered and never used (T-REG-20 and DS-6 ask for a bound).
    TooMany,
}

impl UnitOfWork for RegisterClient {
    type Outcome = RegisterOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<RegisterOutcome, StoreError> {
        if self.insert(txn).await? == 0 {
            return Ok(RegisterOutcome::TooMany);
        }
        txn.record(self.event());
        Ok(RegisterOutcome::Registered)
    }
}

impl RegisterClient {
    async fn insert(&self, txn: &mut Txn<'_>) -> Result<u64, StoreError> {
        let client = &self.client;
        let insert = query(
            "INSERT INTO OAUTH_CLIENT (client_id, name, origin, redirect_uris, auth_method, \
             secret_hash, grant_types, scopes, created_at, unused_since) \
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $9 \
             WHERE (SELECT COUNT(*) FROM OAUTH_CLIENT WHERE unused_since IS NOT NULL) < $10",
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
        .bind(self.max_unused);
        txn.change("register a client", insert).await
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
