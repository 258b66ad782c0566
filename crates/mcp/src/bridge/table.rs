//! What is held for principals: so much in all, so much for each, and for so long.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::Timestamp;
use upstream::shares::{Counts, Shares, Whose};

/// Held values by key, each with its owner. Whoever takes one must show that it is theirs: a key is no
/// proof of anything (G-20, G-21).
pub(crate) struct Table<K, V> {
    room: Room,
    held: Mutex<Held<K, V>>,
}

/// How much may be held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) shares: Shares,
    /// How long, unless it is touched.
    pub(super) seconds: i64,
}

/// All places are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

struct Held<K, V> {
    places: HashMap<K, Place<V>>,
    counts: Counts,
}

struct Place<V> {
    value: V,
    whose: Whose,
    until: Timestamp,
}

// What is let go is dropped after the lock: it may have a word to say.
impl<K: Clone + Eq + Hash, V> Table<K, V> {
    pub(super) fn new(room: Room) -> Self {
        let held = Held { places: HashMap::new(), counts: Counts::default() };
        Self { room, held: Mutex::new(held) }
    }

    /// Holds a value, in place of an older one under the same key.
    pub(super) fn put(&self, key: K, whose: Whose, value: V, now: Timestamp) -> Result<(), NoRoom> {
        let mut let_go = Vec::new();
        let mut held = self.lock();
        let_go.extend(held.remove(&key));
        if !held.counts.take(self.room.shares, whose) {
            let_go.extend(held.let_go(|place| now >= place.until));
            if !held.counts.take(self.room.shares, whose) {
                drop(held);
                return Err(NoRoom);
            }
        }
        let until = now.plus_seconds(self.room.seconds);
        held.places.insert(key, Place { value, whose, until });
        drop(held);
        Ok(())
    }

    /// Takes a value out if it is the right one.
    pub(super) fn take_if(&self, key: &K, right: impl Fn(&V) -> bool) -> Option<V> {
        let mut held = self.lock();
        held.places.get(key).filter(|place| right(&place.value))?;
        held.remove(key)
    }

    /// Takes out a value of this principal's. Of several who come for it, one gets it.
    pub(super) fn take_own(&self, key: &K, principal: &[u8; 32]) -> Option<V> {
        let mut held = self.lock();
        held.places.get(key).filter(|place| place.whose.principal == *principal)?;
        held.remove(key)
    }

    /// Lets go of all values but these.
    pub(super) fn retain(&self, keep: impl Fn(&V) -> bool) {
        let let_go = self.lock().let_go(|place| !keep(&place.value));
        drop(let_go);
    }

    /// Lets go of everything.
    pub(super) fn clear(&self) {
        self.retain(|_| false);
    }

    /// How many are held.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().places.len()
    }

    fn lock(&self) -> MutexGuard<'_, Held<K, V>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Table<K, V> {
    /// Holds a value that may be let go: the oldest of this person's makes room.
    pub(super) fn put_anyway(
        &self,
        key: K,
        whose: Whose,
        value: V,
        now: Timestamp,
    ) -> Result<(), NoRoom> {
        if self.put(key.clone(), whose, value.clone(), now).is_ok() {
            return Ok(());
        }
        let mut held = self.lock();
        // Through the same client, if there is one: it may be that client which has enough.
        let mine = held.places.iter().filter(|(_, place)| place.whose.person == whose.person);
        let foreign = |place: &Place<V>| place.whose.principal != whose.principal;
        let oldest =
            mine.min_by_key(|(_, place)| (foreign(place), place.until)).map(|(key, _)| key.clone());
        let let_go = held.remove(&oldest.ok_or(NoRoom)?);
        drop(held);
        drop(let_go);
        self.put(key, whose, value, now)
    }

    /// A held value, which now stays its whole time again.
    pub(super) fn touch(&self, key: &K, now: Timestamp) -> Option<V> {
        let mut held = self.lock();
        let place = held.places.get_mut(key).filter(|place| now < place.until)?;
        place.until = now.plus_seconds(self.room.seconds);
        Some(place.value.clone())
    }

    /// A held value.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.lock().places.get(key).map(|place| place.value.clone())
    }

    /// All values whose keys are right.
    pub(super) fn all(&self, right: impl Fn(&K) -> bool) -> Vec<V> {
        let held = self.lock();
        let right = held.places.iter().filter(|(key, _)| right(key));
        right.map(|(_, place)| place.value.clone()).collect()
    }
}

impl<K: Clone + Eq + Hash, V> Held<K, V> {
    fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.places.remove(key)?;
        self.counts.free(place.whose);
        Some(place.value)
    }

    fn let_go(&mut self, over: impl Fn(&Place<V>) -> bool) -> Vec<V> {
        let over = self.places.iter().filter(|(_, place)| over(place));
        let over: Vec<K> = over.map(|(key, _)| key.clone()).collect();
        over.iter().filter_map(|key| self.remove(key)).collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const ROOM: Room = Room { shares: Shares { total: 3, of_principal: 2 }, seconds: 60 };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    /// G-44: one principal does not take the places of the others, and time frees them.
    #[test]
    fn g_44_places_are_counted_and_end() {
        let places: Table<u8, char> = Table::new(ROOM);
        places.put(1, Whose::one(1), 'a', at(0)).unwrap();
        places.put(2, Whose::one(1), 'b', at(1)).unwrap();
        assert_eq!(places.put(3, Whose::one(1), 'c', at(1)), Err(NoRoom));
        places.put(4, Whose::one(2), 'd', at(1)).unwrap();
        assert_eq!(places.put(5, Whose::one(2), 'e', at(1)), Err(NoRoom));
        places.put(1, Whose::one(1), 'z', at(2)).unwrap();
        assert_eq!(places.take_if(&1, |value| *value == 'a'), None);
        assert_eq!(places.take_if(&1, |value| *value == 'z'), Some('z'));
        places.put(5, Whose::one(2), 'e', at(90)).unwrap();
        places.put(6, Whose::one(1), 'f', at(90)).unwrap();
        places.put_anyway(7, Whose::one(1), 'g', at(91)).unwrap();
        places.put_anyway(8, Whose::one(1), 'h', at(92)).unwrap();
        assert_eq!((places.len(), places.get(&7)), (3, Some('g')));
        assert_eq!(places.touch(&7, at(400)), None, "its time is over");
    }
}
