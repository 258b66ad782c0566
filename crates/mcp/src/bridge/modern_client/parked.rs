//! A table of what waits for its principal to come back for it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::Chance;

/// Names one entry. Nobody can guess it, and yet it is no proof of anything: the principal is
/// compared as well (G-21).
pub(super) type Ticket = [u8; 16];

/// What waits, each entry with its owner.
pub(crate) struct Table<V>(Mutex<HashMap<Ticket, ([u8; 32], V)>>);

/// There is no room: overall, or for this principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

/// Entries altogether.
const PLACES: usize = 1_000;
/// Entries of one principal.
const PLACES_OF_ONE: usize = 20;

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V> Table<V> {
    /// Puts something in under a new ticket.
    pub(super) fn insert(
        &self,
        ticket: Ticket,
        principal: &[u8; 32],
        value: V,
    ) -> Result<(), NoRoom> {
        let mut waiting = self.lock();
        let own = waiting.values().filter(|(owner, _)| owner == principal).count();
        if waiting.len() >= PLACES || own >= PLACES_OF_ONE {
            return Err(NoRoom);
        }
        waiting.insert(ticket, (*principal, value));
        Ok(())
    }

    /// Takes an entry of this principal out. Of several who come for it, one gets it.
    pub(super) fn take(&self, ticket: &Ticket, principal: &[u8; 32]) -> Option<V> {
        let mut waiting = self.lock();
        waiting.get(ticket).filter(|(owner, _)| owner == principal)?;
        waiting.remove(ticket).map(|(_, value)| value)
    }

    /// Throws an entry away.
    pub(super) fn forget(&self, ticket: &Ticket) {
        let entry = self.lock().remove(ticket);
        // Not under the lock: what is dropped may have a word to say.
        drop(entry);
    }

    /// How many wait.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Ticket, ([u8; 32], V)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A new ticket.
pub(super) fn ticket(chance: &dyn Chance) -> Ticket {
    let mut ticket = Ticket::default();
    chance.fill(&mut ticket);
    ticket
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// G-21: possession of a ticket is no proof.
    #[test]
    fn g_21_entries_have_owners() {
        let table = Table::default();
        table.insert([1; 16], &[1; 32], "mine").unwrap();
        assert_eq!(table.take(&[1; 16], &[2; 32]), None);
        assert_eq!(table.take(&[1; 16], &[1; 32]), Some("mine"));
        assert_eq!(table.take(&[1; 16], &[1; 32]), None);
    }

    #[test]
    fn places_are_limited() {
        let table = Table::default();
        let insert = |number: usize, owner: usize| {
            let ticket = u128::try_from(number).unwrap().to_be_bytes();
            table.insert(ticket, &[u8::try_from(owner).unwrap(); 32], ())
        };
        for number in 0..PLACES_OF_ONE {
            insert(number, 0).unwrap();
        }
        assert_eq!(insert(PLACES, 0), Err(NoRoom), "of one principal");
        for number in PLACES_OF_ONE..PLACES {
            insert(number, number / PLACES_OF_ONE).unwrap();
        }
        assert_eq!((insert(PLACES, 99), table.len()), (Err(NoRoom), PLACES), "of all");
        table.forget(&0_u128.to_be_bytes());
        insert(PLACES, 99).unwrap();
    }

    /// D-36: sixteen at once come for one entry.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn d_36_one_of_many_takes_it() {
        for _ in 0..100 {
            let (table, winners) = (Arc::new(Table::default()), Arc::new(AtomicUsize::new(0)));
            table.insert([1; 16], &[1; 32], ()).unwrap();
            let start = Arc::new(tokio::sync::Barrier::new(16));
            let racers: Vec<_> = (0..16)
                .map(|_| {
                    let (table, winners) = (Arc::clone(&table), Arc::clone(&winners));
                    let start = Arc::clone(&start);
                    tokio::spawn(async move {
                        start.wait().await;
                        if table.take(&[1; 16], &[1; 32]).is_some() {
                            winners.fetch_add(1, Ordering::SeqCst);
                        }
                    })
                })
                .collect();
            for racer in racers {
                racer.await.unwrap();
            }
            assert_eq!(winners.load(Ordering::SeqCst), 1);
        }
    }
}
