//! Metadata as they are now: fixed, or fetched and kept.

use std::sync::Arc;

use kernel::{Clock, Timestamp};
use tokio::sync::Mutex;
use url::Url;

use super::certificate::Certificate;
use super::flaw::quoted;
use super::idp_metadata::IdpMetadata;
use super::xml::Limits;
use crate::endpoint::is_safe;
use crate::network::{packed_as, why};
use crate::provider::ProviderError;
use crate::saml::{Config, ConfigError, MetadataSource};

/// Seconds between two attempts to fetch, however many people wait and whatever they send.
const COOLDOWN_SECONDS: i64 = 30;

/// Where metadata come from.
pub(super) enum Source {
    /// From a file: as they were when the process started.
    Fixed(Arc<IdpMetadata>),
    /// From an address.
    Remote(Box<Remote>),
}

/// An address, and what it said last.
pub(super) struct Remote {
    url: Url,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    pin: Option<Certificate>,
    entity_id: Option<String>,
    allow_expired: bool,
    refresh_seconds: i64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    metadata: Option<Arc<IdpMetadata>>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
    problem: String,
}

impl Source {
    /// The configured source. A document is read at once, so that the operator learns of a mistake
    /// at the start; an address is first asked when somebody signs in.
    pub(super) fn from_config(
        config: &Config,
        http: reqwest::Client,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        let entity_id = config.idp_entity_id.as_deref();
        match &config.idp_metadata {
            MetadataSource::Xml(xml) => {
                let wrong = |flaw| ConfigError::Metadata(format!("{flaw}"));
                let metadata = IdpMetadata::read(xml, entity_id, None).map_err(wrong)?;
                let allow_expired = config.allow_expired_certificates;
                let fit = metadata.is_fit(config.request_binding, clock.now(), allow_expired);
                fit.map_err(wrong)?;
                tell(&metadata, allow_expired, clock.now());
                Ok(Self::Fixed(Arc::new(metadata)))
            }
            MetadataSource::Url { url, pinned_certificate_pem, refresh_seconds } => {
                let url = Url::parse(url).ok().filter(is_safe).ok_or_else(|| {
                    ConfigError::Metadata(
                        "the address must be https, or http on this computer".to_owned(),
                    )
                })?;
                let pin = pinned_certificate_pem.as_deref().map(Certificate::from_pem);
                let pin = pin.transpose().map_err(|flaw| ConfigError::Pin(format!("{flaw}")))?;
                Ok(Self::Remote(Box::new(Remote {
                    url,
                    http,
                    clock,
                    pin,
                    entity_id: config.idp_entity_id.clone(),
                    allow_expired: config.allow_expired_certificates,
                    refresh_seconds: (*refresh_seconds).max(COOLDOWN_SECONDS),
                    kept: Mutex::default(),
                })))
            }
        }
    }

    /// The metadata to work with. While the address is away, the last ones stay.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Unavailable`] if there never were any.
    pub(super) async fn current(&self) -> Result<Arc<IdpMetadata>, ProviderError> {
        match self {
            Self::Fixed(metadata) => Ok(Arc::clone(metadata)),
            Self::Remote(remote) => remote.current().await,
        }
    }

    /// Newer metadata than these, if there are any: for an answer signed with an unknown key.
    pub(super) async fn newer_than(&self, used: &Arc<IdpMetadata>) -> Option<Arc<IdpMetadata>> {
        match self {
            Self::Fixed(_) => None,
            Self::Remote(remote) => remote.newer_than(used).await,
        }
    }
}

impl Remote {
    async fn current(&self) -> Result<Arc<IdpMetadata>, ProviderError> {
        let mut kept = self.kept.lock().await;
        let oldest = self.clock.now().plus_seconds(-self.refresh_seconds);
        if kept.fetched_at.is_none_or(|at| at < oldest) {
            self.refresh(&mut kept).await;
        }
        kept.metadata.clone().ok_or_else(|| ProviderError::Unavailable(kept.problem.clone()))
    }

    async fn newer_than(&self, used: &Arc<IdpMetadata>) -> Option<Arc<IdpMetadata>> {
        let mut kept = self.kept.lock().await;
        if kept.metadata.as_deref() == Some(&**used) {
            self.refresh(&mut kept).await;
        }
        kept.metadata.clone().filter(|metadata| metadata != used)
    }

    async fn refresh(&self, kept: &mut Kept) {
        let now = self.clock.now();
        let rested = now.plus_seconds(-COOLDOWN_SECONDS);
        if kept.tried_at.is_some_and(|at| at > rested) {
            return;
        }
        kept.tried_at = Some(now);
        // SA-15: once known, the name stays, whatever the address says later.
        let known = kept.metadata.as_ref().map(|metadata| metadata.entity_id.clone());
        match self.fetched(self.entity_id.clone().or(known)).await {
            Ok(metadata) => {
                tell(&metadata, self.allow_expired, now);
                kept.metadata = Some(Arc::new(metadata));
                kept.fetched_at = Some(now);
            }
            Err(problem) => {
                tracing::warn!(url = %self.url, problem, "saml.metadata_not_refreshed");
                kept.problem = problem;
            }
        }
    }

    async fn fetched(&self, entity_id: Option<String>) -> Result<IdpMetadata, String> {
        let text = self.text().await?;
        let pin = self.pin.clone();
        let read = move || IdpMetadata::read(&text, entity_id.as_deref(), pin.as_ref());
        let metadata = tokio::task::spawn_blocking(read).await;
        let metadata = metadata.map_err(|_| "the metadata reader failed".to_owned())?;
        metadata.map_err(|flaw| format!("the metadata at {}: {flaw}", self.url))
    }

    /// At most as much as the reader takes.
    async fn text(&self) -> Result<String, String> {
        let away = |error: reqwest::Error| why(&error);
        let mut response = self.http.get(self.url.clone()).send().await.map_err(away)?;
        let status = response.status();
        if !status.is_success() {
            return Err(format!("{} answered {}", self.url, status.as_u16()));
        }
        if let Some(coding) = packed_as(&response) {
            return Err(format!("{} answered in the encoding {coding}", self.url));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(away)? {
            body.extend_from_slice(&chunk);
            if body.len() > Limits::METADATA.bytes() {
                return Err(format!("{} sends more than metadata can be", self.url));
            }
        }
        let text = String::from_utf8(body);
        text.map_err(|error| format!("{}: {}", self.url, quoted(&error.to_string())))
    }
}

/// Names the certificates that take no part, where others do.
fn tell(metadata: &IdpMetadata, allow_expired: bool, now: Timestamp) {
    let over = metadata.certificates.iter().filter(|one| !allow_expired && !one.is_current(now));
    let over = over
        .map(|one| format!("signing certificate {}: expired or not valid yet", one.fingerprint()));
    for problem in metadata.skipped.iter().cloned().chain(over) {
        tracing::warn!(entity_id = metadata.entity_id, problem, "saml.certificate_skipped");
    }
}
