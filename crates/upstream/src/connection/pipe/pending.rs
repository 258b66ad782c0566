//! The requests that are under way on one pipe, by our ids for them.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::mailbox::{Crammed, Mailbox, Slot, mailbox};
use crate::connection::{ConnectionError, ServerMessage};

/// The table.
pub(super) struct PendingRequests {
    under_way: HashMap<u64, PendingRequest>,
    /// The highest id so far.
    highest: u64,
    unclaimed: Unclaimed,
    closed: bool,
    calm_since: Instant,
    calmed: Arc<Notify>,
}

/// Answers of which nobody can tell whose they are, and the requests that one of them may be for.
/// Once no more requests are left than answers, none of them gets another.
#[derive(Default)]
struct Unclaimed {
    answers: usize,
    candidates: HashSet<u64>,
}

struct PendingRequest {
    slot: Slot,
    /// Whether it is a subscription, which no question can be about.
    standing: bool,
}

/// What became of a message for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Yes,
    /// There is no such request.
    Nobody,
    /// Whoever asked does not fetch what comes.
    Crammed,
}

/// Requests at the same time.
const LIMIT: usize = 256;

impl PendingRequests {
    pub(super) fn new() -> Self {
        Self {
            under_way: HashMap::new(),
            highest: 0,
            unclaimed: Unclaimed::default(),
            closed: false,
            calm_since: Instant::now(),
            calmed: Arc::default(),
        }
    }

    /// Notes a request. An id that is taken is as bad as no place.
    pub(super) fn register(&mut self, id: u64, standing: bool) -> Result<Mailbox, ConnectionError> {
        if self.closed {
            return Err(ConnectionError::Away);
        }
        if self.under_way.len() >= LIMIT {
            return Err(ConnectionError::Full);
        }
        let Entry::Vacant(place) = self.under_way.entry(id) else {
            return Err(ConnectionError::Full);
        };
        let (slot, mailbox) = mailbox();
        place.insert(PendingRequest { slot, standing });
        self.highest = self.highest.max(id);
        Ok(mailbox)
    }

    /// A message before the answer.
    pub(super) fn tell(&mut self, id: u64, heard: ServerMessage) -> Delivery {
        let Some(flight) = self.under_way.get(&id) else { return Delivery::Nobody };
        match flight.slot.put(heard) {
            Ok(()) => Delivery::Yes,
            Err(Crammed) => Delivery::Crammed,
        }
    }

    /// The last message of a request.
    pub(super) fn complete(
        &mut self,
        id: u64,
        last: Result<ServerMessage, ConnectionError>,
    ) -> Delivery {
        let Some(flight) = self.leave(id) else { return Delivery::Nobody };
        flight.slot.finish(last);
        Delivery::Yes
    }

    /// Whether there ever was a request with this id. Its answer may come when nobody waits any more.
    pub(super) fn knew(&self, id: u64) -> bool {
        id <= self.highest
    }

    /// An answer came of which nobody can tell whose it is. Whoever is sure to get no other hears so
    /// at once, and the others when they are. Says whether anybody waits who may have meant it.
    pub(super) fn unclaimed(&mut self) -> bool {
        let asking = self.under_way.iter().filter(|(_, flight)| !flight.standing);
        self.unclaimed.candidates.extend(asking.map(|(id, _)| *id));
        self.unclaimed.answers += 1;
        let meant = !self.unclaimed.candidates.is_empty();
        self.give_up_unclaimed();
        meant
    }

    /// Forgets a request that nobody waits for any more; says whether it was under way.
    pub(super) fn forget(&mut self, id: u64) -> bool {
        self.leave(id).is_some()
    }

    /// The one request that is under way, if it is only one. Subscriptions do not count.
    pub(super) fn only(&self) -> Option<u64> {
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
    pub(super) fn fail_all(&mut self) {
        self.closed = true;
        for (_, flight) in self.under_way.drain() {
            flight.slot.finish(Err(ConnectionError::Broken));
        }
        self.calmed.notify_waiters();
    }

    pub(super) fn calm_since(&self) -> Option<Instant> {
        self.under_way.is_empty().then_some(self.calm_since)
    }

    pub(super) fn calmed(&self) -> Arc<Notify> {
        Arc::clone(&self.calmed)
    }

    fn give_up_unclaimed(&mut self) {
        if self.unclaimed.candidates.len() > self.unclaimed.answers {
            return;
        }
        for id in std::mem::take(&mut self.unclaimed).candidates {
            self.complete(id, Err(ConnectionError::Unclaimed));
        }
    }

    fn leave(&mut self, id: u64) -> Option<PendingRequest> {
        let flight = self.under_way.remove(&id)?;
        if self.unclaimed.candidates.remove(&id) {
            self.give_up_unclaimed();
        }
        if self.under_way.is_empty() {
            self.calm_since = Instant::now();
            self.calmed.notify_one();
        }
        Some(flight)
    }
}
