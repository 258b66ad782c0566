//! The keys of a client that registers itself.

use serde_json::Value;

use super::{AuthMethod, invalid};
use crate::client_keys::{ASSERTION_ALGORITHMS, ClientKeys};
use crate::error::OAuthError;

/// CA-4: an algorithm of shared secrets, or none, is never one.
pub(super) fn signing_algorithm(unverified: &str) -> Result<&'static str, OAuthError> {
    let known = ASSERTION_ALGORITHMS.iter().find(|name| **name == unverified);
    known.copied().ok_or_else(|| {
        let all = ASSERTION_ALGORITHMS.join(", ");
        invalid(format!("token_endpoint_auth_signing_alg must be one of {all}"))
    })
}

/// RG-7. A private key that somebody sent by mistake is refused loudly whatever it was to be for,
/// and the value is neither stored nor echoed.
pub(super) fn keys(
    method: AuthMethod,
    jwks: Option<&Value>,
    jwks_uri: Option<&str>,
    algorithm: Option<&str>,
) -> Result<Option<ClientKeys>, OAuthError> {
    if jwks.is_some() && jwks_uri.is_some() {
        return Err(invalid("send jwks or jwks_uri, not both"));
    }
    let keys = jwks.map(|jwks| ClientKeys::parse(jwks, algorithm)).transpose();
    let keys = keys.map_err(|error| invalid(error.to_string()))?;
    if method != AuthMethod::PrivateKeyJwt {
        return Ok(None);
    }
    if jwks_uri.is_some() {
        return Err(invalid("jwks_uri is not supported here; send the public keys in jwks"));
    }
    let keys = keys.filter(|keys| !keys.is_empty()).ok_or_else(|| {
        invalid(
            "private_key_jwt needs jwks with a public key that signs: RSA, EC on P-256 or Ed25519, \
             for token_endpoint_auth_signing_alg if that is there",
        )
    })?;
    Ok(Some(keys))
}
