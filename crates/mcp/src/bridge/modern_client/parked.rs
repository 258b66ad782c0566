//! A table of what waits for its principal to come back for it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::SecureRandom;

use crate::upstream::shares::{Shares, Whose};

/// Names one entry. Nobody can guess it, and yet it is no proof of anything: the principal is
/// compared as well (G-21).
pub(super) type Ticket = [u8; 16];

/// What waits, each entry with its owner.
pub(crate) struct Table<V>(Mutex<HashMap<Ticket, (Whose, V)>>);

/// There is no room: overall, or for this person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

/// Entries altogether, and of one person through one client.
const SHARES: Shares = Shares { total: 1_000, of_principal: 20 };

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V> Table<V> {
    /// Puts something in under a new ticket.
    pub(super) fn insert(&self, ticket: Ticket, whose: Whose, value: V) -> Result<(), NoRoom> {
        let mut waiting = self.lock();
        if !SHARES.have_room(waiting.values().map(|(owner, _)| *owner), whose) {
            return Err(NoRoom);
        }
        waiting.insert(ticket, (whose, value));
        Ok(())
    }

    /// Takes an entry of this principal out. Of several who come for it, one gets it.
    pub(super) fn take(&self, ticket: &Ticket, principal: &[u8; 32]) -> Option<V> {
        let mut waiting = self.lock();
        waiting.get(ticket).filter(|(owner, _)| owner.principal == *principal)?;
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

    fn lock(&self) -> MutexGuard<'_, HashMap<Ticket, (Whose, V)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A new ticket.
pub(super) fn ticket(random: &dyn SecureRandom) -> Ticket {
    let mut ticket = Ticket::default();
    random.fill(&mut ticket);
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
        table.insert([1; 16], Whose::one(1), "mine").unwrap();
        assert_eq!(table.take(&[1; 16], &[2; 32]), None);
        assert_eq!(table.take(&[1; 16], &[1; 32]), Some("mine"));
        assert_eq!(table.take(&[1; 16], &[1; 32]), None);
    }

    #[test]
    fn places_are_limited() {
        let table = Table::default();
        let insert = |number: usize, owner: usize| {
            let ticket = u128::try_from(number).unwrap().to_be_bytes();
            table.insert(ticket, Whose::one(u8::try_from(owner).unwrap()), ())
        };
        for number in 0..SHARES.of_principal {
            insert(number, 0).unwrap();
        }
        assert_eq!(insert(SHARES.total, 0), Err(NoRoom), "of one principal");
        for number in SHARES.of_principal..SHARES.total {
            insert(number, number / SHARES.of_principal).unwrap();
        }
        assert_eq!((insert(SHARES.total, 99), table.len()), (Err(NoRoom), SHARES.total), "of all");
        table.forget(&0_u128.to_be_bytes());
        insert(SHARES.total, 99).unwrap();
    }

    /// D-36: sixteen at once come for one entry.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn d_36_one_of_many_takes_it() {
        for _ in 0..100 {
            let (table, winners) = (Arc::new(Table::default()), Arc::new(AtomicUsize::new(0)));
            table.insert([1; 16], Whose::one(1), ()).unwrap();
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
