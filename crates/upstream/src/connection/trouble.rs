//! What can go wrong with an upstream.

use http::StatusCode;

use crate::http::{ForeignCoding, SendError};

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
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
