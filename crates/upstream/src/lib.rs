//! The MCP client half: everything that speaks to an upstream MCP server, and nothing else. It knows
//! no request that comes to the sidecar, and no policy.
//!
//! An [`Upstream`] is one server as its [`UpstreamConfig`] says that it is reached, with all that is
//! kept open to it. From the bottom up:
//!
//! - [`wire`]: JSON that is spliced, server-sent events, the generations of the protocol;
//! - [`http`]: one HTTP exchange with one of its addresses, circuit breaker and health included;
//! - [`connection`]: a [`connection::Connection`] over Streamable HTTP, HTTP with server-sent events,
//!   or the pipes of a child process; in a session with a legacy server or without one;
//! - [`Eras`]: what the server speaks, as configured or as it said when it was asked.
//!
//! Beside these, [`shares`] bounds what is held for one person, [`pacing`] says how soon a stream is
//! opened again, and [`tally`] counts.

mod config;
pub mod connection;
mod eras;
pub mod http;
pub mod pacing;
mod probe;
pub mod shares;
mod silence;
pub mod tally;
#[cfg(any(test, feature = "test-support"))]
pub mod test_support;
pub mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::encoding::sha256;
use kernel::{Clock, SecureRandom, Timestamp};
use protocol::mcp::method::INITIALIZE;
use tokio_util::task::TaskTracker;

pub use self::config::{
    ChildConfig, ConfigError, EraChoice, HttpConfig, Limits, Transport, UpstreamAuth,
    UpstreamConfig,
};
pub use self::eras::{Eras, Speaks};
pub use self::probe::{own_declaration, own_meta};

use self::connection::child::{self, slots::Children};
use self::connection::legacy::{Declared, LegacyPeer};
use self::connection::pool::{Owned, Pool};
use self::connection::streamable::HttpConnection;
use self::connection::{Caller, Connection, ConnectionError, sse};
use self::http::HttpUpstream;
use self::silence::Silence;
use crate::shares::Whose;
use crate::wire::Era;

/// An upstream.
pub struct Upstream {
    /// The name of its server.
    pub name: String,
    /// Its addresses.
    pub http: HttpUpstream,
    /// How messages reach it.
    pub transport: Transport,
    /// What it speaks, as far as that is known.
    pub eras: Eras,
    means: Means,
    silence: Silence,
    /// Sessions with a legacy server, by whose they are and what was declared (D-30).
    peers: Pool<PeerKey, LegacyPeer>,
    /// Connections to a modern server that is not reached over HTTP, by whose they are.
    pipes: Pool<Owner, Box<dyn Connection>>,
    /// The child processes among all these.
    children: Children,
    tools_changed: Box<dyn Fn() + Send + Sync>,
    last_id: AtomicU64,
    /// What tests connect to instead.
    #[cfg(any(test, feature = "test-support"))]
    script: std::sync::OnceLock<test_support::Script>,
}

/// What an upstream needs from around it.
#[derive(Clone)]
pub struct Means {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where chance comes from.
    pub random: Arc<dyn SecureRandom>,
    /// What holds for every upstream.
    pub limits: Limits,
    /// Tasks that end sessions, which a stop waits for.
    pub closing: TaskTracker,
}

/// Whose a kept connection is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Owner {
    /// One person through one client.
    Principal(Whose),
    /// Everybody: one child for all, as configured.
    Everybody,
}

impl Owned for Owner {
    type Owner = Self;

    fn owner(&self) -> &Self {
        self
    }

    fn is_of_the_person_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Principal(mine), Self::Principal(theirs)) => mine.person == theirs.person,
            _ => self == other,
        }
    }
}

/// What a session with a legacy server depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
struct PeerKey {
    owner: Owner,
    /// What was declared is as long as a client likes, so its digest stands for it.
    declared: [u8; 32],
    /// Different where sessions must not be shared even so.
    session: Option<[u8; 32]>,
}

impl Owned for PeerKey {
    type Owner = Owner;

    fn owner(&self) -> &Owner {
        &self.owner
    }

    fn is_of_the_person_of(&self, other: &Self) -> bool {
        self.owner.is_of_the_person_of(&other.owner)
    }
}

/// How many connections are kept for one upstream.
const PLACES: usize = 2_000;
/// How long one is kept that nobody uses.
const IDLE_SECONDS: i64 = 600;

impl Upstream {
    /// The upstream of this configuration. Nothing is asked of it yet. `tools_changed` runs whenever
    /// it says that its tools changed.
    ///
    /// # Errors
    ///
    /// What [`UpstreamConfig::check`] does not see: a value that fits into no header, or
    /// certificates that cannot be used.
    pub fn new(
        config: &UpstreamConfig,
        means: Means,
        tools_changed: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        let idle_seconds = match &config.transport {
            Transport::Stdio(child) => child.idle_seconds,
            Transport::Http | Transport::HttpSse => IDLE_SECONDS,
        };
        Ok(Self {
            name: config.name.clone(),
            http: HttpUpstream::new(config, &means.limits, &means.clock, &means.random)?,
            transport: config.transport.clone(),
            eras: Eras::new(config.eras),
            means,
            silence: Silence::default(),
            peers: Pool::new(PLACES, idle_seconds),
            pipes: Pool::new(PLACES, idle_seconds),
            children: Children::default(),
            tools_changed: Box::new(tools_changed),
            last_id: AtomicU64::new(0),
            #[cfg(any(test, feature = "test-support"))]
            script: std::sync::OnceLock::new(),
        })
    }

    /// An id that no other request to a modern server has: over a pipe many share one connection.
    pub fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Ends what nobody used for long, and forgets what ended by itself.
    pub fn sweep(&self, now: Timestamp) {
        self.peers.sweep(now, LegacyPeer::is_open);
        self.pipes.sweep(now, |connection| connection.is_open());
        self.http.sweep();
    }

    /// Ends everything that nobody uses at this moment.
    pub fn end(&self) {
        self.peers.clear();
        self.pipes.clear();
    }

    /// A new connection of this caller's; nothing was said over it yet.
    pub(crate) async fn connect(
        self: &Arc<Self>,
        caller: &Caller,
        era: Era,
    ) -> Result<Box<dyn Connection>, ConnectionError> {
        #[cfg(any(test, feature = "test-support"))]
        if let Some(script) = self.script.get() {
            return Ok(script());
        }
        match &self.transport {
            Transport::Http => Ok(Box::new(HttpConnection::new(self, era))),
            Transport::HttpSse => Ok(Box::new(sse::open(self, caller).await?)),
            Transport::Stdio(config) => Ok(Box::new(child::open(self, caller, era, config).await?)),
        }
    }

    /// The session of this caller with a legacy server, opened if there is none.
    pub async fn legacy_peer(
        self: &Arc<Self>,
        caller: &Caller,
        declared: &Declared,
        session: Option<[u8; 32]>,
    ) -> Result<Arc<LegacyPeer>, ConnectionError> {
        let key = PeerKey { owner: self.owner(caller), declared: declared.digest(), session };
        let open = || {
            let opened = async {
                let connection = self.connect(caller, Era::Legacy).await?;
                LegacyPeer::open(connection, caller, declared).await
            };
            self.opening(INITIALIZE, Box::pin(opened))
        };
        self.peers.get(&key, self.now(), LegacyPeer::is_open, open).await
    }

    /// The connection of this caller to a modern server.
    pub async fn modern_connection(
        self: &Arc<Self>,
        caller: &Caller,
    ) -> Result<Arc<Box<dyn Connection>>, ConnectionError> {
        let (owner, now) = (self.owner(caller), self.now());
        let open = || self.connect(caller, Era::Modern);
        self.pipes.get(&owner, now, |connection| connection.is_open(), open).await
    }

    /// Whether one connection serves everybody.
    pub fn is_shared_by_everyone(&self) -> bool {
        matches!(&self.transport, Transport::Stdio(child) if child.shared_by_everyone)
    }

    /// Whose connections this caller's are.
    pub fn owner(&self, caller: &Caller) -> Owner {
        match &self.transport {
            _ if self.is_shared_by_everyone() => Owner::Everybody,
            // A child is told the user type when it starts, so it is not for another one.
            Transport::Stdio(_) => {
                let whose = caller.whose;
                let user_type = caller.user_type.as_str().as_bytes();
                let principal = sha256(&[&whose.principal, user_type].concat());
                Owner::Principal(Whose { principal, ..whose })
            }
            Transport::Http | Transport::HttpSse => Owner::Principal(caller.whose),
        }
    }

    fn now(&self) -> Timestamp {
        self.means.clock.now()
    }
}
