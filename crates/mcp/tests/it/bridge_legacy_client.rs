//! Legacy clients in front of a modern server (D-50…D-61).

mod batches;
mod cancelling;
mod listening;
mod questions;
mod replicas;
mod requests;
pub(crate) mod script;
mod sessions;
