//! The session in which a message comes.

use super::revision::Revision;
use crate::bridge::{NO_SESSION, State};
use crate::reply::Refused;
use crate::reply::failure::{Failure, Malformed};
use crate::request::Call;
use crate::request::session::Facts;

/// A session that the sidecar holds, as one message sees it.
#[derive(Clone, Debug)]
pub(super) struct ClientSession {
    pub(super) facts: Facts,
    pub(super) revision: Revision,
    /// Names the session of this principal.
    pub(super) digest: [u8; 32],
}

impl ClientSession {
    /// The session that this message names. D-01: whatever is not `initialize` needs one, and one
    /// that was ended is as unknown as one that never was.
    pub(super) fn of(call: &Call<'_>, state: &State) -> Result<Self, Refused> {
        let Some(session) = &call.session else {
            return Err(call.refused(Failure::Message(Malformed::Request, NO_SESSION)));
        };
        let facts = session.facts().ok_or_else(|| call.gone())?;
        let digest = session.digest;
        if state.legacy_clients.has_ended(&digest) {
            return Err(call.gone());
        }
        Ok(Self { facts: facts.clone(), revision: Revision::agreed(&session.version), digest })
    }
}
