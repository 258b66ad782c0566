//! Proving to the provider that it is us: OpenID Connect Core §9.

use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::{EncodingKey, Header, encode};
use kernel::encoding::{base64, base64url};
use kernel::{Redacted, Timestamp};
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use super::algorithm::Algorithm;
use super::config::{ClientAuth, Config};
use crate::provider::ProviderError;

/// What goes into the token request beside the grant.
pub(super) struct Proof {
    pub(super) authorization: Option<Redacted>,
    pub(super) fields: Vec<(&'static str, Redacted)>,
}

/// Seconds for which an assertion is good.
const ASSERTION_LIFETIME_SECONDS: i64 = 60;

/// `unguessable` is a secret of this one sign-in, from which the assertion's id is derived.
pub(super) fn prove(
    config: &Config,
    token_endpoint: &str,
    unguessable: &str,
    now: Timestamp,
) -> Result<Proof, ProviderError> {
    let client_id = ("client_id", Redacted::new(&config.client_id));
    let with = |fields| Proof { authorization: None, fields };
    Ok(match &config.client_auth {
        ClientAuth::None => with(vec![client_id]),
        ClientAuth::Basic(secret) => {
            Proof { authorization: Some(basic(&config.client_id, secret)), fields: Vec::new() }
        }
        ClientAuth::Post(secret) => with(vec![client_id, ("client_secret", secret.clone())]),
        ClientAuth::PrivateKeyJwt { key_pem, algorithm, key_id } => {
            let claims = json!({
                "iss": config.client_id,
                "sub": config.client_id,
                "aud": token_endpoint,
                "jti": one_time_id(unguessable, now),
                "iat": now.as_seconds(),
                "exp": now.as_seconds().saturating_add(ASSERTION_LIFETIME_SECONDS),
            });
            let assertion = sign(key_pem, *algorithm, key_id.clone(), &claims)
                .map_err(|()| ProviderError::Misconfigured("client_key cannot sign".to_owned()))?;
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            with(vec![
                client_id,
                ("client_assertion_type", Redacted::new(kind)),
                ("client_assertion", Redacted::new(assertion)),
            ])
        }
    })
}

/// Whether the key can sign with this algorithm.
pub(super) fn try_key(key_pem: &Redacted, algorithm: Algorithm) -> Result<(), ()> {
    sign(key_pem, algorithm, None, &json!({})).map(drop)
}

/// RFC 6749 §2.3.1: id and secret are form-encoded before they are joined. Providers that forget
/// to decode them notice only with characters that the encoding changes; `client_secret_post` is
/// the way around.
fn basic(client_id: &str, secret: &Redacted) -> Redacted {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Redacted::new(format!("{}:{}", encoded(client_id), encoded(secret.reveal())));
    Redacted::new(format!("Basic {}", base64(pair.reveal().as_bytes())))
}

/// Different at each try, and nobody can guess it.
fn one_time_id(unguessable: &str, now: Timestamp) -> String {
    let text = format!("client assertion/{}/{unguessable}", now.as_millis());
    base64url(digest(&SHA256, text.as_bytes()).as_ref())
}

fn sign(
    key_pem: &Redacted,
    algorithm: Algorithm,
    key_id: Option<String>,
    claims: &serde_json::Value,
) -> Result<String, ()> {
    let pem = key_pem.reveal().as_bytes();
    let key = match algorithm {
        Algorithm::Es256 | Algorithm::Es384 => EncodingKey::from_ec_pem(pem),
        Algorithm::EdDsa => EncodingKey::from_ed_pem(pem),
        _ => EncodingKey::from_rsa_pem(pem),
    };
    let header = Header { kid: key_id, ..Header::new(algorithm.jose()) };
    encode(&header, claims, &key.map_err(drop)?).map_err(drop)
}
