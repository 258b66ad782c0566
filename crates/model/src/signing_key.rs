//! Signing keys of the authorization server.

use kernel::Timestamp;

/// A signing key as it is stored: the private part is sealed under the key-encryption key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// RFC 7638 thumbprint (KY-3).
    pub kid: String,
    /// The algorithm, such as `ES256`. A key never changes it (KY-4).
    pub alg: String,
    /// The public JWK as JSON.
    pub public_jwk: String,
    /// The private key, sealed (KY-5); empty once the key is retired.
    pub private_sealed: String,
    /// Which key-encryption key sealed it.
    pub sealed_by: String,
    /// How far in its life it is.
    pub state: KeyState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it came into its state.
    pub changed_at: Timestamp,
}

/// The life of a signing key (KY-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, not yet signing.
    Next,
    /// Signing. There is exactly one.
    Active,
    /// No longer signing, still published for tokens that are out.
    Retiring,
    /// Gone from the key set.
    Retired,
}

impl KeyState {
    /// The name in storage and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }

    /// The state with this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Next, Self::Active, Self::Retiring, Self::Retired]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}
