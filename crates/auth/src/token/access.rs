//! Access tokens (RFC 9068): what is in them and what they can do.

use kernel::encoding::base64url;
use model::{Grant, Subject};
use protocol::status_list::place_of;
use protocol::token::{
    ACCESS_TOKEN_TYPE, AccessClaims, StatusClaim, StatusReference, TokenResponse,
};
use protocol::{OAuthError, OAuthErrorCode, ResourceUri, Scopes};

use crate::answer::ClientFailure;
use crate::server::AuthServer;

/// What an access token for this grant may do now: grant ∩ asked ∩ ceiling ∩ user type. A demotion
/// shrinks the next token; nothing ever widens a grant.
pub(super) fn effective_scopes(
    server: &AuthServer,
    grant: &Grant,
    subject: &Subject,
    asked: Option<Scopes>,
) -> Result<Scopes, ClientFailure> {
    let resource = server.resources.find(&grant.resource);
    let ceiling = resource.map_or(Scopes::NONE, |resource| resource.ceiling);
    let allowed = grant.scopes.and(ceiling).and(server.user_type(subject).allows());
    let effective = asked.map_or(allowed, |asked| allowed.and(asked));
    if effective.is_empty() {
        return Err(OAuthErrorCode::InvalidScope
            .because("none of this grant's scopes is allowed any more; ask for a new authorization")
            .into());
    }
    Ok(effective)
}

/// Whether the person may still use the resource for the organization of the grant, by today's
/// rules and what the provider last said.
pub(super) fn check_person(
    server: &AuthServer,
    subject: &Subject,
    resource: &ResourceUri,
    organization: Option<&str>,
) -> Result<(), OAuthError> {
    if !server.may_use(subject, resource) {
        return Err(
            OAuthErrorCode::InvalidGrant.because("the person may not use this resource any more")
        );
    }
    if organization.is_some_and(|organization| !subject.belongs_to(organization)) {
        return Err(OAuthErrorCode::InvalidGrant
            .because("the person does not belong to the organization of this grant any more"));
    }
    if organization.is_some_and(|organization| server.disabled.has_organization(organization)) {
        return Err(OAuthErrorCode::InvalidGrant
            .because("the organization of this grant was switched off here"));
    }
    Ok(())
}

/// The id of an access token that is not made yet, so that the record of the change that leads to it
/// can name it.
pub(super) fn new_token_id(server: &AuthServer) -> String {
    let mut id = [0; 16];
    server.random.fill(&mut id);
    base64url(&id)
}

/// The token endpoint's answer with a fresh access token.
pub(super) fn issue(
    server: &AuthServer,
    grant: &Grant,
    subject: &Subject,
    scopes: Scopes,
    token_id: String,
    refresh_token: Option<String>,
) -> Result<TokenResponse, ClientFailure> {
    let claims = AccessClaims { jti: token_id, ..claims(server, grant, subject, scopes) };
    let access_token = server
        .keys
        .sign(ACCESS_TOKEN_TYPE, &claims)
        .map_err(|error| ClientFailure::Unexpected(error.into()))?;
    server.recent.note(&access_token);
    Ok(TokenResponse {
        access_token,
        token_type: "Bearer".to_owned(),
        expires_in: server.config.access_token_lifetime,
        scope: scopes,
        refresh_token,
    })
}

fn claims(server: &AuthServer, grant: &Grant, subject: &Subject, scopes: Scopes) -> AccessClaims {
    let now = server.now();
    let (list, idx) = place_of(grant.status_index);
    AccessClaims {
        iss: server.config.issuer.clone(),
        sub: subject.id.as_str().to_owned(),
        aud: grant.resource.as_str().to_owned(),
        client_id: grant.client.as_str().to_owned(),
        scope: scopes,
        exp: now.as_seconds() + server.config.access_token_lifetime,
        iat: now.as_seconds(),
        jti: String::new(),
        auth_time: grant.authenticated_at.as_seconds(),
        grant_id: grant.id.as_str().to_owned(),
        user_type: server.user_type(subject),
        organization: grant.organization.clone(),
        status: StatusClaim {
            status_list: StatusReference {
                idx,
                uri: server.config.url(&format!("/status/{list}")),
            },
        },
    }
}
