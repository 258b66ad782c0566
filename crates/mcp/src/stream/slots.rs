//! How many standing streams each principal holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The counters of one server.
pub(crate) struct Slots {
    limit: usize,
    taken: Mutex<HashMap<[u8; 32], usize>>,
}

/// A counted stream; dropping it frees the place.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    principal: [u8; 32],
}

impl Slots {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, taken: Mutex::default() }
    }

    /// How many streams there are.
    pub(crate) fn open(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// A place for one more stream, if there is one.
    pub(crate) fn take(self: &Arc<Self>, principal: [u8; 32]) -> Option<Slot> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(principal).or_default();
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        Some(Slot { slots: Arc::clone(self), principal })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.principal) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.principal);
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// T-MCP-50: places are per principal and come back.
    #[test]
    fn t_mcp_50_slots_are_counted_and_freed() {
        let slots = Arc::new(Slots::new(2));
        let (first, _second) = (slots.take([1; 32]).unwrap(), slots.take([1; 32]).unwrap());
        assert!(slots.take([1; 32]).is_none());
        assert!(slots.take([2; 32]).is_some());
        drop(first);
        assert!(slots.take([1; 32]).is_some());
        assert_eq!(slots.taken.lock().unwrap().len(), 1, "the second principal left no trace");
    }
}
