//! Finding clients: the configuration first, then those that registered themselves.

use model::{Client, ClientId};
use store::StoreError;

use crate::server::AuthServer;

impl AuthServer {
    /// The client with this id, if there is one and nobody switched it off.
    pub(crate) async fn client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        if self.disabled.has_client(id) {
            return Ok(None);
        }
        if let Some(configured) = self.config.clients.iter().find(|client| client.id == *id) {
            return Ok(Some(configured.clone()));
        }
        // Only ids that were made here can be in the table; anything else costs no look-up.
        if !id.as_str().starts_with(ClientId::PREFIX) {
            return Ok(None);
        }
        let mut reader = self.store.read().await?;
        store::client::find(reader.conn(), id).await
    }
}
