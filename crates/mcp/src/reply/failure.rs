//! What a client is told when an upstream fails: one row for each failure, whichever way the message
//! went. Once a stream has begun, the same error comes in it, without the status.

use http::StatusCode;
use protocol::mcp::{
    SESSION_UNKNOWN, TEMPORARILY_UNAVAILABLE, UPSTREAM_TIMEOUT, UPSTREAM_UNAVAILABLE,
};

use crate::reply::{Fault, Refused};
use crate::upstream::connection::ConnectionError;

/// The row of this failure. Legacy sessions never get 404 but for a session that is gone: they would
/// think so of any (D-55).
pub(crate) fn fault(error: ConnectionError) -> Fault<'static> {
    use ConnectionError as E;
    let (status, code) = match error {
        E::Away | E::Full => (StatusCode::SERVICE_UNAVAILABLE, TEMPORARILY_UNAVAILABLE),
        E::Timeout => (StatusCode::GATEWAY_TIMEOUT, UPSTREAM_TIMEOUT),
        E::SessionGone => (StatusCode::NOT_FOUND, SESSION_UNKNOWN),
        E::Broken | E::Refused(_) | E::Garbled | E::Unclaimed | E::Elsewhere | E::Compressed(_) => {
            (StatusCode::BAD_GATEWAY, UPSTREAM_UNAVAILABLE)
        }
    };
    let message = match error {
        E::Away => "the upstream MCP server cannot be reached; try again later",
        E::Broken => "the upstream MCP server closed the connection before its answer was complete",
        E::Timeout => "the upstream MCP server did not answer in time",
        E::Refused(_) => "the upstream MCP server answered with an error",
        E::SessionGone => "this session is not known; initialize a new one",
        E::Garbled => "the upstream MCP server sent something that cannot be read",
        E::Unclaimed => "the upstream MCP server answered without the id of the request",
        E::Elsewhere => {
            "the upstream MCP server names an address at another origin; its URL is configured wrongly"
        }
        E::Compressed(coding) => coding.message(),
        E::Full => "too many requests to the upstream MCP server at once; wait for one to finish",
    };
    Fault { status, code, message }
}

/// The whole answer to the request with this id. Nothing was executed where a server was away or had
/// no room, so the same request may come again.
pub(crate) fn refusal(error: ConnectionError, id: Option<&str>) -> Refused {
    let refused = fault(error).for_id(id);
    match error {
        ConnectionError::Away | ConnectionError::Full => refused.retry_soon(),
        _ => refused,
    }
}

#[cfg(test)]
mod tests {
    use http::header::RETRY_AFTER;

    use super::*;
    use crate::upstream::http::SendError;

    /// D-55: whatever the way, one failure is one answer.
    #[test]
    fn each_failure_has_one_row() {
        use ConnectionError as E;
        let rows = [
            (E::Away, 503, -31503),
            (E::Full, 503, -31503),
            (E::Broken, 502, -31502),
            (E::Garbled, 502, -31502),
            (E::Unclaimed, 502, -31502),
            (E::Elsewhere, 502, -31502),
            (E::Refused(StatusCode::NOT_FOUND), 502, -31502),
            (E::Timeout, 504, -31504),
            (E::SessionGone, 404, SESSION_UNKNOWN),
        ];
        for (error, status, code) in rows {
            let row = fault(error);
            assert_eq!((row.status.as_u16(), row.code), (status, code), "{error}");
            let answer = refusal(error, Some("1")).into_response();
            assert_eq!(answer.headers().contains_key(RETRY_AFTER), status == 503, "{error}");
        }
        for (sent, error) in [
            (SendError::Away, E::Away),
            (SendError::Broken, E::Broken),
            (SendError::Timeout, E::Timeout),
        ] {
            assert_eq!(E::from(sent), error);
        }
    }
}
