//! How a configured client proves who it is: a secret, and another one while the first takes its
//! place, or keys that it signs with.

use kernel::Hashed;
use kernel::encoding::sha256_base64url;
use model::ClientAuth;
use model::client::{AssertionAudience, ChosenSecret, KeySource, Signing};
use protocol::client_keys::{ClientKeys, ClientKeysError};

use crate::config::reader::Reader;

const GENERATE: &str = "`wicketgate secret generate` makes a good one";

/// Reads it. A client without any of it is a public one.
pub(super) fn read(section: &Reader<'_>, needed: bool) -> ClientAuth {
    let keys = keys(section, needed);
    let secrets: Vec<_> = [
        secret(section, needed, "secret", "secret_expires_at"),
        secret(section, needed, "old_secret", "old_secret_expires_at"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if section.has("old_secret") && !section.has("secret") {
        section.missing(
            "secret",
            "it is missing, and old_secret is what it takes the place of",
            "Set it, or rename old_secret",
        );
    }
    let token_endpoint_too = section.flag("assertion_for_token_endpoint", false);
    match keys {
        None if secrets.is_empty() => ClientAuth::None,
        None => ClientAuth::Secrets(secrets),
        Some(keys) => ClientAuth::PrivateKeyJwt(Signing {
            keys: KeySource::Registered(keys),
            audience: if token_endpoint_too {
                AssertionAudience::IssuerOrTokenEndpoint
            } else {
                AssertionAudience::Issuer
            },
        }),
    }
}

/// Whether the client can prove anything at all.
pub(super) fn is_confidential(section: &Reader<'_>) -> bool {
    ["secret", "jwks", "jwks_file"].iter().any(|key| section.has(key))
}

/// A secret is compared by its hash; it stays in the configuration and reaches no database.
fn secret(section: &Reader<'_>, needed: bool, key: &str, expiry: &str) -> Option<ChosenSecret> {
    let expires_at = section.optional_moment(expiry);
    if expires_at.is_some() && !section.has(key) {
        section.missing(expiry, "there is no secret that it could end", "Remove it");
    }
    if section.has(key) && section.is_blank(key) {
        section.missing(
            key,
            "it is empty, which would make this a client without authentication",
            "Set it, or remove the key for a public client",
        );
    }
    let secret = section.secret(key, needed)?;
    if secret.reveal().len() < 16 {
        section.missing(key, "it is shorter than 16 characters", GENERATE);
    }
    let hash = Hashed::from_stored(sha256_base64url(secret.reveal().as_bytes()));
    Some(ChosenSecret { hash, expires_at })
}

/// RG-7. What is wrong with a key set is told without it: somebody may have pasted a private key.
fn keys(section: &Reader<'_>, needed: bool) -> Option<ClientKeys> {
    if section.has("jwks_uri") {
        section.misplaced(
            "jwks_uri",
            "keys are not fetched from elsewhere",
            "Put the public keys into jwks or jwks_file",
        );
    }
    let here = ["secret", "jwks", "jwks_file"].into_iter().filter(|key| section.has(key));
    if here.count() > 1 {
        let fix = "Keep one of them: a client authenticates in one way";
        section.missing("jwks", "secret, jwks and jwks_file exclude each other", fix);
    }
    section.known("jwks");
    let inline = Some(section.peek("jwks")).filter(|text| !text.is_empty());
    let in_file = section.file_text("jwks_file", needed);
    let (key, text) = match (inline, in_file) {
        (Some(text), _) => ("jwks", text),
        (None, Some(text)) => ("jwks_file", text),
        (None, None) if section.has("jwks") => ("jwks", String::new()),
        (None, None) => return None,
    };
    match read_keys(&text) {
        Ok(keys) => Some(keys),
        Err(reason) => {
            let fix = "Write a JWK set in JSON, as a text: jwks = '{\"keys\":[…]}'";
            section.missing(key, &reason, fix);
            None
        }
    }
}

fn read_keys(text: &str) -> Result<ClientKeys, String> {
    let keys = ClientKeys::parse_text(text).map_err(|error| match error {
        ClientKeysError::NotASet => "it is not a JWK set".to_owned(),
        other => other.to_string(),
    })?;
    if keys.is_empty() {
        return Err("it has no key that signs: RSA, EC on P-256 or Ed25519".to_owned());
    }
    Ok(keys)
}
