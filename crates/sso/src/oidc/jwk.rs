//! One key of a provider's set (RFC 7517, RFC 7518 §6), read as providers write it.
//!
//! Numbers are base64url without padding, and without zeros in front (RFC 7518 §2, §6.3.1.1).
//! Providers pad, use the other alphabet, and put the sign byte of their number library in front.
//! All of these say the same number, so they are read; what says none is a fault with a name.

use jsonwebtoken::DecodingKey;
use kernel::encoding::{base64url, from_any_base64};
use serde_json::Value;

use crate::claims::one_line;

/// What a key verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// A key of the set.
pub(super) struct Jwk {
    pub(super) id: Option<String>,
    pub(super) kind: Kind,
    /// The only algorithm that it is for, if the set says so.
    pub(super) only: Option<String>,
    pub(super) decoding: DecodingKey,
}

/// The sizes of an RSA key that a signature is believed from, in bytes of the modulus.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// The largest exponent; every real one is 65537.
const MAX_EXPONENT_BYTES: usize = 8;

impl Jwk {
    /// The key, if it is one for signatures that are checked here. An error says what is wrong
    /// with one that could have been.
    pub(super) fn read(unverified: &Value) -> Result<Option<Self>, String> {
        if !unverified.is_object() {
            return Err("it is not an object".to_owned());
        }
        if !is_for_signatures(unverified)? {
            return Ok(None);
        }
        let Some((kind, decoding)) = public_key(unverified)? else { return Ok(None) };
        let owned = |name| Ok::<_, String>(text(unverified, name)?.map(ToOwned::to_owned));
        Ok(Some(Self { id: owned("kid")?, kind, only: owned("alg")?, decoding }))
    }
}

/// RFC 7517 §4.2 and §4.3.
fn is_for_signatures(jwk: &Value) -> Result<bool, String> {
    let by_use = text(jwk, "use")?.is_none_or(|purpose| purpose == "sig");
    let by_operations = match jwk.get("key_ops") {
        None | Some(Value::Null) => true,
        Some(Value::Array(operations)) => operations.iter().any(|one| one == "verify"),
        Some(_) => return Err("its key_ops is not a list".to_owned()),
    };
    Ok(by_use && by_operations)
}

/// A symmetric key in a public document is no secret, so it is none of the kinds.
fn public_key(jwk: &Value) -> Result<Option<(Kind, DecodingKey)>, String> {
    let curve = text(jwk, "crv")?;
    match (text(jwk, "kty")?, curve) {
        (None, _) => Err("it has no kty".to_owned()),
        (Some("RSA"), _) => rsa(jwk).map(|key| Some((Kind::Rsa, key))),
        (Some("EC"), Some("P-256")) => ec(jwk, 32).map(|key| Some((Kind::P256, key))),
        (Some("EC"), Some("P-384")) => ec(jwk, 48).map(|key| Some((Kind::P384, key))),
        (Some("OKP"), Some("Ed25519")) => ed25519(jwk).map(|key| Some((Kind::Ed25519, key))),
        (Some("EC" | "OKP"), None) => Err("it has no crv".to_owned()),
        _ => Ok(None),
    }
}

fn rsa(jwk: &Value) -> Result<DecodingKey, String> {
    let (modulus, exponent) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    let (modulus, exponent) = (without_zeros(&modulus), without_zeros(&exponent));
    if !RSA_BYTES.contains(&modulus.len()) {
        let (bits, least, most) = (modulus.len() * 8, RSA_BYTES.start() * 8, RSA_BYTES.end() * 8);
        return Err(format!("its n has about {bits} bits, and RSA keys need {least} to {most}"));
    }
    if exponent.is_empty() || exponent.len() > MAX_EXPONENT_BYTES {
        return Err("its e is not an exponent".to_owned());
    }
    Ok(DecodingKey::from_rsa_raw_components(modulus, exponent))
}

/// RFC 7518 §6.2.1.2: a coordinate has the size of the field. One that lost or gained zeros in
/// front is the same number.
fn ec(jwk: &Value, size: usize) -> Result<DecodingKey, String> {
    let coordinate = |name| {
        let bytes = bytes(jwk, name)?;
        let number = without_zeros(&bytes);
        let missing = size.checked_sub(number.len());
        let missing = missing.ok_or_else(|| format!("its {name} has more than {size} bytes"))?;
        Ok::<_, String>(base64url(&[&vec![0; missing], number].concat()))
    };
    DecodingKey::from_ec_components(&coordinate("x")?, &coordinate("y")?)
        .map_err(|_| "its x and y are no point".to_owned())
}

/// RFC 8037 §2: 32 bytes that are no number to strip zeros of.
fn ed25519(jwk: &Value) -> Result<DecodingKey, String> {
    let point = bytes(jwk, "x")?;
    if point.len() != 32 {
        return Err(format!("its x has {} bytes instead of 32", point.len()));
    }
    DecodingKey::from_ed_components(&base64url(&point)).map_err(|_| "its x is not a key".to_owned())
}

fn bytes(jwk: &Value, name: &str) -> Result<Vec<u8>, String> {
    let text = text(jwk, name)?.ok_or_else(|| format!("it has no {name}"))?;
    from_any_base64(text).ok_or_else(|| format!("its {name} is not base64url"))
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.split_at(zeros).1
}

/// A member that is a text. `null` and the empty text say nothing.
fn text<'a>(jwk: &'a Value, name: &str) -> Result<Option<&'a str>, String> {
    match jwk.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("its {name} is not text")),
    }
}

/// How an operator finds a key in the set: by its id, or by where it stands, counted from one.
pub(super) fn name(unverified: &Value, position: usize) -> String {
    match text(unverified, "kid") {
        Ok(Some(id)) => format!("key {:?}", one_line(id, 100)),
        _ => format!("key no. {position}"),
    }
}
