//! The authorization code grant (OAuth 2.1 §4.1.3).
//!
//! Everything is checked before the code is touched; a request that fails a check does not consume
//! it (TC-4). The database decides who redeems it.

use kernel::encoding::sha256_base64url;
use kernel::secret::constant_time_eq;
use kernel::{Id, Plain};
use model::code::CodeSecret;
use model::refresh_token::RefreshSecret;
use model::{Client, Code, Subject};
use protocol::params::Params;
use protocol::pkce::CodeVerifier;
use protocol::token::TokenResponse;
use protocol::{OAuthError, OAuthErrorCode, ResourceUri};
use store::unit::{CountFailedRedemption, NewRefreshToken, RedeemCode, RedeemOutcome};

use super::access::{check_person, effective_scopes, issue, new_token_id};
use crate::answer::ClientFailure;
use crate::request::invalid;
use crate::server::AuthServer;

/// Redeems a code for tokens.
pub(super) async fn redeem(
    server: &AuthServer,
    client: &Client,
    params: &Params,
) -> Result<TokenResponse, ClientFailure> {
    let presented = presented_code(params)?;
    let (code, subject) = find(server, &presented, client).await?;
    if let Err(error) = check(&code, params) {
        server.store.write(CountFailedRedemption { hash: code.hash }).await?;
        return Err(error.into());
    }
    // A second redemption is seen whatever the limit says (TC-3).
    if code.redeemed_as.is_none() {
        server.throttle.token(&client.id, &subject.id)?;
    }
    check_person(server, &subject, &code.resource, code.organization.as_deref())?;
    let refresh = client.refresh_tokens.then(|| Plain::<RefreshSecret>::generate(&*server.random));
    let now = server.now();
    let token_id = new_token_id(server);
    let unit = RedeemCode {
        hash: code.hash,
        client: client.id.clone(),
        grant_id: Id::generate(&*server.random),
        refresh: refresh.as_ref().map(|token| NewRefreshToken {
            hash: token.hash(),
            expires_at: now.plus_seconds(server.config.refresh_token_lifetime),
        }),
        token: token_id.clone(),
        now,
    };
    match server.store.write(unit).await? {
        RedeemOutcome::Redeemed(grant) => {
            let scopes = effective_scopes(server, &grant, &subject, None)?;
            let refresh = refresh.map(|token| token.reveal().to_owned());
            issue(server, &grant, &subject, scopes, token_id, refresh)
        }
        RedeemOutcome::Replayed { newly_revoked, .. } => {
            // TC-3: somebody has had tokens for this code already; both lose them.
            if newly_revoked {
                tracing::warn!(client.id = %client.id, "a code was redeemed twice: grant revoked");
                server.announce_change();
            }
            Err(not_valid().into())
        }
        RedeemOutcome::Refused => Err(not_valid().into()),
    }
}

fn presented_code(params: &Params) -> Result<Plain<CodeSecret>, OAuthError> {
    let code = params.one("code").map_err(invalid)?;
    let code = code.ok_or_else(|| OAuthErrorCode::InvalidRequest.because("code is missing"))?;
    Plain::parse(code).ok_or_else(not_valid)
}

/// The code, if it was issued to this client (TC-1) for a person who is still active (TC-6).
async fn find(
    server: &AuthServer,
    presented: &Plain<CodeSecret>,
    client: &Client,
) -> Result<(Code, Subject), ClientFailure> {
    let mut reader = server.store.read().await?;
    let code = store::code::find(reader.conn(), &presented.hash()).await?;
    let code = code.filter(|code| code.client == client.id).ok_or_else(not_valid)?;
    let subject = store::subject::find(reader.conn(), &code.subject).await?;
    let subject = subject.filter(|subject| subject.disabled_at.is_none()).ok_or_else(not_valid)?;
    drop(reader);
    server.refuse_if_gone(client, &subject, None).await?;
    Ok((code, subject))
}

fn check(code: &Code, params: &Params) -> Result<(), OAuthError> {
    check_verifier(code, params)?;
    check_redirect_uri(code, params)?;
    check_resource(code, params)
}

/// RFC 7636 §4.6. Each code has a challenge, so each redemption needs a verifier (PK-4).
fn check_verifier(code: &Code, params: &Params) -> Result<(), OAuthError> {
    let refuse = |why: &'static str| OAuthErrorCode::InvalidGrant.because(why);
    let verifier = params.one("code_verifier").map_err(invalid)?;
    let verifier = verifier.ok_or_else(|| refuse("code_verifier is missing"))?;
    let verifier =
        CodeVerifier::parse(verifier).ok_or_else(|| refuse("code_verifier is malformed"))?;
    let computed = sha256_base64url(verifier.as_bytes());
    if constant_time_eq(computed.as_bytes(), code.challenge.as_str().as_bytes()) {
        Ok(())
    } else {
        Err(refuse("code_verifier does not match the code_challenge"))
    }
}

/// OAuth 2.1 dropped the parameter; OAuth 2.0 clients send it, and then it must be equal (TC-5).
fn check_redirect_uri(code: &Code, params: &Params) -> Result<(), OAuthError> {
    match params.one("redirect_uri").map_err(invalid)? {
        Some(sent) if sent != code.redirect_uri.as_str() => Err(OAuthErrorCode::InvalidGrant
            .because("redirect_uri differs from the one in the authorization request")),
        _ => Ok(()),
    }
}

/// RI-4: the resource must be the granted one.
fn check_resource(code: &Code, params: &Params) -> Result<(), OAuthError> {
    check_resource_is(&code.resource, params)
}

/// RFC 8707 §2.2: every named resource must be the granted one.
pub(super) fn check_resource_is(granted: &ResourceUri, params: &Params) -> Result<(), OAuthError> {
    let all_granted = params
        .all("resource")
        .all(|text| ResourceUri::parse(text).is_ok_and(|resource| resource == *granted));
    if all_granted {
        Ok(())
    } else {
        Err(OAuthErrorCode::InvalidTarget
            .because("resource is not the one that the person consented to"))
    }
}

fn not_valid() -> OAuthError {
    OAuthErrorCode::InvalidGrant.because("the code is invalid or has expired; start again")
}
