//! The person allows it: a code is made.

use kernel::{Hashed, Timestamp};
use model::audit::authorization_id;
use model::authorization::{AuthorizationHandle, BrowserBinding};
use model::client::ClientMetadata;
use model::person::SessionSecret;
use model::{AuditEvent, AuditKind, Code, ConsentKey, RememberedConsent, SubjectId};

use crate::query::query;
use crate::table::authorization::{self, Progress};
use crate::table::{consent, session};
use crate::{StoreError, Txn, UnitOfWork};

/// Ends an authorization with a code: the person consents now, or consented before.
#[derive(Clone, Debug)]
pub struct Approve {
    /// The authorization.
    pub handle: Hashed<AuthorizationHandle>,
    /// The browser that it belongs to (AZ-7).
    pub browser: Hashed<BrowserBinding>,
    /// The person who decided. It must be the one who was asked.
    pub subject: SubjectId,
    /// The session in which the person decided. It must be the one that was asked, and still live.
    pub session: Hashed<SessionSecret>,
    /// Who says yes.
    pub consent: Consent,
    /// What the client said of itself when the authorization began.
    pub client_metadata: Hashed<ClientMetadata>,
    /// The code to issue, for exactly what was asked.
    pub code: Code,
    /// The current moment.
    pub now: Timestamp,
}

/// Who says yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// The person, now. It is remembered.
    Given,
    /// The person, before. It must still stand as it was read.
    Remembered(RememberedConsent),
}

/// What came of an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApproveOutcome {
    /// The code can be redeemed now.
    Approved,
    /// The consent that was remembered was taken back meanwhile: the person has to be asked.
    Forgotten,
    /// The authorization had its answer already (CO-8: a refusal stands).
    Completed,
    /// There is no such authorization of this person in this browser and session, or no longer.
    Gone,
}

impl UnitOfWork for Approve {
    type Outcome = ApproveOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<ApproveOutcome, StoreError> {
        // Whoever ends the session waits for this decision, or has ended it before.
        let lives = session::hold(txn, &self.session, &self.subject, self.now).await?;
        if lives && !self.still_stands(txn).await? {
            return Ok(ApproveOutcome::Forgotten);
        }
        if !lives || self.complete(txn).await? == 0 {
            return self.why_not(txn).await;
        }
        self.insert_code(txn).await?;
        self.remember(txn).await?;
        self.keep_client(txn).await?;
        txn.record(self.event());
        Ok(ApproveOutcome::Approved)
    }
}

impl Approve {
    /// CO-2: it is remembered for a person, client, redirect URI, resource and organization.
    fn key(&self) -> ConsentKey {
        ConsentKey {
            subject: self.subject.clone(),
            organization: self.code.organization.clone(),
            client: self.code.client.clone(),
            client_metadata: self.client_metadata.clone(),
            redirect_uri: self.code.redirect_uri.clone(),
            resource: self.code.resource.clone(),
        }
    }

    async fn still_stands(&self, txn: &mut Txn<'_>) -> Result<bool, StoreError> {
        match &self.consent {
            Consent::Given => Ok(true),
            Consent::Remembered(consent) => consent::hold(txn, &self.key(), consent).await,
        }
    }

    /// What is remembered keeps its age, however often it is used.
    async fn remember(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        if self.consent != Consent::Given {
            return Ok(());
        }
        let now = RememberedConsent { scopes: self.code.scopes, consented_at: self.now };
        consent::remember(txn, &self.key(), &now).await
    }

    /// The code must be for the person, client, redirect URI and resource of the frozen request,
    /// and the person must still be active (AZ-11, TC-6).
    async fn complete(&self, txn: &mut Txn<'_>) -> Result<u64, StoreError> {
        let update = query(
            "UPDATE OAUTH_TXN SET stage = 'approved' \
             WHERE handle_hash = $1 AND browser_hash = $2 AND stage = 'resumed' \
             AND subject_id = $3 AND expires_at > $4 AND client_id = $5 AND redirect_uri = $6 \
             AND resource = $7 AND session_hash = $8 AND client_metadata_hash = $9 AND EXISTS (SELECT 1 FROM OAUTH_SUBJECT s \
             WHERE s.subject_id = $3 AND s.disabled_at IS NULL)",
        )
        .bind(self.handle.as_str())
        .bind(self.browser.as_str())
        .bind(self.subject.as_str())
        .bind(self.now.as_millis())
        .bind(self.code.client.as_str())
        .bind(self.code.redirect_uri.as_str())
        .bind(self.code.resource.as_str())
        .bind(self.session.as_str())
        .bind(self.client_metadata.as_str());
        txn.change("approve an authorization", update).await
    }

    async fn why_not(&self, txn: &mut Txn<'_>) -> Result<ApproveOutcome, StoreError> {
        match authorization::standing(txn.conn(), &self.handle, &self.browser, self.now).await? {
            Progress::Completed => Ok(ApproveOutcome::Completed),
            Progress::Open | Progress::Gone => Ok(ApproveOutcome::Gone),
        }
    }

    async fn insert_code(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let code = &self.code;
        let insert = query(
            "INSERT INTO OAUTH_CODE (code_hash, client_id, client_name, redirect_uri, \
             code_challenge, resource, scopes, subject_id, organization, authenticated_at, \
             created_at, expires_at, txn_id) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(code.hash.as_str())
        .bind(code.client.as_str())
        .bind(code.client_name.as_str())
        .bind(code.redirect_uri.as_str())
        .bind(code.challenge.as_str())
        .bind(code.resource.as_str())
        .bind(code.scopes.to_string())
        .bind(self.subject.as_str())
        .bind(code.organization.clone())
        .bind(code.authenticated_at.as_millis())
        .bind(code.created_at.as_millis())
        .bind(code.expires_at.as_millis())
        .bind(authorization_id(&self.handle));
        txn.change("issue a code", insert).await.map(drop)
    }

    /// A client that a person allowed something is not swept away as unused before it redeems the
    /// code. What anybody can do without signing in keeps none.
    async fn keep_client(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let touch = query(
            "UPDATE OAUTH_CLIENT SET unused_since = $2 \
             WHERE client_id = $1 AND unused_since < $2",
        )
        .bind(self.code.client.as_str())
        .bind(self.now.as_millis());
        txn.change("keep a client", touch).await.map(drop)
    }

    fn event(&self) -> AuditEvent {
        let kind = match self.consent {
            Consent::Given => AuditKind::ConsentApproved,
            Consent::Remembered(_) => AuditKind::ConsentRemembered,
        };
        let event = AuditEvent::new(kind, self.now).within(&self.handle).on(&self.code.resource);
        AuditEvent {
            client: Some(self.code.client.clone()),
            subject: Some(self.subject.clone()),
            organization: self.code.organization.clone(),
            detail: self.code.scopes.to_string(),
            ..event
        }
    }
}
