//! Connections that are kept for whoever needs them again, each opened once.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use kernel::Timestamp;
use tokio::sync::OnceCell;

use super::ConnectionError;

/// Kept values by key. A value that somebody still holds is in use and stays.
pub(crate) struct Pool<K, V> {
    places: usize,
    idle_seconds: i64,
    kept: Mutex<HashMap<K, Entry<V>>>,
}

/// A key that says whose its value is.
pub(crate) trait Owned {
    /// Who has only so many places.
    type Owner: Eq;

    fn owner(&self) -> &Self::Owner;

    /// Whether another is of the same person, through whatever client.
    fn is_of_the_person_of(&self, other: &Self) -> bool {
        self.owner() == other.owner()
    }
}

/// Places of one owner: nobody pushes out everybody else's by asking for ever new ones.
const PLACES_OF_ONE: usize = 100;
/// Places of one person, who may be several owners: clients register themselves.
const PLACES_OF_PERSON: usize = 200;

struct Entry<V> {
    cell: Arc<OnceCell<Arc<V>>>,
    used: Timestamp,
}

impl<K: Clone + Eq + Hash + Owned, V> Pool<K, V> {
    pub(crate) fn new(places: usize, idle_seconds: i64) -> Self {
        Self { places, idle_seconds, kept: Mutex::default() }
    }

    /// The value for `key`, opened now if there is none that `good` still accepts. Several who
    /// ask at the same time share one attempt; a failed one leaves nothing behind.
    pub(crate) async fn get<F>(
        &self,
        key: &K,
        now: Timestamp,
        good: impl Fn(&V) -> bool,
        open: impl FnOnce() -> F,
    ) -> Result<Arc<V>, ConnectionError>
    where
        F: Future<Output = Result<V, ConnectionError>>,
    {
        let cell = self.cell(key, now, good)?;
        let opened = cell.get_or_try_init(|| async { open().await.map(Arc::new) }).await;
        opened.map(Arc::clone).inspect_err(|_| self.forget_unopened(key, &cell))
    }

    /// Takes out what nobody holds and nobody asked for lately, and what is not `good` any more.
    pub(crate) fn sweep(&self, now: Timestamp, good: impl Fn(&V) -> bool) -> Vec<Arc<V>> {
        let mut swept = Vec::new();
        self.lock().retain(|_, entry| {
            let idle = now > entry.used.plus_seconds(self.idle_seconds);
            let Some(value) = entry.cell.get() else { return !idle };
            let keep = good(value) && (!idle || Arc::strong_count(value) > 1);
            if !keep {
                swept.push(Arc::clone(value));
            }
            keep
        });
        swept
    }

    /// Lets go of everything.
    pub(crate) fn clear(&self) {
        let kept = std::mem::take(&mut *self.lock());
        drop(kept);
    }

    /// How many are kept.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn cell(
        &self,
        key: &K,
        now: Timestamp,
        good: impl Fn(&V) -> bool,
    ) -> Result<Arc<OnceCell<Arc<V>>>, ConnectionError> {
        let mut kept = self.lock();
        if let Some(entry) = kept.get_mut(key) {
            if entry.cell.get().is_none_or(|value| good(value)) {
                entry.used = now;
                return Ok(Arc::clone(&entry.cell));
            }
            kept.remove(key);
        }
        let own = |known: &K| known.owner() == key.owner();
        let crowded = kept.keys().filter(|known| own(known)).count() >= PLACES_OF_ONE;
        if crowded && !make_room(&mut kept, own) {
            return Err(ConnectionError::Full);
        }
        let of_person = |known: &K| known.is_of_the_person_of(key);
        let crowded = kept.keys().filter(|known| of_person(known)).count() >= PLACES_OF_PERSON;
        if crowded && !make_room(&mut kept, of_person) {
            return Err(ConnectionError::Full);
        }
        if kept.len() >= self.places && !make_room(&mut kept, |_| true) {
            return Err(ConnectionError::Full);
        }
        let cell = Arc::new(OnceCell::new());
        kept.insert(key.clone(), Entry { cell: Arc::clone(&cell), used: now });
        Ok(cell)
    }

    fn forget_unopened(&self, key: &K, cell: &Arc<OnceCell<Arc<V>>>) {
        let mut kept = self.lock();
        let mine = |entry: &Entry<V>| Arc::ptr_eq(&entry.cell, cell) && entry.cell.get().is_none();
        if kept.get(key).is_some_and(mine) {
            kept.remove(key);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, Entry<V>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops the value that nobody holds and that was used longest ago, of those whose keys `may` go.
fn make_room<K: Clone + Eq + Hash, V>(
    kept: &mut HashMap<K, Entry<V>>,
    may: impl Fn(&K) -> bool,
) -> bool {
    let free = |entry: &Entry<V>| entry.cell.get().is_some_and(|v| Arc::strong_count(v) == 1);
    let going = kept.iter().filter(|(key, entry)| may(key) && free(entry));
    let oldest = going.min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
    oldest.is_some_and(|key| kept.remove(&key).is_some())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    impl Owned for u8 {
        type Owner = Self;

        fn owner(&self) -> &Self {
            self
        }
    }

    /// An owner and one of their things.
    impl Owned for (u8, usize) {
        type Owner = u8;

        fn owner(&self) -> &u8 {
            &self.0
        }
    }

    /// G-44: who asks for ever new ones loses their own.
    #[tokio::test]
    async fn g_44_nobody_pushes_out_the_others() {
        let pool: Pool<(u8, usize), usize> = Pool::new(2 * PLACES_OF_ONE, 60);
        let get = async |key: (u8, usize), seconds| {
            pool.get(&key, at(seconds), |_| true, || async { Ok(key.1) }).await
        };
        get((1, 0), 0).await.unwrap();
        for thing in 0..3 * PLACES_OF_ONE {
            get((2, thing), 1).await.unwrap();
        }
        assert_eq!(pool.len(), PLACES_OF_ONE + 1);
        let mut held = Vec::new();
        for thing in 0..PLACES_OF_ONE {
            held.push(get((2, thing), 2).await.unwrap());
        }
        assert_eq!(get((2, PLACES_OF_ONE), 3).await.unwrap_err(), ConnectionError::Full);
        assert_eq!(*get((1, 7), 3).await.unwrap(), 7, "others still have room");
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[tokio::test]
    async fn opened_once_and_swept_when_idle() {
        let pool: Pool<u8, u8> = Pool::new(2, 60);
        let first = pool.get(&1, at(0), |_| true, || async { Ok(7) }).await.unwrap();
        let again =
            pool.get(&1, at(1), |_| true, || async { Err(ConnectionError::Away) }).await.unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert!(pool.sweep(at(100), |_| true).is_empty(), "somebody holds it");
        drop((first, again));
        assert_eq!(pool.sweep(at(100), |_| true).len(), 1);
        assert_eq!(pool.len(), 0);
    }

    #[tokio::test]
    async fn places_are_limited_and_failures_leave_nothing() {
        let pool: Pool<u8, u8> = Pool::new(1, 60);
        let failed = pool.get(&1, at(0), |_| true, || async { Err(ConnectionError::Away) }).await;
        assert_eq!((failed.unwrap_err(), pool.len()), (ConnectionError::Away, 0));
        let held = pool.get(&1, at(0), |_| true, || async { Ok(1) }).await.unwrap();
        let full = pool.get(&2, at(0), |_| true, || async { Ok(2) }).await;
        assert_eq!(full.unwrap_err(), ConnectionError::Full);
        drop(held);
        assert_eq!(*pool.get(&2, at(0), |_| true, || async { Ok(2) }).await.unwrap(), 2);
        let bad = pool.get(&2, at(0), |_| false, || async { Ok(3) }).await.unwrap();
        assert_eq!(*bad, 3, "what is no longer good is opened anew");
    }
}
