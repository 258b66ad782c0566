//! A person comes back from a provider.

use kernel::{Hashed, Timestamp};
use model::UpstreamSignIn;
use model::authorization::BrowserBinding;
use model::upstream::UpstreamState;
use sqlx::query;

use crate::row::Fields;
use crate::table::upstream;
use crate::{StoreError, Txn, UnitOfWork};

/// Takes a sign-in out, so that nobody else comes back with the same state (T-CB-04).
#[derive(Clone, Debug)]
pub struct TakeUpstream {
    /// The state that came back.
    pub state: Hashed<UpstreamState>,
    /// The provider that it came from.
    pub provider: String,
    /// The browser that brought it.
    pub browser: Hashed<BrowserBinding>,
    /// The current moment.
    pub now: Timestamp,
}

/// What came of coming back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakeUpstreamOutcome {
    /// The sign-in, which nobody else gets.
    Taken(Box<UpstreamSignIn>),
    /// It was begun in another browser, and still waits for that (T-CB-01).
    OtherBrowser,
    /// Unknown, expired, taken before, or at another provider.
    Gone,
}

impl UnitOfWork for TakeUpstream {
    type Outcome = TakeUpstreamOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<TakeUpstreamOutcome, StoreError> {
        if let Some(taken) = self.take(txn).await? {
            return Ok(TakeUpstreamOutcome::Taken(Box::new(taken)));
        }
        let found = upstream::find(txn.conn(), &self.state).await?;
        let waits_elsewhere = found.is_some_and(|found| {
            found.provider == self.provider
                && found.browser != self.browser
                && !found.is_expired(self.now)
        });
        Ok(if waits_elsewhere {
            TakeUpstreamOutcome::OtherBrowser
        } else {
            TakeUpstreamOutcome::Gone
        })
    }
}

impl TakeUpstream {
    /// The row goes to exactly one of those who ask for it.
    async fn take(&self, txn: &mut Txn<'_>) -> Result<Option<UpstreamSignIn>, StoreError> {
        let delete = query(
            "DELETE FROM OAUTH_UPSTREAM WHERE state_hash = $1 AND provider = $2 \
             AND browser_hash = $3 AND expires_at > $4 \
             RETURNING state_hash, provider, browser_hash, handle_hash, pending_sealed, \
             answer_sealed, created_at, expires_at",
        )
        .bind(self.state.as_str())
        .bind(self.provider.clone())
        .bind(self.browser.as_str())
        .bind(self.now.as_millis());
        let row = txn.change_returning("take a sign-in at a provider", delete).await?;
        row.map(|row| upstream::take(&mut Fields::of(&row, upstream::TABLE))).transpose()
    }
}
