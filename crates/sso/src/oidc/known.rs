//! What is known of the provider: its description and its keys, kept for a while.
//!
//! One question at a time; whoever waited looks again. What is known outlives its freshness while
//! the provider is away, for a day. A provider that just failed is not asked again at once, so a
//! slow one cannot make a queue of people wait one timeout after the other.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use kernel::{Clock, Timestamp};
use tokio::sync::Mutex;

use super::config::Config;
use super::discovery::{self, Document};
use super::keys::{self, KeySet};
use super::{http, jwt, rejected};
use crate::provider::ProviderError;

/// The description and the keys of one provider.
pub(super) struct Known {
    issuer: String,
    /// Where the description is.
    address: String,
    expects_logout_tokens: bool,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    document: ArcSwapOption<Kept<Document>>,
    keys: ArcSwapOption<Kept<KeySet>>,
    asking: Mutex<LastRequest>,
}

/// Something that the provider said.
pub(super) struct Kept<T> {
    value: T,
    /// The moment before it was asked for.
    obtained: Timestamp,
    fresh_until: Timestamp,
}

/// What was tried. Whoever holds it is the one who asks.
#[derive(Default)]
struct LastRequest {
    /// When a key that is not in the set was last looked for.
    searched: Option<Timestamp>,
    failed: Option<(Timestamp, ProviderError)>,
}

/// Descriptions and keys are asked for again after this long, keys earlier if the provider says so.
const FRESH_SECONDS: i64 = 3600;
const SHORTEST_FRESH_SECONDS: i64 = 300;
/// How old they may become while the provider is away.
const STALE_SECONDS: i64 = 24 * 3600;
/// T-UP-05: how often keys are looked for that are not in the set.
const SEARCH_EVERY_SECONDS: i64 = 60;
/// How long a failure stands in for asking.
const RETRY_AFTER_SECONDS: i64 = 2;

impl Known {
    pub(super) fn new(config: &Config, http: reqwest::Client, clock: Arc<dyn Clock>) -> Self {
        Self {
            issuer: config.issuer.clone(),
            address: discovery::address(config),
            expects_logout_tokens: config.expects_logout_tokens,
            http,
            clock,
            document: ArcSwapOption::empty(),
            keys: ArcSwapOption::empty(),
            asking: Mutex::default(),
        }
    }

    /// The provider's description.
    pub(super) async fn document(&self) -> Result<Arc<Kept<Document>>, ProviderError> {
        if let Some(kept) = self.fresh(&self.document) {
            return Ok(kept);
        }
        let mut asked = self.asking.lock().await;
        if let Some(kept) = self.fresh(&self.document) {
            return Ok(kept);
        }
        let outcome = match self.recent_failure(&asked) {
            Some(error) => Err(error),
            None => self.fetch_document().await,
        };
        self.settle(&mut asked, &self.document, outcome)
    }

    /// The provider's keys.
    pub(super) async fn keys(&self) -> Result<Arc<Kept<KeySet>>, ProviderError> {
        if let Some(kept) = self.fresh(&self.keys) {
            return Ok(kept);
        }
        let document = self.document().await?;
        let mut asked = self.asking.lock().await;
        if let Some(kept) = self.fresh(&self.keys) {
            return Ok(kept);
        }
        let outcome = match self.recent_failure(&asked) {
            Some(error) => Err(error),
            None => self.fetch_keys(&document).await,
        };
        self.settle(&mut asked, &self.keys, outcome)
    }

    /// Checks a signature. If no known key fits, the provider may have new ones.
    pub(super) async fn verify(
        &self,
        unverified: &jwt::Unverified<'_>,
    ) -> Result<jwt::Signed, ProviderError> {
        let keys = self.keys().await?;
        match unverified.verify(&keys) {
            Ok(signed) => Ok(signed),
            Err(jwt::NotSigned::ByAKnownKey) => {
                let keys = self.search(&keys).await?;
                unverified.verify(&keys).map_err(Into::into)
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Keys newer than `seen`.
    async fn search(&self, seen: &Arc<Kept<KeySet>>) -> Result<Arc<Kept<KeySet>>, ProviderError> {
        let document = self.document().await?;
        let mut asked = self.asking.lock().await;
        if let Some(newer) = self.fresh(&self.keys).filter(|keys| !Arc::ptr_eq(keys, seen)) {
            return Ok(newer);
        }
        if asked.searched.is_some_and(|then| self.is_within(then, SEARCH_EVERY_SECONDS)) {
            return Err(rejected(
                "the token is signed with a key that is not in the provider's key set, which was \
                 looked for less than a minute ago",
            ));
        }
        if let Some(error) = self.recent_failure(&asked) {
            return Err(error);
        }
        let outcome = self.fetch_keys(&document).await;
        // Old keys were just found not to do, so a failure here is one.
        if let Err(error) = outcome {
            asked.failed = Some((self.clock.now(), error.clone()));
            return Err(error);
        }
        asked.searched = Some(self.clock.now());
        self.settle(&mut asked, &self.keys, outcome)
    }

    async fn fetch_document(&self) -> Result<Kept<Document>, ProviderError> {
        let obtained = self.clock.now();
        let request = self.http.get(&self.address);
        let (unverified, _) = http::json::<discovery::Unverified>(request).await?;
        let value = unverified.verify(&self.issuer)?;
        for member in &value.ignored {
            tracing::warn!(provider.issuer = self.issuer, member, "sso.oidc.member_ignored");
        }
        if self.expects_logout_tokens && !value.claims_to_offer.backchannel_logout {
            tracing::warn!(provider.issuer = self.issuer, "sso.oidc.no_backchannel_logout");
        }
        Ok(Kept { value, obtained, fresh_until: obtained.plus_seconds(FRESH_SECONDS) })
    }

    async fn fetch_keys(&self, document: &Document) -> Result<Kept<KeySet>, ProviderError> {
        let obtained = self.clock.now();
        let request = self.http.get(document.jwks_uri.clone());
        let (read, answer) = http::json::<keys::Document>(request).await?;
        let seconds = answer.max_age.unwrap_or(FRESH_SECONDS);
        let seconds = seconds.clamp(SHORTEST_FRESH_SECONDS, FRESH_SECONDS);
        let value = KeySet::from(read);
        for fault in value.faults() {
            // A token that this key signed is refused later as signed by an unknown key.
            let (key, problem) = (&fault.key, &fault.problem);
            tracing::warn!(provider.issuer = self.issuer, key, problem, "sso.oidc.key_skipped");
        }
        Ok(Kept { value, obtained, fresh_until: obtained.plus_seconds(seconds) })
    }

    /// Keeps what was fetched, or falls back to what is kept. A provider that answers, but says
    /// the wrong things, is believed to be wrong: only absence is forgiven.
    fn settle<T>(
        &self,
        asked: &mut LastRequest,
        place: &ArcSwapOption<Kept<T>>,
        outcome: Result<Kept<T>, ProviderError>,
    ) -> Result<Arc<Kept<T>>, ProviderError> {
        let error = match outcome {
            Ok(kept) => {
                let kept = Arc::new(kept);
                place.store(Some(Arc::clone(&kept)));
                asked.failed = None;
                return Ok(kept);
            }
            Err(error) => error,
        };
        if self.recent_failure(asked).is_none() {
            asked.failed = Some((self.clock.now(), error.clone()));
        }
        let usable = |kept: &Arc<Kept<T>>| self.is_within(kept.obtained, STALE_SECONDS);
        match (&error, place.load_full().filter(usable)) {
            (ProviderError::Unavailable(_), Some(stale)) => {
                // Nobody else will say it, because the sign-in goes on.
                tracing::warn!(provider.issuer = self.issuer, %error, "sso.oidc.away");
                Ok(stale)
            }
            _ => Err(error),
        }
    }

    fn fresh<T>(&self, place: &ArcSwapOption<Kept<T>>) -> Option<Arc<Kept<T>>> {
        place.load_full().filter(|kept| self.clock.now() < kept.fresh_until)
    }

    fn recent_failure(&self, asked: &LastRequest) -> Option<ProviderError> {
        let (then, error) = asked.failed.as_ref()?;
        self.is_within(*then, RETRY_AFTER_SECONDS).then(|| error.clone())
    }

    fn is_within(&self, then: Timestamp, seconds: i64) -> bool {
        self.clock.now() < then.plus_seconds(seconds)
    }
}

impl<T> std::ops::Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
