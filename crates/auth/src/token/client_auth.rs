//! Client authentication at the token and revocation endpoints (OAuth 2.1 §2.4; CA-1 to CA-3).

use axum::http::request::Parts;
use http::header::AUTHORIZATION;
use kernel::Plain;
use kernel::encoding::from_any_base64;
use model::client::ClientSecret;
use model::{Client, ClientAuth, ClientId, ClientOrigin};
use protocol::params::Params;
use protocol::{OAuthError, OAuthErrorCode};

use crate::answer::ClientFailure;
use crate::request::{self, invalid};
use crate::server::AuthServer;

/// What the client presented. Nothing of it is verified.
struct Credentials {
    client: ClientId,
    secret: Option<String>,
    by: Method,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    None,
    Post,
    Basic,
}

/// The client that sent this request.
pub(crate) async fn authenticate(
    server: &AuthServer,
    parts: &Parts,
    params: &Params,
) -> Result<Client, ClientFailure> {
    let presented = credentials(parts, params)?;
    let known = server.client(&presented.client).await?;
    match known {
        Some(client) if proves(&presented, &client) => Ok(client),
        // One answer for an unknown client and a wrong secret (ST-3).
        _ => Err(failed(server, parts, presented.by)),
    }
}

fn failed(server: &AuthServer, parts: &Parts, by: Method) -> ClientFailure {
    let error = OAuthErrorCode::InvalidClient
        .because("unknown client, or it did not authenticate in the registered way");
    let error = server.throttle.failed_authentication(request::peer(parts), error);
    if by == Method::Basic && error.code == OAuthErrorCode::InvalidClient {
        ClientFailure::BadBasicCredentials(error)
    } else {
        error.into()
    }
}

/// The registered method is enforced (CA-2, T-CA-06). Configured clients have a secret and no method,
/// so either form will do for them.
fn proves(presented: &Credentials, client: &Client) -> bool {
    let secret_fits = |hash: &kernel::Hashed<ClientSecret>| {
        presented.secret.as_deref().is_some_and(|secret| hash_of(secret, client) == *hash)
    };
    let either = client.origin == ClientOrigin::Configured && presented.by != Method::None;
    match &client.auth {
        ClientAuth::None => presented.by == Method::None,
        ClientAuth::SecretPost(hash) => {
            (presented.by == Method::Post || either) && secret_fits(hash)
        }
        ClientAuth::SecretBasic(hash) => {
            (presented.by == Method::Basic || either) && secret_fits(hash)
        }
    }
}

/// Secrets made here are hashed as they are; so are those an operator chose, which never leave the
/// configuration.
fn hash_of(secret: &str, client: &Client) -> kernel::Hashed<ClientSecret> {
    match (client.origin, Plain::<ClientSecret>::parse(secret)) {
        (ClientOrigin::Dynamic, Some(plain)) => plain.hash(),
        _ => kernel::Hashed::from_stored(kernel::encoding::sha256_base64url(secret.as_bytes())),
    }
}

fn credentials(parts: &Parts, params: &Params) -> Result<Credentials, ClientFailure> {
    refuse_assertions(params)?;
    let client_id = params.one("client_id").map_err(invalid)?;
    let secret = params.one("client_secret").map_err(invalid)?;
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let header = headers.next();
    if headers.next().is_some() || (header.is_some() && secret.is_some()) {
        return Err(several_methods().into());
    }
    if let Some(header) = header {
        let (client, secret) = basic(header.to_str().unwrap_or_default()).ok_or_else(|| {
            ClientFailure::BadBasicCredentials(
                OAuthErrorCode::InvalidClient
                    .because("the Authorization header is not valid HTTP Basic"),
            )
        })?;
        if client_id.is_some_and(|id| id != client) {
            return Err(several_methods().into());
        }
        let client = ClientId::from_text(client);
        return Ok(Credentials { client, secret: Some(secret), by: Method::Basic });
    }
    let client = client_id.ok_or_else(|| {
        OAuthErrorCode::InvalidClient
            .because("client_id is missing and nothing else names a client")
    })?;
    Ok(Credentials {
        client: ClientId::from_text(client),
        secret: secret.map(str::to_owned),
        by: if secret.is_some() { Method::Post } else { Method::None },
    })
}

/// RFC 6749 §2.3.1: id and secret are form-encoded before they are joined (T-CA-05).
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, value) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(from_any_base64(value.trim())?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form_decoded(id)?, form_decoded(secret)?))
}

fn form_decoded(text: &str) -> Option<String> {
    let pair = format!("v={}", text.replace('&', "%26"));
    let (_, value) = url::form_urlencoded::parse(pair.as_bytes()).next()?;
    (!value.contains('\u{FFFD}')).then(|| value.into_owned())
}

fn refuse_assertions(params: &Params) -> Result<(), OAuthError> {
    if params.has("client_assertion") || params.has("client_assertion_type") {
        return Err(OAuthErrorCode::InvalidClient
            .because("private_key_jwt is not supported; see the server's metadata"));
    }
    Ok(())
}

fn several_methods() -> OAuthError {
    OAuthErrorCode::InvalidRequest.because("use exactly one way of client authentication")
}
