//! People whose provider is disabled, there or by an administrator, or was removed from the
//! configuration, and machines that were disabled, removed or given less there. Disabled means at every
//! entry: no session, code or refresh token of theirs is worth anything, and the access tokens that
//! they hold are in the status lists.
//!
//! Nothing of it is written down: the configuration of today decides. So everything goes on if the
//! provider is enabled again, as far as it did not expire meanwhile.

use std::sync::{Arc, PoisonError, RwLock};

use model::{Client, Grant, GrantId, Subject};
use protocol::{OAuthError, OAuthErrorCode};
use store::unit::RecordProviderGone;
use store::{Conn, Store, StoreError};

use crate::answer::ClientFailure;
use crate::config::Config;
use crate::disabled::DisabledNow;
use crate::server::AuthServer;

/// The providers that once had people here and are not there any more.
pub(crate) struct GoneProviders(RwLock<Arc<[String]>>);

impl GoneProviders {
    /// Compares the people in the database with the configuration.
    pub(crate) async fn find(
        config: &Config,
        disabled: &DisabledNow,
        store: &Store,
    ) -> Result<Self, StoreError> {
        let found = look(config, disabled, store).await?;
        for provider in &*found {
            tracing::warn!(
                provider,
                "provider.gone: its people have no access, nor have their apps"
            );
        }
        Ok(Self(RwLock::new(found)))
    }

    /// Compares again: people may have come through a replica that has another configuration.
    /// Whether anything is different now.
    pub(crate) async fn find_again(
        &self,
        config: &Config,
        disabled: &DisabledNow,
        store: &Store,
    ) -> Result<bool, StoreError> {
        let found = look(config, disabled, store).await?;
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let differs = *known != found;
        *known = found;
        Ok(differs)
    }

    /// The status indices of what their people granted, in this range.
    pub(crate) async fn grants_between(
        &self,
        conn: &mut Conn,
        from: u64,
        to: u64,
    ) -> Result<Vec<u64>, StoreError> {
        let gone = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        let mut all = Vec::new();
        for provider in &*gone {
            all.extend(store::grant::live_of_provider_between(conn, provider, from, to).await?);
        }
        Ok(all)
    }
}

async fn look(
    config: &Config,
    disabled: &DisabledNow,
    store: &Store,
) -> Result<Arc<[String]>, StoreError> {
    let mut reader = store.read().await?;
    let all = store::subject::providers(reader.conn()).await?;
    let gone = |id: &String| !config.has_provider(id) || disabled.has_provider(id);
    Ok(all.into_iter().filter(gone).collect())
}

impl AuthServer {
    /// Whether somebody may do anything here: nobody disabled the person or the person's provider.
    pub(crate) fn is_active(&self, subject: &Subject) -> bool {
        subject.disabled_at.is_none() && self.has_provider(&subject.identity.provider)
    }

    /// Whether people of this provider may be here.
    pub(crate) fn has_provider(&self, id: &str) -> bool {
        self.config.has_provider(id) && !self.disabled.has_provider(id)
    }

    /// Whether the configuration still gives a machine what its grant says.
    pub(crate) fn still_assigns(&self, grant: &Grant) -> bool {
        let resource = self.resources.find(&grant.resource);
        self.config.machine(&grant.client).zip(resource).is_some_and(|(machine, resource)| {
            machine.scopes.contains_all(grant.scopes) && machine.servers.contains(&resource.name)
        })
    }

    /// Refuses a client whose person's provider is gone, for the record. What the client holds is
    /// not touched.
    pub(crate) async fn refuse_if_gone(
        &self,
        client: &Client,
        subject: &Subject,
        grant: Option<&GrantId>,
    ) -> Result<(), ClientFailure> {
        if self.has_provider(&subject.identity.provider) {
            return Ok(());
        }
        let unit = RecordProviderGone {
            client: client.id.clone(),
            subject: subject.clone(),
            grant: grant.cloned(),
            now: self.now(),
        };
        self.store.write(unit).await?;
        tracing::info!(client.id = %client.id, subject.id = %subject.id,
            provider = subject.identity.provider, "refused: the person's provider is gone");
        Err(switched_off().into())
    }
}

fn switched_off() -> OAuthError {
    OAuthErrorCode::InvalidGrant
        .because("the person's way to sign in is switched off here; ask for a new authorization")
}
