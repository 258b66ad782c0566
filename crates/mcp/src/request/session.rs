//! Legacy sessions: the server's own id travels sealed to the principal.
//!
//! A session id is never proof of anything (MCP security best practices, "Session Hijacking"):
//! the token is checked on each request, and another principal's id does not even open.

use std::sync::Arc;

use http::HeaderValue;
use kernel::encoding::sha256;
use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use upstream::UpstreamConfig;
use upstream::http::BackendId;
use upstream::wire::headers::to_keep;

use crate::access::Permit;
use crate::sealing::Sealing;

/// Seals and opens the session ids of one server.
pub(crate) struct Sessions {
    sealing: Sealing,
    opened: Cache<Name, Arc<Session>>,
    /// Digests of sessions that their servers forgot.
    lost: Cache<[u8; 32], ()>,
    /// What the upstream is: a session that the sidecar holds is for that and no other.
    identity: String,
    /// The names of its addresses.
    backends: Vec<String>,
}

/// One session of one principal.
#[derive(Debug)]
pub(crate) struct Session {
    /// Where it is held.
    pub(crate) held: Held,
    /// The id that the client knows.
    pub(crate) sealed: HeaderValue,
    /// The revision that `initialize` agreed on; empty if it could not be read.
    pub(crate) version: String,
    /// Different for each session of each principal.
    pub(crate) digest: [u8; 32],
}

/// Where a session is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// At the upstream, under this id of its own, and known only at the address that opened
    /// it.
    Behind { id: HeaderValue, backend: BackendId },
    /// By the sidecar itself, which bridges to an upstream that knows no such session.
    Here(Facts),
}

/// What a session that the sidecar holds was opened with. All of it travels in the session's id,
/// so that any replica can serve it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Facts {
    /// `capabilities` of the client's `initialize`, as JSON, unknown ones left out.
    pub(crate) capabilities: String,
    /// `clientInfo`, as JSON.
    pub(crate) client_info: String,
    /// The replica that answered `initialize`, as [`crate::passthrough::replica`] names it; it holds what can
    /// not travel: the standing stream and what was subscribed to.
    pub(crate) home: String,
    /// Different for each session.
    pub(crate) nonce: String,
}

/// The id does not open for this principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoSuchSession;

/// Ours are far shorter unless the upstream uses very long ids.
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
    /// The sessions of a server with this upstream.
    pub(crate) fn new(sealing: Sealing, entries: usize, upstream: &UpstreamConfig) -> Self {
        let (identity, backends) = (upstream.identity(), upstream.address_names());
        let (opened, lost) = (Cache::new(entries), Cache::new(entries));
        Self { sealing, opened, lost, identity, backends }
    }

    /// A session that was just opened for this principal, in this revision.
    pub(crate) fn seal(&self, permit: &Permit, held: Held, version: &str) -> Option<Arc<Session>> {
        let plain = match &held {
            Held::Behind { id, backend } => {
                let backend = self.backends.get(usize::from(backend.0))?;
                format!("behind\n{version}\n{backend}\n{}", id.to_str().ok()?)
            }
            Held::Here(facts) => {
                let facts = serde_json::to_string(facts).ok()?;
                format!("here\n{version}\n{}\n{facts}", self.identity)
            }
        };
        let Sealing { key, random } = &self.sealing;
        let sealed = key.seal(plain.as_bytes(), permit.session_place(), &**random);
        if sealed.len() > MAX_LENGTH {
            return None;
        }
        let value = HeaderValue::from_str(&sealed).ok()?;
        let session = Session::new(permit, held.detached(), value, version);
        Some(self.keep(permit, &sealed, session))
    }

    /// The upstream forgot this session, and its client could not be told so where it asked.
    pub(crate) fn lose(&self, digest: [u8; 32]) {
        self.lost.insert(digest, ());
    }

    /// Whether that is so.
    pub(crate) fn is_lost(&self, digest: &[u8; 32]) -> bool {
        !self.lost.is_empty() && self.lost.get(digest).is_some()
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
        let (held, version) = self.read(&plain).ok_or(NoSuchSession)?;
        let value = HeaderValue::from_str(unverified).map_err(|_| NoSuchSession)?;
        Ok(self.keep(permit, unverified, Session::new(permit, held, value, &version)))
    }

    fn read(&self, plain: &[u8]) -> Option<(Held, String)> {
        let mut lines = std::str::from_utf8(plain).ok()?.splitn(4, '\n');
        let (kind, version) = (lines.next()?, lines.next()?);
        let (upstream, rest) = (lines.next()?, lines.next()?);
        let held = match kind {
            "behind" => {
                let id = HeaderValue::from_str(rest).ok()?;
                Held::Behind { id, backend: self.backend(upstream)? }
            }
            "here" if upstream == self.identity => Held::Here(serde_json::from_str(rest).ok()?),
            _ => return None,
        };
        Some((held, version.to_owned()))
    }

    /// An address that was taken out of the configuration took its sessions along.
    fn backend(&self, name: &str) -> Option<BackendId> {
        let place = self.backends.iter().position(|known| known == name)?;
        u16::try_from(place).ok().map(BackendId)
    }

    fn keep(&self, permit: &Permit, sealed: &str, session: Session) -> Arc<Session> {
        let session = Arc::new(session);
        let name = Name { principal: *permit.principal(), sealed: sealed.into() };
        self.opened.insert(name, Arc::clone(&session));
        session
    }
}

impl Held {
    /// The same, holding nothing else.
    fn detached(self) -> Self {
        match self {
            Self::Behind { id, backend } => Self::Behind { id: to_keep(&id), backend },
            Self::Here(facts) => Self::Here(facts),
        }
    }
}

impl Session {
    fn new(permit: &Permit, held: Held, sealed: HeaderValue, version: &str) -> Self {
        let principal = permit.principal().as_slice();
        let digest = match &held {
            Held::Behind { id, backend } => {
                sha256(&[principal, backend.0.to_be_bytes().as_slice(), id.as_bytes()].concat())
            }
            Held::Here(facts) => sha256(&[principal, facts.nonce.as_bytes()].concat()),
        };
        Self { held, sealed, version: version.to_owned(), digest }
    }

    /// The id at the upstream, if the session is there.
    pub(crate) fn upstream(&self) -> Option<&HeaderValue> {
        match &self.held {
            Held::Behind { id, .. } => Some(id),
            Held::Here(_) => None,
        }
    }

    /// Which address of the upstream knows the session, if it is there.
    pub(crate) fn backend(&self) -> Option<BackendId> {
        match &self.held {
            Held::Behind { backend, .. } => Some(*backend),
            Held::Here(_) => None,
        }
    }

    /// What it was opened with, if the sidecar holds it.
    pub(crate) fn facts(&self) -> Option<&Facts> {
        match &self.held {
            Held::Behind { .. } => None,
            Held::Here(facts) => Some(facts),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use bytes::Bytes;
    use kernel::OsRandom;
    use upstream::{EraChoice, Transport};

    use super::*;

    /// Up to 10,000 sessions are kept, and the id of each arrives in a buffer of 8 KiB.
    #[test]
    fn a_kept_session_holds_no_buffer() {
        let key = Arc::new(kernel::seal::SealingKey::from_bytes([7; 32]));
        let sealing = Sealing { key, random: Arc::new(OsRandom::new()) };
        let sessions = Sessions::new(
            sealing,
            10,
            &crate::testing::server(Transport::Http, EraChoice::Both).upstream,
        );
        let permit = Permit::without_token([1; 32]);
        let buffer = Bytes::from(vec![b'x'; 8192]);
        let id = HeaderValue::from_maybe_shared(buffer.slice(100..120)).unwrap();
        let held = Held::Behind { id, backend: BackendId(0) };
        let session = sessions.seal(&permit, held, "2025-11-25").unwrap();
        assert_eq!(session.upstream().unwrap(), &"x".repeat(20));
        assert!(buffer.is_unique());
    }
}
