//! The public halves of our own keys, by which a token that comes back is known as ours.

use std::collections::{HashMap, HashSet};

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use model::{KeyState, SigningKey};
use serde::de::DeserializeOwned;

use super::signer::BadKey;

/// Verifies what this server, or another replica of it, signed.
pub(super) struct Verifier(HashMap<String, DecodingKey>);

impl Verifier {
    /// Of these keys, those that may have signed something that is still good.
    pub(super) fn new(keys: &[SigningKey]) -> Result<Self, BadKey> {
        let usable = keys.iter().filter(|key| key.state != KeyState::Retired);
        let read = |key: &SigningKey| {
            let jwk = serde_json::from_str(&key.public_jwk).ok()?;
            Some((key.kid.clone(), DecodingKey::from_jwk(&jwk).ok()?))
        };
        let keys: Option<HashMap<_, _>> = usable.map(read).collect();
        keys.map(Self).ok_or(BadKey("its public JWK is not one"))
    }

    /// The claims of a JWT of this type that we signed. Expiry is for the caller to look at.
    ///
    /// Our own headers hold `alg`, `typ` and `kid` and nothing more, so one that holds anything else
    /// is not ours (RFC 8725 §3.1, §3.11).
    pub(super) fn verify<C: DeserializeOwned>(&self, typ: &str, token: &str) -> Option<C> {
        let header = decode_header(token).ok()?;
        let expected = Header {
            typ: Some(typ.to_owned()),
            kid: header.kid.clone(),
            ..Header::new(Algorithm::ES256)
        };
        let key = self.0.get(header.kid.as_deref()?).filter(|_| header == expected)?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims = HashSet::new();
        decode(token, key, &validation).ok().map(|token| token.claims)
    }
}
