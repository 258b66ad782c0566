//! A request with a good code failed another check.

use kernel::Hashed;
use model::code::CodeSecret;

use crate::query::query;
use crate::{StoreError, Txn, UnitOfWork};

/// Counts a failed attempt. The code is not used up by it, but it is burned after
/// [`MAX_FAILED_REDEMPTIONS`](model::code::MAX_FAILED_REDEMPTIONS) (TC-4).
#[derive(Clone, Debug)]
pub struct CountFailedRedemption {
    /// The code.
    pub hash: Hashed<CodeSecret>,
}

impl UnitOfWork for CountFailedRedemption {
    type Outcome = ();

    async fn run(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let update = query(
            "UPDATE OAUTH_CODE SET failed_redemptions = failed_redemptions + 1 \
             WHERE code_hash = $1 AND redeemed_as IS NULL",
        )
        .bind(self.hash.as_str());
        txn.change("count a failed redemption", update).await.map(drop)
    }
}
