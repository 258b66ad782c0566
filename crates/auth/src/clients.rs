//! Finding clients: the configuration first, then those that registered themselves, and those that are
//! described at their id.

use model::{Client, ClientId};
use protocol::client_document::DocumentUrl;
use store::StoreError;

use crate::documents::NoDocument;
use crate::server::AuthServer;

/// Why it cannot be said who a client is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CannotTell {
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its metadata document is not there, or is none.
    #[error(transparent)]
    Document(#[from] NoDocument),
}

impl AuthServer {
    /// The client with this id, if there is one and nobody switched it off.
    pub(crate) async fn client(&self, id: &ClientId) -> Result<Option<Client>, CannotTell> {
        if self.disabled.has_client(id) {
            return Ok(None);
        }
        // T-CIMD-19: what an operator wrote down is never asked for elsewhere.
        if let Some(configured) = self.config.clients.iter().find(|client| client.id == *id) {
            return Ok(Some(configured.clone()));
        }
        if DocumentUrl::is_meant(id.as_str()) && self.documents.are_taken() {
            let client = self.documents.client(id, self.now()).await?;
            return Ok(Some((*client).clone()));
        }
        // Only ids that were made here can be in the table; anything else costs no look-up.
        if !id.as_str().starts_with(ClientId::PREFIX) {
            return Ok(None);
        }
        let mut reader = self.store.read().await?;
        Ok(store::client::find(reader.conn(), id).await?)
    }
}
