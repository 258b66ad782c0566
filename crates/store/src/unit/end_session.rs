//! A person signs out, or is somebody else.

use kernel::Hashed;
use model::person::SessionSecret;
use sqlx::query;

use crate::{StoreError, Txn, UnitOfWork};

/// Ends a browser session. It is no error if there is none.
#[derive(Clone, Debug)]
pub struct EndSession {
    /// The session.
    pub hash: Hashed<SessionSecret>,
}

impl UnitOfWork for EndSession {
    type Outcome = ();

    async fn run(&self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let delete =
            query("DELETE FROM OAUTH_SESSION WHERE session_hash = $1").bind(self.hash.as_str());
        txn.change("end a session", delete).await.map(drop)
    }
}
