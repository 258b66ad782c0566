//! The sidecar as its clients and its servers see it.
//!
//! Each test builds a [`support::World`]: an authority with its own keys, a clock that stands
//! still, an upstream on a loopback listener that records what it gets, and the sidecar
//! between. Names carry the requirement ids that they cover.

// A request to the sidecar inside of a test is a future of many layers.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "tests")]

mod authority_away;
mod backends;
mod bad_answers;
mod bad_lists;
mod bad_requests;
mod batches;
mod bearer;
mod bridge_legacy_client;
mod bridge_modern_client;
mod catalogue;
mod children;
mod circuit;
mod claims;
mod crowds;
mod discovery;
mod documents;
mod endless_answers;
mod eras;
mod error_catalogue;
mod forwarding;
mod gate;
mod hidden_tools;
mod lists;
mod mirrored_params;
mod observe;
mod odd_answers;
mod odd_lists;
mod order;
mod packed_answers;
mod parting;
mod policy;
mod python_clients;
mod registry;
mod replicas;
mod retry_wishes;
mod sealed_ways;
mod sessions;
mod silent_servers;
mod sse_front;
mod sse_servers;
mod streams;
mod support;
mod tasks;
mod upstream_faults;
mod wire;
