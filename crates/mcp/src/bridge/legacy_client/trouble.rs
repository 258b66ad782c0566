//! An error of our own for a legacy client.

use std::borrow::Cow;

use protocol::jsonrpc::{INVALID_PARAMS, METHOD_NOT_FOUND, error_response};
use protocol::mcp::TEMPORARILY_UNAVAILABLE;

use super::status;
use crate::passthrough::front::ClientMessage;
use crate::reply::failure;
use crate::upstream::connection::ConnectionError;

/// A JSON-RPC error without the request that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) code: i32,
    pub(super) message: Cow<'static, str>,
}

/// Something went wrong that the client can do nothing about.
pub(super) const INTERNAL_ERROR: i32 = -32603;

impl Trouble {
    pub(super) fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: INTERNAL_ERROR, message: message.into() }
    }

    pub(super) fn no_method() -> Self {
        Self { code: METHOD_NOT_FOUND, message: "Method not found".into() }
    }

    pub(super) fn params() -> Self {
        let message = "these params cannot be read; send an object as the method wants it";
        Self { code: INVALID_PARAMS, message: message.into() }
    }

    pub(super) fn busy() -> Self {
        let message = "too many requests at once; wait for one to finish";
        Self { code: TEMPORARILY_UNAVAILABLE, message: message.into() }
    }

    /// The answer to a request.
    pub(super) fn said(&self, id: Option<&str>) -> ClientMessage {
        ClientMessage::answer(error_response(id, self.code, &self.message, None), status::ANSWER)
    }
}

impl From<ConnectionError> for Trouble {
    fn from(error: ConnectionError) -> Self {
        // A modern server has no sessions that could be gone; the client's own is well.
        let error =
            if error == ConnectionError::SessionGone { ConnectionError::Broken } else { error };
        let fault = failure::fault(error);
        Self { code: fault.code, message: Cow::Borrowed(fault.message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D-55: no trouble with the upstream looks like the end of the session.
    #[test]
    fn d_55_never_404() {
        for error in [
            ConnectionError::Away,
            ConnectionError::SessionGone,
            ConnectionError::Timeout,
            ConnectionError::Full,
        ] {
            let trouble = Trouble::from(error);
            assert_ne!(trouble.code, protocol::mcp::SESSION_UNKNOWN);
            assert_eq!(trouble.said(Some("1")).status, 200);
        }
    }
}
