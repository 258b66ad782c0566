//! Modern clients in front of legacy servers (D-30…D-42).

mod calls;
mod cancelling;
mod legacy_server;
mod listening;
mod questions;
mod replicas;
mod sessions;
