//! What an administrator switched off, whatever the configuration says of it (GR-2).
//!
//! It is in the database, and each replica keeps it in memory: nothing of it is looked up for a request.
//! What a replica does before it notices comes to nothing: the database itself makes no grant of it.

use std::collections::HashSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use model::{ClientId, Disabled, DisabledKind, Subject};
use store::{Store, StoreError};

/// What is switched off now.
#[derive(Clone)]
pub(crate) struct DisabledNow(Arc<ArcSwap<HashSet<Disabled>>>);

impl DisabledNow {
    pub(crate) async fn load(store: &Store) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(ArcSwap::from_pointee(read(store).await?))))
    }

    /// Reads it again.
    pub(crate) async fn reload(&self, store: &Store) -> Result<(), StoreError> {
        self.0.store(Arc::new(read(store).await?));
        Ok(())
    }

    pub(crate) fn has_client(&self, id: &ClientId) -> bool {
        self.has(DisabledKind::Client, id.as_str())
    }

    pub(crate) fn has_organization(&self, name: &str) -> bool {
        self.has(DisabledKind::Organization, name)
    }

    pub(crate) fn has_provider(&self, id: &str) -> bool {
        self.has(DisabledKind::Provider, id)
    }

    /// The server with this resource.
    pub(crate) fn has_server(&self, resource: &str) -> bool {
        self.has(DisabledKind::Server, resource)
    }

    /// Takes away the organizations that are switched off. `false` if the person had some and has none
    /// left: then nobody is there for whom the person could act.
    pub(crate) fn leaves_organization(&self, subject: &mut Subject) -> bool {
        let organizations = &mut subject.identity.organizations;
        let had_some = !organizations.is_empty();
        organizations.retain(|name| !self.has_organization(name));
        !had_some || !organizations.is_empty()
    }

    fn has(&self, kind: DisabledKind, name: &str) -> bool {
        let disabled = self.0.load();
        // Nearly always nothing is switched off.
        !disabled.is_empty() && disabled.contains(&Disabled::new(kind, name))
    }
}

async fn read(store: &Store) -> Result<HashSet<Disabled>, StoreError> {
    let mut reader = store.read().await?;
    let all = store::disabled::all(reader.conn()).await?;
    Ok(all.into_iter().map(|(disabled, _)| disabled).collect())
}
