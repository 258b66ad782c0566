//! SAML 2.0, service provider side: the Web Browser SSO profile.
//!
//! Requests go out by the redirect or the POST binding. Answers come in by POST only, at the one
//! assertion consumer URL; a `SAMLResponse` in a query is never looked at. Only answers to our own
//! requests count (SA-11). Single logout is not offered: the person's session here ends by itself
//! at `SessionNotOnOrAfter` at the latest.
//!
//! The types are always here, so that the other crates need no feature of their own. The machinery
//! comes with the cargo feature `saml`, because it brings libxmlsec1 and OpenSSL with it.

mod config;
#[cfg(feature = "saml")]
mod service;

use std::pin::Pin;

use kernel::{SecureRandom, Timestamp};
use serde::{Deserialize, Serialize};

use crate::provider::{Finding, Go, ProviderError, SignedIn};

pub use config::{
    Config, ConfigError, DEFAULT_CLOCK_SKEW_SECONDS, MAXIMUM_CLOCK_SKEW_SECONDS, MetadataSource,
    RequestBinding,
};
#[cfg(feature = "saml")]
pub use service::service_provider;

/// The most bytes that a relay state may have (SAML bindings §3.4.3).
pub const MAXIMUM_RELAY_STATE_BYTES: usize = 80;

/// What the methods of [`ServiceProvider`] return: an `async` result behind a pointer.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A request that waits for its answer. It holds nothing secret, but whoever could choose it could
/// choose which answers fit, so it is kept where only we can write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The `ID` of our request; the answer names it in `InResponseTo` (SA-8).
    pub request_id: String,
    /// When it was made, in milliseconds since the Unix epoch. With `force_authn` the person must
    /// have signed in since then.
    pub requested_at_millis: i64,
}

/// A person for whom the provider vouched. The one-time id says that it did so once.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// Who.
    pub signed_in: SignedIn,
    /// Good once (SA-10): the same for every copy of one assertion, whoever sends it and however
    /// it is wrapped.
    pub one_time_id: String,
    /// From when on nobody can send it again; the clock skew is in it.
    pub expires_at: Timestamp,
}

/// One company's SAML identity provider, as seen from here.
pub trait ServiceProvider: Send + Sync {
    /// Starts a sign-in. `relay_state` comes back with the answer; it is our own random handle and
    /// never a URL (SA-12).
    ///
    /// # Errors
    ///
    /// [`ProviderError::Unavailable`] while the provider's metadata cannot be had, and
    /// [`ProviderError::Misconfigured`] if they offer no way in.
    fn begin<'a>(
        &'a self,
        relay_state: &'a str,
        random: &'a dyn SecureRandom,
    ) -> BoxFuture<'a, Result<(Go, Pending), ProviderError>>;

    /// The SHA-256, in base64url, of the relay state of the sign-in that this form value says it
    /// answers: it is part of our request's id, for providers that lose `RelayState`. Nothing of it
    /// is verified, so all that it is good for is to look for what waits; `finish` judges.
    fn relay_state_hash(&self, unverified_saml_response: &str) -> Option<String>;

    /// Judges the form value `SAMLResponse`, as it came.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Refused`] if the provider did not let the person in, and the other kinds
    /// as they say. Only [`ProviderError::Unavailable`] is worth another try with the same answer.
    fn finish<'a>(
        &'a self,
        pending: &'a Pending,
        saml_response: &'a str,
    ) -> BoxFuture<'a, Result<Assertion, ProviderError>>;

    /// Our own metadata, as an XML document; the same for the same configuration.
    fn metadata(&self) -> String;

    /// What an operator should know of this provider.
    fn examine(&self) -> BoxFuture<'_, Vec<Finding>>;
}
