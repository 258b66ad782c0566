//! The refresh token grant (OAuth 2.1 §4.3).
//!
//! Each use rotates the token. Several processes of one client share a token and race, so inside a
//! short window the same parent gets the same successor back; it is kept sealed under a key that
//! only the parent token yields. Later, a parent that comes again is theft: the grant ends (RT-4,
//! RT-8, RT-9).

use std::sync::Arc;

use kernel::Plain;
use kernel::seal::derive_key;
use model::refresh_token::RefreshSecret;
use model::{Client, Grant, RefreshToken, Subject};
use protocol::params::Params;
use protocol::token::TokenResponse;
use protocol::{OAuthError, OAuthErrorCode, Scopes};
use store::unit::{IssuedToken, RotateOutcome, RotateRefresh, Successor};

use super::access::{check_person, effective_scopes, issue, new_token_id};
use super::code::check_resource_is;
use super::recheck;
use crate::answer::ClientFailure;
use crate::request::invalid;
use crate::server::AuthServer;

/// The associated data under which a successor is sealed.
const SUCCESSOR: &str = "OAUTH_REFRESH_TOKEN/successor_sealed";

/// Redeems a refresh token for new tokens.
pub(super) async fn redeem(
    server: &Arc<AuthServer>,
    client: &Client,
    params: &Params,
) -> Result<TokenResponse, ClientFailure> {
    let parent = presented_token(params)?;
    let (token, grant, subject) = find(server, &parent, client).await?;
    // A token that was used before brings no new one, and whoever stole it must not be able to keep
    // that from being seen by using up the limit (RT-4).
    if token.rotated.is_none() {
        server.throttle.token(&client.id, &grant.subject)?;
    }
    check_resource_is(&grant.resource, params)?;
    let asked = asked_scopes(&grant, params)?;
    let subject = recheck::as_of_now(server, &token, subject).await?;
    check_person(server, &subject, &grant.resource, grant.organization.as_deref())?;
    let scopes = effective_scopes(server, &grant, &subject, asked)?;
    // The token is signed while the disk works, and goes out only if the rotation is on it.
    let token_id = new_token_id(server);
    let rotation = rotate(server, client, &grant, &parent, token_id.clone());
    let signing = async { issue(server, &grant, &subject, scopes, token_id, None) };
    let (successor, tokens) = tokio::join!(biased; rotation, signing);
    Ok(TokenResponse { refresh_token: Some(successor?), ..tokens? })
}

fn presented_token(params: &Params) -> Result<Plain<RefreshSecret>, OAuthError> {
    let token = params.one("refresh_token").map_err(invalid)?;
    let token =
        token.ok_or_else(|| OAuthErrorCode::InvalidRequest.because("refresh_token is missing"))?;
    Plain::parse(token).ok_or_else(not_valid)
}

/// The token and its grant, if that is this client's and still stands (RT-2).
async fn find(
    server: &AuthServer,
    parent: &Plain<RefreshSecret>,
    client: &Client,
) -> Result<(RefreshToken, Grant, Subject), ClientFailure> {
    let mut reader = server.store.read().await?;
    let found = store::refresh_token::find(reader.conn(), &parent.hash()).await?;
    let (token, grant, subject) = found.ok_or_else(not_valid)?;
    let stands =
        grant.client == client.id && grant.revoked.is_none() && subject.disabled_at.is_none();
    if !stands {
        return Err(not_valid().into());
    }
    drop(reader);
    server.refuse_if_gone(client, &subject, Some(&grant.id)).await?;
    Ok((token, grant, subject))
}

/// RFC 6749 §6: less may be asked for, never more (RT-3). Names that we do not know are left out,
/// because clients repeat `offline_access` and others here.
fn asked_scopes(grant: &Grant, params: &Params) -> Result<Option<Scopes>, OAuthError> {
    let Some(text) = params.one("scope").map_err(invalid)? else {
        return Ok(None);
    };
    let asked = Scopes::parse_requested(text)
        .map_err(|error| OAuthErrorCode::InvalidScope.because(error.to_string()))?;
    if !grant.scopes.contains_all(asked.known) {
        return Err(OAuthErrorCode::InvalidScope.because(format!(
            "the grant has only {}; more needs a new authorization",
            grant.scopes
        )));
    }
    Ok((!asked.known.is_empty()).then_some(asked.known))
}

/// Rotates the parent and returns the successor's text.
async fn rotate(
    server: &AuthServer,
    client: &Client,
    grant: &Grant,
    parent: &Plain<RefreshSecret>,
    token_id: String,
) -> Result<String, ClientFailure> {
    let successor = Plain::<RefreshSecret>::generate(&*server.random);
    let only_with_parent = derive_key(parent.reveal().as_bytes(), SUCCESSOR);
    let now = server.now();
    let unit = RotateRefresh {
        hash: parent.hash(),
        grant: grant.id.clone(),
        client: client.id.clone(),
        issued: IssuedToken {
            id: token_id,
            subject: grant.subject.clone(),
            organization: grant.organization.clone(),
            resource: grant.resource.clone(),
        },
        successor: Successor {
            hash: successor.hash(),
            sealed: only_with_parent.seal(
                successor.reveal().as_bytes(),
                SUCCESSOR,
                &*server.random,
            ),
            expires_at: now.plus_seconds(server.config.refresh_token_lifetime),
        },
        grace_millis: server.config.refresh_reuse_grace.saturating_mul(1000),
        now,
    };
    match server.store.write(unit).await? {
        RotateOutcome::Rotated => Ok(successor.reveal().to_owned()),
        RotateOutcome::Reused { successor_sealed } => {
            server.meter.refresh_reused("returned");
            let opened = only_with_parent
                .open(&successor_sealed, SUCCESSOR)
                .map_err(|error| ClientFailure::Unexpected(error.into()))?;
            String::from_utf8(opened.to_vec())
                .map_err(|error| ClientFailure::Unexpected(error.into()))
        }
        RotateOutcome::ReusedTooOften => {
            tracing::warn!(client.id = %client.id,
                "a rotated refresh token came again too often inside its window: refused");
            server.meter.refresh_reused("refused");
            Err(not_valid().into())
        }
        RotateOutcome::Replayed { newly_revoked, .. } => {
            if newly_revoked {
                tracing::warn!(client.id = %client.id, "a rotated refresh token came again: grant revoked");
                server.announce_change();
            }
            Err(not_valid().into())
        }
        RotateOutcome::Refused => Err(not_valid().into()),
    }
}

fn not_valid() -> OAuthError {
    OAuthErrorCode::InvalidGrant
        .because("the refresh token is invalid or has expired; ask for a new authorization")
}
