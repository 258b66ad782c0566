//! The servers of a running process, swapped for others while requests run.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use auth::AuthServer;
use mcp::{Changes, Sidecar};

use super::{auth_role, hosts, mcp_role};
use crate::config::{PublicUrl, ServerSettings, Settings};

/// Who has to know of the servers, and which ones there are.
pub(super) struct Servers {
    auth: Option<Arc<AuthServer>>,
    sidecar: Option<Arc<Sidecar>>,
    public_url: PublicUrl,
    own_hosts: Vec<String>,
    current: Mutex<Vec<ServerSettings>>,
}

impl Servers {
    pub(super) fn new(
        settings: &Settings,
        auth: Option<&Arc<AuthServer>>,
        sidecar: Option<&Arc<Sidecar>>,
    ) -> Self {
        Self {
            auth: auth.map(Arc::clone),
            sidecar: sidecar.map(Arc::clone),
            public_url: settings.public_url.clone(),
            own_hosts: hosts::own(settings),
            current: Mutex::new(settings.mcp.servers.clone()),
        }
    }

    /// Puts the servers of `settings` in place of the present ones, all of them or none.
    ///
    /// The sidecar changes before the authorization server does: so no token is issued for a server
    /// that nobody serves yet, and one that goes accepts nothing any more before it is forgotten;
    /// a token that is issued in the moment between opens nothing.
    pub(super) fn replace(&self, settings: &Settings) -> anyhow::Result<Changes> {
        anyhow::ensure!(
            settings.public_url == self.public_url,
            "public_url is another one, from which the URLs of all servers follow; restart to \
             change it"
        );
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let servers = &settings.mcp.servers;
        let resources = auth_role::resources(servers);
        let auth = self.auth.as_ref();
        let auth = auth.map(|auth| auth.prepare_resources(resources).map(|set| (auth, set)));
        let auth = auth.transpose()?;
        if let Some(sidecar) = &self.sidecar {
            let configs = mcp_role::servers(&self.public_url, servers);
            sidecar.replace(configs).context("the sidecar cannot serve them")?;
            let own = self.own_hosts.iter().cloned();
            sidecar.allow_hosts(own.chain(hosts::of(servers)).collect());
        }
        if let Some((auth, resources)) = auth {
            auth.replace_resources(resources);
        }
        let changes = difference(&current, servers);
        current.clone_from(servers);
        Ok(changes)
    }
}

/// What is different, by names, in the order of the file.
fn difference(before: &[ServerSettings], after: &[ServerSettings]) -> Changes {
    let named = |servers: &[ServerSettings], name: &str| {
        servers.iter().find(|server| server.name == name).cloned()
    };
    let mut changes = Changes::default();
    for server in after {
        match named(before, &server.name) {
            None => changes.added.push(server.name.clone()),
            Some(known) if known != *server => changes.changed.push(server.name.clone()),
            Some(_) => {}
        }
    }
    let gone = before.iter().filter(|server| named(after, &server.name).is_none());
    changes.removed = gone.map(|server| server.name.clone()).collect();
    changes
}
