//! A machine is let act for itself (RFC 6749 §4.4).

use kernel::{Id, Timestamp};
use model::person::MACHINES;
use model::{AuditEvent, AuditKind, ClientId, Grant, GrantId, RevocationReason, SubjectId};
use protocol::{ResourceUri, Scopes, UserType};

use super::revoke_grant;
use crate::query::query;
use crate::table::{grant, revision};
use crate::{StoreError, Txn, UnitOfWork};

/// Finds or makes the grant on which a machine's tokens for a resource rest (see
/// [`model::grant`]). There is one, however many ask at the same moment.
#[derive(Clone, Debug)]
pub struct AuthorizeMachine {
    /// The client. It is its own subject.
    pub client: ClientId,
    /// Its name.
    pub name: String,
    /// What it is to be used on.
    pub resource: ResourceUri,
    /// What the operator gives it now.
    pub scopes: Scopes,
    /// What the token is going to hold, for the record.
    pub issued: Scopes,
    /// The id of the grant, if one has to be made.
    pub grant_id: GrantId,
    /// The access token that is going to be issued, by its `jti`.
    pub token: String,
    /// The current moment.
    pub now: Timestamp,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizeMachineOutcome {
    /// The grant. The machine has proved who it is just now.
    Authorized(Box<Grant>),
    /// An administrator disabled the machine, or what it wants to use.
    Disabled,
}

impl UnitOfWork for AuthorizeMachine {
    type Outcome = AuthorizeMachineOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<AuthorizeMachineOutcome, StoreError> {
        if !self.is_enabled(txn).await? {
            return Ok(AuthorizeMachineOutcome::Disabled);
        }
        let known = grant::of_machine(txn.conn(), &self.client, &self.resource).await?;
        let grant = match known {
            Some(grant) if self.scopes.contains_all(grant.scopes) => {
                self.extend(txn, grant).await?
            }
            Some(grant) => {
                // What was issued until now may hold more than the machine is to have.
                let reason = RevocationReason::Reassigned;
                revoke_grant::end(txn, &grant.id, reason, self.now).await?;
                self.make(txn).await?
            }
            None => self.make(txn).await?,
        };
        txn.record(self.event(&grant));
        let grant = Grant { authenticated_at: self.now, ..grant };
        Ok(AuthorizeMachineOutcome::Authorized(Box::new(grant)))
    }
}

impl AuthorizeMachine {
    fn subject(&self) -> SubjectId {
        Id::from_stored(self.client.as_str())
    }

    /// The machine's own row comes with its first request. Whoever changes it holds it until the
    /// end of the unit, so requests of one machine are served one after the other, and none passes
    /// while an administrator disables it.
    async fn is_enabled(&self, txn: &mut Txn<'_>) -> Result<bool, StoreError> {
        let insert = query(
            "INSERT INTO OAUTH_SUBJECT (subject_id, provider, external_id, name, group_names, \
             user_type, created_at, signed_in_at) VALUES ($1, $2, $1, $3, '[]', $4, $5, $5) \
             ON CONFLICT DO NOTHING",
        )
        .bind(self.client.as_str())
        .bind(MACHINES)
        .bind(self.name.as_str())
        .bind(UserType::Workload.as_str())
        .bind(self.now.as_millis());
        txn.change("note a machine", insert).await?;
        let update = query(
            "UPDATE OAUTH_SUBJECT SET name = $3, signed_in_at = $4 \
             WHERE subject_id = $1 AND provider = $2 AND disabled_at IS NULL \
             AND NOT EXISTS (SELECT 1 FROM OAUTH_DISABLED d \
             WHERE d.kind = 'client' AND d.name = $1) \
             AND NOT EXISTS (SELECT 1 FROM OAUTH_DISABLED d \
             WHERE d.kind = 'server' AND d.name = $5)",
        )
        .bind(self.client.as_str())
        .bind(MACHINES)
        .bind(self.name.as_str())
        .bind(self.now.as_millis())
        .bind(self.resource.as_str());
        Ok(txn.change("let a machine in", update).await? == 1)
    }

    /// The operator may have given it more since.
    async fn extend(&self, txn: &mut Txn<'_>, grant: Grant) -> Result<Grant, StoreError> {
        if grant.scopes == self.scopes {
            return Ok(grant);
        }
        let update = query("UPDATE OAUTH_GRANT SET scopes = $2 WHERE grant_id = $1")
            .bind(grant.id.as_str())
            .bind(self.scopes.to_string());
        txn.change("give a machine more", update).await?;
        Ok(Grant { scopes: self.scopes, ..grant })
    }

    async fn make(&self, txn: &mut Txn<'_>) -> Result<Grant, StoreError> {
        let status_index = revision::next_status_index(txn).await?;
        let grant = Grant {
            id: self.grant_id.clone(),
            subject: self.subject(),
            organization: None,
            client: self.client.clone(),
            client_name: self.name.clone(),
            redirect_host: String::new(),
            resource: self.resource.clone(),
            scopes: self.scopes,
            status_index: status_index.unsigned_abs(),
            authenticated_at: self.now,
            created_at: self.now,
            revoked: None,
        };
        grant::insert(txn, &grant).await?;
        Ok(grant)
    }

    fn event(&self, grant: &Grant) -> AuditEvent {
        AuditEvent {
            client: Some(grant.client.clone()),
            subject: Some(grant.subject.clone()),
            grant: Some(grant.id.clone()),
            token: Some(self.token.clone()),
            detail: self.issued.to_string(),
            ..AuditEvent::new(AuditKind::MachineAuthorized, self.now).on(&self.resource)
        }
    }
}
