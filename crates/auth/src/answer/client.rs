//! Answers to programs: RFC 6749 §5.2 JSON.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, StatusCode};
use protocol::{OAuthError, OAuthErrorCode};
use serde::Serialize;
use store::StoreError;

use crate::server::AuthServer;

/// Why a client does not get what it asked for.
#[derive(Debug)]
pub(crate) enum ClientFailure {
    /// The client's own doing.
    Refused(OAuthError),
    /// The client authenticated with the `Authorization` header and failed (RFC 6749 §5.2). Only then is
    /// there a challenge: oauth4webapi and openid-client report a challenge in place of the error in
    /// the body, and a client that never used the header needs to hear `invalid_client` (CA-3).
    BadBasicCredentials(OAuthError),
    /// The request needs a bearer token that is good here (RFC 6750 §3).
    BadBearerToken(OAuthError),
    /// The endpoint is switched off, for the reason given.
    NotHere(&'static str),
    /// Storage is away. Nothing was changed; the same request may be sent again (TK-4).
    Unavailable(StoreError),
    /// Something that should not happen.
    Unexpected(Box<dyn std::error::Error + Send + Sync>),
    /// The same, where the client should keep what it has and try again.
    UnexpectedForNow(Box<dyn std::error::Error + Send + Sync>),
}

impl ClientFailure {
    /// For the refresh grant. Clients read `server_error` as "sign in again" and open a browser;
    /// what is not the token's fault must not cost the token.
    pub(crate) fn keeping_the_token(self) -> Self {
        match self {
            Self::Unexpected(cause) => Self::UnexpectedForNow(cause),
            other => other,
        }
    }
}

impl From<OAuthError> for ClientFailure {
    fn from(error: OAuthError) -> Self {
        Self::Refused(error)
    }
}

impl From<StoreError> for ClientFailure {
    fn from(error: StoreError) -> Self {
        if error.is_unavailable() {
            Self::Unavailable(error)
        } else {
            Self::Unexpected(error.into())
        }
    }
}

/// Turns a handler's result into a response and logs what went wrong, once.
pub(crate) fn answer_client(
    server: &AuthServer,
    result: Result<Response, ClientFailure>,
) -> Response {
    let (error, challenge) = match result {
        Ok(response) => return response,
        Err(ClientFailure::Refused(error)) => (error, None),
        Err(ClientFailure::BadBasicCredentials(error)) => {
            (error, Some(HeaderValue::from_static("Basic realm=\"wicketgate\"")))
        }
        Err(ClientFailure::BadBearerToken(error)) => {
            (error, Some(HeaderValue::from_static("Bearer realm=\"wicketgate\"")))
        }
        Err(ClientFailure::NotHere(why)) => return not_here(why),
        Err(ClientFailure::Unavailable(cause)) => {
            tracing::warn!(error = %Chain(&cause), "storage is unavailable");
            let error = OAuthErrorCode::TemporarilyUnavailable
                .because("storage is unavailable; nothing was changed, send the request again");
            (error, None)
        }
        Err(ClientFailure::Unexpected(cause)) => {
            (unexpected(server, OAuthErrorCode::ServerError, &*cause), None)
        }
        Err(ClientFailure::UnexpectedForNow(cause)) => {
            (unexpected(server, OAuthErrorCode::TemporarilyUnavailable, &*cause), None)
        }
    };
    tracing::debug!(error.code = error.code.as_str(), error.description = %error.description, "refused");
    server.meter.refused(error.code.as_str());
    let mut response = json_response(error.code.status(), &error.to_json());
    let headers = response.headers_mut();
    net::headers::client_endpoint(headers);
    if let Some(challenge) = challenge {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    if let Some(seconds) = error.code.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn unexpected(
    server: &AuthServer,
    code: OAuthErrorCode,
    cause: &(dyn std::error::Error + 'static),
) -> OAuthError {
    let reference = server.reference();
    tracing::error!(%reference, error = %Chain(cause), "unexpected failure");
    server.meter.failed_unexpectedly();
    code.because(format!("unexpected failure; the log has the reference {reference}"))
}

/// 404, as JSON: it is mostly programs that look for things (CL-3).
pub(crate) fn not_here(why: &'static str) -> Response {
    let body = serde_json::json!({ "error": "not_found", "error_description": why });
    let mut response = json_response(404, &body);
    net::headers::client_endpoint(response.headers_mut());
    response
}

/// A JSON response without further headers.
pub(crate) fn json_response<T: Serialize>(status: u16, body: &T) -> Response {
    let (status, body) = match (StatusCode::from_u16(status), serde_json::to_vec(body)) {
        (Ok(status), Ok(body)) => (status, body),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, br#"{"error":"server_error"}"#.to_vec()),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(
        HeaderName::from_static("x-content-type-options"),
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// An error with its causes, on one line.
pub(super) struct Chain<'a>(pub(super) &'a (dyn std::error::Error + 'a));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}
