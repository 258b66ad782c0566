//! Values that each thread has for itself, and that others look at now and then.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One `T` for each thread. A thread's own lock is nearly always free, and no other thread's work touches
/// the memory around it.
#[derive(Debug)]
pub struct PerThread<T>(Box<[Apart<Mutex<T>>]>);

/// What shares no cache line, nor the pair of them that processors fetch, with its neighbour.
#[derive(Debug)]
#[repr(align(128))]
struct Apart<T>(T);

/// The number of a thread, among those that share nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadNumber(usize);

/// Threads that share nothing. With more of them some share a value, and lose only time by that.
const THREADS: usize = 64;

impl ThreadNumber {
    /// That of the present thread.
    pub fn mine() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static MINE: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % THREADS);
        }
        Self(MINE.get())
    }
}

impl<T: Default> Default for PerThread<T> {
    fn default() -> Self {
        Self((0..THREADS).map(|_| Apart(Mutex::default())).collect())
    }
}

impl<T> PerThread<T> {
    /// The present thread's.
    pub fn mine(&self) -> MutexGuard<'_, T> {
        self.of(ThreadNumber::mine())
    }

    /// The one of the thread with this number.
    pub fn of(&self, thread: ThreadNumber) -> MutexGuard<'_, T> {
        self.0[thread.0].0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them, one after the other.
    pub fn all(&self) -> impl Iterator<Item = MutexGuard<'_, T>> {
        self.0.iter().map(|Apart(value)| value.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_has_its_own_and_all_can_be_seen() {
        let counts = PerThread::<u32>::default();
        let count = || (0..100).for_each(|_| *counts.mine() += 1);
        std::thread::scope(|scope| {
            (0..8).for_each(|_| {
                scope.spawn(count);
            });
        });
        let used: Vec<u32> = counts.all().map(|count| *count).filter(|count| *count > 0).collect();
        assert_eq!(used.iter().sum::<u32>(), 800);
        assert!(used.len() > 1, "{used:?}");
    }
}
