//! Values that are sealed under an older key-encryption key are sealed anew (KY-6).

use kernel::Timestamp;

use crate::query::query;
use crate::{StoreError, Txn, UnitOfWork};

/// Puts a value in the place of the one that is there, unless somebody changed that meanwhile.
#[derive(Clone, Debug)]
pub struct Reseal {
    /// Whose value it is.
    pub of: Sealed,
    /// The value as it was read.
    pub before: String,
    /// The same value, sealed under the present key.
    pub after: String,
    /// The name of the present key.
    pub sealed_by: String,
    /// The current moment.
    pub now: Timestamp,
}

/// A row with a sealed value that is kept for long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// The private half of the signing key with this id.
    SigningKey(String),
    /// The secret of one-time codes of the account with this id.
    OneTimeCodes(String),
    /// What a provider is asked about the person with this id with.
    UpstreamRefresh(String),
}

impl UnitOfWork for Reseal {
    /// Whether the value was still the one that was read.
    type Outcome = bool;

    async fn run(&self, txn: &mut Txn<'_>) -> Result<bool, StoreError> {
        let update = match &self.of {
            Sealed::SigningKey(kid) => query(
                "UPDATE OAUTH_SIGNING_KEY SET private_sealed = $3, sealed_by = $4 \
                 WHERE kid = $1 AND private_sealed = $2",
            )
            .bind(kid.as_str())
            .bind(self.before.as_str())
            .bind(self.after.as_str())
            .bind(self.sealed_by.as_str()),
            Sealed::OneTimeCodes(account) => query(
                "UPDATE OAUTH_ACCOUNT SET totp_sealed = $3 \
                 WHERE account_id = $1 AND totp_sealed = $2",
            )
            .bind(account.as_str())
            .bind(self.before.as_str())
            .bind(self.after.as_str()),
            Sealed::UpstreamRefresh(person) => query(
                "UPDATE OAUTH_SUBJECT SET upstream_refresh_sealed = $3 \
                 WHERE subject_id = $1 AND upstream_refresh_sealed = $2",
            )
            .bind(person.as_str())
            .bind(self.before.as_str())
            .bind(self.after.as_str()),
        };
        Ok(txn.change("seal a value anew", update).await? == 1)
    }
}
