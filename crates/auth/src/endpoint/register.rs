//! `POST /register`: dynamic client registration (RFC 7591 §3).

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::request::Parts;
use kernel::encoding::{base64url, sha256};
use kernel::{Plain, SecureRandom};
use model::client::{AssertionAudience, ClientSecret, KeySource, Signing};
use model::{Client, ClientAuth, ClientId, ClientOrigin};
use protocol::client_keys::ClientKeys;
use protocol::registration::{
    AuthMethod, Registration, RegistrationResponse, UnverifiedRegistration,
};
use protocol::{OAuthErrorCode, Scopes};
use store::unit::{RegisterClient, Registered};

use crate::answer::{ClientFailure, json_response};
use crate::config::Registration as Rules;
use crate::request;
use crate::server::AuthServer;

/// Registered clients that never connected anybody; beyond this many, old ones make room.
const MAX_UNUSED_CLIENTS: i64 = 10_000;

/// Registers a client.
pub(crate) async fn post(
    server: Arc<AuthServer>,
    request: Request,
) -> Result<Response, ClientFailure> {
    let (parts, body) = request::json(request).await?;
    let address = request::peer(&parts);
    server.throttle.registration(address)?;
    let vouched_for = shows_initial_access_token(&server, &parts)?;
    let registration = UnverifiedRegistration::parse(&body)?
        .validate(&server.config.redirect_policy, server.resources.ceiling())?;
    if !vouched_for {
        admit_stranger(&server.config.registration, &registration)?;
    }
    let secret = match registration.auth_method {
        AuthMethod::None | AuthMethod::PrivateKeyJwt => None,
        AuthMethod::SecretPost | AuthMethod::SecretBasic => {
            Some(Plain::<ClientSecret>::generate(&*server.random))
        }
    };
    let mut client = new_client(&server, &registration, secret.as_ref());
    if !registration.dropped.is_empty() {
        tracing::info!(client.id = %client.id, left_out = registration.dropped.join(" "),
            "a client registered with links that are no https URLs: they are left out");
    }
    let register = RegisterClient {
        client: client.clone(),
        source: server.throttle.source(address),
        max_unused: MAX_UNUSED_CLIENTS,
    };
    let Registered { same, displaced } = server.store.write(register).await?;
    if let Some(same) = same {
        tracing::debug!(client.id = %same.id, "a client registered once more: it keeps its id");
        (client.id, client.created_at) = (same.id, same.created_at);
    }
    if displaced > 0 {
        tracing::warn!(
            displaced,
            "too many registrations are unused; the oldest are being removed"
        );
    }
    Ok(answer(&client, registration, secret.as_ref()))
}

/// Whether the request shows the token that an administrator gave out. One that is wrong is refused,
/// whoever may register without; where none is configured, the header means nothing (RFC 7591 §3).
fn shows_initial_access_token(server: &AuthServer, parts: &Parts) -> Result<bool, ClientFailure> {
    let Some(expected) = &server.config.registration.initial_access_token else {
        return Ok(false);
    };
    let Some(header) = parts.headers.get(AUTHORIZATION) else { return Ok(false) };
    let (scheme, token) =
        header.to_str().ok().and_then(|it| it.split_once(' ')).unwrap_or_default();
    let is_it = sha256(token.trim().as_bytes()) == sha256(expected.reveal().as_bytes());
    if scheme.eq_ignore_ascii_case("bearer") && is_it {
        return Ok(true);
    }
    let error = OAuthErrorCode::InvalidToken.because("this is not the initial access token");
    let error = server.throttle.failed_authentication(request::peer(parts), "", error);
    Err(ClientFailure::BadBearerToken(error))
}

/// Whether a client may register that nobody vouched for (RG-17).
fn admit_stranger(rules: &Rules, registration: &Registration) -> Result<(), ClientFailure> {
    let redirects = &registration.redirect_uris;
    let is_closed = rules.initial_access_token.is_some() || !rules.allowed_redirects.is_empty();
    let stranger = redirects.iter().find(|redirect| !rules.allowed_redirects.admits(redirect));
    let Some(stranger) = stranger.filter(|_| is_closed) else { return Ok(()) };
    tracing::info!(redirect = %stranger,
        "a client may not register with this redirect URI: an administrator can add it to \
         oauth.registration.allowed_redirects");
    if rules.initial_access_token.is_some() {
        let error = OAuthErrorCode::InvalidToken
            .because("register with the initial access token; the administrator has it");
        return Err(ClientFailure::BadBearerToken(error));
    }
    let error = OAuthErrorCode::InvalidRedirectUri.because(
        "only known clients may register here; ask the administrator to add this redirect URI to \
         oauth.registration.allowed_redirects",
    );
    Err(error.into())
}

fn new_client(
    server: &AuthServer,
    registration: &Registration,
    secret: Option<&Plain<ClientSecret>>,
) -> Client {
    let id = new_client_id(&*server.random);
    let auth = match (registration.auth_method, secret, &registration.keys) {
        (AuthMethod::SecretPost, Some(secret), _) => ClientAuth::SecretPost(secret.hash()),
        (AuthMethod::SecretBasic, Some(secret), _) => ClientAuth::SecretBasic(secret.hash()),
        (AuthMethod::PrivateKeyJwt, _, Some(keys)) => ClientAuth::PrivateKeyJwt(Signing {
            keys: KeySource::Registered(keys.clone()),
            audience: AssertionAudience::Issuer,
        }),
        _ => ClientAuth::None,
    };
    Client {
        name: registration.client_name.clone().unwrap_or_else(|| id.as_str().to_owned()),
        id,
        origin: ClientOrigin::Dynamic,
        redirect_uris: registration.redirect_uris.clone(),
        auth,
        refresh_tokens: registration.refresh_tokens,
        scopes: Scopes::ALL,
        created_at: server.now(),
    }
}

fn new_client_id(random: &dyn SecureRandom) -> ClientId {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    ClientId::from_text(format!("{}{}", ClientId::PREFIX, base64url(&bytes)))
}

fn answer(
    client: &Client,
    registration: Registration,
    secret: Option<&Plain<ClientSecret>>,
) -> Response {
    let grant_types = registration.grant_types();
    let body = RegistrationResponse {
        client_id: client.id.as_str().to_owned(),
        client_id_issued_at: client.created_at.as_seconds(),
        client_secret: secret.map(|secret| secret.reveal().to_owned()),
        client_secret_expires_at: secret.map(|_| 0),
        client_name: registration.client_name,
        redirect_uris: client.redirect_uris.iter().map(ToString::to_string).collect(),
        grant_types,
        response_types: vec!["code"],
        token_endpoint_auth_method: registration.auth_method.as_str(),
        token_endpoint_auth_signing_alg: registration.signing_algorithm,
        jwks: registration.keys.as_ref().map(ClientKeys::to_json),
        application_type: registration.application_type,
        scope: registration.scope,
        links: registration.links,
    };
    let mut response = json_response(201, &body);
    net::headers::client_endpoint(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use kernel::OsRandom;

    use super::*;

    /// T-REG-23: an id of ours is never taken for the URL of a client metadata document.
    #[test]
    fn t_reg_23_generated_ids_are_no_urls() {
        let random = OsRandom::new();
        let ids: HashSet<String> =
            (0..10_000).map(|_| new_client_id(&random).as_str().to_owned()).collect();
        assert_eq!(ids.len(), 10_000);
        for id in &ids {
            assert!(!id.to_ascii_lowercase().starts_with("https://"), "{id}");
            assert!(id.starts_with(ClientId::PREFIX) && !id.contains([':', '/']), "{id}");
        }
    }
}
