//! The calls that wait for their principal to come back for them.

use kernel::SecureRandom;
use upstream::shares::Shares;

use super::park::Waiting;
use super::state::PATIENCE_SECONDS;
use crate::bridge::table::{Room, Table};

/// Names one call. Nobody can guess it, and yet it is no proof of anything: the principal is compared
/// as well (G-21).
pub(super) type Ticket = [u8; 16];

/// What waits.
pub(crate) type ParkedCalls = Table<Ticket, Waiting>;

/// Calls altogether, and of one person through one client. Each looks at the clock itself, so here
/// they may stay for a little longer.
const ROOM: Room = Room {
    shares: Shares { total: 1_000, of_principal: 20 },
    seconds: PATIENCE_SECONDS as i64 + 60,
};

/// No call waits yet.
pub(crate) fn none_yet() -> ParkedCalls {
    Table::new(ROOM)
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

    use kernel::Timestamp;
    use upstream::shares::Whose;

    use super::*;
    use crate::bridge::table::NoRoom;

    const NOW: Timestamp = Timestamp::from_millis(0);
    const SHARES: Shares = ROOM.shares;

    /// G-21: possession of a ticket is no proof.
    #[test]
    fn g_21_entries_have_owners() {
        let table = Table::new(ROOM);
        table.put([1; 16], Whose::one(1), "mine", NOW).unwrap();
        assert_eq!(table.take_own(&[1; 16], &[2; 32]), None);
        assert_eq!(table.take_own(&[1; 16], &[1; 32]), Some("mine"));
        assert_eq!(table.take_own(&[1; 16], &[1; 32]), None);
    }

    #[test]
    fn places_are_limited() {
        let table = Table::new(ROOM);
        let insert = |number: usize, owner: usize| {
            let ticket = u128::try_from(number).unwrap().to_be_bytes();
            table.put(ticket, Whose::one(u8::try_from(owner).unwrap()), (), NOW)
        };
        for number in 0..SHARES.of_principal {
            insert(number, 0).unwrap();
        }
        assert_eq!(insert(SHARES.total, 0), Err(NoRoom), "of one principal");
        for number in SHARES.of_principal..SHARES.total {
            insert(number, number / SHARES.of_principal).unwrap();
        }
        assert_eq!((insert(SHARES.total, 99), table.len()), (Err(NoRoom), SHARES.total), "of all");
        assert!(table.take_if(&0_u128.to_be_bytes(), |()| true).is_some());
        insert(SHARES.total, 99).unwrap();
    }

    /// D-36: sixteen at once come for one entry.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn d_36_one_of_many_takes_it() {
        for _ in 0..100 {
            let (table, winners) = (Arc::new(Table::new(ROOM)), Arc::new(AtomicUsize::new(0)));
            table.put([1; 16], Whose::one(1), (), NOW).unwrap();
            let start = Arc::new(tokio::sync::Barrier::new(16));
            let racers: Vec<_> = (0..16)
                .map(|_| {
                    let (table, winners) = (Arc::clone(&table), Arc::clone(&winners));
                    let start = Arc::clone(&start);
                    tokio::spawn(async move {
                        start.wait().await;
                        if table.take_own(&[1; 16], &[1; 32]).is_some() {
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
