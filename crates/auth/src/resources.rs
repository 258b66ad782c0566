//! The resources that tokens can be for, swapped while requests run.
//!
//! A grant or a transaction may name one that is gone, or that an administrator switched off: nothing is
//! issued for it any more.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use protocol::metadata::{AuthorizationServerFacts, AuthorizationServerMetadata};
use protocol::params::Params;
use protocol::{OAuthError, OAuthErrorCode, ResourceUri, Scopes};

use crate::config::{Config, Resource};
use crate::disabled::DisabledNow;

/// The resources that there are now.
pub(crate) struct Resources {
    set: ArcSwap<ResourceSet>,
    disabled: DisabledNow,
}

/// Resources that were made ready to be served, with what is published of them.
pub struct ResourceSet {
    /// The first is the default (RI-5).
    resources: Vec<Arc<Resource>>,
    /// The RFC 8414 document.
    metadata: Bytes,
}

impl Resources {
    pub(crate) fn new(set: ResourceSet, disabled: DisabledNow) -> Self {
        Self { set: ArcSwap::from_pointee(set), disabled }
    }

    /// Puts others in place of the present ones.
    pub(crate) fn replace(&self, set: ResourceSet) {
        self.set.store(Arc::new(set));
    }

    /// The resource that a `resource` parameter names.
    pub(crate) fn find(&self, uri: &ResourceUri) -> Option<Arc<Resource>> {
        let found = self.set.load().resources.iter().find(|one| one.uri == *uri).cloned();
        found.filter(|resource| !self.disabled.has_server(resource.uri.as_str()))
    }

    /// The resource that a token is for.
    pub(crate) fn of_audience(&self, audience: &str) -> Option<Arc<Resource>> {
        self.find(&ResourceUri::parse(audience).ok()?)
    }

    /// The resource that a request names (RFC 8707 §2), if it names one. It may do so several times.
    pub(crate) fn named(&self, params: &Params) -> Result<Option<Arc<Resource>>, OAuthError> {
        let refuse = |why: &'static str| OAuthErrorCode::InvalidTarget.because(why);
        let mut named: Option<Arc<Resource>> = None;
        for text in params.all("resource") {
            let uri = ResourceUri::parse(text)
                .map_err(|error| OAuthErrorCode::InvalidTarget.because(error.to_string()))?;
            let resource =
                self.find(&uri).ok_or_else(|| refuse("no such resource is served here"))?;
            if named.as_ref().is_some_and(|other| other.uri != resource.uri) {
                return Err(refuse("ask for one resource at a time"));
            }
            named = Some(resource);
        }
        Ok(named)
    }

    /// The first resource of one of these servers, by their names in this order.
    pub(crate) fn first_of(&self, servers: &[String]) -> Option<Arc<Resource>> {
        let set = self.set.load();
        let named = |name: &String| set.resources.iter().find(|resource| resource.name == *name);
        let first = servers.iter().find_map(named).cloned();
        first.filter(|resource| !self.disabled.has_server(resource.uri.as_str()))
    }

    /// The resource of a request that names none.
    pub(crate) fn default(&self) -> Option<Arc<Resource>> {
        let first = self.set.load().resources.first().cloned();
        first.filter(|resource| !self.disabled.has_server(resource.uri.as_str()))
    }

    /// The union of the resources' ceilings.
    pub(crate) fn ceiling(&self) -> Scopes {
        self.set.load().ceiling()
    }

    /// The RFC 8414 document.
    pub(crate) fn metadata(&self) -> Bytes {
        self.set.load().metadata.clone()
    }
}

impl ResourceSet {
    /// These resources at the authorization server of this configuration.
    pub(crate) fn new(
        config: &Config,
        resources: Vec<Resource>,
    ) -> Result<Self, serde_json::Error> {
        let resources = resources.into_iter().map(Arc::new).collect();
        let mut set = Self { resources, metadata: Bytes::new() };
        set.metadata = set.describe(config)?.into();
        Ok(set)
    }

    fn ceiling(&self) -> Scopes {
        self.resources.iter().fold(Scopes::NONE, |all, resource| all.or(resource.ceiling))
    }

    fn describe(&self, config: &Config) -> Result<Vec<u8>, serde_json::Error> {
        let facts = AuthorizationServerFacts {
            issuer: &config.issuer,
            scopes: self.ceiling(),
            dynamic_registration: config.registration.enabled,
            client_documents: config.documents.guard.is_some(),
            machines: !config.machines.is_empty(),
            resources: self.resources.iter().map(|resource| resource.uri.to_string()).collect(),
        };
        serde_json::to_vec(&AuthorizationServerMetadata::describe(&facts))
    }
}
