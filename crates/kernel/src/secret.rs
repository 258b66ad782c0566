//! Secret values: what may be shown once, and what may be stored.

use std::fmt;
use std::marker::PhantomData;

use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use crate::encoding::{base64url, sha256_base64url};
use crate::random::SecureRandom;

/// What a [`Plain`] secret is for.
pub trait Purpose {
    /// The first characters of each such secret. Secret scanners and the type separation at the
    /// token endpoint depend on them, so a prefix never changes.
    const PREFIX: &'static str;
}

/// A secret in clear: a prefix and 256 random bits. It has no `Display`, and `Debug` hides it.
pub struct Plain<P> {
    text: Zeroizing<String>,
    purpose: PhantomData<fn() -> P>,
}

/// The SHA-256 of a [`Plain`], the only form that reaches storage.
///
/// A look-up by hash leaks nothing about the value through timing, and 256 random bits need no
/// slow hash.
pub struct Hashed<P> {
    text: String,
    purpose: PhantomData<fn() -> P>,
}

/// A configured secret of any shape. `Debug` hides it and it is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Redacted(Zeroizing<String>);

// === impl Plain ===

impl<P: Purpose> Plain<P> {
    /// A fresh secret.
    pub fn generate(random: &dyn SecureRandom) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        let text = format!("{}{}", P::PREFIX, base64url(&bytes));
        bytes.zeroize();
        Self { text: Zeroizing::new(text), purpose: PhantomData }
    }

    /// A presented value, if it has the shape of this kind of secret. Nothing else is known of it.
    pub fn parse(unverified: &str) -> Option<Self> {
        let random = unverified.strip_prefix(P::PREFIX)?;
        let well_formed = random.len() == 43
            && random.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        well_formed
            .then(|| Self { text: Zeroizing::new(unverified.to_owned()), purpose: PhantomData })
    }
}

impl<P> Plain<P> {
    /// The secret itself, to be sent to its owner. Never log it.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// The form to store and to look up.
    pub fn hash(&self) -> Hashed<P> {
        Hashed::from_stored(sha256_base64url(self.text.as_bytes()))
    }
}

impl<P> Clone for Plain<P> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), purpose: PhantomData }
    }
}

impl<P> fmt::Debug for Plain<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain(…)")
    }
}

// === impl Hashed ===

impl<P> Hashed<P> {
    /// A hash as it was stored.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self { text: text.into(), purpose: PhantomData }
    }

    /// The stored form: SHA-256 as base64url.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Eight characters that let two log lines be matched without giving the value away.
    pub fn fingerprint(&self) -> &str {
        self.text.get(..8).unwrap_or_default()
    }
}

impl<P> Clone for Hashed<P> {
    fn clone(&self) -> Self {
        Self::from_stored(self.text.clone())
    }
}

/// Compares in constant time.
impl<P> PartialEq for Hashed<P> {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(self.text.as_bytes(), other.text.as_bytes())
    }
}

impl<P> Eq for Hashed<P> {}

impl<P> fmt::Debug for Hashed<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hashed({}…)", self.fingerprint())
    }
}

// === impl Redacted ===

impl Redacted {
    /// Takes a secret in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself. Never log it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Compares with a presented value in constant time.
    pub fn matches(&self, unverified: &str) -> bool {
        constant_time_eq(self.0.as_bytes(), unverified.as_bytes())
    }
}

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redacted(…)")
    }
}

/// Equality whose time depends on the lengths only.
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::OsRandom;

    enum Demo {}
    impl Purpose for Demo {
        const PREFIX: &'static str = "dm_";
    }

    #[test]
    fn debug_shows_no_secret() {
        let plain = Plain::<Demo>::generate(&OsRandom::new());
        assert_eq!(format!("{plain:?}"), "Plain(…)");
        assert_eq!(format!("{:?}", Redacted::new("hunter2")), "Redacted(…)");
        assert!(!format!("{:?}", plain.hash()).contains(plain.hash().as_str()));
    }

    #[test]
    fn only_the_own_shape_parses() {
        let plain = Plain::<Demo>::generate(&OsRandom::new());
        assert!(Plain::<Demo>::parse(plain.reveal()).unwrap().hash() == plain.hash());
        assert!(Plain::<Demo>::parse(plain.hash().as_str()).is_none());
        assert!(Plain::<Demo>::parse(&format!("{}x", plain.reveal())).is_none());
        assert!(Plain::<Demo>::parse(&plain.reveal()[1..]).is_none());
    }
}
