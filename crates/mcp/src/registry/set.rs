//! One version of the set of servers, and what is different between two.

use std::cmp::Reverse;
use std::sync::Arc;

use protocol::ResourceUri;

use crate::config::{ConfigError, ServerConfig};
use crate::endpoint::server::Server;
use crate::request::endpoint::Foundation;
use crate::request::pulse::Retired;

/// One version of the set.
pub(super) struct Servers {
    /// Longest path first, so that `/mcp/hr` is not taken for something below `/mcp`.
    entries: Vec<Entry>,
}

/// A server and what it was made from.
pub(super) struct Entry {
    pub(super) config: ServerConfig,
    pub(super) server: Arc<Server>,
}

/// What a replacement of the servers changed, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Servers that were not there before.
    pub added: Vec<String>,
    /// Servers whose configuration is another one now.
    pub changed: Vec<String>,
    /// Servers that are gone.
    pub removed: Vec<String>,
}

/// What is different between two versions.
pub(crate) struct Difference {
    /// Servers of names that are new.
    pub(crate) added: Vec<Arc<Server>>,
    /// Servers that took the place of another of their name.
    changed: Vec<Arc<Server>>,
    /// Servers whose names are gone.
    pub(crate) removed: Vec<Arc<Server>>,
    /// Servers whose place another of their name took.
    replaced: Vec<Arc<Server>>,
}

impl Changes {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

impl Servers {
    pub(super) fn of(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_key(|entry| Reverse(entry.server.endpoint.path.len()));
        Self { entries }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Server>> {
        self.entries.iter().map(|entry| &entry.server)
    }

    /// The server with exactly this configuration.
    pub(super) fn same(&self, config: &ServerConfig) -> Option<Arc<Server>> {
        let entry = self.entries.iter().find(|entry| entry.config == *config)?;
        Some(Arc::clone(&entry.server))
    }

    /// The server whose tokens are for this resource.
    pub(super) fn of_resource(&self, resource: &ResourceUri) -> Option<Arc<Server>> {
        let entry = self.entries.iter().find(|entry| entry.is_for(resource))?;
        Some(Arc::clone(&entry.server))
    }

    /// The server of the same name, if it has the same upstream.
    pub(super) fn predecessor(&self, config: &ServerConfig) -> Option<&Server> {
        let is_same = |entry: &&Entry| {
            entry.config.name == config.name
                && entry.config.upstream.identity() == config.upstream.identity()
        };
        self.entries.iter().find(is_same).map(|entry| &*entry.server)
    }

    fn has_name(&self, name: &str) -> bool {
        self.all().any(|server| *server.endpoint.name == *name)
    }

    fn holds(&self, server: &Arc<Server>) -> bool {
        self.all().any(|known| Arc::ptr_eq(known, server))
    }
}

impl Entry {
    /// The server of this configuration. What is kept for calls that cross eras it takes over from its
    /// `predecessor`, so that nobody waits in vain for a person's answer.
    pub(super) fn build(
        config: ServerConfig,
        foundation: &Foundation,
        predecessor: Option<&Server>,
    ) -> Result<Self, ConfigError> {
        let server = Arc::new(Server::new(&config, foundation, predecessor)?);
        Ok(Self { config, server })
    }

    fn is_for(&self, resource: &ResourceUri) -> bool {
        let sse = self.config.sse.as_ref().map(|front| &front.resource);
        std::iter::once(&self.config.resource).chain(sse).any(|own| own == resource)
    }
}

impl Difference {
    pub(super) fn between(before: &Servers, after: &Servers) -> Self {
        let new = after.all().filter(|server| !before.holds(server)).cloned();
        let gone = before.all().filter(|server| !after.holds(server)).cloned();
        let (changed, added) = new.partition(|server| before.has_name(&server.endpoint.name));
        let (replaced, removed) = gone.partition(|server| after.has_name(&server.endpoint.name));
        Self { added, changed, removed, replaced }
    }

    /// The same by names.
    pub(crate) fn names(&self) -> Changes {
        let names = |servers: &[Arc<Server>]| {
            let mut names: Vec<_> =
                servers.iter().map(|server| server.endpoint.name.to_string()).collect();
            names.sort_unstable();
            names
        };
        Changes {
            added: names(&self.added),
            changed: names(&self.changed),
            removed: names(&self.removed),
        }
    }

    /// The servers that serve nothing new any more, and why.
    pub(super) fn retired(&self) -> impl Iterator<Item = (&Arc<Server>, Retired)> {
        let replaced = self.replaced.iter().map(|server| (server, Retired::Replaced));
        replaced.chain(self.removed.iter().map(|server| (server, Retired::Removed)))
    }
}
