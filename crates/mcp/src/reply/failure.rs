//! The error catalogue: what a client is told when something fails, one row for each failure,
//! whichever way the message went. Once a stream has begun, the same error comes in it, without the
//! status. What the policy denies is in [`crate::request`]'s `judgement.rs`, which knows eras and scopes.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use protocol::jsonrpc::{
    INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, error_response,
};
use protocol::mcp::{
    ACCESS_ENDED, NOT_TAKEN, SESSION_UNKNOWN, TEMPORARILY_UNAVAILABLE, UPSTREAM_TIMEOUT,
    UPSTREAM_UNAVAILABLE,
};
use upstream::connection::ConnectionError;

use crate::reply::{Fault, Refused};

/// Why a request has no answer of the upstream's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The connection to the upstream failed.
    Connection(ConnectionError),
    /// The upstream answered, but with nothing that may pass.
    Unusable(Unusable),
    /// Somebody has as much as they may have.
    Limit(Limit),
    /// The client sent something that cannot be carried out. The text says what to send.
    Message(Malformed, &'static str),
    /// The session is not known here, or not any more.
    UnknownSession,
    /// There is no such method in this legacy session (D-55: no 404).
    UnknownMethod,
    /// The upstream needs something that this client cannot be asked.
    CannotBeAsked,
    /// The upstream asked, and the client did not answer.
    NotAnswered,
    /// The token ended while the answer was on its way.
    AccessEnded,
    /// The client cancelled the request, but its HTTP request has to end somehow.
    Cancelled,
    /// The process ends, or this server does.
    Stopping,
    /// The connection to the replica that works on it broke off.
    ReplicaBroke,
}

/// What an upstream answered that may not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// An upgrade that nobody asked for.
    Protocol,
    Redirect,
    /// The client's own token was good, so a 401 would send it through sign-in for nothing.
    Credential,
    ContentType,
    /// No stream where one was asked for.
    NoStream,
    /// The answer to another request.
    Stray,
    TooLarge,
    Task,
    List,
    BeforeInitialize,
    SessionId,
    /// It asks its client again and again instead of answering.
    KeepsAsking,
    /// It asks for more at once than is kept for it.
    AsksTooMuch,
    /// It asks for a page that nobody can be sent to.
    Page,
}

/// Of what somebody has enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Streams,
    Requests,
    LargeRequests,
    Subscriptions,
}

/// In which way a message cannot be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// It breaks the rules of the transport (MCP 2026-07-28, "Errors": 400).
    Request,
    /// So do its `params._meta`.
    Meta,
    /// Its parameters do not fit. To clients of both eras that is an answer like any other.
    Params,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The HTTP status, where no stream has begun.
    pub(crate) status: StatusCode,
    /// The JSON-RPC code.
    pub(crate) code: i32,
    /// The sentence.
    pub(crate) message: Cow<'static, str>,
    /// Whether it is worth the while to come back soon (`Retry-After`).
    pub(crate) retry: bool,
}

impl Failure {
    /// The row. Legacy sessions never get 404 but for a session that is gone: they would think so of
    /// any (D-55).
    pub(crate) fn row(self) -> Row {
        let row = |status, code, message| Row {
            status,
            code,
            message: Cow::Borrowed(message),
            retry: false,
        };
        match self {
            Self::Connection(error) => of_connection(error),
            Self::Unusable(unusable) => {
                row(StatusCode::BAD_GATEWAY, UPSTREAM_UNAVAILABLE, unusable.message())
            }
            Self::Limit(limit) => limit.row(),
            Self::Message(Malformed::Request, message) => {
                row(StatusCode::BAD_REQUEST, INVALID_REQUEST, message)
            }
            Self::Message(Malformed::Meta, message) => {
                row(StatusCode::BAD_REQUEST, INVALID_PARAMS, message)
            }
            Self::Message(Malformed::Params, message) => {
                row(StatusCode::OK, INVALID_PARAMS, message)
            }
            Self::UnknownSession => row(
                StatusCode::NOT_FOUND,
                SESSION_UNKNOWN,
                "this session is not known; initialize a new one",
            ),
            Self::UnknownMethod => row(StatusCode::OK, METHOD_NOT_FOUND, "Method not found"),
            Self::CannotBeAsked => row(
                StatusCode::OK,
                INVALID_REQUEST,
                "the upstream MCP server needs something that this client cannot be asked",
            ),
            Self::NotAnswered => row(
                StatusCode::OK,
                INTERNAL_ERROR,
                "the client did not answer what the upstream MCP server asked",
            ),
            Self::AccessEnded => row(
                StatusCode::OK,
                ACCESS_ENDED,
                "access ended while the answer was on its way; sign in again and retry",
            ),
            Self::Cancelled => {
                row(StatusCode::OK, INTERNAL_ERROR, "the client cancelled this request")
            }
            Self::Stopping => Row {
                status: StatusCode::SERVICE_UNAVAILABLE,
                code: TEMPORARILY_UNAVAILABLE,
                message:
                    "the gateway or this server stops; what was asked may have been carried out"
                        .into(),
                retry: true,
            },
            Self::ReplicaBroke => row(
                StatusCode::BAD_GATEWAY,
                UPSTREAM_UNAVAILABLE,
                "the connection broke off; what was asked may have happened",
            ),
        }
    }

    /// The whole answer to the request with this id.
    pub(crate) fn refused(self, id: Option<&str>) -> Refused {
        let Row { status, code, message, retry } = self.row();
        let refused = Fault { status, code, message: &message }.for_id(id);
        if retry { refused.retry_soon() } else { refused }
    }

    /// The error alone, for a stream that has begun.
    pub(crate) fn text(self, id: Option<&str>) -> String {
        let Row { code, message, .. } = self.row();
        error_response(id, code, &message, None)
    }
}

/// For the log: of a connection more than clients are told.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => error.fmt(f),
            other => f.write_str(&other.row().message),
        }
    }
}

impl From<ConnectionError> for Failure {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::SessionGone => Self::UnknownSession,
            ConnectionError::Refused(status) => match status.as_u16() {
                ..=199 => Self::Unusable(Unusable::Protocol),
                200..=299 => Self::Unusable(Unusable::ContentType),
                300..=399 => Self::Unusable(Unusable::Redirect),
                401 | 407 => Self::Unusable(Unusable::Credential),
                _ => Self::Connection(error),
            },
            error => Self::Connection(error),
        }
    }
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        Self::Unusable(unusable)
    }
}

impl From<Limit> for Failure {
    fn from(limit: Limit) -> Self {
        Self::Limit(limit)
    }
}

fn of_connection(error: ConnectionError) -> Row {
    use ConnectionError as E;
    let (status, code) = match error {
        E::Away | E::Full => (StatusCode::SERVICE_UNAVAILABLE, TEMPORARILY_UNAVAILABLE),
        E::Timeout => (StatusCode::GATEWAY_TIMEOUT, UPSTREAM_TIMEOUT),
        E::SessionGone => return Failure::UnknownSession.row(),
        E::Refused(status) => (passed_on(status), UPSTREAM_UNAVAILABLE),
        E::Broken | E::Garbled | E::Unclaimed | E::Elsewhere | E::Compressed(_) => {
            (StatusCode::BAD_GATEWAY, UPSTREAM_UNAVAILABLE)
        }
    };
    let message = match error {
        E::Away => "the upstream MCP server cannot be reached; try again later",
        E::Broken => "the upstream MCP server closed the connection before its answer was complete",
        E::Timeout => "the upstream MCP server did not answer in time",
        E::Refused(status) => {
            let status_code = status.as_u16();
            let message =
                format!("the upstream MCP server answered with HTTP status {status_code}");
            let retry = matches!(status_code, 429 | 503);
            return Row { status: passed_on(status), code, message: message.into(), retry };
        }
        E::SessionGone => "this session is not known; initialize a new one",
        E::Garbled => "the upstream MCP server sent something that cannot be read",
        E::Unclaimed => "the upstream MCP server answered without the id of the request",
        E::Elsewhere => {
            "the upstream MCP server names an address at another origin; its URL is configured wrongly"
        }
        E::Compressed(coding) => coding.message(),
        E::Full => "too many requests to the upstream MCP server at once; wait for one to finish",
    };
    // Nothing was executed where a server was away or had no room.
    Row { status, code, message: message.into(), retry: matches!(error, E::Away | E::Full) }
}

/// The status of our error in place of an upstream's HTTP error that says nothing of MCP. 401, 403, 404
/// and 407 become 502: from us they would speak of the client's token, scope or session. 405 stays,
/// since a server without standing streams says it to GET (D-02).
fn passed_on(status: StatusCode) -> StatusCode {
    match status.as_u16() {
        401 | 403 | 404 | 407 => StatusCode::BAD_GATEWAY,
        400.. => status,
        _ => StatusCode::BAD_GATEWAY,
    }
}

impl Unusable {
    const fn message(self) -> &'static str {
        match self {
            Self::Protocol => "the upstream MCP server speaks another protocol",
            Self::Redirect => "the upstream MCP server redirects; configure its final URL",
            Self::Credential => "the upstream MCP server refused the gateway's credential",
            Self::ContentType => "the upstream MCP server answered with another content type",
            Self::NoStream => "the upstream MCP server answered GET with no stream",
            Self::Stray => "the upstream MCP server answered another request",
            Self::TooLarge => "the upstream MCP server's answer is incomplete or too large",
            Self::Task => "the upstream MCP server sent an unreadable task",
            Self::List => "the upstream MCP server sent a list of tools that cannot be read",
            Self::BeforeInitialize => {
                "the upstream MCP server sent too much before its answer to initialize"
            }
            Self::SessionId => "the upstream MCP server sent an unusable session id",
            Self::KeepsAsking => "the upstream MCP server keeps asking instead of answering",
            Self::AsksTooMuch => "the upstream MCP server asks for too much at once",
            Self::Page => "the upstream MCP server asks for a page that nobody can open",
        }
    }
}

impl Limit {
    fn row(self) -> Row {
        let (status, code, retry) = match self {
            Self::Streams | Self::Requests | Self::LargeRequests => {
                (StatusCode::TOO_MANY_REQUESTS, NOT_TAKEN, true)
            }
            Self::Subscriptions => (StatusCode::OK, INVALID_PARAMS, false),
        };
        let message = match self {
            Self::Streams => "too many open streams; close one first",
            Self::Requests => "too many of your requests are under way; wait for answers first",
            Self::LargeRequests => {
                "too many of your large requests are under way; wait for answers first"
            }
            Self::Subscriptions => {
                "this session cannot subscribe to that much; unsubscribe from something"
            }
        };
        Row { status, code, message: message.into(), retry }
    }
}

#[cfg(test)]
mod tests;
