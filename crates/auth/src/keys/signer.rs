//! One signing key in use. The private key is parsed once, not on each token.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};
use kernel::encoding::base64url;
use serde::Serialize;
use serde_json::json;
use zeroize::Zeroizing;

/// The only algorithm so far.
pub(super) const ALG: &str = "ES256";

/// Signs JWTs with one key (RFC 7515 §7.1, compact serialization).
pub(crate) struct Signer {
    kid: String,
    key: EcdsaKeyPair,
    random: SystemRandom,
}

/// A key that was just made.
pub(super) struct FreshKey {
    pub(super) kid: String,
    pub(super) public_jwk: String,
    pub(super) private_pkcs8: Zeroizing<Vec<u8>>,
}

/// The key material cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the signing key cannot be used: {0}")]
pub(crate) struct BadKey(pub(super) &'static str);

/// The claims could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("a token could not be signed")]
pub(crate) struct CannotSign;

impl Signer {
    /// A signer from the PKCS#8 form of a P-256 key.
    pub(super) fn open(kid: String, pkcs8: &[u8]) -> Result<Self, BadKey> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
            .map_err(|_| BadKey("it is not a P-256 key in PKCS#8"))?;
        Ok(Self { kid, key, random: SystemRandom::new() })
    }

    /// The id of the key.
    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    /// A signed JWT with this `typ`.
    pub(crate) fn sign<C: Serialize>(&self, typ: &str, claims: &C) -> Result<String, CannotSign> {
        let header = json!({ "alg": ALG, "kid": self.kid, "typ": typ }).to_string();
        let claims = serde_json::to_vec(claims).map_err(|_| CannotSign)?;
        let message = format!("{}.{}", base64url(header.as_bytes()), base64url(&claims));
        let signature = self.key.sign(&self.random, message.as_bytes()).map_err(|_| CannotSign)?;
        Ok(format!("{message}.{}", base64url(signature.as_ref())))
    }
}

impl FreshKey {
    /// A new P-256 key. Its id is the RFC 7638 thumbprint of its public half (KY-3).
    pub(super) fn generate() -> Result<Self, BadKey> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| BadKey("the random number generator failed"))?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| BadKey("it has no PKCS#8 form"))?;
        let private_pkcs8 = Zeroizing::new(pkcs8.as_ref().to_vec());
        let encoding_key = EncodingKey::from_ec_der(&private_pkcs8);
        let mut jwk = Jwk::from_encoding_key(&encoding_key, Algorithm::ES256)
            .map_err(|_| BadKey("it has no JWK form"))?;
        let kid =
            jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| BadKey("it has no thumbprint"))?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.key_algorithm = Some(KeyAlgorithm::ES256);
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let public_jwk = serde_json::to_string(&jwk).map_err(|_| BadKey("it has no JSON form"))?;
        Ok(Self { kid, public_jwk, private_pkcs8 })
    }
}
