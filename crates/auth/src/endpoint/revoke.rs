//! `POST /revoke` (RFC 7009). Revoking a refresh token ends its grant, and with it every access
//! token of that grant (RV-3).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use kernel::Plain;
use model::refresh_token::RefreshSecret;
use model::{Client, RevocationReason};
use protocol::{OAuthError, OAuthErrorCode};
use store::unit::{RevokeGrant, RevokeOutcome};

use crate::answer::ClientFailure;
use crate::request::{self, invalid};
use crate::server::AuthServer;
use crate::token::authenticate;

/// Revokes a token.
pub(crate) async fn post(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, ClientFailure> {
    let (parts, params) = request::form(request).await?;
    let client = authenticate(&server, &parts, &params).await?;
    let token = params.one("token").map_err(invalid)?;
    let token = token.ok_or_else(|| OAuthErrorCode::InvalidRequest.because("token is missing"))?;
    refuse_access_tokens(token)?;
    if let Some(refresh) = Plain::<RefreshSecret>::parse(token) {
        revoke(&server, &client, &refresh).await?;
    }
    // RFC 7009 §2.2: an unknown token is as good as revoked.
    let mut response = Response::new(Body::empty());
    net::headers::client_endpoint(response.headers_mut());
    Ok(response)
}

async fn revoke(
    server: &AuthServer,
    client: &Client,
    token: &Plain<RefreshSecret>,
) -> Result<(), ClientFailure> {
    let mut reader = server.store.read().await?;
    let found = store::refresh_token::find(reader.conn(), &token.hash()).await?;
    drop(reader);
    let Some((_, grant, _)) = found else {
        return Ok(());
    };
    if grant.client != client.id {
        // RFC 7009 §2.1: refuse, tell the client, revoke nothing (RV-2, T-REV-03).
        return Err(OAuthErrorCode::InvalidRequest
            .because("the token was issued to another client")
            .into());
    }
    let unit =
        RevokeGrant { grant: grant.id, reason: RevocationReason::ClientRequest, now: server.now() };
    if let RevokeOutcome::Revoked { .. } = server.store.write(unit).await? {
        tracing::info!(client.id = %client.id, "grant revoked by its client");
        server.announce_change();
    }
    Ok(())
}

/// A single access token has no state here: it ends with its grant, or by itself within minutes.
/// Saying so is better than a 200 that changes nothing.
fn refuse_access_tokens(token: &str) -> Result<(), OAuthError> {
    if token.matches('.').count() == 2 {
        return Err(OAuthErrorCode::UnsupportedTokenType.because(
            "access tokens cannot be revoked one by one; revoke the refresh token, which ends them",
        ));
    }
    Ok(())
}
