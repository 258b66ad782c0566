//! The HTTP status of what a legacy client is told.
//!
//! D-55: a modern server says 404 for an unknown method and 400 for much else. To a legacy client
//! 404 means that its session ended, and it would open a new one, perhaps for ever; 400 may look
//! like trouble with the transport. So an answer is an answer, whatever it says. 404 is left to
//! sessions that really are unknown here.

use http::StatusCode;

/// The status of every answer of an upstream.
pub(super) const ANSWER: StatusCode = StatusCode::OK;
