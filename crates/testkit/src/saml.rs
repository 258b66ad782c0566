//! A SAML identity provider of our own: it has keys and metadata, and signs whatever it is told to.
//!
//! Answers are made from one template by replacing text, before or after signing, so that a test
//! shows exactly what is odd about its answer.
#![expect(clippy::unwrap_used, reason = "tests")]

mod answer;
mod asked;
mod encrypted;
mod keys;
mod metadata;
mod text;

pub use answer::{Answer, Sign, Signature};
pub use asked::AuthnRequest;
pub use encrypted::encrypted;
pub use keys::Keys;
pub use metadata::{metadata, signed_metadata};
pub use text::{assertion_of, attribute, moment, signature_of, swap};

/// A moment for tests that have no other, in seconds since the Unix epoch.
pub const NOW: i64 = 1_790_000_000;
/// The provider's name.
pub const ENTITY_ID: &str = "https://idp.example.com/metadata";
/// Where people sign in there.
pub const SSO_URL: &str = "https://idp.example.com/sso";
/// Exclusive canonicalization.
pub const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// The transform of a signature inside what it signs.
pub const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// A signature by an RSA key.
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
/// A signature by an EC key.
pub const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
/// The digest.
pub const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
/// Key transport that is accepted.
pub const OAEP: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
/// Key transport of XML Encryption 1.1, here with SHA-256 for both hashes.
pub const OAEP_SHA256: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
/// Content encryption.
pub const AES128_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";
/// Content encryption.
pub const AES256_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
/// Content encryption.
pub const AES128_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
/// Content encryption.
pub const AES256_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
