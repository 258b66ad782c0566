//! `GET /status/{list}`: which grants were revoked (Token Status List), and which tokens alone.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use protocol::OAuthErrorCode;
use protocol::status_list::{STATUS_LIST_TYPE, StatusListClaims};

use crate::answer::ClientFailure;
use crate::server::AuthServer;

/// Seconds for which a list may be used when no newer one can be had.
const LIST_LIFETIME: i64 = 600;

/// Seconds after which a newer one should be asked for.
const LIST_TTL: i64 = 2;

/// A signed list.
pub(crate) async fn get(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, ClientFailure> {
    let number = request.uri().path().rsplit('/').next().and_then(|text| text.parse::<u64>().ok());
    // Numbers beyond any grant would only make the database work.
    let number = number.filter(|number| *number < u64::from(u32::MAX)).ok_or_else(|| {
        OAuthErrorCode::InvalidRequest.because("the last part of the path is a list's number")
    })?;
    let list = server.status_list(number).await?;
    let now = server.now().as_seconds();
    let claims = StatusListClaims {
        sub: server.config.url(&format!("/status/{number}")),
        iss: server.config.issuer.clone(),
        iat: now,
        exp: now + LIST_LIFETIME,
        ttl: LIST_TTL,
        status_list: list.bits.compress(),
        revoked_tokens: list.revoked_tokens,
    };
    let token = server
        .keys
        .sign(STATUS_LIST_TYPE, &claims)
        .map_err(|error| ClientFailure::Unexpected(error.into()))?;
    let mut response = Response::new(Body::from(token));
    let headers = response.headers_mut();
    net::headers::public_document(headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/statuslist+jwt"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=2"));
    Ok(response)
}
