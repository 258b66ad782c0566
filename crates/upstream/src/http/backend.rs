//! One address of an upstream, and what is known of it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};
use kernel::Timestamp;

use super::circuit::Circuit;

/// One address.
pub(crate) struct Backend {
    /// The MCP endpoint there.
    pub(crate) uri: Uri,
    /// Its `Host`.
    pub(crate) host: HeaderValue,
    /// What requests found out.
    pub(crate) circuit: Circuit,
    /// What the health check found out: it said that it should get no requests.
    sick: AtomicBool,
    /// When a check last found all well, in milliseconds; 0 after one that did not.
    well_at: AtomicI64,
}

impl Backend {
    /// `None` if the address does not fit into a header.
    pub(crate) fn new(uri: Uri) -> Option<Self> {
        let authority = uri.authority()?.as_str();
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let host = HeaderValue::from_str(host).ok()?;
        let (sick, well_at) = (AtomicBool::new(false), AtomicI64::new(0));
        Some(Self { uri, host, circuit: Circuit::default(), sick, well_at })
    }

    /// Whether a request may go there. Asking may use up the one attempt of a half-open circuit.
    pub(crate) fn admits(&self, now: impl FnOnce() -> Timestamp) -> bool {
        !self.sick.load(Ordering::Relaxed) && self.circuit.admits(now)
    }

    /// Whether it was well not longer than `age` ago, as far as anybody knows.
    pub(crate) fn is_well(&self, now: Timestamp, age: Duration) -> bool {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let well_at = self.well_at.load(Ordering::Relaxed);
        well_at != 0 && now.as_millis().saturating_sub(well_at) <= age && self.circuit.is_closed()
    }

    /// A check found all well.
    pub(crate) fn note_well(&self, now: Timestamp) {
        self.sick.store(false, Ordering::Relaxed);
        self.well_at.store(now.as_millis(), Ordering::Relaxed);
    }

    /// A check failed. `sick`: the server itself said so, and whether it can be reached does not
    /// matter. Returns whether that is new.
    pub(crate) fn note_unwell(&self, sick: bool) -> bool {
        self.well_at.store(0, Ordering::Relaxed);
        self.sick.swap(sick, Ordering::Relaxed) != sick
    }

    /// Another path at the same address.
    pub(crate) fn at(&self, path: &PathAndQuery) -> Option<Uri> {
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = Some(path.clone());
        Uri::from_parts(parts).ok()
    }
}
