//! Finding clients: the configuration first, then those that registered themselves, and those that are
//! described at their id.

use std::net::IpAddr;

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
    /// The client with this id, if there is one and nobody switched it off. `from` is who wants to know:
    /// nobody may make this server fetch documents without end.
    pub(crate) async fn client(
        &self,
        id: &ClientId,
        from: IpAddr,
    ) -> Result<Option<Client>, CannotTell> {
        let is_document = DocumentUrl::is_meant(id.as_str()) && self.documents.are_taken();
        // T-CIMD-19: what an operator wrote down is never asked for elsewhere.
        if !is_document || self.configured(id).is_some() || self.disabled.has_client(id) {
            return Ok(self.registered(id).await?);
        }
        let may_fetch = || self.throttle.document(from);
        let client = self.documents.client(id, self.now(), may_fetch).await?;
        // CI-18: a list of expected redirect URIs is for these clients, too, each time.
        let expected = &self.config.registration.allowed_redirects;
        if !expected.is_empty() && !client.redirect_uris.iter().all(|uri| expected.admits(uri)) {
            let why = "an administrator has to add its redirect_uris to \
                       oauth.registration.allowed_redirects";
            return Err(NoDocument::Bad(why.to_owned()).into());
        }
        Ok(Some((*client).clone()))
    }

    /// The client with this id that an operator configured or that registered itself, if nobody switched it
    /// off.
    pub(crate) async fn registered(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        if self.disabled.has_client(id) {
            return Ok(None);
        }
        if let Some(configured) = self.configured(id) {
            return Ok(Some(configured.clone()));
        }
        // Only ids that were made here can be in the table; anything else costs no look-up.
        if !id.as_str().starts_with(ClientId::PREFIX) {
            return Ok(None);
        }
        let mut reader = self.store.read().await?;
        store::client::find(reader.conn(), id).await
    }

    fn configured(&self, id: &ClientId) -> Option<&Client> {
        self.config.clients.iter().find(|client| client.id == *id)
    }
}
