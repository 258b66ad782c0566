//! Tokens, good and bad in every way.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use kernel::encoding::base64url;
use serde_json::{Value, json};

use super::{ISSUER, RESOURCE, START};

/// An ES256 key.
#[derive(Clone)]
pub(crate) struct SigningKey {
    pub(crate) id: String,
    pub(crate) pair: Arc<EcdsaKeyPair>,
}

/// A token in the making: header and claims as JSON, to be changed at will.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

impl SigningKey {
    pub(crate) fn generate(id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { id: id.to_owned(), pair: Arc::new(pair) }
    }

    /// The uncompressed public point, 65 bytes.
    pub(crate) fn point(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.point();
        let (x, y) = (base64url(&point[1..33]), base64url(&point[33..]));
        json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.id,
                "x": x, "y": y })
    }

    /// The fixed-length signature of `message`.
    pub(crate) fn sign(&self, message: &str) -> Vec<u8> {
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        signature.as_ref().to_vec()
    }
}

impl Token {
    /// What our issuer would sign for a basic user.
    pub(crate) fn new(scopes: &str) -> Self {
        Self {
            header: json!({ "alg": "ES256", "typ": "at+jwt", "kid": "key-1" }),
            claims: json!({
                "iss": ISSUER, "sub": "sub_1", "aud": RESOURCE, "client_id": "cl_1",
                "scope": scopes, "exp": START + 3600, "iat": START, "jti": "jti_1",
                "auth_time": START, "grant_id": "grt_1", "user_type": "basic",
                "status": { "status_list": { "idx": 5, "uri": format!("{ISSUER}/status/0") } },
            }),
        }
    }

    /// With another claim.
    pub(crate) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    /// Without a claim.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self
    }

    /// With another header member.
    pub(crate) fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    /// Signs it under the key's own id, unless the header was given another.
    pub(crate) fn sign(&self, key: &SigningKey) -> String {
        let mut header = self.header.clone();
        if header["kid"] == "key-1" {
            header["kid"] = key.id.clone().into();
        }
        sign_raw(&header.to_string(), &self.claims.to_string(), key)
    }

    pub(crate) fn parts(&self) -> (String, String) {
        (self.header.to_string(), self.claims.to_string())
    }
}

/// A good signature over any text.
pub(crate) fn sign_raw(header: &str, claims: &str, key: &SigningKey) -> String {
    let message = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
    format!("{message}.{}", base64url(&key.sign(&message)))
}
