//! The header of a signed JWT that somebody else made (RFC 7515 §4.1, RFC 8725).

use kernel::encoding::from_base64url;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The two names of Ed25519 as an algorithm: that of RFC 8037 §3.1, which stood for other curves as
/// well, and that of RFC 9864 §2.2, which took its place. Here both mean Ed25519 and no other curve.
const ED25519: [&str; 2] = ["EdDSA", "Ed25519"];

/// What a signed JWT in compact form says of itself, before anything in it is believed.
#[derive(Clone, Copy, Debug)]
pub struct UnverifiedJws<'a> {
    /// What was signed: header and payload as they were sent (RFC 7515 §5.1).
    pub signed: &'a str,
    /// The signature as it was sent.
    pub signature: &'a str,
}

/// Members of the header. Those that say where a key could be had (`jwk`, `jku`, `x5u`, `x5c`) are
/// never looked at: keys come from what is known of the signer (RFC 8725 §3.1, §3.10).
#[derive(Clone, Debug, Deserialize)]
pub struct UnverifiedHeader {
    alg: String,
    /// What kind of token it says it is (RFC 8725 §3.11).
    #[serde(default)]
    pub typ: Option<String>,
    /// Which of the signer's keys it names.
    #[serde(default)]
    pub kid: Option<String>,
    #[serde(default)]
    crit: Option<IgnoredAny>,
}

impl<'a> UnverifiedJws<'a> {
    /// Takes it apart; `None` if it has not three parts (RFC 7515 §3.1).
    pub fn read(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        (signed.matches('.').count() == 1).then_some(Self { signed, signature })
    }

    /// Its header; `None` if it is no JSON object in base64url with an `alg`, or a member that is
    /// needed is there twice or of another type.
    pub fn header(&self) -> Option<UnverifiedHeader> {
        let (header, _) = self.signed.split_once('.')?;
        serde_json::from_slice(&from_base64url(header)?).ok()
    }
}

impl UnverifiedHeader {
    /// The name of the algorithm; Ed25519 has one here, however it was written.
    pub fn algorithm(&self) -> &str {
        algorithm(&self.alg)
    }

    /// Whether it names extensions that must be understood (RFC 7515 §4.1.11).
    pub fn is_critical(&self) -> bool {
        self.crit.is_some()
    }
}

/// The one name that an algorithm has here: `EdDSA` for both names of Ed25519.
pub fn algorithm(name: &str) -> &str {
    if ED25519.contains(&name) { ED25519[0] } else { name }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use kernel::encoding::base64url;

    fn header(json: &str) -> Option<UnverifiedHeader> {
        UnverifiedJws::read(&format!("{}.e30.AA", base64url(json.as_bytes())))?.header()
    }

    /// CA-4 (RFC 9864 §2.2).
    #[test]
    fn ca_4_ed25519_has_two_names_and_others_have_one() {
        for (name, known) in [("EdDSA", "EdDSA"), ("Ed25519", "EdDSA"), ("RS256", "RS256")] {
            let read = header(&format!(r#"{{"alg":"{name}","kid":"k"}}"#)).unwrap();
            assert_eq!((read.algorithm(), read.kid.as_deref()), (known, Some("k")));
        }
        for other in ["ed25519", "Ed448", "EDDSA", "Ed25519ph", "none", ""] {
            assert_eq!(algorithm(other), other);
        }
    }

    /// T-CA-14 (RFC 7515 §3.1, §4, §4.1.11).
    #[test]
    fn t_ca_14_headers_that_could_be_read_in_two_ways() {
        for bad in [
            r#"{"alg":"EdDSA","alg":"Ed25519"}"#,
            r#"{"alg":["EdDSA"]}"#,
            r#"{"alg":null}"#,
            r#"{"alg":"EdDSA","kid":"a","kid":"b"}"#,
            r#"{"alg":"EdDSA"} {}"#,
            "{}",
            "[]",
        ] {
            assert!(header(bad).is_none(), "{bad}");
        }
        assert!(header(r#"{"alg":"EdDSA","crit":[]}"#).unwrap().is_critical());
        for parts in ["", ".", "a.b", "a.b.c.d", "a.b.c.d.e"] {
            assert!(UnverifiedJws::read(parts).is_none(), "{parts}");
        }
        let padded = UnverifiedJws::read("eyJhbGciOiJFZERTQSJ9==.e30.AA").unwrap();
        assert!(padded.header().is_none());
    }
}
