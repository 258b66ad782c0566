//! How many standing streams everybody holds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use upstream::shares::{Counts, Shares, Whose};

/// The counters of one server.
pub(crate) struct Slots {
    shares: Shares,
    taken: Mutex<Counts>,
}

/// A counted stream; dropping it frees the place.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    whose: Whose,
}

impl Slots {
    /// So many for each principal. How many there are in all is for connections to bound.
    pub(crate) fn new(of_principal: usize) -> Self {
        let shares = Shares { total: usize::MAX, of_principal };
        Self { shares, taken: Mutex::default() }
    }

    /// How many streams there are.
    pub(crate) fn open(&self) -> usize {
        self.taken().all()
    }

    /// A place for one more stream, if there is one.
    pub(crate) fn take(self: &Arc<Self>, whose: Whose) -> Option<Slot> {
        let taken = self.taken().take(self.shares, whose);
        taken.then(|| Slot { slots: Arc::clone(self), whose })
    }

    fn taken(&self) -> MutexGuard<'_, Counts> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.taken().free(self.whose);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// A6: a person with many clients has no more streams than through two of them.
    #[test]
    fn more_clients_are_not_more_streams() {
        let slots = Arc::new(Slots::new(2));
        let through = |client| slots.take(Whose::one(1).through(client));
        let held: Vec<Slot> = (10..30).filter_map(through).collect();
        assert_eq!(held.len(), 4);
    }

    /// T-MCP-50: places are per principal and come back.
    #[test]
    fn t_mcp_50_slots_are_counted_and_freed() {
        let slots = Arc::new(Slots::new(2));
        let (first, _second) =
            (slots.take(Whose::one(1)).unwrap(), slots.take(Whose::one(1)).unwrap());
        assert!(slots.take(Whose::one(1)).is_none());
        assert!(slots.take(Whose::one(2)).is_some());
        drop(first);
        assert!(slots.take(Whose::one(1)).is_some());
        assert_eq!(slots.open(), 1, "all others are free again");
    }
}
