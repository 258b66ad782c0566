//! What can go wrong with an upstream, and how a client hears of it.

use http::StatusCode;
use protocol::mcp::{
    SESSION_UNKNOWN, TEMPORARILY_UNAVAILABLE, UPSTREAM_TIMEOUT, UPSTREAM_UNAVAILABLE,
};

use crate::reply::Fault;
use crate::upstream::http::{ForeignCoding, SendError};

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConnectionError {
    /// It cannot be reached; nothing was executed.
    #[error("it cannot be reached")]
    Away,
    /// The connection ended; something may have been executed.
    #[error("it closed the connection")]
    Broken,
    /// It took too long.
    #[error("it did not answer in time")]
    Timeout,
    /// An HTTP status without a JSON-RPC answer.
    #[error("it answered with HTTP status {0}")]
    Refused(StatusCode),
    /// It does not know the session any more; nothing was executed.
    #[error("it does not know the session")]
    SessionGone,
    /// What it said is no message, or too large.
    #[error("what it said cannot be read")]
    Garbled,
    /// It answered, and nobody can tell whose request.
    #[error("it answered without the id of a request")]
    Unclaimed,
    /// It wants its messages at another origin than the configured one.
    #[error("it names an address at another origin")]
    Elsewhere,
    /// It compressed its answer, in a way that is not read here.
    #[error("{}", .0.message())]
    Compressed(ForeignCoding),
    /// All places are taken: of processes, sessions or parked calls.
    #[error("there is no room for another process (max_children) or session")]
    Full,
}

impl From<SendError> for ConnectionError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Away => Self::Away,
            SendError::Broken => Self::Broken,
            SendError::Timeout => Self::Timeout,
            SendError::Compressed(coding) => Self::Compressed(coding),
        }
    }
}

impl ConnectionError {
    /// The same as a JSON-RPC error. Legacy sessions never get 404 from here: they would think
    /// that the session ended (D-55).
    pub(crate) fn fault(self) -> Fault<'static> {
        let (status, code, message) = match self {
            Self::Away => (
                502,
                UPSTREAM_UNAVAILABLE,
                "the upstream MCP server cannot be reached; try again later",
            ),
            Self::Broken => (
                502,
                UPSTREAM_UNAVAILABLE,
                "the upstream MCP server closed the connection before its answer was complete",
            ),
            Self::Timeout => {
                (504, UPSTREAM_TIMEOUT, "the upstream MCP server did not answer in time")
            }
            Self::Refused(_) => {
                (502, UPSTREAM_UNAVAILABLE, "the upstream MCP server answered with an error")
            }
            Self::SessionGone => {
                (404, SESSION_UNKNOWN, "this session is not known; initialize a new one")
            }
            Self::Garbled => (
                502,
                UPSTREAM_UNAVAILABLE,
                "the upstream MCP server sent something that cannot be read",
            ),
            Self::Unclaimed => (
                502,
                UPSTREAM_UNAVAILABLE,
                "the upstream MCP server answered without the id of the request",
            ),
            Self::Elsewhere => (
                502,
                UPSTREAM_UNAVAILABLE,
                "the upstream MCP server names an address at another origin; its URL is configured \
                 wrongly",
            ),
            Self::Compressed(coding) => (502, UPSTREAM_UNAVAILABLE, coding.message()),
            Self::Full => (
                503,
                TEMPORARILY_UNAVAILABLE,
                "too many requests to the upstream MCP server at once; wait for one to finish",
            ),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        Fault { status, code, message }
    }
}
