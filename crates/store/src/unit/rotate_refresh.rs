//! A refresh token is exchanged for its successor (OAuth 2.1 §4.3.1, RT-4 to RT-10).

use kernel::{Hashed, Timestamp};
use model::refresh_token::{MAX_REUSES_IN_WINDOW, RefreshSecret};
use model::{AuditEvent, AuditKind, ClientId, GrantId, RevocationReason, SubjectId};
use protocol::ResourceUri;

use super::revoke_grant;
use crate::query::query;
use crate::row::Fields;
use crate::table::refresh_token;
use crate::{StoreError, Txn, UnitOfWork};

/// Rotates a refresh token, or says what its coming again means.
///
/// A rotated token that comes again inside the window, while its successor was not itself rotated,
/// is a race between processes of one client: they all get the same successor. Anything else is
/// theft, and the grant ends.
#[derive(Clone, Debug)]
pub struct RotateRefresh {
    /// The token that was presented.
    pub hash: Hashed<RefreshSecret>,
    /// Its grant, as it was looked up.
    pub grant: GrantId,
    /// The client that presented it, authenticated where it has a secret.
    pub client: ClientId,
    /// The access token that is going to be issued.
    pub issued: IssuedToken,
    /// What it becomes if it is the live leaf.
    pub successor: Successor,
    /// The window in milliseconds; 0 means that no token may ever come again.
    pub grace_millis: i64,
    /// The current moment.
    pub now: Timestamp,
}

/// What the record says of an access token that a rotation leads to.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// Its `jti`.
    pub id: String,
    /// Whose it is.
    pub subject: SubjectId,
    /// The organization that they act for, if any.
    pub organization: Option<String>,
    /// What it is for.
    pub resource: ResourceUri,
}

/// The token that takes another one's place.
#[derive(Clone, Debug)]
pub struct Successor {
    /// Its hash.
    pub hash: Hashed<RefreshSecret>,
    /// Itself, sealed so that only somebody who presents the parent can open it (RT-9).
    pub sealed: String,
    /// When it ends unless it is used before.
    pub expires_at: Timestamp,
}

/// What came of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RotateOutcome {
    /// The successor is the live leaf now.
    Rotated,
    /// The token was rotated a moment ago; this is the successor that it got then.
    Reused {
        /// To be opened with the presented token.
        successor_sealed: String,
    },
    /// The token came again inside the window, too often: it gives nothing, and nothing ends.
    ReusedTooOften,
    /// Theft: the grant is revoked (RT-4).
    Replayed {
        /// The grant.
        grant: GrantId,
        /// Its number in the status lists.
        status_index: u64,
        /// Whether it was this replay that ended it.
        newly_revoked: bool,
    },
    /// Unknown, expired, of another client, or of a grant or person that is no longer active.
    Refused,
}

impl UnitOfWork for RotateRefresh {
    type Outcome = RotateOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<RotateOutcome, StoreError> {
        if self.insert_successor(txn).await? {
            txn.record(self.event(AuditKind::RefreshRotated, self.grant.clone()));
            return Ok(RotateOutcome::Rotated);
        }
        if let Some((grant, successor_sealed)) = self.count_reuse(txn).await? {
            txn.record(self.event(AuditKind::RefreshReusedInWindow, grant));
            return Ok(RotateOutcome::Reused { successor_sealed });
        }
        self.refuse_or_revoke(txn).await
    }
}

impl RotateRefresh {
    /// RT-6: a parent has one successor at most, and whoever inserts it has rotated the parent.
    /// All of RT-2 is in the condition: the same client, an active grant, an active person, not
    /// expired. It returns no row, for which SQLite would make a table of its own first.
    async fn insert_successor(&self, txn: &mut Txn<'_>) -> Result<bool, StoreError> {
        let insert = query(
            "INSERT INTO OAUTH_REFRESH_TOKEN (token_hash, grant_id, parent_hash, \
             sealed_for_parent, created_at, expires_at, kept_until) \
             SELECT $4, p.grant_id, p.token_hash, $5, $3, $6, \
             CASE WHEN p.kept_until > $6 THEN p.kept_until ELSE $6 END \
             FROM OAUTH_REFRESH_TOKEN p JOIN OAUTH_GRANT g ON g.grant_id = p.grant_id \
             JOIN OAUTH_SUBJECT s ON s.subject_id = g.subject_id \
             WHERE p.token_hash = $1 AND p.grant_id = $7 AND p.expires_at > $3 \
             AND g.client_id = $2 AND g.revoked_at IS NULL AND s.disabled_at IS NULL \
             ON CONFLICT (parent_hash) DO NOTHING",
        )
        .bind(self.hash.as_str())
        .bind(self.client.as_str())
        .bind(self.now.as_millis())
        .bind(self.successor.hash.as_str())
        .bind(self.successor.sealed.as_str())
        .bind(self.successor.expires_at.as_millis())
        .bind(self.grant.as_str());
        Ok(txn.change("rotate a refresh token", insert).await? == 1)
    }

    /// RT-8: inside the window, for the same client, and only while the successor is itself the
    /// leaf. RT-10: counted, and not without end.
    async fn count_reuse(
        &self,
        txn: &mut Txn<'_>,
    ) -> Result<Option<(GrantId, String)>, StoreError> {
        let update = query(
            "UPDATE OAUTH_REFRESH_TOKEN SET reuses = reuses + 1 \
             WHERE parent_hash = $1 AND created_at > $3 AND reuses < $4 \
             AND NOT EXISTS (SELECT 1 FROM OAUTH_REFRESH_TOKEN n \
             WHERE n.parent_hash = OAUTH_REFRESH_TOKEN.token_hash) \
             AND EXISTS (SELECT 1 FROM OAUTH_GRANT g \
             JOIN OAUTH_SUBJECT s ON s.subject_id = g.subject_id \
             WHERE g.grant_id = OAUTH_REFRESH_TOKEN.grant_id AND g.client_id = $2 \
             AND g.revoked_at IS NULL AND s.disabled_at IS NULL) \
             RETURNING token_hash, grant_id, sealed_for_parent",
        )
        .bind(self.hash.as_str())
        .bind(self.client.as_str())
        .bind(self.window_start())
        .bind(MAX_REUSES_IN_WINDOW);
        let row = txn.change_returning("count a reuse", update).await?;
        row.map(|row| {
            let mut fields = Fields::of(&row, refresh_token::TABLE);
            fields.text("token_hash")?;
            Ok((fields.id("grant_id")?, fields.text("sealed_for_parent")?))
        })
        .transpose()
    }

    /// The token can neither be rotated nor reused. If it was rotated before, that is theft,
    /// unless it came inside the window and only the grant or the person is no longer active.
    async fn refuse_or_revoke(&self, txn: &mut Txn<'_>) -> Result<RotateOutcome, StoreError> {
        let Some(lineage) = refresh_token::lineage(txn.conn(), &self.hash).await? else {
            return Ok(RotateOutcome::Refused);
        };
        let Some(successor) = lineage.successor else { return Ok(RotateOutcome::Refused) };
        let in_window = successor.created_at.as_millis() > self.window_start() && successor.is_leaf;
        if lineage.client != self.client {
            return Ok(RotateOutcome::Refused);
        }
        if in_window && successor.reuses >= MAX_REUSES_IN_WINDOW {
            return self.refuse_reuse(txn, lineage.grant).await;
        }
        if in_window {
            return Ok(RotateOutcome::Refused);
        }
        let grant = lineage.grant;
        let ended =
            revoke_grant::end(txn, &grant, RevocationReason::RefreshReuse, self.now).await?;
        let Some(ended) = ended else { return Ok(RotateOutcome::Refused) };
        txn.record(ended.event(AuditKind::RefreshReplayed, self.now));
        Ok(RotateOutcome::Replayed {
            grant,
            status_index: ended.status_index,
            newly_revoked: ended.newly,
        })
    }

    /// RT-10: that there were too many is on record once, however many more come.
    async fn refuse_reuse(
        &self,
        txn: &mut Txn<'_>,
        grant: GrantId,
    ) -> Result<RotateOutcome, StoreError> {
        let update = query(
            "UPDATE OAUTH_REFRESH_TOKEN SET reuses = reuses + 1 \
             WHERE parent_hash = $1 AND reuses = $2",
        )
        .bind(self.hash.as_str())
        .bind(MAX_REUSES_IN_WINDOW);
        if txn.change("count a reuse too many", update).await? == 1 {
            let mut event = self.event(AuditKind::RefreshReusedInWindow, grant);
            "too often: refused from now on".clone_into(&mut event.detail);
            event.token = None;
            txn.record(event);
        }
        Ok(RotateOutcome::ReusedTooOften)
    }

    /// A rotation after this moment is inside the window. With a window of 0 that is never, even
    /// within one millisecond (T-RT-06) or after the clock went back.
    fn window_start(&self) -> i64 {
        if self.grace_millis <= 0 {
            return i64::MAX;
        }
        self.now.as_millis().saturating_sub(self.grace_millis)
    }

    fn event(&self, kind: AuditKind, grant: GrantId) -> AuditEvent {
        let IssuedToken { id, subject, organization, resource } = &self.issued;
        AuditEvent {
            client: Some(self.client.clone()),
            subject: Some(subject.clone()),
            grant: Some(grant),
            token: Some(id.clone()),
            organization: organization.clone(),
            ..AuditEvent::new(kind, self.now).on(resource)
        }
    }
}
