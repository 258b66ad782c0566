//! `POST /revoke` (RFC 7009). Revoking a refresh token ends its grant, and with it every access
//! token of that grant (RV-3); revoking an access token ends that one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use kernel::{Plain, Timestamp};
use model::refresh_token::RefreshSecret;
use model::{Client, GrantId, RevocationReason};
use protocol::token::AccessClaims;
use protocol::{OAuthError, OAuthErrorCode};
use store::unit::{RevokeAccessToken, RevokeAccessTokenOutcome, RevokeGrant, RevokeOutcome};

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
    // `token_type_hint` could only help to look in the right place first (RV-1).
    if let Some(refresh) = Plain::<RefreshSecret>::parse(token) {
        revoke(&server, &client, &refresh).await?;
    } else if let Some(claims) = server.issued(token) {
        revoke_alone(&server, &client, claims).await?;
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
        return Err(of_another_client().into());
    }
    let unit =
        RevokeGrant { grant: grant.id, reason: RevocationReason::ClientRequest, now: server.now() };
    if let RevokeOutcome::Revoked { .. } = server.store.write(unit).await? {
        tracing::info!(client.id = %client.id, "grant revoked by its client");
        server.announce_change();
    }
    Ok(())
}

/// The token alone ends: its grant goes on, and a client that wants that to end revokes the refresh
/// token. One that expired is as good as revoked.
async fn revoke_alone(
    server: &AuthServer,
    client: &Client,
    claims: AccessClaims,
) -> Result<(), ClientFailure> {
    if claims.client_id != client.id.as_str() {
        return Err(of_another_client().into());
    }
    let now = server.now();
    if claims.exp <= now.as_seconds() {
        return Ok(());
    }
    let unit = RevokeAccessToken {
        token: claims.jti,
        grant: GrantId::from_stored(claims.grant_id),
        expires_at: Timestamp::from_millis(claims.exp.saturating_mul(1000)),
        now,
    };
    match server.store.write(unit).await? {
        RevokeAccessTokenOutcome::Unchanged => return Ok(()),
        RevokeAccessTokenOutcome::Revoked => {
            tracing::info!(client.id = %client.id, "access token revoked by its client");
        }
        RevokeAccessTokenOutcome::GrantRevoked => {
            tracing::warn!(client.id = %client.id,
                "so many access tokens were revoked one by one that the whole grant was revoked");
        }
    }
    server.announce_change();
    Ok(())
}

/// RFC 7009 §2.1: refuse, tell the client, revoke nothing (RV-2, T-REV-03).
fn of_another_client() -> OAuthError {
    OAuthErrorCode::InvalidRequest.because("the token was issued to another client")
}
