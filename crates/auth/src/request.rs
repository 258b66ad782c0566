//! Reading requests: queries, form bodies and JSON bodies within their limits.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use http::Extensions;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use protocol::params::{Params, ParamsError};
use protocol::{OAuthError, OAuthErrorCode};

use crate::Peer;

/// The largest form or registration (DS-1).
const MAX_BODY: usize = 64 * 1024;

/// How long a body may take to arrive. A form is one packet or a few; whoever needs longer keeps a
/// connection from others.
const BODY_TIME: Duration = Duration::from_secs(15);

/// The parameters of a query string.
pub(crate) fn query(parts: &Parts) -> Result<Params, ParamsError> {
    Params::parse(parts.uri.query().unwrap_or_default().as_bytes())
}

/// The parameters of a form body (TK-1). Credentials in the query are refused.
pub(crate) async fn form(request: Request) -> Result<(Parts, Params), OAuthError> {
    form_up_to(request, MAX_BODY).await
}

/// The parameters of a form body of at most so many bytes.
pub(crate) async fn form_up_to(
    request: Request,
    max_body: usize,
) -> Result<(Parts, Params), OAuthError> {
    let (parts, body) = request.into_parts();
    expect_type(&parts, "application/x-www-form-urlencoded")?;
    if parts.uri.query().is_some_and(|query| !query.is_empty()) {
        return Err(OAuthErrorCode::InvalidRequest
            .because("send the parameters in the form body, not in the query"));
    }
    let body = read(body, max_body).await?;
    let params = Params::parse(&body).map_err(invalid)?;
    Ok((parts, params))
}

/// A JSON body.
pub(crate) async fn json(request: Request) -> Result<(Parts, bytes::Bytes), OAuthError> {
    let (parts, body) = request.into_parts();
    expect_type(&parts, "application/json")?;
    Ok((parts, read(body, MAX_BODY).await?))
}

/// The head of a JSON request, whose body is not read yet.
pub(crate) fn json_head(request: Request) -> Result<(Parts, Body), OAuthError> {
    let (parts, body) = request.into_parts();
    expect_type(&parts, "application/json")?;
    Ok((parts, body))
}

/// The address that sent the request.
pub(crate) fn peer(parts: &Parts) -> IpAddr {
    peer_in(&parts.extensions)
}

/// The address that sent a request whose body is not read yet.
pub(crate) fn peer_of(request: &Request) -> IpAddr {
    peer_in(request.extensions())
}

fn peer_in(extensions: &Extensions) -> IpAddr {
    extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0)
}

/// A parameter problem as the error it is for a client.
pub(crate) fn invalid(error: ParamsError) -> OAuthError {
    OAuthErrorCode::InvalidRequest.because(error.to_string())
}

fn expect_type(parts: &Parts, wanted: &'static str) -> Result<(), OAuthError> {
    // DS-5: nothing is inflated here.
    if parts.headers.contains_key(CONTENT_ENCODING) {
        return Err(OAuthErrorCode::UnsupportedContentCoding
            .because("send the body as it is, without Content-Encoding"));
    }
    let given = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(wanted) {
        Ok(())
    } else {
        Err(OAuthErrorCode::InvalidRequest.because(format!("Content-Type must be {wanted}")))
    }
}

/// A body of at most so many bytes, which may not take for ever to arrive.
pub(crate) async fn read(body: Body, max: usize) -> Result<bytes::Bytes, OAuthError> {
    net::body::read_limited(body, max, BODY_TIME).await.map_err(|error| match error {
        net::body::BodyError::TooLarge => OAuthErrorCode::PayloadTooLarge
            .because(format!("the body is larger than {} KiB", max / 1024)),
        net::body::BodyError::TooSlow => OAuthErrorCode::RequestTimeout
            .because("the body took too long to arrive; send it at once"),
        net::body::BodyError::Broken => {
            OAuthErrorCode::InvalidRequest.because("the body could not be read to its end")
        }
    })
}
