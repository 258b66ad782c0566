//! Identifiers that cannot be mixed up.

use std::fmt;
use std::marker::PhantomData;

use crate::encoding::base64url;
use crate::random::SecureRandom;

/// What an [`Id`] identifies.
pub trait Kind {
    /// The first characters of each id of this kind, for instance `grt_`.
    const PREFIX: &'static str;
}

/// The identifier of one `K`: a prefix and 128 random bits, safe in URLs and logs.
///
/// An id names a thing; it never proves anything.
pub struct Id<K> {
    text: String,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Id<K> {
    /// A fresh id.
    pub fn generate(random: &dyn SecureRandom) -> Self {
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        Self::from_stored(format!("{}{}", K::PREFIX, base64url(&bytes)))
    }
}

impl<K> Id<K> {
    /// An id as it was stored or configured.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self { text: text.into(), kind: PhantomData }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        Self::from_stored(self.text.clone())
    }
}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<K> Eq for Id<K> {}

impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
