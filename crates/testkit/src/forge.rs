//! Tokens, taken apart and put together wrongly.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use kernel::encoding::{base64url, from_base64url};
use serde_json::{Value, json};

/// A JWT, taken apart. Its signature is not looked at.
#[derive(Clone, Debug)]
pub struct Jwt {
    /// The header.
    pub header: Value,
    /// The claims.
    pub claims: Value,
    /// The signature as it was.
    pub signature: String,
}

/// Somebody with a key that the issuer does not know.
pub struct Forger(EcdsaKeyPair);

impl Jwt {
    /// Takes a token apart.
    #[track_caller]
    pub fn read(token: &str) -> Self {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            panic!("a JWT has three parts");
        };
        Self { header: decoded(header), claims: decoded(claims), signature: signature.to_owned() }
    }

    /// With another header member.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    /// With another claim.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    /// The token with the signature that it had, which fits only if nothing was changed.
    pub fn with_old_signature(&self) -> String {
        format!("{}.{}", self.signed_part(), self.signature)
    }

    /// The token with an empty signature.
    pub fn unsigned(&self) -> String {
        format!("{}.", self.signed_part())
    }

    fn signed_part(&self) -> String {
        let encoded = |value: &Value| base64url(value.to_string().as_bytes());
        format!("{}.{}", encoded(&self.header), encoded(&self.claims))
    }
}

impl Forger {
    /// A forger with a fresh key.
    pub fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        Self(key.expect("a fresh key"))
    }

    /// Signs a token with the forger's own key.
    pub fn sign(&self, jwt: &Jwt) -> String {
        let part = jwt.signed_part();
        let signature = self.0.sign(&SystemRandom::new(), part.as_bytes());
        let signature = signature.expect("a signature");
        format!("{part}.{}", base64url(signature.as_ref()))
    }

    /// The forger's public key, as it could stand in a `jwk` header.
    pub fn public_jwk(&self) -> Value {
        // An uncompressed point: 0x04, then 32 bytes of x and 32 of y.
        let point = self.0.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        json!({ "kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y) })
    }
}

impl Default for Forger {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Forger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Forger")
    }
}

#[track_caller]
fn decoded(part: &str) -> Value {
    let bytes = from_base64url(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}
