//! Providers as they really are, and as somebody hostile would have them.

#![expect(clippy::unwrap_used, reason = "tests")]

mod oidc;
#[cfg(feature = "saml")]
mod saml;
