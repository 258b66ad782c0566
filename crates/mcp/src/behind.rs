//! Which generations of MCP an upstream speaks, and how it is reached.

mod ask;
mod eras;
mod silence;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use eras::Eras;
use kernel::encoding::sha256;

use crate::bridge::modern_client::ParkedCalls;
use crate::bridge::relay::Relays;
use crate::config::Transport;
use crate::connection::child::{self, slots::Children};
use crate::connection::legacy::{Declared, LegacyPeer};
use crate::connection::pool::{Owned, Pool};
use crate::connection::sse;
use crate::connection::streamable::HttpConnection;
use crate::connection::{Caller, Connection, ConnectionError};
use crate::mirror::Era;
use crate::server::Server;
use crate::shares::Whose;
use crate::sidecar::Shared;
use silence::Silence;

/// What the sidecar keeps open to one upstream.
pub(crate) struct Behind {
    pub(crate) eras: Eras,
    /// Sessions with a legacy server, by whose they are and what was declared (D-30).
    pub(crate) peers: Pool<PeerKey, LegacyPeer>,
    /// Connections to a modern server that is not reached over HTTP, by whose they are.
    pub(crate) pipes: Pool<Owner, Box<dyn Connection>>,
    /// Calls at a legacy server that wait for their clients (D-36).
    pub(crate) parked: ParkedCalls,
    /// Sessions of legacy clients that are relayed (D-70).
    pub(crate) relays: Relays,
    /// What tests connect to instead.
    #[cfg(test)]
    pub(crate) script: std::sync::OnceLock<Script>,
    /// The child processes among all these.
    pub(crate) children: Children,
    silence: Silence,
    last_id: AtomicU64,
}

/// Makes the connections of a test.
#[cfg(test)]
pub(crate) type Script = Box<dyn Fn() -> Box<dyn Connection> + Send + Sync>;

/// Whose a kept connection is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
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

impl Owned for PeerKey {
    type Owner = Owner;

    fn owner(&self) -> &Owner {
        &self.owner
    }

    fn is_of_the_person_of(&self, other: &Self) -> bool {
        self.owner.is_of_the_person_of(&other.owner)
    }
}

/// What a session with a legacy server depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct PeerKey {
    pub(crate) owner: Owner,
    /// What was declared is as long as a client likes, so its digest stands for it.
    pub(crate) declared: [u8; 32],
    /// Different where sessions must not be shared even so.
    pub(crate) session: Option<[u8; 32]>,
}

/// How many connections are kept for one upstream.
const PLACES: usize = 2_000;
/// How long one is kept that nobody uses.
const IDLE_SECONDS: i64 = 600;

impl Behind {
    pub(crate) fn new(choice: crate::config::EraChoice, transport: &Transport) -> Self {
        let idle_seconds = match transport {
            Transport::Stdio(child) => child.idle_seconds,
            Transport::Http | Transport::HttpSse => IDLE_SECONDS,
        };
        Self {
            eras: Eras::new(choice),
            peers: Pool::new(PLACES, idle_seconds),
            pipes: Pool::new(PLACES, idle_seconds),
            parked: ParkedCalls::default(),
            relays: Relays::default(),
            children: Children::default(),
            silence: Silence::default(),
            last_id: AtomicU64::new(0),
            #[cfg(test)]
            script: std::sync::OnceLock::new(),
        }
    }

    /// An id that no other request to a modern server has: over a pipe many share one connection.
    pub(crate) fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Behind {
    /// Ends what nobody used for long, and forgets what ended by itself.
    pub(crate) fn sweep(&self, now: kernel::Timestamp) {
        self.relays.sweep(now);
        self.peers.sweep(now, LegacyPeer::is_open);
        self.pipes.sweep(now, |connection| connection.is_open());
    }

    /// Ends everything that nobody uses at this moment.
    pub(crate) fn end(&self) {
        self.relays.clear();
        self.peers.clear();
        self.pipes.clear();
    }
}

impl Server {
    /// A new connection of this caller's to the upstream; nothing was said over it yet.
    pub(crate) async fn connect(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        caller: &Caller,
        era: Era,
    ) -> Result<Box<dyn Connection>, ConnectionError> {
        #[cfg(test)]
        if let Some(script) = self.behind.script.get() {
            return Ok(script());
        }
        match &self.transport {
            Transport::Http => Ok(Box::new(HttpConnection::new(shared, self, era))),
            Transport::HttpSse => Ok(Box::new(sse::open(self, shared, caller).await?)),
            Transport::Stdio(config) => {
                Ok(Box::new(child::open(self, shared, caller, era, config).await?))
            }
        }
    }

    /// Whose connections this caller's are.
    pub(crate) fn owner(&self, caller: &Caller) -> Owner {
        match &self.transport {
            Transport::Stdio(child) if child.shared_by_everyone => Owner::Everybody,
            // A child is told the user type when it starts, so it is not for another one.
            Transport::Stdio(_) => {
                let user_type = caller.permit.user_type().as_str().as_bytes();
                let whose = caller.permit.whose();
                let principal = sha256(&[&whose.principal, user_type].concat());
                Owner::Principal(Whose { principal, ..whose })
            }
            _ => Owner::Principal(caller.permit.whose()),
        }
    }

    /// The session of this caller with a legacy server, opened if there is none.
    pub(crate) async fn legacy_peer(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        caller: &Caller,
        declared: &Declared,
        session: Option<[u8; 32]>,
    ) -> Result<Arc<LegacyPeer>, ConnectionError> {
        let owner = self.owner(caller);
        let key = PeerKey { owner, declared: declared.digest(), session };
        let open = || {
            let opened = async {
                let connection = self.connect(shared, caller, Era::Legacy).await?;
                LegacyPeer::open(connection, caller, declared).await
            };
            self.opening("initialize", Box::pin(opened))
        };
        self.behind.peers.get(&key, shared.trust.now(), LegacyPeer::is_open, open).await
    }

    /// The connection of this caller to a modern server.
    pub(crate) async fn modern_connection(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        caller: &Caller,
    ) -> Result<Arc<Box<dyn Connection>>, ConnectionError> {
        let open = || self.connect(shared, caller, Era::Modern);
        self.behind
            .pipes
            .get(&self.owner(caller), shared.trust.now(), |connection| connection.is_open(), open)
            .await
    }
}
