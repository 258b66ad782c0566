//! How we prove to a provider which client we are.

use kernel::Redacted;
use sso::oidc::{Algorithm, ClientAuth};

use crate::config::reader::Reader;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Basic,
    Post,
    PrivateKeyJwt,
    None,
}

/// What a private key can sign with. Each kind of key fits one of them.
const KEY_ALGORITHMS: [Algorithm; 4] =
    [Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa];

pub(super) fn read(section: &Reader<'_>, needed: bool) -> ClientAuth {
    let method = section.choice(
        "client_auth",
        &[
            ("client_secret_basic", Method::Basic),
            ("client_secret_post", Method::Post),
            ("private_key_jwt", Method::PrivateKeyJwt),
            ("none", Method::None),
        ],
    );
    let secret = section.secret("client_secret", needed);
    let key = section.secret("client_key", needed);
    let key_id = section.optional_text("client_key_id");
    // Without a method nobody can say which of the others is missing.
    let Some(method) = method else { return ClientAuth::None };
    let with_secret = matches!(method, Method::Basic | Method::Post);
    demand(section, "client_secret", with_secret, "the provider's console shows it once");
    let with_key = method == Method::PrivateKeyJwt;
    demand(section, "client_key", with_key, "it is the private key, in PEM");
    if !with_key && key_id.is_some() {
        refuse(section, "client_key_id");
    }
    match (method, secret, key) {
        (Method::Basic, Some(secret), _) => ClientAuth::Basic(secret),
        (Method::Post, Some(secret), _) => ClientAuth::Post(secret),
        (Method::PrivateKeyJwt, _, Some(key_pem)) => {
            with_key_of(section, &key_pem, key_id.as_deref())
        }
        _ => ClientAuth::None,
    }
}

/// A secret that is missing where it is needed, or there where it would do nothing.
fn demand(section: &Reader<'_>, key: &str, wanted: bool, what: &str) {
    if wanted && section.is_blank(key) {
        let fix = format!("Set {{ env = \"NAME\" }} or {{ file = \"PATH\" }}; {what}");
        section.missing(key, "it is missing, and client_auth needs it", &fix);
    }
    if !wanted && !section.is_blank(key) {
        refuse(section, key);
    }
}

fn refuse(section: &Reader<'_>, key: &str) {
    let fix = "Remove it, or correct client_auth";
    section.misplaced(key, "it has no effect with this client_auth", fix);
}

fn with_key_of(section: &Reader<'_>, key_pem: &Redacted, key_id: Option<&str>) -> ClientAuth {
    let auth = |algorithm| ClientAuth::PrivateKeyJwt {
        key_pem: key_pem.clone(),
        algorithm,
        key_id: key_id.map(str::to_owned),
    };
    let fitting = KEY_ALGORITHMS.into_iter().map(auth).find(|auth| auth.check().is_ok());
    fitting.unwrap_or_else(|| {
        section.missing(
            "client_key",
            "it is not a private key in PEM",
            "Use an RSA, P-256, P-384 or Ed25519 key: PKCS#8 (BEGIN PRIVATE KEY), or for RSA \
             PKCS#1",
        );
        ClientAuth::None
    })
}
