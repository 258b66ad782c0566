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

use remote::RemoteCatalogue;

/// Whoever knows the tools. Without an answer the consent page shows the scopes' own texts.
pub(super) enum Catalogue {
    /// The sidecar of this process.
    InProcess(Arc<Sidecar>),
    /// Sidecars elsewhere.
    Apart(RemoteCatalogue),
}

impl Catalogue {
    pub(super) fn of(
        sidecar: Option<Arc<Sidecar>>,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Arc<Self>> {
        Ok(Arc::new(match sidecar {
            Some(sidecar) => Self::InProcess(sidecar),
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
        let resource = resource.clone();
        match self {
            Self::InProcess(sidecar) => {
                async move { sidecar.catalogue(&resource, &person).await }.boxed()
            }
            Self::Apart(remote) => {
                async move { remote.tools(&resource, person, &credential).await }.boxed()
            }
        }
    }
}
