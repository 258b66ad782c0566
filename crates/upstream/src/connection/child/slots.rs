//! How many children there may be, whose they are, and when the next may start.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use kernel::Timestamp;
use tokio::sync::Notify;

use crate::connection::ConnectionError;
use crate::connection::pipe::{Core, End};
use crate::shares::{Shares, Whose};

/// The children of one server.
#[derive(Default)]
pub(crate) struct Children {
    seated: Mutex<Vec<Weak<ProcessSlot>>>,
    freed: Arc<Notify>,
    trouble: Mutex<Trouble>,
}

/// A place for one child; dropping it frees the place.
pub(crate) struct ProcessSlot {
    whose: Whose,
    core: OnceLock<Weak<Core>>,
    freed: Arc<Notify>,
}

/// How many children there may be.
#[derive(Clone, Copy)]
pub(super) struct Room {
    pub(super) limit: usize,
    /// How long a child has to be idle before it makes room for another person.
    pub(super) courtesy: Duration,
}

#[derive(Default)]
struct Trouble {
    /// In a row.
    failures: u32,
    until: Option<Timestamp>,
}

/// Children of one principal: each session that a client opens may need its own, and nobody
/// should take all places.
const EACH: usize = 8;
/// How long the end of an older child is waited for.
const PATIENCE: Duration = Duration::from_secs(6);
const LONGEST_PAUSE_SECONDS: i64 = 60;

impl Children {
    /// A place for a child of this person. Whoever has no place left gives up the own child that
    /// was not used for longest; where nobody has one left, whoever has most children does.
    pub(super) async fn seat(
        &self,
        room: Room,
        whose: Whose,
    ) -> Result<Arc<ProcessSlot>, ConnectionError> {
        let waiting = async {
            let mut asked_to_end = false;
            loop {
                let freed = self.freed.notified();
                tokio::pin!(freed);
                freed.as_mut().enable();
                if let Some(seat) = self.try_seat(room.limit, whose) {
                    return Ok(seat);
                }
                if !asked_to_end && !self.end_one(room, whose) {
                    return Err(ConnectionError::Full);
                }
                asked_to_end = true;
                freed.await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or(Err(ConnectionError::Full))
    }

    /// A child that fails at once is not started again at once, except for the first time: some
    /// servers end when they are asked what they do not know.
    pub(super) fn may_start(&self, now: Timestamp) -> Result<(), ConnectionError> {
        let until = self.trouble().until;
        if until.is_some_and(|until| now < until) { Err(ConnectionError::Away) } else { Ok(()) }
    }

    /// A child could not start, or ended before it answered.
    pub(super) fn failed(&self, now: Timestamp) {
        let mut trouble = self.trouble();
        trouble.failures = trouble.failures.saturating_add(1);
        let doublings = trouble.failures.saturating_sub(2).min(6);
        let pause = (1_i64 << doublings).min(LONGEST_PAUSE_SECONDS);
        trouble.until = (trouble.failures > 1).then(|| now.plus_seconds(pause));
    }

    /// A child answered, so the next may start at any time.
    pub(crate) fn prospered(&self) {
        *self.trouble() = Trouble::default();
    }

    fn try_seat(&self, total: usize, whose: Whose) -> Option<Arc<ProcessSlot>> {
        let mut seated = self.seated();
        seated.retain(|seat| seat.strong_count() > 0);
        let held: Vec<Whose> = seated.iter().filter_map(|s| Some(s.upgrade()?.whose)).collect();
        if !shares(total).have_room(held.into_iter(), whose) {
            return None;
        }
        let freed = Arc::clone(&self.freed);
        let seat = Arc::new(ProcessSlot { whose, core: OnceLock::new(), freed });
        seated.push(Arc::downgrade(&seat));
        Some(seat)
    }

    /// Ends a child that nobody needs now; says whether there was one. Children of others only have
    /// to go if they have been idle for a while, and if their person has more of them than this
    /// one, whose own share is not used up.
    fn end_one(&self, room: Room, whose: Whose) -> bool {
        let seats: Vec<Arc<ProcessSlot>> = self.seated().iter().filter_map(Weak::upgrade).collect();
        let of = |person: [u8; 32]| seats.iter().filter(|seat| seat.whose.person == person).count();
        let mine = of(whose.person);
        let in_share = shares(room.limit).have_own_room(seats.iter().map(|seat| seat.whose), whose);
        let may_end = |seat: &&Arc<ProcessSlot>| {
            let holder = seat.whose.person;
            holder == whose.person || in_share && of(holder) > mine
        };
        let calm = |seat: &Arc<ProcessSlot>| {
            let core = seat.core.get()?.upgrade()?;
            // One that is ending already will do.
            let since = if core.is_open() { Some(core.calm_since()?) } else { None };
            let holder = seat.whose.person;
            let calm_for = since.map_or(Duration::MAX, |since| since.elapsed());
            if holder != whose.person && calm_for < room.courtesy {
                return None;
            }
            Some(((holder != whose.person, Reverse(of(holder)), since), core))
        };
        let first = seats.iter().filter(may_end).filter_map(calm).min_by_key(|(order, _)| *order);
        let Some((_, core)) = first else { return false };
        core.shut(End::Unneeded);
        true
    }

    fn seated(&self) -> std::sync::MutexGuard<'_, Vec<Weak<ProcessSlot>>> {
        self.seated.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trouble(&self) -> std::sync::MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shares(total: usize) -> Shares {
    Shares { total, of_principal: EACH }
}

impl ProcessSlot {
    pub(super) fn take_by(&self, core: &Arc<Core>) {
        let _ = self.core.set(Arc::downgrade(core));
    }
}

impl Drop for ProcessSlot {
    fn drop(&mut self) {
        self.freed.notify_waiters();
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn room(limit: usize) -> Room {
        Room { limit, courtesy: Duration::from_secs(30) }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn pauses_grow_and_end_with_an_answer() {
        let children = Children::default();
        children.failed(at(0));
        assert_eq!(children.may_start(at(0)), Ok(()), "once at once");
        for (failure, pause) in [(0, 1), (100, 2), (200, 4), (300, 8), (400, 16), (500, 32)] {
            children.failed(at(failure));
            assert_eq!(children.may_start(at(failure + pause - 1)), Err(ConnectionError::Away));
            assert_eq!(children.may_start(at(failure + pause)), Ok(()));
        }
        children.failed(at(600));
        children.failed(at(700));
        assert_eq!(children.may_start(at(759)), Err(ConnectionError::Away));
        assert_eq!(children.may_start(at(760)), Ok(()), "never longer than a minute");
        children.prospered();
        children.failed(at(800));
        assert_eq!(children.may_start(at(800)), Ok(()));
    }

    #[tokio::test]
    async fn places_are_limited_for_all_and_for_each() {
        let children = Children::default();
        let seat = |limit, whose| children.seat(room(limit), Whose::one(whose));
        let mut mine = Vec::new();
        for _ in 0..EACH {
            mine.push(seat(EACH + 4, 1).await.unwrap());
        }
        assert_eq!(seat(EACH + 4, 1).await.err(), Some(ConnectionError::Full), "one's own limit");
        mine.push(seat(EACH + 1, 2).await.unwrap());
        let other = seat(EACH + 2, 2).await.unwrap();
        assert_eq!(seat(EACH + 2, 3).await.err(), Some(ConnectionError::Full), "everybody's limit");
        drop(other);
        assert!(seat(EACH + 2, 3).await.is_ok());
    }

    /// A6: one person with fifty clients took all fifty children.
    #[tokio::test]
    async fn more_clients_are_not_more_children() {
        let (children, mut held) = (Children::default(), Vec::new());
        for client in 100..150 {
            held.extend(children.seat(room(50), Whose::one(1).through(client)).await);
        }
        assert_eq!(held.len(), 2 * EACH);
        assert!(children.seat(room(50), Whose::one(2)).await.is_ok());
    }
}
