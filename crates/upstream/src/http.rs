//! The way to an upstream that speaks Streamable HTTP.
//!
//! A server may have several addresses, its backends. [`HttpUpstream::send`] chooses one that is
//! well, adds what every request there needs, and tries another only while nothing was executed.

mod backend;
mod circuit;
mod coding;
mod connect;
mod exchange;
pub mod health;
mod long_lived;
pub mod paced;
mod pool;
pub mod repeat;

pub(crate) use coding::ForeignCoding;
pub use exchange::{BackendId, HttpUpstream, Incoming, Outgoing, SendError, Sent};
pub use pool::{Pool, PoolError, PooledBody};
