//! Legacy sessions: the server's own id travels sealed to the principal.
//!
//! A session id is never proof of anything (MCP security best practices, "Session Hijacking"):
//! the token is checked on each request, and another principal's id does not even open.

use std::sync::Arc;

use http::HeaderValue;
use kernel::Chance;
use kernel::encoding::sha256;
use kernel::seal::SealingKey;
use quick_cache::Equivalent;
use quick_cache::sync::Cache;

use crate::upstream::BackendId;
use crate::verify::Permit;

/// Seals and opens the session ids of one server.
pub(crate) struct Sessions {
    sealing: Sealing,
    opened: Cache<Name, Arc<Session>>,
    /// How many addresses the server behind has.
    backends: usize,
}

/// What seals and opens, the same for all servers.
#[derive(Clone)]
pub(crate) struct Sealing {
    pub(crate) key: Arc<SealingKey>,
    pub(crate) chance: Arc<dyn Chance>,
}

/// One session of one principal.
#[derive(Debug)]
pub(crate) struct Session {
    /// The id at the server behind.
    pub(crate) upstream: HeaderValue,
    /// Which of its addresses opened the session: only there it is known.
    pub(crate) backend: BackendId,
    /// The id that the client knows.
    pub(crate) sealed: HeaderValue,
    /// The revision that `initialize` agreed on; empty if it could not be read.
    pub(crate) version: String,
    /// Different for each session of each principal.
    pub(crate) digest: [u8; 32],
}

/// The id does not open for this principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoSuchSession;

/// Ours are far shorter unless the server behind uses very long ids.
const MAX_LENGTH: usize = 4096;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Name {
    principal: [u8; 32],
    sealed: Box<str>,
}

#[derive(Hash)]
struct NameRef<'a> {
    principal: &'a [u8; 32],
    sealed: &'a str,
}

impl Equivalent<Name> for NameRef<'_> {
    fn equivalent(&self, name: &Name) -> bool {
        *self.principal == name.principal && *self.sealed == *name.sealed
    }
}

impl Sessions {
    pub(crate) fn new(sealing: Sealing, entries: usize, backends: usize) -> Self {
        Self { sealing, opened: Cache::new(entries), backends }
    }

    /// A session that the server behind has just opened for this principal.
    pub(crate) fn seal(
        &self,
        permit: &Permit,
        (upstream, backend): (HeaderValue, BackendId),
        version: &str,
    ) -> Option<Arc<Session>> {
        let plain = format!("{version}\n{}\n{}", backend.0, upstream.to_str().ok()?);
        let Sealing { key, chance } = &self.sealing;
        let sealed = key.seal(plain.as_bytes(), permit.session_place(), &**chance);
        let value = HeaderValue::from_str(&sealed).ok()?;
        let session = Session::new(permit, (upstream, backend), value, version);
        Some(self.keep(permit, &sealed, session))
    }

    /// The session behind the id that a client sent.
    pub(crate) fn open(
        &self,
        permit: &Permit,
        unverified: &str,
    ) -> Result<Arc<Session>, NoSuchSession> {
        let name = NameRef { principal: permit.principal(), sealed: unverified };
        if let Some(session) = self.opened.get(&name) {
            return Ok(session);
        }
        if unverified.len() > MAX_LENGTH {
            return Err(NoSuchSession);
        }
        let plain =
            self.sealing.key.open(unverified, permit.session_place()).map_err(|_| NoSuchSession)?;
        let plain = std::str::from_utf8(&plain).map_err(|_| NoSuchSession)?;
        let (version, rest) = plain.split_once('\n').ok_or(NoSuchSession)?;
        let (backend, upstream) = rest.split_once('\n').ok_or(NoSuchSession)?;
        let backend = self.backend(backend).ok_or(NoSuchSession)?;
        let upstream = HeaderValue::from_str(upstream).map_err(|_| NoSuchSession)?;
        let value = HeaderValue::from_str(unverified).map_err(|_| NoSuchSession)?;
        let session = Session::new(permit, (upstream, backend), value, version);
        Ok(self.keep(permit, unverified, session))
    }

    /// An address that was taken out of the configuration took its sessions along.
    fn backend(&self, number: &str) -> Option<BackendId> {
        let number = number.parse().ok()?;
        (usize::from(number) < self.backends).then_some(BackendId(number))
    }

    fn keep(&self, permit: &Permit, sealed: &str, session: Session) -> Arc<Session> {
        let session = Arc::new(session);
        let name = Name { principal: *permit.principal(), sealed: sealed.into() };
        self.opened.insert(name, Arc::clone(&session));
        session
    }
}

impl Session {
    fn new(
        permit: &Permit,
        (upstream, backend): (HeaderValue, BackendId),
        sealed: HeaderValue,
        version: &str,
    ) -> Self {
        let place = backend.0.to_be_bytes();
        let parts = [permit.principal().as_slice(), place.as_slice(), upstream.as_bytes()];
        let digest = sha256(&parts.concat());
        Self { upstream, backend, sealed, version: version.to_owned(), digest }
    }
}
