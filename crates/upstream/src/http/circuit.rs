//! A circuit breaker: an address that refuses connections is left alone for a while.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use kernel::{SecureRandom, Timestamp};

/// The breaker of one backend.
///
/// Only failures to connect count. What happens after a request was sent may be the doing of that
/// request, and one person's slow or crashing tool must not close the way for everybody else.
#[derive(Debug, Default)]
pub(crate) struct Circuit {
    /// Failures in a row.
    failures: AtomicU32,
    /// When the next attempt may go, in milliseconds; `CLOSED` while all may.
    retry_at: AtomicI64,
}

/// What an outcome changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Opened,
    Closed,
}

const CLOSED: i64 = 0;
/// So many failures in a row open the circuit.
const THRESHOLD: u32 = 3;
const FIRST_WAIT_MILLIS: i64 = 500;
const LONGEST_WAIT_MILLIS: i64 = 15_000;
/// How long the one attempt of a half-open circuit may take until another is made.
const PROBE_MILLIS: i64 = 10_000;

impl Circuit {
    /// Whether a request may go. While the circuit is open, one may after each wait; it decides
    /// for all.
    pub(crate) fn admits(&self, now: impl FnOnce() -> Timestamp) -> bool {
        let retry_at = self.retry_at.load(Ordering::Relaxed);
        if retry_at == CLOSED {
            return true;
        }
        let now = now().as_millis();
        // Farther away than any wait: the clock was set back.
        let waiting = now < retry_at && retry_at - now <= LONGEST_WAIT_MILLIS;
        let next = now + PROBE_MILLIS;
        let order = Ordering::Relaxed;
        !waiting && self.retry_at.compare_exchange(retry_at, next, order, order).is_ok()
    }

    /// Whether every request may go.
    pub(crate) fn is_closed(&self) -> bool {
        self.retry_at.load(Ordering::Relaxed) == CLOSED
    }

    /// A connection was made.
    pub(crate) fn succeeded(&self) -> Change {
        // Nothing is written while all is well: this cache line is everybody's.
        if self.failures.load(Ordering::Relaxed) == 0 {
            return Change::None;
        }
        self.failures.store(0, Ordering::Relaxed);
        match self.retry_at.swap(CLOSED, Ordering::Relaxed) {
            CLOSED => Change::None,
            _ => Change::Closed,
        }
    }

    /// No connection was made.
    pub(crate) fn failed(&self, now: Timestamp, random: &dyn SecureRandom) -> Change {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures < THRESHOLD {
            return Change::None;
        }
        let retry_at = now.as_millis().saturating_add(wait_millis(failures - THRESHOLD, random));
        match self.retry_at.swap(retry_at, Ordering::Relaxed) {
            CLOSED => Change::Opened,
            _ => Change::None,
        }
    }
}

/// Twice as long each time, up to a bound. Half of it is left to chance, so that replicas do not
/// all come back in the same moment.
fn wait_millis(times: u32, random: &dyn SecureRandom) -> i64 {
    let longest = FIRST_WAIT_MILLIS.saturating_mul(1 << times.min(10)).min(LONGEST_WAIT_MILLIS);
    let mut bytes = [0; 2];
    random.fill(&mut bytes);
    let half = longest / 2;
    half + half * i64::from(u16::from_le_bytes(bytes)) / i64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl SecureRandom for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    const START: i64 = 1_000_000;

    fn at(millis: i64) -> impl Fn() -> Timestamp {
        move || Timestamp::from_millis(START + millis)
    }

    fn opened() -> Circuit {
        let circuit = Circuit::default();
        let failed = || circuit.failed(at(0)(), &Fixed(255));
        assert_eq!([failed(), failed(), failed()], [Change::None, Change::None, Change::Opened]);
        circuit
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_success_closes_it() {
        let circuit = Circuit::default();
        for _ in 0..10 {
            circuit.failed(at(0)(), &Fixed(0));
            circuit.failed(at(0)(), &Fixed(0));
            assert_eq!(circuit.succeeded(), Change::None);
        }
        assert!(circuit.admits(at(0)));
        let circuit = opened();
        assert!(!circuit.admits(at(0)) && !circuit.is_closed());
        assert_eq!(circuit.succeeded(), Change::Closed);
        assert!(circuit.admits(at(0)) && circuit.is_closed());
    }

    #[test]
    fn after_the_wait_one_attempt_decides() {
        let circuit = opened();
        assert!(!circuit.admits(at(499)));
        assert!(circuit.admits(at(500)), "half-open");
        assert!(!circuit.admits(at(500)), "for one");
        assert!(circuit.admits(at(500 + PROBE_MILLIS)), "whose outcome nobody heard of");
        circuit.failed(at(20_000)(), &Fixed(255));
        assert!(!circuit.admits(at(20_999)), "twice as long");
        assert!(circuit.admits(at(21_000)));
    }

    #[test]
    fn waits_grow_to_a_bound_and_vary() {
        assert_eq!(wait_millis(0, &Fixed(0)), 250);
        assert_eq!(wait_millis(0, &Fixed(255)), 500);
        assert_eq!(wait_millis(40, &Fixed(255)), LONGEST_WAIT_MILLIS);
        assert_eq!(wait_millis(u32::MAX, &Fixed(0)), LONGEST_WAIT_MILLIS / 2);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_keep_it_open() {
        let circuit = opened();
        assert!(circuit.admits(at(-3_600_000)));
    }
}
