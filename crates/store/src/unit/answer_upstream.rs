//! A provider answers without the browser's cookie: a SAML response is a cross-site POST.

use kernel::{Hashed, Timestamp};
use model::upstream::UpstreamState;

use super::one_time::OneTime;
use crate::query::query;
use crate::{StoreError, Txn, UnitOfWork};

/// Keeps a checked answer until the browser that began fetches it (T-CB-20).
#[derive(Clone, Debug)]
pub struct AnswerUpstream {
    /// The sign-in that is answered.
    pub state: Hashed<UpstreamState>,
    /// The provider that answers.
    pub provider: String,
    /// The person, sealed.
    pub answer_sealed: String,
    /// The id of the assertion, which is good once.
    pub one_time_id: String,
    /// Until when the assertion could be sent again.
    pub one_time_expires_at: Timestamp,
    /// The current moment.
    pub now: Timestamp,
}

/// What came of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerUpstreamOutcome {
    /// The browser can fetch it now.
    Answered,
    /// The answer was given before; nothing was changed (T-SAML-24).
    Replayed,
    /// Nobody waits for it: unknown, expired, taken, answered before, or at another provider.
    Gone,
}

impl UnitOfWork for AnswerUpstream {
    type Outcome = AnswerUpstreamOutcome;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<AnswerUpstreamOutcome, StoreError> {
        let one_time = self.one_time();
        if self.set_answer(txn).await? == 1 {
            if one_time.use_up(txn).await? {
                return Ok(AnswerUpstreamOutcome::Answered);
            }
            self.withdraw_answer(txn).await?;
        } else if !one_time.is_used(txn).await? {
            return Ok(AnswerUpstreamOutcome::Gone);
        }
        txn.record(one_time.replayed(self.now));
        Ok(AnswerUpstreamOutcome::Replayed)
    }
}

impl AnswerUpstream {
    /// The first answer stays.
    async fn set_answer(&self, txn: &mut Txn<'_>) -> Result<u64, StoreError> {
        let update = query(
            "UPDATE OAUTH_UPSTREAM SET answer_sealed = $3 WHERE state_hash = $1 \
             AND provider = $2 AND answer_sealed IS NULL AND expires_at > $4",
        )
        .bind(self.state.as_str())
        .bind(self.provider.clone())
        .bind(self.answer_sealed.clone())
        .bind(self.now.as_millis());
        txn.change("keep a provider's answer", update).await
    }

    /// The assertion answered another sign-in before: this one waits on.
    async fn withdraw_answer(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let update = query("UPDATE OAUTH_UPSTREAM SET answer_sealed = NULL WHERE state_hash = $1")
            .bind(self.state.as_str());
        txn.change("withdraw a provider's answer", update).await.map(drop)
    }

    fn one_time(&self) -> OneTime {
        OneTime {
            purpose: format!("saml_assertion:{}", self.provider),
            id: self.one_time_id.clone(),
            expires_at: self.one_time_expires_at,
        }
    }
}
