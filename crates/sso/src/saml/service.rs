//! The SAML service provider itself.
//!
//! The cryptography is xmlsec's, by way of `samael`; everything that library leaves open is decided
//! in the modules below, on a strict tree of our own. xmlsec writes what it dislikes to the
//! standard error output, and cannot be told otherwise from safe code.

mod assertion;
mod base64;
mod certificate;
mod decrypt;
mod examine;
mod flaw;
mod idp_metadata;
mod names;
mod own_key;
mod person;
mod request;
mod response;
mod signature;
mod source;
mod sp_metadata;
mod time;
mod xml;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use kernel::{Clock, SecureRandom, Timestamp};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::Url;

use self::idp_metadata::IdpMetadata;
use self::own_key::{CannotSign, OwnKey};
use self::request::Request;
use self::response::{Expected, Refusal};
use self::source::Source;
use super::config::MAXIMUM_CLOCK_SKEW_SECONDS;
use super::{
    Assertion, BoxFuture, Config, ConfigError, MAXIMUM_RELAY_STATE_BYTES, Pending, ServiceProvider,
};
use crate::provider::{Finding, Go, ProviderError};

/// Answers that are judged at the same time. Each takes about a millisecond of processor time, and
/// each is a stranger's document in a parser written in C.
const AT_ONCE: usize = 4;

/// How long an answer waits for its turn. A person would not wait longer, and holds memory.
const PATIENCE: Duration = Duration::from_secs(10);

/// A service provider for one company.
///
/// # Errors
///
/// [`ConfigError`] says what cannot work. Metadata from an address are not looked at here; see
/// [`ServiceProvider::examine`].
pub fn service_provider(
    config: Config,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn ServiceProvider>, ConfigError> {
    check(&config)?;
    let key = OwnKey::from_config(&config)?;
    let source = Source::from_config(&config, http, Arc::clone(&clock))?;
    let room = Arc::new(Semaphore::new(AT_ONCE));
    Ok(Arc::new(Service { config: Arc::new(config), key, source, clock, room }))
}

struct Service {
    config: Arc<Config>,
    key: Option<OwnKey>,
    source: Source,
    clock: Arc<dyn Clock>,
    room: Arc<Semaphore>,
}

impl ServiceProvider for Service {
    fn begin<'a>(
        &'a self,
        relay_state: &'a str,
        random: &'a dyn SecureRandom,
    ) -> BoxFuture<'a, Result<(Go, Pending), ProviderError>> {
        // Chance is used before the first await, so that it need not outlive it.
        let request_id = request::fresh_id(relay_state, random);
        Box::pin(self.started(relay_state, request_id))
    }

    fn relay_state_hash(&self, unverified_saml_response: &str) -> Option<String> {
        let request_id = response::request_answered(unverified_saml_response)?;
        request::relay_state_hash(&request_id).map(ToOwned::to_owned)
    }

    fn finish<'a>(
        &'a self,
        pending: &'a Pending,
        saml_response: &'a str,
    ) -> BoxFuture<'a, Result<Assertion, ProviderError>> {
        Box::pin(self.finished(pending, saml_response))
    }

    fn metadata(&self) -> String {
        sp_metadata::document(&self.config, self.key.as_ref())
    }

    fn examine(&self) -> BoxFuture<'_, Vec<Finding>> {
        Box::pin(async {
            let now = self.clock.now();
            let mut findings = examine::ours(&self.config, self.key.as_ref(), now);
            match self.source.current().await {
                Ok(metadata) => findings.extend(examine::theirs(&metadata, &self.config, now)),
                Err(error) => findings.push(Finding::failure(
                    format!("the provider's metadata cannot be fetched: {error}"),
                    "check metadata_url from this computer (set [outbound] proxy, if only a proxy \
                     leads out), or save the document and use metadata_file",
                )),
            }
            findings
        })
    }
}

impl Service {
    async fn started(
        &self,
        relay_state: &str,
        request_id: String,
    ) -> Result<(Go, Pending), ProviderError> {
        if relay_state.is_empty() || relay_state.len() > MAXIMUM_RELAY_STATE_BYTES {
            let problem = format!("a relay state has 1 to {MAXIMUM_RELAY_STATE_BYTES} bytes");
            return Err(ProviderError::Misconfigured(problem));
        }
        let metadata = self.source.current().await?;
        let now = self.clock.now();
        self.fit(&metadata, now)?;
        let sso_url = metadata.sso_url(self.config.request_binding).unwrap_or_default();
        let key = self.key.as_ref().filter(|_| self.config.sign_requests);
        let request =
            Request { config: &self.config, id: &request_id, now, sso_url, relay_state, key };
        let cannot = |CannotSign| {
            ProviderError::Misconfigured("the request cannot be signed with our key".to_owned())
        };
        let go = request.go().map_err(cannot)?;
        Ok((go, Pending { request_id, requested_at_millis: now.as_millis() }))
    }

    async fn finished(&self, pending: &Pending, answer: &str) -> Result<Assertion, ProviderError> {
        let metadata = self.source.current().await?;
        match self.judged(&metadata, pending, answer).await {
            Ok(assertion) => Ok(assertion),
            Err(Refusal::Final(error)) => Err(error),
            // T-SAML-29: the provider may have changed its key since we last looked.
            Err(Refusal::UnknownKey) => match self.source.newer_than(&metadata).await {
                Some(newer) => self.judged(&newer, pending, answer).await.map_err(last_word),
                None => Err(last_word(Refusal::UnknownKey)),
            },
        }
    }

    async fn judged(
        &self,
        metadata: &Arc<IdpMetadata>,
        pending: &Pending,
        answer: &str,
    ) -> Result<Assertion, Refusal> {
        let now = self.clock.now();
        self.fit(metadata, now)?;
        let expected = self.expected(metadata, pending, now);
        let (config, metadata) = (Arc::clone(&self.config), Arc::clone(metadata));
        let (key, answer) = (self.key.clone(), answer.to_owned());
        let permit = timeout(PATIENCE, Arc::clone(&self.room).acquire_owned()).await;
        let permit = permit.map_err(|_| unavailable("too many answers are being judged"))?;
        let permit = permit.map_err(|_| unavailable("the process is ending"))?;
        let work = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let certificates = metadata.usable(expected.now, config.allow_expired_certificates);
            let key = key.as_ref().and_then(OwnKey::for_decrypting);
            let facts = response::judged(&answer, &expected, &certificates, key)?;
            Ok(person::person(facts, &config, &metadata.entity_id)?)
        });
        // A panic in a library ends that task only. The answer is to blame, and it is refused.
        work.await.unwrap_or_else(|_| {
            Err(ProviderError::Rejected("the SAML library failed on this answer".to_owned()).into())
        })
    }

    fn expected(&self, metadata: &IdpMetadata, pending: &Pending, now: Timestamp) -> Expected {
        let config = &self.config;
        Expected {
            acs_url: config.acs_url.clone(),
            entity_id: config.entity_id.clone(),
            idp_entity_id: metadata.entity_id.clone(),
            request_id: pending.request_id.clone(),
            requested_at: Timestamp::from_millis(pending.requested_at_millis),
            now,
            clock_skew_seconds: config.clock_skew_seconds,
            want_assertions_signed: config.want_assertions_signed,
            force_authn: config.force_authn,
            authn_contexts: config.authn_contexts.clone(),
        }
    }

    /// Metadata that were good at the start may be over by now.
    fn fit(&self, metadata: &IdpMetadata, now: Timestamp) -> Result<(), ProviderError> {
        let config = &self.config;
        let fit = metadata.is_fit(config.request_binding, now, config.allow_expired_certificates);
        fit.map_err(|flaw| ProviderError::Misconfigured(format!("the provider's metadata: {flaw}")))
    }
}

fn last_word(refusal: Refusal) -> ProviderError {
    match refusal {
        Refusal::Final(error) => error,
        Refusal::UnknownKey => ProviderError::Rejected(
            "the signature was made by none of the keys in the provider's metadata".to_owned(),
        ),
    }
}

fn unavailable(what: &str) -> ProviderError {
    ProviderError::Unavailable(what.to_owned())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What is wrong with our own side of the configuration.
fn check(config: &Config) -> Result<(), ConfigError> {
    let wrong = |what: String| Err(ConfigError::Ours(what));
    if config.entity_id.is_empty() || config.entity_id.len() > 1024 {
        return wrong("the entity ID must have 1 to 1024 characters".to_owned());
    }
    if !Url::parse(&config.acs_url).is_ok_and(|url| crate::endpoint::is_safe(&url)) {
        return wrong("the ACS URL must be https, or http on this computer".to_owned());
    }
    if !(0..=MAXIMUM_CLOCK_SKEW_SECONDS).contains(&config.clock_skew_seconds) {
        return wrong(format!("the clock skew must be 0 to {MAXIMUM_CLOCK_SKEW_SECONDS} seconds"));
    }
    if config.attributes.user.is_empty() {
        return wrong("attributes.user must name an attribute, or be NameID".to_owned());
    }
    Ok(())
}
