//! A service provider on a table, with a clock that stands still.

use std::sync::{Arc, OnceLock};

use kernel::encoding::base64;
use kernel::{ManualClock, Redacted, Timestamp};
use sso::ProviderError;
use sso::saml::{Assertion, Config, MetadataSource, Pending, ServiceProvider, service_provider};

use super::idp::{Answer, Keys, NOW, Sign, Signature, metadata};

pub(crate) const ACS_URL: &str = "https://gate.example.com/saml/corp/acs";
pub(crate) const ENTITY_ID: &str = "https://gate.example.com/saml/corp";
pub(crate) const REQUEST_ID: &str = "_0123456789abcdef0123456789abcdef";

/// The provider's key, a stranger's, and ours. RSA keys take a while to make.
pub(crate) struct AllKeys {
    pub(crate) idp: Keys,
    pub(crate) stranger: Keys,
    pub(crate) ours: Keys,
}

pub(crate) fn keys() -> &'static AllKeys {
    static KEYS: OnceLock<AllKeys> = OnceLock::new();
    KEYS.get_or_init(|| AllKeys {
        idp: Keys::rsa(NOW),
        stranger: Keys::rsa(NOW),
        ours: Keys::rsa(NOW),
    })
}

pub(crate) fn config() -> Config {
    let source = MetadataSource::Xml(metadata(&[&keys().idp]));
    let mut config = Config::new("corp", ENTITY_ID, ACS_URL, source);
    config.key_pem = Some(Redacted::new(keys().ours.key_pem()));
    config.certificate_pem = Some(keys().ours.certificate_pem());
    config
}

pub(crate) fn clock() -> ManualClock {
    ManualClock::at(Timestamp::from_millis(NOW * 1000))
}

/// As in the product: TLS by one provider of cryptography, no proxy.
pub(crate) fn http() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

pub(crate) fn provider(config: Config) -> Arc<dyn ServiceProvider> {
    service_provider(config, http(), Arc::new(clock())).unwrap()
}

pub(crate) fn pending() -> Pending {
    Pending { request_id: REQUEST_ID.to_owned(), requested_at_millis: NOW * 1000 }
}

/// The answer that fits in everything.
pub(crate) fn answer() -> Answer<'static> {
    Answer { acs_url: ACS_URL, audience: ENTITY_ID, request_id: REQUEST_ID, now: NOW }
}

/// That answer, signed by the provider, after a change.
pub(crate) fn signed(sign: Sign, edit: impl Fn(String) -> String) -> String {
    answer().signed(&keys().idp, sign, &Signature::default(), edit)
}

/// That answer as it is.
pub(crate) fn good(sign: Sign) -> String {
    signed(sign, |xml| xml)
}

/// What the usual provider says to this document.
pub(crate) async fn judge(xml: &str) -> Result<Assertion, ProviderError> {
    judge_with(config(), xml).await
}

pub(crate) async fn judge_with(config: Config, xml: &str) -> Result<Assertion, ProviderError> {
    provider(config).finish(&pending(), &base64(xml.as_bytes())).await
}
