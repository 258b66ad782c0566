//! Bounds on the requests that are under way: how many there are, and how much of their bodies is
//! held. An upstream may take minutes to answer, and what waits for it takes connections,
//! descriptors and memory that others need.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use upstream::shares::{Counts, Shares, Whose};
use upstream::wire::Arriving;

use crate::config::Limits;

/// What is under way in this process.
#[derive(Debug)]
pub(crate) struct InFlight {
    requests: Shares,
    body_units: Shares,
    counts: Mutex<Both>,
}

#[derive(Debug, Default)]
struct Both {
    requests: Counts,
    body_units: Counts,
}

/// One counted request. Dropping it frees its place and what its body took.
#[derive(Debug)]
pub(crate) struct RequestInFlight {
    counter: Arc<InFlight>,
    whose: Whose,
    body_units: usize,
}

/// The body of a counted request, as it comes.
pub(crate) struct Counted<'r, B> {
    pub(crate) body: B,
    pub(crate) request: &'r mut RequestInFlight,
}

/// Why a body was not received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotReceived {
    TooLarge,
    /// Too much is held for this person already.
    NoRoom,
    BrokeOff,
}

/// Bodies are counted in units of this many bytes. What is smaller than one is not counted: the
/// number of requests bounds it.
const UNIT: usize = 64 << 10;
/// Bodies of the largest size that one person may have under way through one client.
const LARGE_BODIES: usize = 8;
/// The same for everybody together.
const LARGE_BODIES_IN_ALL: usize = 128;

impl InFlight {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let units = limits.body_bytes.div_ceil(UNIT);
        let requests =
            Shares { total: limits.requests, of_principal: limits.requests_per_principal };
        let body_units =
            Shares { total: LARGE_BODIES_IN_ALL * units, of_principal: LARGE_BODIES * units };
        Arc::new(Self { requests, body_units, counts: Mutex::default() })
    }

    /// A place for one more request, if there is one.
    pub(crate) fn take(self: &Arc<Self>, whose: Whose) -> Option<RequestInFlight> {
        let taken = self.counts().requests.take(self.requests, whose);
        taken.then(|| RequestInFlight { counter: Arc::clone(self), whose, body_units: 0 })
    }

    fn counts(&self) -> MutexGuard<'_, Both> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RequestInFlight {
    /// Whether there is room for a body of so many bytes; if so, it is counted.
    pub(crate) fn hold(&mut self, bytes: usize) -> bool {
        let units = bytes / UNIT;
        let more = units.saturating_sub(self.body_units);
        if more == 0 {
            return true;
        }
        let shares = self.counter.body_units;
        let held = self.counter.counts().body_units.take_some(shares, self.whose, more);
        if held {
            self.body_units = units;
        }
        held
    }
}

impl<B: Arriving> Counted<'_, B> {
    /// The whole body, which is counted as it comes. It is put together at once: a body of four
    /// million chunks would take many times its length if each of them were kept.
    pub(crate) async fn collect(self, limit: usize) -> Result<Bytes, NotReceived> {
        let mut body = std::pin::pin!(Limited::new(self.body, limit));
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    NotReceived::TooLarge
                } else {
                    NotReceived::BrokeOff
                }
            })?;
            let Ok(piece) = frame.into_data() else { continue };
            if !self.request.hold(whole.len() + piece.len()) {
                return Err(NotReceived::NoRoom);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }
}

impl Drop for RequestInFlight {
    fn drop(&mut self) {
        let mut counts = self.counter.counts();
        counts.requests.free(self.whose);
        counts.body_units.free_some(self.whose, self.body_units);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn in_flight(requests: usize, of_principal: usize) -> Arc<InFlight> {
        let limits = Limits {
            body_bytes: 4 * UNIT,
            requests,
            requests_per_principal: of_principal,
            ..Limits::default()
        };
        InFlight::new(&limits)
    }

    /// A6: more clients are not more requests, others find room, and places come back.
    #[test]
    fn nobody_has_every_request() {
        let in_flight = in_flight(100, 40);
        let through = |client| in_flight.take(Whose::one(1).through(client));
        let held: Vec<_> = (10..200).filter_map(through).collect();
        assert_eq!(held.len(), 75, "a quarter is for the others");
        assert!(in_flight.take(Whose::one(2)).is_some());
        drop(held);
        assert_eq!(in_flight.counts().requests.all(), 0);
    }

    /// A6: bodies count by their size, and only large ones.
    #[test]
    fn nobody_holds_memory_without_bound() {
        let in_flight = in_flight(1000, 1000);
        let mut held = Vec::new();
        for _ in 0..100 {
            let mut request = in_flight.take(Whose::one(1)).unwrap();
            if request.hold(4 * UNIT) {
                held.push(request);
            }
        }
        assert_eq!(held.len(), LARGE_BODIES);
        let mut small = in_flight.take(Whose::one(1)).unwrap();
        assert!(small.hold(UNIT - 1), "a small one always fits");
        assert!(!small.hold(UNIT), "and may not grow");
        let mut other = in_flight.take(Whose::one(2)).unwrap();
        assert!(other.hold(UNIT) && other.hold(3 * UNIT) && other.hold(3 * UNIT));
        assert_eq!(other.body_units, 3);
        drop((held, small, other));
        assert_eq!(in_flight.counts().body_units.all(), 0);
    }
}
