//! The tools behind each scope, for the consent page: asked of the sidecar in this process, or of
//! the one that runs apart.

mod remote;

use std::sync::Arc;

use anyhow::Context as _;
use auth::ToolCatalogue;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use kernel::Clock;
use mcp::Sidecar;
use protocol::ResourceUri;
use protocol::catalogue::{CatalogueTool, Consenting};

use crate::config::Settings;
use remote::RemoteCatalogue;

/// Whoever knows the tools. Without an answer the consent page shows the scopes' own texts.
pub(super) enum Catalogue {
    /// The sidecar of this process, and the names under which it knows the resources.
    InProcess(Arc<Sidecar>, Vec<(ResourceUri, String)>),
    /// Sidecars elsewhere.
    Apart(RemoteCatalogue),
}

impl Catalogue {
    pub(super) fn of(
        sidecar: Option<Arc<Sidecar>>,
        settings: &Settings,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Arc<Self>> {
        let servers = settings.mcp.servers.iter();
        let pairs = servers.flat_map(|server| {
            let sse = server.sse.as_ref().map(|sse| &sse.resource);
            let resources = std::iter::once(&server.resource).chain(sse);
            resources.map(|resource| (resource.clone(), server.name.clone()))
        });
        let names = pairs.collect();
        Ok(Arc::new(match sidecar {
            Some(sidecar) => Self::InProcess(sidecar, names),
            None => Self::Apart(
                RemoteCatalogue::new(Arc::clone(clock)).context("TLS cannot be set up")?,
            ),
        }))
    }
}

impl ToolCatalogue for Catalogue {
    fn tools(
        &self,
        resource: &ResourceUri,
        person: Consenting,
        credential: String,
    ) -> BoxFuture<'_, Option<Arc<Vec<CatalogueTool>>>> {
        match self {
            Self::InProcess(sidecar, names) => {
                let known = names.iter().find(|(uri, _)| uri == resource);
                async move { sidecar.catalogue(&known?.1, &person).await }.boxed()
            }
            Self::Apart(remote) => {
                let resource = resource.clone();
                async move { remote.tools(&resource, person, &credential).await }.boxed()
            }
        }
    }
}
