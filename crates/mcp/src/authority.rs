//! What the sidecar asks the authorization server.

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use kernel::Redacted;
use protocol::audit::Report;
use protocol::status_list::StatusList;
use protocol::{OAuthErrorCode, ResourceUri, Scopes};

use crate::config::ServerConfig;

/// The authorization server as the sidecar sees it. There are two: in process and over HTTP.
///
/// What an implementation returns is believed, so the one over HTTP verifies signatures first.
pub trait Authority: Send + Sync + 'static {
    /// The public signing keys, as a JWK set (RFC 7517 §5).
    fn keys(&self) -> BoxFuture<'_, Result<Bytes, AuthorityAway>>;

    /// The authorization server's metadata document (RFC 8414 §2).
    fn metadata(&self) -> BoxFuture<'_, Result<Bytes, AuthorityAway>>;

    /// The status list with this number.
    fn status(&self, list: u64) -> BoxFuture<'_, Result<StatusList, AuthorityAway>>;

    /// Whether this very token, by its SHA-256, was signed for the issuer in this process, so that its
    /// signature need not be checked. Everything else about it is looked at all the same.
    ///
    /// `false` says nothing about it: an authority may say so only once, and one elsewhere never does.
    fn has_signed(&self, digest: &[u8; 32]) -> bool {
        let _ = digest;
        false
    }

    /// Records what happened, all of it or nothing. After `Err` the same report comes again.
    fn report<'a>(&'a self, report: &'a Report) -> BoxFuture<'a, Result<(), AuthorityAway>>;

    /// Resolves when keys or statuses may have changed: at once in process, every two seconds
    /// over HTTP. A change while nobody waits makes the next call resolve immediately.
    fn changed(&self) -> BoxFuture<'_, ()>;

    /// The servers that the authority keeps, once their version is later than `after` (`None`: as
    /// they are now). Meant to be asked again and again by a sidecar without a database, which
    /// hands the answer to [`crate::Sidecar::replace`] beside the servers of its own file.
    ///
    /// No authority keeps servers today, so nobody asks yet, and this is [`ServersError::NotKept`].
    fn servers(&self, after: Option<u64>) -> BoxFuture<'_, Result<ServerSet, ServersError>> {
        let _ = after;
        async { Err(ServersError::NotKept) }.boxed()
    }

    /// Exchanges a credential that only the authority can judge for a token that the sidecar can
    /// verify (RFC 8693). Meant for credentials that are no JWT.
    ///
    /// None is accepted today, so nobody asks yet, and this is [`ExchangeError::NotOffered`].
    fn exchange(
        &self,
        request: ExchangeRequest,
    ) -> BoxFuture<'_, Result<ExchangedToken, ExchangeError>> {
        let _ = request;
        async { Err(ExchangeError::NotOffered) }.boxed()
    }
}

/// The authority gave no usable answer. The reason is for the log; clients never see it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the authorization server does not answer: {reason}")]
pub struct AuthorityAway {
    /// Why, without secrets.
    pub reason: String,
}

/// The servers that an authority keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSet {
    /// Grows with each change.
    pub version: u64,
    /// All of them.
    pub servers: Vec<ServerConfig>,
}

/// Why an authority brings no servers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServersError {
    /// It keeps none: those of the configuration file are all there are.
    #[error("the authorization server keeps no servers; the configuration file names them")]
    NotKept,
    /// It gave no usable answer.
    #[error(transparent)]
    Away(#[from] AuthorityAway),
}

/// A token exchange request (RFC 8693 §2.1), as far as the sidecar has a say in it.
#[derive(Clone, Debug)]
pub struct ExchangeRequest {
    /// `subject_token`: the credential as it was presented.
    pub subject_token: Redacted,
    /// `subject_token_type`, a URI (§3).
    pub subject_token_type: String,
    /// `resource`: the server at which it was presented.
    pub resource: ResourceUri,
}

/// A successful response (RFC 8693 §2.2.1). It has no refresh token: the credential can be
/// exchanged again.
#[derive(Clone, Debug)]
pub struct ExchangedToken {
    /// `access_token`: one of the issuer's own for that resource (RFC 9068).
    pub access_token: Redacted,
    /// `expires_in`, in seconds.
    pub expires_in: i64,
    /// `scope`.
    pub scope: Scopes,
}

/// Why there is no token (RFC 8693 §2.2.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// The authority exchanges nothing.
    #[error("the authorization server exchanges no credentials")]
    NotOffered,
    /// It does not take this credential for this resource.
    #[error("the authorization server refused the credential: {}", .0.as_str())]
    Refused(OAuthErrorCode),
    /// It gave no usable answer.
    #[error(transparent)]
    Away(#[from] AuthorityAway),
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::testing::{RESOURCE, TestAuthority};

    /// An authority that can do neither says so, in words that a caller can act on.
    #[tokio::test]
    async fn what_is_not_offered_is_refused() {
        let authority = TestAuthority::new();
        assert_eq!(authority.servers(None).await, Err(ServersError::NotKept));
        let request = ExchangeRequest {
            subject_token: Redacted::new("a-canary"),
            subject_token_type: "urn:example:key".to_owned(),
            resource: ResourceUri::parse(RESOURCE).unwrap(),
        };
        assert!(!format!("{request:?}").contains("canary"));
        let refused = authority.exchange(request).await.err();
        assert_eq!(refused, Some(ExchangeError::NotOffered));
    }
}
