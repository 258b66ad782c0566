//! `POST /register`: dynamic client registration (RFC 7591 §3).

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use kernel::encoding::base64url;
use kernel::{Plain, SecureRandom};
use model::client::ClientSecret;
use model::{Client, ClientAuth, ClientId, ClientOrigin};
use protocol::Scopes;
use protocol::registration::{
    AuthMethod, Registration, RegistrationResponse, UnverifiedRegistration,
};
use store::unit::{RegisterClient, Registered};

use crate::answer::{ClientFailure, json_response};
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
    let registration = UnverifiedRegistration::parse(&body)?
        .validate(&server.config.redirect_policy, server.resources.ceiling())?;
    let secret = match registration.auth_method {
        AuthMethod::None => None,
        AuthMethod::SecretPost | AuthMethod::SecretBasic => {
            Some(Plain::<ClientSecret>::generate(&*server.random))
        }
    };
    let client = new_client(&server, &registration, secret.as_ref());
    if !registration.dropped.is_empty() {
        tracing::info!(client.id = %client.id, left_out = registration.dropped.join(" "),
            "a client registered with links that are no https URLs: they are left out");
    }
    let register = RegisterClient {
        client: client.clone(),
        source: server.throttle.source(address),
        max_unused: MAX_UNUSED_CLIENTS,
    };
    let Registered { displaced } = server.store.write(register).await?;
    if displaced > 0 {
        tracing::warn!(
            displaced,
            "too many registrations are unused; the oldest are being removed"
        );
    }
    Ok(answer(&client, registration, secret.as_ref()))
}

fn new_client(
    server: &AuthServer,
    registration: &Registration,
    secret: Option<&Plain<ClientSecret>>,
) -> Client {
    let id = new_client_id(&*server.random);
    let auth = match (registration.auth_method, secret) {
        (AuthMethod::SecretPost, Some(secret)) => ClientAuth::SecretPost(secret.hash()),
        (AuthMethod::SecretBasic, Some(secret)) => ClientAuth::SecretBasic(secret.hash()),
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
