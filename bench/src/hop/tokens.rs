//! Access tokens: the signature is checked once, the expiry each time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;

use anyhow::Context as _;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use kernel::{Clock as _, SystemClock, encoding::sha256};
use serde::Deserialize;

use crate::wire::Wire;

/// The tokens of one issuer for its resource at `/mcp`.
pub(super) struct Tokens {
    key: DecodingKey,
    wanted: Validation,
    /// Until when those are good that were verified, by their SHA-256, in seconds.
    verified: RefCell<HashMap<[u8; 32], i64>>,
}

#[derive(Deserialize)]
struct Claims {
    exp: i64,
}

impl Tokens {
    /// With the key that the issuer publishes first.
    pub(super) async fn of(issuer: SocketAddr) -> anyhow::Result<Self> {
        let mut wire = Wire::connect(issuer).await?;
        let request = format!("GET /jwks HTTP/1.1\r\nHost: {issuer}\r\n\r\n");
        let keys: JwkSet = serde_json::from_slice(wire.ask(request.as_bytes()).await?.body)?;
        let key = DecodingKey::from_jwk(keys.keys.first().context("the issuer has no key")?)?;
        let mut wanted = Validation::new(Algorithm::ES256);
        wanted.set_issuer(&[format!("http://{issuer}")]);
        wanted.set_audience(&[format!("http://{issuer}/mcp")]);
        Ok(Self { key, wanted, verified: RefCell::default() })
    }

    pub(super) fn is_good(&self, token: &[u8]) -> bool {
        let hash = sha256(token);
        let known = self.verified.borrow().get(&hash).copied();
        let Some(expires) = known.or_else(|| self.verify(hash, token)) else { return false };
        SystemClock.now().as_millis() < expires.saturating_mul(1000)
    }

    fn verify(&self, hash: [u8; 32], token: &[u8]) -> Option<i64> {
        let claims = decode::<Claims>(token, &self.key, &self.wanted).ok()?.claims;
        self.verified.borrow_mut().insert(hash, claims.exp);
        Some(claims.exp)
    }
}
