//! Favourites: requests that a person keeps at hand.

use super::Records;
use super::id::Id;
use super::requests::Request;
use crate::caller::Caller;
use crate::refusal::Refusal;

const MAX_PER_PERSON: usize = 100;

impl Records {
    /// Keeps a request at hand for the caller. Keeping it twice changes nothing.
    pub(crate) fn keep(&mut self, caller: &Caller, request: Id<Request>) -> Result<(), Refusal> {
        let me = caller.person();
        self.requests.get(request)?;
        let mine = self.favourites.iter().filter(|(person, _)| *person == me).count();
        if mine >= MAX_PER_PERSON && !self.favourites.contains(&(me, request)) {
            let reason = format!("{MAX_PER_PERSON} favourites are enough; remove one first");
            return Err(Refusal::WrongState(reason));
        }
        self.favourites.insert((me, request));
        Ok(())
    }
}
