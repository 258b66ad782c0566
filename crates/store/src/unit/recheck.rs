//! A provider is asked about a person between sign-ins.
//!
//! Many providers take a refresh token once only and treat a second use as theft, so of all
//! requests on all replicas exactly one may ask: whoever moves the person's `checked_at` on from
//! what everybody has seen. Until a sign-in moves it again, the claim is theirs.

use kernel::Timestamp;
use model::{Identity, Subject, SubjectId};
use protocol::UserType;

use crate::query::query;
use crate::row::Fields;
use crate::table::subject;
use crate::{StoreError, Txn, UnitOfWork};

/// Claims the right to ask a person's provider.
#[derive(Clone, Debug)]
pub struct ClaimRecheck {
    /// The person.
    pub subject: SubjectId,
    /// When the provider was last asked, as it was read: see
    /// [`checked_at`](crate::subject::checked_at).
    pub seen: Timestamp,
    /// The current moment, which becomes the mark of the claim. It is later than `seen`.
    pub now: Timestamp,
}

/// What came of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimRecheckOutcome {
    /// The provider may be asked, with this.
    Claimed {
        /// The provider's refresh token, sealed.
        upstream_refresh_sealed: String,
    },
    /// Somebody else asks, the person signed in meanwhile, or there is nothing to ask with.
    Taken,
}

/// Keeps what the provider said.
#[derive(Clone, Debug)]
pub struct Rechecked {
    /// The person.
    pub subject: SubjectId,
    /// `now` of the claim.
    pub claimed_at: Timestamp,
    /// What the provider said; provider and external id are the person's.
    pub identity: Identity,
    /// What kind of user that makes the person now.
    pub user_type: UserType,
    /// The refresh token that takes the place of the one that was used, sealed, if one came.
    pub upstream_refresh_sealed: Option<String>,
}

/// What came of keeping it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecheckedOutcome {
    /// The person as the provider sees them now.
    Stored(Box<Subject>),
    /// The person signed in meanwhile; what that sign-in said stands, and this is it.
    Overtaken(Box<Subject>),
    /// An administrator disabled the person meanwhile; nothing was changed.
    Disabled,
}

/// Gives a claim back: the provider said nothing that could be kept.
#[derive(Clone, Debug)]
pub struct ReleaseRecheck {
    /// The person.
    pub subject: SubjectId,
    /// `now` of the claim.
    pub claimed_at: Timestamp,
    /// When the provider is to be taken as last asked.
    pub back_to: Timestamp,
    /// The refresh token that takes the place of the one that was used, sealed, if one came.
    pub upstream_refresh_sealed: Option<String>,
}

impl UnitOfWork for ClaimRecheck {
    type Outcome = ClaimRecheckOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<ClaimRecheckOutcome, StoreError> {
        // The token comes with the claim: one that was read before may have been used since.
        let update = query(
            "UPDATE OAUTH_SUBJECT SET checked_at = $3 WHERE subject_id = $1 AND checked_at = $2 \
             AND checked_at < $3 AND upstream_refresh_sealed IS NOT NULL \
             AND disabled_at IS NULL RETURNING subject_id, upstream_refresh_sealed",
        )
        .bind(self.subject.as_str())
        .bind(self.seen.as_millis())
        .bind(self.now.as_millis());
        let Some(row) = txn.change_returning("claim a recheck", update).await? else {
            return Ok(ClaimRecheckOutcome::Taken);
        };
        let mut fields = Fields::of(&row, subject::TABLE);
        fields.text("subject_id")?;
        let upstream_refresh_sealed = fields.text("upstream_refresh_sealed")?;
        Ok(ClaimRecheckOutcome::Claimed { upstream_refresh_sealed })
    }
}

impl UnitOfWork for Rechecked {
    type Outcome = RecheckedOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<RecheckedOutcome, StoreError> {
        if let Some(subject) = self.store(txn).await? {
            return Ok(RecheckedOutcome::Stored(Box::new(subject)));
        }
        let found = subject::find(txn.conn(), &self.subject).await?;
        let standing = found.filter(|subject| subject.disabled_at.is_none());
        Ok(standing.map_or(RecheckedOutcome::Disabled, |subject| {
            RecheckedOutcome::Overtaken(Box::new(subject))
        }))
    }
}

impl Rechecked {
    async fn store(&self, txn: &mut Txn<'_>) -> Result<Option<Subject>, StoreError> {
        let update = query(
            "UPDATE OAUTH_SUBJECT SET name = $3, email = $4, email_verified = $5, \
             group_names = $6, organizations = $7, attributes = $8, user_type = $9, \
             upstream_refresh_sealed = COALESCE($10, upstream_refresh_sealed) \
             WHERE subject_id = $1 AND checked_at = $2 AND disabled_at IS NULL \
             RETURNING subject_id, provider, external_id, name, email, email_verified, \
             group_names, organizations, attributes, organization, user_type, disabled_at",
        )
        .bind(self.subject.as_str())
        .bind(self.claimed_at.as_millis());
        let update = subject::bind_known(update, &self.identity, self.user_type)
            .bind(self.upstream_refresh_sealed.clone());
        let row = txn.change_returning("keep what a recheck said", update).await?;
        row.map(|row| subject::take(&mut Fields::of(&row, subject::TABLE))).transpose()
    }
}

impl UnitOfWork for ReleaseRecheck {
    type Outcome = ();

    async fn run(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let update = query(
            "UPDATE OAUTH_SUBJECT SET checked_at = $3, \
             upstream_refresh_sealed = COALESCE($4, upstream_refresh_sealed) \
             WHERE subject_id = $1 AND checked_at = $2",
        )
        .bind(self.subject.as_str())
        .bind(self.claimed_at.as_millis())
        .bind(self.back_to.as_millis())
        .bind(self.upstream_refresh_sealed.clone());
        txn.change("release a recheck", update).await.map(drop)
    }
}
