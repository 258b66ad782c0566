//! A person came back, but the provider could not be asked.

use model::UpstreamSignIn;

use crate::query::query;
use crate::{StoreError, Txn, UnitOfWork};

/// Puts a sign-in back as it was taken, so that the person can reload the page. It still ends when
/// it would have ended.
#[derive(Clone, Debug)]
pub struct PutBackUpstream {
    /// What [`TakeUpstream`](super::TakeUpstream) gave.
    pub sign_in: UpstreamSignIn,
}

impl UnitOfWork for PutBackUpstream {
    type Outcome = ();

    async fn run(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let taken = &self.sign_in;
        let insert = query(
            "INSERT INTO OAUTH_UPSTREAM (state_hash, provider, browser_hash, handle_hash, \
             pending_sealed, answer_sealed, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(taken.state.as_str())
        .bind(taken.provider.as_str())
        .bind(taken.browser.as_str())
        .bind(taken.handle.as_ref().map(|handle| handle.as_str().to_owned()))
        .bind(taken.pending_sealed.as_str())
        .bind(taken.answer_sealed.clone())
        .bind(taken.created_at.as_millis())
        .bind(taken.expires_at.as_millis());
        txn.change("put a sign-in at a provider back", insert).await.map(drop)
    }
}
