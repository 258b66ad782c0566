//! A code becomes a grant (OAuth 2.1 §4.1.3).

use kernel::{Hashed, Timestamp};
use model::code::{CodeSecret, MAX_FAILED_REDEMPTIONS};
use model::refresh_token::RefreshSecret;
use model::{AuditEvent, AuditKind, ClientId, Code, Grant, GrantId, RevocationReason};

use super::revoke_grant;
use crate::query::query;
use crate::row::Fields;
use crate::table::{code, grant, revision};
use crate::{StoreError, Txn, UnitOfWork};

/// Redeems a code. Run it only after every other check has passed: a second redemption by somebody
/// who passes them all ends the grant (TC-3).
#[derive(Clone, Debug)]
pub struct RedeemCode {
    /// The code.
    pub hash: Hashed<CodeSecret>,
    /// The client that presents it, authenticated where it has a secret.
    pub client: ClientId,
    /// The id of the grant to make.
    pub grant_id: GrantId,
    /// The grant's first refresh token, for clients that may have one.
    pub refresh: Option<NewRefreshToken>,
    /// The access token that is going to be issued, by its `jti`.
    pub token: String,
    /// The current moment.
    pub now: Timestamp,
}

/// The first refresh token of a grant.
#[derive(Clone, Debug)]
pub struct NewRefreshToken {
    /// Its hash.
    pub hash: Hashed<RefreshSecret>,
    /// When it ends unless it is used before.
    pub expires_at: Timestamp,
}

/// What came of a redemption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedeemOutcome {
    /// The code is used up and this is the grant.
    Redeemed(Box<Grant>),
    /// The code was used before, and the grant that came of it is revoked (TC-3).
    Replayed {
        /// That grant.
        grant: GrantId,
        /// Its number in the status lists.
        status_index: u64,
        /// Whether it was this replay that ended it.
        newly_revoked: bool,
    },
    /// Unknown, expired, burned, of another client, or of somebody or something that was disabled.
    Refused,
}

impl UnitOfWork for RedeemCode {
    type Outcome = RedeemOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<RedeemOutcome, StoreError> {
        let Some((code, authorization)) = self.use_up(txn).await? else {
            return self.why_not(txn).await;
        };
        self.keep_client(txn).await?;
        let grant = self.make_grant(txn, code).await?;
        self.insert_refresh_token(txn).await?;
        txn.record(AuditEvent { authorization, ..self.event(&grant) });
        Ok(RedeemOutcome::Redeemed(Box::new(grant)))
    }
}

impl RedeemCode {
    /// The code and the authorization that it comes of. One success for each code, whoever races (TC-2, T-CON-01).
    async fn use_up(
        &self,
        txn: &mut Txn<'_>,
    ) -> Result<Option<(Code, Option<String>)>, StoreError> {
        let update = query(
            "UPDATE OAUTH_CODE SET redeemed_as = $3 \
             WHERE code_hash = $1 AND client_id = $2 AND redeemed_as IS NULL \
             AND expires_at > $4 AND failed_redemptions < $5 \
             AND EXISTS (SELECT 1 FROM OAUTH_SUBJECT s \
             WHERE s.subject_id = OAUTH_CODE.subject_id AND s.disabled_at IS NULL \
             AND NOT EXISTS (SELECT 1 FROM OAUTH_DISABLED d \
             WHERE d.kind = 'provider' AND d.name = s.provider)) \
             AND NOT EXISTS (SELECT 1 FROM OAUTH_DISABLED d \
             WHERE d.kind = 'client' AND d.name = OAUTH_CODE.client_id) \
             AND NOT EXISTS (SELECT 1 FROM OAUTH_DISABLED d \
             WHERE d.kind = 'organization' AND d.name = OAUTH_CODE.organization) \
             AND NOT EXISTS (SELECT 1 FROM OAUTH_DISABLED d \
             WHERE d.kind = 'server' AND d.name = OAUTH_CODE.resource) \
             RETURNING code_hash, client_id, client_name, redirect_uri, code_challenge, resource, \
             scopes, subject_id, organization, authenticated_at, created_at, expires_at, \
             failed_redemptions, redeemed_as, txn_id",
        )
        .bind(self.hash.as_str())
        .bind(self.client.as_str())
        .bind(self.grant_id.as_str())
        .bind(self.now.as_millis())
        .bind(MAX_FAILED_REDEMPTIONS);
        let row = txn.change_returning("redeem a code", update).await?;
        row.map(|row| {
            let mut fields = Fields::of(&row, code::TABLE);
            Ok((code::take(&mut fields)?, fields.optional_text("txn_id")?))
        })
        .transpose()
    }

    /// The client is in use from now on and is never swept away as unused.
    async fn keep_client(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let update = query(
            "UPDATE OAUTH_CLIENT SET unused_since = NULL \
             WHERE client_id = $1 AND unused_since IS NOT NULL",
        )
        .bind(self.client.as_str());
        txn.change("keep a client", update).await.map(drop)
    }

    async fn make_grant(&self, txn: &mut Txn<'_>, code: Code) -> Result<Grant, StoreError> {
        let status_index = revision::next_status_index(txn).await?;
        let grant = Grant {
            id: self.grant_id.clone(),
            subject: code.subject,
            organization: code.organization,
            client: code.client,
            client_name: code.client_name,
            redirect_host: code.redirect_uri.shown_host().to_owned(),
            resource: code.resource,
            scopes: code.scopes,
            status_index: status_index.unsigned_abs(),
            authenticated_at: code.authenticated_at,
            created_at: self.now,
            revoked: None,
        };
        grant::insert(txn, &grant).await?;
        Ok(grant)
    }

    async fn insert_refresh_token(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let Some(refresh) = &self.refresh else { return Ok(()) };
        let insert = query(
            "INSERT INTO OAUTH_REFRESH_TOKEN (token_hash, grant_id, created_at, expires_at, \
             kept_until) VALUES ($1, $2, $3, $4, $4)",
        )
        .bind(refresh.hash.as_str())
        .bind(self.grant_id.as_str())
        .bind(self.now.as_millis())
        .bind(refresh.expires_at.as_millis());
        txn.change("issue a refresh token", insert).await.map(drop)
    }

    /// A code that was used before means that two parties hold it (TC-3); anything else is
    /// refused and changes nothing.
    async fn why_not(&self, txn: &mut Txn<'_>) -> Result<RedeemOutcome, StoreError> {
        let found = code::find(txn.conn(), &self.hash).await?;
        let used =
            found.filter(|code| code.client == self.client).and_then(|code| code.redeemed_as);
        let Some(grant) = used else { return Ok(RedeemOutcome::Refused) };
        let ended = revoke_grant::end(txn, &grant, RevocationReason::CodeReplay, self.now).await?;
        let Some(ended) = ended else { return Ok(RedeemOutcome::Refused) };
        txn.record(ended.event(AuditKind::CodeReplayed, self.now));
        Ok(RedeemOutcome::Replayed {
            grant,
            status_index: ended.status_index,
            newly_revoked: ended.newly,
        })
    }

    fn event(&self, grant: &Grant) -> AuditEvent {
        let event = AuditEvent::new(AuditKind::CodeRedeemed, self.now).on(&grant.resource);
        AuditEvent {
            client: Some(grant.client.clone()),
            subject: Some(grant.subject.clone()),
            grant: Some(grant.id.clone()),
            organization: grant.organization.clone(),
            token: Some(self.token.clone()),
            detail: grant.scopes.to_string(),
            ..event
        }
    }
}
