//! A client registers itself (RFC 7591).

use kernel::Timestamp;
use model::{AuditEvent, AuditKind, Client, ClientAuth, ClientId};

use crate::query::query;
use crate::row::Fields;
use crate::table::client;
use crate::{StoreError, Txn, UnitOfWork};

/// Stores a client that registered itself. A public one that registers again from where it is, with the
/// same metadata, and was never used keeps its id: some register at each attempt to sign in, or twice.
/// If too many were never used, the oldest one of the
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The earlier registration that it is, if it is no new one. Two that come at the same moment may
    /// both be new.
    pub same: Option<Known>,
    /// How many others made room for it.
    pub displaced: u64,
}

/// A client that registered before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its id.
    pub id: ClientId,
    /// When it registered first.
    pub created_at: Timestamp,
}

impl Known {
    fn take(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        let id = ClientId::from_text(fields.text("client_id")?);
        Ok(Self { id, created_at: fields.moment("created_at")? })
    }
}

impl UnitOfWork for RegisterClient {
    type Outcome = Registered;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<Registered, StoreError> {
        if let Some(same) = self.same(txn).await? {
            return Ok(Registered { same: Some(same), displaced: 0 });
        }
        let displaced = self.make_room(txn).await?;
        self.insert(txn).await?;
        txn.record(self.event());
        Ok(Registered { same: None, displaced })
    }
}

impl RegisterClient {
    /// An earlier registration of this client, which is kept longer now.
    async fn same(&self, txn: &mut Txn<'_>) -> Result<Option<Known>, StoreError> {
        let client = &self.client;
        if client.auth != ClientAuth::None {
            // Its secret was shown once and is not known here.
            return Ok(None);
        }
        let unnamed = client.name == client.id.as_str();
        let update = query(
            "UPDATE OAUTH_CLIENT SET unused_since = $1 WHERE client_id = \
             (SELECT client_id FROM OAUTH_CLIENT WHERE source = $2 AND unused_since IS NOT NULL \
             AND redirect_uris = $3 AND auth_method = 'none' AND secret_hash IS NULL \
             AND grant_types = $4 AND scopes = $5 \
             AND name = CASE WHEN $6 = '' THEN client_id ELSE $6 END \
             AND NOT EXISTS (SELECT 1 FROM OAUTH_DISABLED d \
             WHERE d.kind = 'client' AND d.name = OAUTH_CLIENT.client_id) \
             ORDER BY unused_since DESC, client_id LIMIT 1) \
             AND unused_since IS NOT NULL RETURNING client_id, created_at",
        )
        .bind(client.created_at.as_millis())
        .bind(self.source.as_str())
        .bind(client::redirect_uris_text(&client.redirect_uris))
        .bind(client::grant_types(client.refresh_tokens))
        .bind(client.scopes.to_string())
        .bind(if unnamed { "" } else { client.name.as_str() });
        let row = txn.change_returning("register a client again", update).await?;
        row.map(|row| Known::take(&mut Fields::of(&row, client::TABLE))).transpose()
    }

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
        let (auth_method, secret_hash, assertion_keys) = client::auth_columns(&client.auth);
        let insert = query(
            "INSERT INTO OAUTH_CLIENT (client_id, name, origin, redirect_uris, auth_method, \
             secret_hash, grant_types, scopes, created_at, unused_since, source, assertion_keys) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)",
        )
        .bind(client.id.as_str())
        .bind(client.name.as_str())
        .bind(client::origin_name(client.origin))
        .bind(client::redirect_uris_text(&client.redirect_uris))
        .bind(auth_method)
        .bind(secret_hash)
        .bind(client::grant_types(client.refresh_tokens))
        .bind(client.scopes.to_string())
        .bind(client.created_at.as_millis())
        .bind(self.source.clone())
        .bind(assertion_keys);
        txn.change("register a client", insert).await.map(drop)
    }

    fn event(&self) -> AuditEvent {
        AuditEvent {
            client: Some(self.client.id.clone()),
            ..AuditEvent::new(AuditKind::ClientRegistered, self.client.created_at)
        }
    }
}
