//! `GET /authorize/resume`: a person comes back over the bridge.

use kernel::{Hashed, Timestamp};
use model::SubjectId;
use model::authorization::{AuthorizationHandle, BrowserBinding};
use model::person::SessionSecret;

use crate::query::query;
use crate::table::authorization::{self, Progress};
use crate::table::session;
use crate::{StoreError, Txn, UnitOfWork};

/// Uses up a bridge token and writes its person into the authorization.
#[derive(Clone, Debug)]
pub struct ResumeAuthorization {
    /// The authorization.
    pub handle: Hashed<AuthorizationHandle>,
    /// The browser that it belongs to (AZ-7).
    pub browser: Hashed<BrowserBinding>,
    /// The person.
    pub subject: SubjectId,
    /// The person's session in that browser, which is asked for consent.
    pub session: Hashed<SessionSecret>,
    /// When the person proved who they are.
    pub authenticated_at: Timestamp,
    /// The bridge token's one-time id.
    pub bridge_jti: String,
    /// Until when the bridge token could be sent again.
    pub bridge_expires_at: Timestamp,
    /// The current moment.
    pub now: Timestamp,
}

/// What came of the return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResumeOutcome {
    /// The person is asked for consent now.
    Resumed,
    /// The bridge token was used before; nothing was changed.
    Replayed,
    /// The authorization had its answer already.
    Completed,
    /// There is no such authorization in this browser, or no longer; or the sign-in is over, or too
    /// old for what the client asked.
    Gone,
}

impl UnitOfWork for ResumeAuthorization {
    type Outcome = ResumeOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<ResumeOutcome, StoreError> {
        if self.use_up_token(txn).await? == 0 {
            return Ok(ResumeOutcome::Replayed);
        }
        let lives = session::hold(txn, &self.session, &self.subject, self.now).await?;
        if lives && self.resume(txn).await? == 1 {
            return Ok(ResumeOutcome::Resumed);
        }
        match authorization::standing(txn.conn(), &self.handle, &self.browser, self.now).await? {
            Progress::Completed => Ok(ResumeOutcome::Completed),
            Progress::Open | Progress::Gone => Ok(ResumeOutcome::Gone),
        }
    }
}

impl ResumeAuthorization {
    /// A token works once, on whichever replica it arrives: the primary key decides (T-CON-11).
    async fn use_up_token(&self, txn: &mut Txn<'_>) -> Result<u64, StoreError> {
        let insert = query(
            "INSERT INTO OAUTH_REPLAY (purpose, one_time_id, expires_at) \
             VALUES ('bridge', $1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(self.bridge_jti.as_str())
        .bind(self.bridge_expires_at.as_millis());
        txn.change("use up a bridge token", insert).await
    }

    /// Another person may sign in within the same authorization until it has its answer; nothing
    /// of the one before is kept.
    async fn resume(&self, txn: &mut Txn<'_>) -> Result<u64, StoreError> {
        let update = query(
            "UPDATE OAUTH_TXN SET stage = 'resumed', subject_id = $3, authenticated_at = $4, \
             session_hash = $6 WHERE handle_hash = $1 AND browser_hash = $2 AND stage IN ('pending', 'resumed') \
             AND expires_at > $5 AND authenticated_after <= $4 AND EXISTS (SELECT 1 FROM OAUTH_SUBJECT s \
             WHERE s.subject_id = $3 AND s.disabled_at IS NULL)",
        )
        .bind(self.handle.as_str())
        .bind(self.browser.as_str())
        .bind(self.subject.as_str())
        .bind(self.authenticated_at.as_millis())
        .bind(self.now.as_millis())
        .bind(self.session.as_str());
        txn.change("resume an authorization", update).await
    }
}
