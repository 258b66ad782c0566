//! The sidecar as its clients and its servers see it.
//!
//! Each test builds a [`support::World`]: an authority with its own keys, a clock that stands
//! still, a server behind on a loopback listener that records what it gets, and the sidecar
//! between. Names carry the requirement ids that they cover.

#![expect(clippy::unwrap_used, reason = "tests")]

mod authority_away;
mod batches;
mod bearer;
mod catalogue;
mod children;
mod claims;
mod documents;
mod eras;
mod forwarding;
mod gate;
mod lists;
mod policy;
mod sessions;
mod sse_servers;
mod streams;
mod support;
mod upstream_faults;
mod wire;
