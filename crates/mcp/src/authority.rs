//! What the sidecar asks the authorization server.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use protocol::audit::Report;
use protocol::status_list::StatusBits;

/// The authorization server as the sidecar sees it. There are two: in process and over HTTP.
///
/// What an implementation returns is believed, so the one over HTTP verifies signatures first.
pub trait Authority: Send + Sync + 'static {
    /// The public signing keys, as a JWK set (RFC 7517 §5).
    fn keys(&self) -> BoxFuture<'_, Result<Bytes, AuthorityAway>>;

    /// The authorization server's metadata document (RFC 8414 §2).
    fn metadata(&self) -> BoxFuture<'_, Result<Bytes, AuthorityAway>>;

    /// The status list with this number.
    fn status(&self, list: u64) -> BoxFuture<'_, Result<StatusBits, AuthorityAway>>;

    /// Records what happened, all of it or nothing. After `Err` the same report comes again.
    fn report<'a>(&'a self, report: &'a Report) -> BoxFuture<'a, Result<(), AuthorityAway>>;

    /// Resolves when keys or statuses may have changed: at once in process, every two seconds
    /// over HTTP. A change while nobody waits makes the next call resolve immediately.
    fn changed(&self) -> BoxFuture<'_, ()>;
}

/// The authority gave no usable answer. The reason is for the log; clients never see it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the authorization server does not answer: {reason}")]
pub struct AuthorityAway {
    /// Why, without secrets.
    pub reason: String,
}
