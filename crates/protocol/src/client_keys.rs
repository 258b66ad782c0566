//! The public keys of a client, by which its assertions are believed (RFC 7517, RFC 7591 §2).

use kernel::encoding::from_base64url;
use serde_json::{Map, Value, json};

/// The algorithms in which a client may sign. All of them are of public keys (RFC 8725 §3.1).
pub const ASSERTION_ALGORITHMS: &[&str] = &["ES256", "RS256", "PS256", "EdDSA"];

/// Keys that were looked at: public ones only, none of them weak, and each of a kind that signs in
/// one of [`ASSERTION_ALGORITHMS`]. Keys of other kinds were left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientKeys(Vec<Value>);

/// Why a key set is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientKeysError {
    /// It is no key set.
    #[error("jwks must be an object with a list of keys")]
    NotASet,
    /// More than anybody needs.
    #[error("jwks must hold at most {MAX_KEYS} keys")]
    TooMany,
    /// Somebody who sent this by mistake has to hear of it.
    #[error("jwks must hold public keys only; replace the private key that is in it")]
    Private,
    /// Its signatures can be forged.
    #[error("jwks holds an RSA key with fewer than 2048 bits")]
    Weak,
    /// A member is missing, or is not what its kind of key needs.
    #[error("jwks holds a key that is not written as in RFC 7518 §6")]
    Malformed,
}

const MAX_KEYS: usize = 10;

/// What a public key never has (RFC 7518 §6.2.2, §6.3.2, §6.4).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Bytes of an RSA modulus.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// Bytes of an RSA exponent; every real one is 65537.
const EXPONENT_BYTES: std::ops::RangeInclusive<usize> = 1..=8;

/// Bytes of a coordinate of P-256, and of a key of Ed25519.
const POINT_BYTES: usize = 32;

const MAX_KEY_ID: usize = 200;

impl ClientKeys {
    /// Reads a set, as a client or an operator wrote it. `algorithm` is the only one in which the
    /// client says that it signs.
    ///
    /// # Errors
    ///
    /// It is none, or one that must not be believed.
    pub fn parse(jwks: &Value, algorithm: Option<&str>) -> Result<Self, ClientKeysError> {
        let keys = jwks.get("keys").and_then(Value::as_array).ok_or(ClientKeysError::NotASet)?;
        if keys.len() > MAX_KEYS {
            return Err(ClientKeysError::TooMany);
        }
        let keys: Vec<_> = keys.iter().map(public_key).collect::<Result<_, _>>()?;
        Ok(Self(keys.into_iter().flatten().filter_map(|key| only_for(key, algorithm)).collect()))
    }

    /// Reads the text of a set.
    ///
    /// # Errors
    ///
    /// As [`ClientKeys::parse`].
    pub fn parse_text(jwks: &str) -> Result<Self, ClientKeysError> {
        let jwks = serde_json::from_str(jwks).map_err(|_| ClientKeysError::NotASet)?;
        Self::parse(&jwks, None)
    }

    /// Whether nothing can be believed by them.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The set as a JSON document.
    pub fn to_json(&self) -> Value {
        json!({ "keys": self.0 })
    }
}

/// The members of a key that are needed; `None` for a kind of key that is of no use here.
fn public_key(unverified: &Value) -> Result<Option<Value>, ClientKeysError> {
    let key = unverified.as_object().ok_or(ClientKeysError::Malformed)?;
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    let kind = text("kty").ok_or(ClientKeysError::Malformed)?;
    if kind == "oct" || PRIVATE_MEMBERS.iter().any(|member| key.contains_key(*member)) {
        return Err(ClientKeysError::Private);
    }
    let needed: &[&str] = match (kind, text("crv")) {
        ("RSA", _) => {
            check_rsa(key)?;
            &["kty", "n", "e"]
        }
        ("EC", Some("P-256")) => {
            check_point(key, &["x", "y"])?;
            &["kty", "crv", "x", "y"]
        }
        ("OKP", Some("Ed25519")) => {
            check_point(key, &["x"])?;
            &["kty", "crv", "x"]
        }
        _ => return Ok(None),
    };
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return Ok(None);
    }
    if text("kid").is_some_and(|id| id.len() > MAX_KEY_ID) {
        return Err(ClientKeysError::Malformed);
    }
    let kept = needed.iter().chain(&["kid", "alg"]);
    let kept = kept.filter_map(|name| Some((*name, text(name)?)));
    Ok(Some(
        kept.map(|(name, value)| (name.to_owned(), json!(value))).collect::<Map<_, _>>().into(),
    ))
}

fn check_rsa(key: &Map<String, Value>) -> Result<(), ClientKeysError> {
    let (modulus, exponent) = (number(key, "n")?, number(key, "e")?);
    let strong = modulus.len() > *RSA_BYTES.start() || modulus.first().is_some_and(|b| *b >= 0x80);
    if modulus.len() < *RSA_BYTES.start() || !strong {
        return Err(ClientKeysError::Weak);
    }
    let fits = RSA_BYTES.contains(&modulus.len()) && EXPONENT_BYTES.contains(&exponent.len());
    fits.then_some(()).ok_or(ClientKeysError::Malformed)
}

fn check_point(key: &Map<String, Value>, coordinates: &[&str]) -> Result<(), ClientKeysError> {
    for name in coordinates {
        if bytes(key, name)?.len() != POINT_BYTES {
            return Err(ClientKeysError::Malformed);
        }
    }
    Ok(())
}

/// A number without zeros in front (RFC 7518 §2): with them a weak key would look like a strong one.
fn number(key: &Map<String, Value>, name: &str) -> Result<Vec<u8>, ClientKeysError> {
    let bytes = bytes(key, name)?;
    if bytes.first() == Some(&0) { Err(ClientKeysError::Malformed) } else { Ok(bytes) }
}

fn bytes(key: &Map<String, Value>, name: &str) -> Result<Vec<u8>, ClientKeysError> {
    let text = key.get(name).and_then(Value::as_str).ok_or(ClientKeysError::Malformed)?;
    from_base64url(text).ok_or(ClientKeysError::Malformed)
}

/// The key as one for this algorithm alone; `None` if it is not one for it.
fn only_for(mut key: Value, algorithm: Option<&str>) -> Option<Value> {
    let fitting: &[&str] = match key["kty"].as_str()? {
        "RSA" => &["RS256", "PS256"],
        "EC" => &["ES256"],
        _ => &["EdDSA"],
    };
    let own = key.get("alg").and_then(Value::as_str);
    let agreed = [own, algorithm].into_iter().flatten().all(|name| fitting.contains(&name));
    if !agreed || own.zip(algorithm).is_some_and(|(own, wanted)| own != wanted) {
        return None;
    }
    if let Some(algorithm) = algorithm {
        key["alg"] = json!(algorithm);
    }
    Some(key)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use kernel::encoding::base64url;

    fn ec() -> Value {
        let coordinate = base64url(&[7; 32]);
        json!({ "kty": "EC", "crv": "P-256", "x": coordinate, "y": coordinate, "kid": "one" })
    }

    fn rsa(modulus: &[u8]) -> Value {
        json!({ "kty": "RSA", "n": base64url(modulus), "e": "AQAB" })
    }

    fn parse(keys: &[Value]) -> Result<ClientKeys, ClientKeysError> {
        ClientKeys::parse(&json!({ "keys": keys }), None)
    }

    /// RG-7 (RFC 7591 §2, RFC 7517 §9.2).
    #[test]
    fn rg_7_private_weak_and_malformed_keys_are_refused() {
        for member in PRIVATE_MEMBERS {
            let mut key = ec();
            key[member] = json!("AQAB");
            assert_eq!(parse(&[key]), Err(ClientKeysError::Private), "{member}");
        }
        assert_eq!(parse(&[json!({ "kty": "oct" })]), Err(ClientKeysError::Private));
        assert_eq!(parse(&[rsa(&[0xff; 255])]), Err(ClientKeysError::Weak));
        assert_eq!(parse(&[rsa(&[0x7f; 256])]), Err(ClientKeysError::Weak), "2047 bits");
        let padded = [&[0], [0xff; 255].as_slice()].concat();
        assert_eq!(parse(&[rsa(&padded)]), Err(ClientKeysError::Malformed));
        assert_eq!(parse(&[rsa(&[0xff; 1025])]), Err(ClientKeysError::Malformed));
        for (member, bad) in
            [("x", json!("AQAB")), ("y", json!(7)), ("kid", json!("k".repeat(201)))]
        {
            let mut key = ec();
            key[member] = bad;
            assert_eq!(parse(&[key]), Err(ClientKeysError::Malformed), "{member}");
        }
        assert_eq!(parse(&vec![ec(); 11]), Err(ClientKeysError::TooMany));
        for none in [json!({}), json!([ec()]), json!({ "keys": {} }), json!("x")] {
            assert_eq!(ClientKeys::parse(&none, None), Err(ClientKeysError::NotASet), "{none}");
        }
    }

    #[test]
    fn rg_7_keys_that_are_of_no_use_are_left_out() {
        let other_curve = json!({ "kty": "EC", "crv": "P-521", "x": "AQAB", "y": "AQAB" });
        let mut for_encryption = ec();
        for_encryption["use"] = json!("enc");
        assert!(parse(&[other_curve.clone(), for_encryption]).unwrap().is_empty());
        let mut noisy = ec();
        noisy["x5c"] = json!(["…"]);
        let kept = parse(&[other_curve, noisy]).unwrap();
        assert_eq!(kept.to_json(), json!({ "keys": [ec()] }));
        assert_eq!(ClientKeys::parse_text(&kept.to_json().to_string()), Ok(kept));
    }

    /// CA-4: an algorithm that the client registered is the only one.
    #[test]
    fn ca_4_a_registered_algorithm_narrows_the_keys() {
        let keys = json!({ "keys": [ec(), rsa(&[0xff; 256])] });
        let only = ClientKeys::parse(&keys, Some("PS256")).unwrap().to_json();
        assert_eq!(only["keys"].as_array().map(Vec::len), Some(1));
        assert_eq!(only["keys"][0]["alg"], "PS256");
        let mut other = rsa(&[0xff; 256]);
        other["alg"] = json!("RS256");
        assert!(ClientKeys::parse(&json!({ "keys": [other] }), Some("PS256")).unwrap().is_empty());
    }
}
