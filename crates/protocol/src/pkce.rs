//! Proof Key for Code Exchange (RFC 7636), S256 only.

/// A `code_challenge` for the method `S256`: exactly 43 base64url characters (PK-3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeChallenge(String);

/// A `code_verifier` (RFC 7636 §4.1): 43 to 128 unreserved characters.
#[derive(Clone)]
pub struct CodeVerifier(String);

/// Why the PKCE parameters of an authorization request are not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PkceError {
    /// OAuth 2.1 §4.1.1: every client must send a challenge.
    #[error("code_challenge is missing; PKCE with S256 is required for every client")]
    Missing,
    /// RFC 7636 §4.3: an omitted method means `plain`, which is not supported.
    #[error("code_challenge_method must be S256; transform algorithm not supported")]
    Method,
    /// RFC 7636 §4.2 with S256: always 43 characters.
    #[error("code_challenge must be 43 base64url characters, the SHA-256 of the verifier")]
    Malformed,
}

impl CodeChallenge {
    /// Reads the two authorization request parameters.
    pub fn parse(challenge: Option<&str>, method: Option<&str>) -> Result<Self, PkceError> {
        let challenge = challenge.ok_or(PkceError::Missing)?;
        if method != Some("S256") {
            return Err(PkceError::Method);
        }
        let well_formed = challenge.len() == 43
            && challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        well_formed.then(|| Self(challenge.to_owned())).ok_or(PkceError::Malformed)
    }

    /// A challenge as it was stored.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The challenge as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl CodeVerifier {
    /// Reads a `code_verifier` parameter; `None` if it breaks the grammar.
    pub fn parse(unverified: &str) -> Option<Self> {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        let well_formed =
            (43..=128).contains(&unverified.len()) && unverified.bytes().all(unreserved);
        well_formed.then(|| Self(unverified.to_owned()))
    }

    /// The text to be hashed and compared with the challenge (RFC 7636 §4.6).
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    /// T-AZ-20, T-AZ-21, T-AZ-22.
    #[test]
    fn only_a_well_formed_s256_challenge_passes() {
        assert!(CodeChallenge::parse(Some(CHALLENGE), Some("S256")).is_ok());
        assert_eq!(CodeChallenge::parse(None, Some("S256")), Err(PkceError::Missing));
        for method in [None, Some("plain"), Some("s256"), Some("S512"), Some("")] {
            assert_eq!(CodeChallenge::parse(Some(CHALLENGE), method), Err(PkceError::Method));
        }
        for bad in ["", "short", &CHALLENGE[1..], &format!("{CHALLENGE}A"), &"=".repeat(43)] {
            assert_eq!(CodeChallenge::parse(Some(bad), Some("S256")), Err(PkceError::Malformed));
        }
    }

    #[test]
    fn verifiers_follow_the_grammar() {
        assert!(CodeVerifier::parse(&"a".repeat(43)).is_some());
        assert!(CodeVerifier::parse(&"~".repeat(128)).is_some());
        for bad in ["a".repeat(42), "a".repeat(129), "é".repeat(43), " ".repeat(43)] {
            assert!(CodeVerifier::parse(&bad).is_none());
        }
    }
}
