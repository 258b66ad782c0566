//! The tools behind each scope, for the consent page.

use std::sync::Arc;

use auth::ToolCatalogue;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use mcp::Sidecar;
use protocol::catalogue::CatalogueTool;
use protocol::{ResourceUri, UserType};

use crate::config::Settings;

/// Asks the sidecar of this process. An authorization server that runs apart shows the scopes'
/// own texts.
pub(super) struct Catalogue {
    sidecar: Option<Arc<Sidecar>>,
    names: Vec<(ResourceUri, String)>,
}

impl Catalogue {
    pub(super) fn of(sidecar: Option<Arc<Sidecar>>, settings: &Settings) -> Arc<Self> {
        let servers = settings.mcp.servers.iter();
        let names = servers.map(|server| (server.resource.clone(), server.name.clone())).collect();
        Arc::new(Self { sidecar, names })
    }
}

impl ToolCatalogue for Catalogue {
    fn tools(
        &self,
        resource: &ResourceUri,
        user_type: UserType,
    ) -> BoxFuture<'_, Option<Arc<Vec<CatalogueTool>>>> {
        let name = self.names.iter().find(|(uri, _)| uri == resource).map(|(_, name)| name);
        async move { self.sidecar.as_ref()?.catalogue(name?, user_type).await }.boxed()
    }
}
