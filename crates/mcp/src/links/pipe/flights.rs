//! The requests that are under way on one pipe, by our ids for them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::mailbox::{Crammed, Mailbox, Slot, mailbox};
use crate::links::{Heard, LinkError};

/// The table.
pub(super) struct Flights {
    under_way: HashMap<u64, Flight>,
    closed: bool,
    calm_since: Instant,
    calmed: Arc<Notify>,
}

struct Flight {
    slot: Slot,
    /// Whether it is a subscription, which no question can be about.
    standing: bool,
}

/// What became of a message for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Yes,
    /// There is no such request.
    Nobody,
    /// Whoever asked does not fetch what comes.
    Crammed,
}

/// Requests at the same time.
const LIMIT: usize = 256;

impl Flights {
    pub(super) fn new() -> Self {
        Self {
            under_way: HashMap::new(),
            closed: false,
            calm_since: Instant::now(),
            calmed: Arc::default(),
        }
    }

    /// Notes a request. An id that is taken is as bad as no place.
    pub(super) fn board(&mut self, id: u64, standing: bool) -> Result<Mailbox, LinkError> {
        if self.closed {
            return Err(LinkError::Away);
        }
        if self.under_way.len() >= LIMIT {
            return Err(LinkError::Full);
        }
        let Entry::Vacant(place) = self.under_way.entry(id) else {
            return Err(LinkError::Full);
        };
        let (slot, mailbox) = mailbox();
        place.insert(Flight { slot, standing });
        Ok(mailbox)
    }

    /// A message before the answer.
    pub(super) fn tell(&mut self, id: u64, heard: Heard) -> Told {
        let Some(flight) = self.under_way.get(&id) else { return Told::Nobody };
        match flight.slot.put(heard) {
            Ok(()) => Told::Yes,
            Err(Crammed) => Told::Crammed,
        }
    }

    /// The last message of a request.
    pub(super) fn land(&mut self, id: u64, last: Result<Heard, LinkError>) -> Told {
        let Some(flight) = self.leave(id) else { return Told::Nobody };
        flight.slot.finish(last);
        Told::Yes
    }

    /// Forgets a request that nobody waits for any more; says whether it was under way.
    pub(super) fn forget(&mut self, id: u64) -> bool {
        self.leave(id).is_some()
    }

    /// The one request that is under way, if it is only one. Subscriptions do not count.
    pub(super) fn lone(&self) -> Option<u64> {
        let mut asking = self.under_way.iter().filter(|(_, flight)| !flight.standing);
        match (asking.next(), asking.next()) {
            (Some((id, _)), None) => Some(*id),
            _ => None,
        }
    }

    /// Whether this request is a subscription.
    pub(super) fn is_standing(&self, id: u64) -> bool {
        self.under_way.get(&id).is_some_and(|flight| flight.standing)
    }

    /// The connection is over: so is everything that was under way.
    pub(super) fn crash(&mut self) {
        self.closed = true;
        for (_, flight) in self.under_way.drain() {
            flight.slot.finish(Err(LinkError::Broken));
        }
        self.calmed.notify_waiters();
    }

    pub(super) fn calm_since(&self) -> Option<Instant> {
        self.under_way.is_empty().then_some(self.calm_since)
    }

    pub(super) fn calmed(&self) -> Arc<Notify> {
        Arc::clone(&self.calmed)
    }

    fn leave(&mut self, id: u64) -> Option<Flight> {
        let flight = self.under_way.remove(&id)?;
        if self.under_way.is_empty() {
            self.calm_since = Instant::now();
            self.calmed.notify_one();
        }
        Some(flight)
    }
}
