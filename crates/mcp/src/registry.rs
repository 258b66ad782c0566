//! The servers that exist now, and which path is whose.
//!
//! The set is immutable and swapped as a whole, so that a request sees one version of it: it keeps
//! the server that it found, whatever is swapped meanwhile. Reading takes no lock.

mod owner;
mod set;
#[cfg(test)]
mod tests;
pub(crate) mod watch;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;
use kernel::Timestamp;
use protocol::ResourceUri;

use crate::config;
use crate::config::{ConfigError, ServerConfig};
use crate::endpoint::server::Server;
use crate::request::endpoint::Foundation;
use set::{Entry, Servers};

pub(crate) use owner::PathOwner;
pub use set::Changes;
pub(crate) use set::Difference;

/// The servers, swapped while requests run.
pub(crate) struct Registry {
    current: ArcSwap<Servers>,
    foundation: Foundation,
    /// Servers that were replaced or removed, looked after until nobody uses them any more. Locked
    /// for the whole of a replacement, so that there is one at a time.
    retired: Mutex<Vec<Weak<Server>>>,
    version: tokio::sync::watch::Sender<u64>,
}

impl Registry {
    /// These servers, built on `foundation`.
    pub(crate) fn new(
        foundation: Foundation,
        configs: Vec<ServerConfig>,
    ) -> Result<Self, ConfigError> {
        config::check_servers(&configs)?;
        let entries = configs.into_iter().map(|config| Entry::build(config, &foundation, None));
        let servers = Servers::of(entries.collect::<Result<_, _>>()?);
        Ok(Self {
            current: ArcSwap::from_pointee(servers),
            foundation,
            retired: Mutex::default(),
            version: tokio::sync::watch::Sender::new(0),
        })
    }

    /// Whom this path belongs to now.
    pub(crate) fn owner_of(&self, path: &str) -> Option<PathOwner> {
        self.current.load().all().find_map(|server| owner::of(server, path))
    }

    /// The server of this name.
    #[cfg(test)]
    pub(crate) fn named(&self, name: &str) -> Option<Arc<Server>> {
        self.current.load().all().find(|server| *server.endpoint.name == *name).cloned()
    }

    /// The server whose tokens are for this resource, be it that of its front for clients of
    /// 2024-11-05.
    pub(crate) fn of_resource(&self, resource: &ResourceUri) -> Option<Arc<Server>> {
        self.current.load().of_resource(resource)
    }

    /// All servers, longest path first.
    pub(crate) fn servers(&self) -> Vec<Arc<Server>> {
        self.current.load().all().cloned().collect()
    }

    /// Tells of each new version of the set.
    pub(crate) fn versions(&self) -> tokio::sync::watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Puts these servers in place of the present ones, all of them or none. A server whose
    /// configuration is the same stays the very object that it is, with its sessions, streams,
    /// children and caches.
    pub(crate) fn replace(&self, configs: Vec<ServerConfig>) -> Result<Difference, ConfigError> {
        config::check_servers(&configs)?;
        let mut retired = self.retired();
        let before = self.current.load_full();
        let entries = configs.into_iter().map(|config| {
            if let Some(server) = before.same(&config) {
                return Ok(Entry { config, server });
            }
            let predecessor = before.predecessor(&config);
            Entry::build(config, &self.foundation, predecessor)
        });
        let after = Servers::of(entries.collect::<Result<_, _>>()?);
        let difference = Difference::between(&before, &after);
        self.current.store(Arc::new(after));
        for (server, why) in difference.retired() {
            server.endpoint.pulse.retire(why);
            self.let_go(server);
            retired.push(Arc::downgrade(server));
        }
        self.version.send_modify(|version| *version += 1);
        Ok(difference)
    }

    /// Ends what nobody used for long. A request that began before its server was retired may have
    /// opened a connection since; that ends here too.
    pub(crate) fn sweep(&self, now: Timestamp) {
        for server in self.servers() {
            server.sweep(now);
        }
        self.retired().retain(|server| {
            let server = server.upgrade();
            server.inspect(|server| self.let_go(server)).is_some()
        });
    }

    /// Ends what a retired server holds, but for what its successor goes on with.
    fn let_go(&self, server: &Server) {
        if self.current.load().all().any(|current| server.is_succeeded_by(current)) {
            server.end_connections();
        } else {
            server.end();
        }
    }

    /// Ends everything that nobody uses at this moment.
    pub(crate) fn end(&self) {
        for server in self.servers() {
            server.end();
        }
        for server in self.retired().iter().filter_map(Weak::upgrade) {
            server.end();
        }
    }

    /// How many retired servers somebody still uses.
    #[cfg(test)]
    pub(crate) fn still_in_use(&self) -> usize {
        self.retired().iter().filter(|server| server.strong_count() > 0).count()
    }

    fn retired(&self) -> MutexGuard<'_, Vec<Weak<Server>>> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
