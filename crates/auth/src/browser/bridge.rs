//! Bridge tokens: made after sign-in, used once at `/authorize/resume`.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use kernel::encoding::base64url;
use kernel::{Redacted, SecureRandom, Timestamp};
use model::{Authorization, SubjectId};
use protocol::bridge::{BRIDGE_TOKEN_LIFETIME_SECONDS, BRIDGE_TOKEN_TYPE, BridgeClaims};

/// The token is not one of ours, not for this transaction, or too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bridge token is not valid here")]
pub(crate) struct BadBridgeToken;

/// A token that says: this person signed in, in this browser, for this transaction.
pub(crate) fn mint(
    secret: &Redacted,
    issuer: &str,
    authorization: &Authorization,
    subject: &SubjectId,
    now: Timestamp,
    random: &dyn SecureRandom,
) -> Result<String, BadBridgeToken> {
    let mut jti = [0; 16];
    random.fill(&mut jti);
    let claims = BridgeClaims {
        iss: issuer.to_owned(),
        aud: issuer.to_owned(),
        sub: subject.as_str().to_owned(),
        txn: authorization.handle.as_str().to_owned(),
        browser: authorization.browser.as_str().to_owned(),
        jti: base64url(&jti),
        iat: now.as_seconds(),
        exp: now.as_seconds() + BRIDGE_TOKEN_LIFETIME_SECONDS,
    };
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some(BRIDGE_TOKEN_TYPE.to_owned());
    let key = EncodingKey::from_secret(secret.reveal().as_bytes());
    encode(&header, &claims, &key).map_err(|_| BadBridgeToken)
}

/// The claims of a token that fits this transaction and this browser. Whether it was used before
/// is for the database to say.
pub(crate) fn verify(
    unverified: &str,
    secret: &Redacted,
    issuer: &str,
    authorization: &Authorization,
    now: Timestamp,
) -> Result<BridgeClaims, BadBridgeToken> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&[issuer]);
    validation.set_issuer(&[issuer]);
    // Times are compared below, with the clock that everything else uses.
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(secret.reveal().as_bytes());
    let token =
        decode::<BridgeClaims>(unverified, &key, &validation).map_err(|_| BadBridgeToken)?;
    let claims = token.claims;
    let fits = token.header.typ.as_deref() == Some(BRIDGE_TOKEN_TYPE)
        && claims.txn == authorization.handle.as_str()
        && claims.browser == authorization.browser.as_str()
        && claims.iat <= now.as_seconds()
        && claims.exp > now.as_seconds()
        && claims.exp - claims.iat <= BRIDGE_TOKEN_LIFETIME_SECONDS;
    fits.then_some(claims).ok_or(BadBridgeToken)
}
