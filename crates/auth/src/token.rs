//! `POST /token` (OAuth 2.1 §3.2): authenticate the client, then one file for each grant.

mod access;
mod client_auth;
mod code;
mod issued;
mod machine;
mod recheck;
mod refresh;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::Response;
use protocol::OAuthErrorCode;
use protocol::params::Params;
use protocol::token::TokenResponse;

pub(crate) use self::client_auth::authenticate;
use crate::answer::{ClientFailure, json_response};
use crate::request::{self, invalid};
use crate::server::AuthServer;

const CODE: &str = "authorization_code";
const REFRESH: &str = "refresh_token";
const MACHINE: &str = "client_credentials";

/// What can be redeemed here.
pub(crate) const GRANT_TYPES: [&str; 3] = [CODE, REFRESH, MACHINE];

/// Redeems a code or a refresh token, or lets a client act for itself.
pub(crate) async fn post(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, ClientFailure> {
    let (parts, params) = request::form(request).await?;
    let grant_type = params.one("grant_type").map_err(invalid)?;
    let grant_type = grant_type
        .ok_or_else(|| OAuthErrorCode::InvalidRequest.because("grant_type is missing"))?
        .to_owned();
    let redeemed = redeem(&server, &grant_type, &parts, &params).await;
    let (name, tokens) = match redeemed {
        Err(failure) if grant_type == REFRESH => return Err(failure.keeping_the_token()),
        redeemed => redeemed?,
    };
    server.meter.issued(name);
    Ok(answer(&tokens))
}

async fn redeem(
    server: &Arc<AuthServer>,
    grant_type: &str,
    parts: &Parts,
    params: &Params,
) -> Result<(&'static str, TokenResponse), ClientFailure> {
    let client = authenticate(server, parts, params).await?;
    match grant_type {
        CODE => Ok((CODE, code::redeem(server, &client, params).await?)),
        REFRESH => Ok((REFRESH, refresh::redeem(server, &client, params).await?)),
        MACHINE => Ok((MACHINE, machine::authorize(server, &client, params).await?)),
        _ => Err(OAuthErrorCode::UnsupportedGrantType
            .because("use authorization_code, refresh_token or client_credentials")
            .into()),
    }
}

/// RFC 6749 §5.1, never cached (TK-2).
fn answer(tokens: &TokenResponse) -> Response {
    let mut response = json_response(200, tokens);
    net::headers::client_endpoint(response.headers_mut());
    response
}
