//! Clients that describe themselves at the URL that is their id (CIMD): fetched, kept for a while, and
//! shared by all who ask at the same moment.

mod bundled;
mod freshness;

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use kernel::Timestamp;
use model::client::{AssertionAudience, KeySource, Signing};
use model::{AuditEvent, AuditKind, Client, ClientAuth, ClientId, ClientOrigin};
use net::outbound::{Fetched, Guard, NotFetched};
use protocol::client_document::{ClientDocument, DocumentAuth, DocumentUrl};
use protocol::client_keys::ClientKeys;
use protocol::redirect_uri::RedirectPolicy;
use protocol::{RedirectUri, Scopes};
use quick_cache::sync::Cache;

use crate::config::MetadataDocuments;
use crate::notices::Notices;

/// What is known of clients that describe themselves.
pub(crate) struct Documents {
    settings: MetadataDocuments,
    redirects: RedirectPolicy,
    /// What was found of late, good or not.
    found: Cache<String, Found>,
    /// The last good description of each, for when a host does not answer.
    last_good: Cache<String, Good>,
    hosts: DefaultKeyedRateLimiter<String>,
    /// What was found, for the record.
    pub(crate) notices: Notices,
}

/// A client, and when its description was fetched.
#[derive(Clone)]
struct Good {
    client: Arc<Client>,
    fetched_at: Timestamp,
}

#[derive(Clone)]
struct Found {
    outcome: Result<Arc<Client>, NoDocument>,
    until: Timestamp,
}

/// Why there is no client. The words are for the log, and a bad document's for its developer, too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoDocument {
    /// It cannot be had now; that may be different later.
    #[error("the client's metadata document cannot be fetched: {0}")]
    Away(String),
    /// This server asks nobody there, so it cannot be had until an administrator changes that.
    #[error("the client's metadata document is not fetched: {0}")]
    Refused(String),
    /// There is none, or not one that is taken.
    #[error("the client's metadata document is not taken: {0}")]
    Bad(String),
}

/// Bytes of a text that go on record.
const MAX_NOTED: usize = 1_024;

/// Documents that are kept. Each takes a few hundred bytes.
const KEPT: usize = 1_000;

/// The largest document (CI-9), and the largest key set (SS-5).
const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// Documents that are fetched from one host in a minute, whoever wants them: this server floods nobody
/// (CI-16). Each network may want fewer.
const FETCHES_PER_MINUTE: u32 = 120;

/// Seconds for which a failure is remembered: one window asks several times (CI-7 keeps it short).
const FAILURE_SECONDS: i64 = 10;

/// Seconds for which a description is used whose host does not answer.
const STALE_SECONDS: i64 = 86_400;

impl Documents {
    pub(crate) fn new(settings: MetadataDocuments, redirects: RedirectPolicy) -> Self {
        let per_minute =
            Quota::per_minute(NonZeroU32::new(FETCHES_PER_MINUTE).unwrap_or(NonZeroU32::MIN));
        Self {
            settings,
            redirects,
            found: Cache::new(KEPT),
            last_good: Cache::new(KEPT),
            hosts: RateLimiter::keyed(per_minute),
            notices: Notices::default(),
        }
    }

    /// Whether any are taken.
    pub(crate) fn are_taken(&self) -> bool {
        self.settings.guard.is_some()
    }

    /// The client with this id, which is meant as a URL. `may_fetch` is asked where it is not known; a no
    /// is for whoever asks alone, and is not remembered.
    pub(crate) async fn client(
        &self,
        id: &ClientId,
        now: Timestamp,
        may_fetch: impl FnOnce() -> bool,
    ) -> Result<Arc<Client>, NoDocument> {
        let Some(guard) = &self.settings.guard else {
            return Err(NoDocument::Bad("this server takes none".to_owned()));
        };
        let own =
            DocumentUrl::parse(id.as_str()).map_err(|error| NoDocument::Bad(error.to_string()))?;
        self.found.remove_if(id.as_str(), |found| found.until <= now);
        // Whoever comes first fetches, and all others wait for that (CI-16, T-CIMD-15). A refusal is
        // whose it is, and the next one tries.
        let fetching = self.found.get_or_insert_async(id.as_str(), async {
            if may_fetch() {
                return Ok(self.find(guard, id, &own, now).await);
            }
            Err(NoDocument::Away("too many documents are wanted from one address".to_owned()))
        });
        fetching.await?.outcome
    }

    /// Forgets hosts that have been quiet.
    pub(crate) fn forget_the_quiet(&self) {
        self.hosts.retain_recent();
    }

    async fn find(&self, guard: &Guard, id: &ClientId, own: &DocumentUrl, now: Timestamp) -> Found {
        let fetched = self.fetch(guard, own, now).await;
        match fetched {
            Ok((client, seconds)) => {
                self.note_read(&client, now);
                let client = Arc::new(client);
                let good = Good { client: Arc::clone(&client), fetched_at: now };
                self.last_good.insert(id.as_str().to_owned(), good);
                Found { outcome: Ok(client), until: now.plus_seconds(seconds) }
            }
            Err(NoDocument::Away(why)) => {
                let stale = self.stale(id, &why, now);
                stale.unwrap_or_else(|| self.without_an_answer(id, own, NoDocument::Away(why), now))
            }
            Err(refused @ NoDocument::Refused(_)) => {
                self.last_good.remove(id.as_str());
                self.without_an_answer(id, own, refused, now)
            }
            Err(bad @ NoDocument::Bad(_)) => {
                self.last_good.remove(id.as_str());
                tracing::warn!(client.id = %id, error = %bad, "cimd.refused");
                self.note_refused(id, &bad.to_string(), now);
                Found { outcome: Err(bad), until: now.plus_seconds(FAILURE_SECONDS) }
            }
        }
    }

    /// A client that is new here, or says something else of itself than before (T-CIMD-14).
    fn note_read(&self, client: &Client, now: Timestamp) {
        let before = self.last_good.get(client.id.as_str());
        let known = before.map(|good| good.client.metadata_hash());
        if known.as_ref() == Some(&client.metadata_hash()) {
            return;
        }
        let what = if known.is_some() { "changed" } else { "new" };
        // Queries of redirect URIs may hold anything (LG-2).
        let bare = |uri: &RedirectUri| uri.as_str().split(['?', '#']).next().map(str::to_owned);
        let uris: Vec<String> = client.redirect_uris.iter().filter_map(bare).collect();
        self.note(&client.id, AuditKind::DocumentRead, &format!("{what}: {}", uris.join(" ")), now);
    }

    /// An address that must not be asked is one of the reasons (SSRF).
    fn note_refused(&self, id: &ClientId, why: &str, now: Timestamp) {
        self.note(id, AuditKind::DocumentRefused, why, now);
    }

    fn note(&self, id: &ClientId, kind: AuditKind, detail: &str, now: Timestamp) {
        let bare = id.as_str().split(['?', '#']).next().unwrap_or_default();
        let clipped = |text: &str| text[..text.floor_char_boundary(MAX_NOTED)].to_owned();
        self.notices.note(AuditEvent {
            client: Some(ClientId::from_text(clipped(bare))),
            detail: clipped(detail),
            ..AuditEvent::new(kind, now)
        });
    }

    /// What was known before, for as long as a failure is remembered. Only a host that does not answer is
    /// helped so (CI-8).
    fn stale(&self, id: &ClientId, why: &str, now: Timestamp) -> Option<Found> {
        let good = self.last_good.get(id.as_str())?;
        if now >= good.fetched_at.plus_seconds(STALE_SECONDS) {
            return None;
        }
        tracing::warn!(client.id = %id, why, "cimd.stale: the last good document is used");
        Some(Found { outcome: Ok(good.client), until: now.plus_seconds(FAILURE_SECONDS) })
    }

    /// What is in the program, for as long as a failure is remembered.
    fn without_an_answer(
        &self,
        id: &ClientId,
        own: &DocumentUrl,
        why: NoDocument,
        now: Timestamp,
    ) -> Found {
        let until = now.plus_seconds(FAILURE_SECONDS);
        let bundled = self.settings.bundled.then(|| bundled::find(own)).flatten();
        if let Some(document) = bundled {
            tracing::warn!(client.id = %id, %why, "cimd.bundled: the document in this program is used");
            return Found { outcome: Ok(Arc::new(client(id, document, None, now))), until };
        }
        self.note_refused(id, &why.to_string(), now);
        tracing::warn!(client.id = %id, %why, "cimd.away: see private_hosts, extra_ca_file, \
            metadata_document_hosts and bundled_documents in [oauth.registration]");
        Found { outcome: Err(why), until }
    }

    /// The client as its document says now, and for how many seconds that may be believed.
    async fn fetch(
        &self,
        guard: &Guard,
        own: &DocumentUrl,
        now: Timestamp,
    ) -> Result<(Client, i64), NoDocument> {
        let answer = self.ask(guard, own.url()).await?;
        let document = ClientDocument::read(&answer.body, own, &self.redirects)
            .map_err(|error| NoDocument::Bad(error.to_string()))?;
        let mut seconds = freshness::seconds(&answer.headers);
        let keys = match &document.auth {
            DocumentAuth::None => None,
            DocumentAuth::Keys(keys) => Some(keys.clone()),
            DocumentAuth::KeysAt { url, algorithm } => {
                let (keys, fresh) = self.keys_at(guard, url, algorithm.as_deref()).await?;
                // Keys change more often than what a client is, and a lost one must not stay good.
                seconds = seconds.min(fresh);
                Some(keys)
            }
        };
        let id = ClientId::from_text(own.url().as_str());
        Ok((client(&id, document, keys, now), seconds))
    }

    /// The keys that are there now, and for how many seconds that may be believed.
    async fn keys_at(
        &self,
        guard: &Guard,
        url: &url::Url,
        algorithm: Option<&str>,
    ) -> Result<(ClientKeys, i64), NoDocument> {
        let answer = self.ask(guard, url).await?;
        let keys = serde_json::from_slice(&answer.body).ok();
        let keys = keys.and_then(|set| ClientKeys::parse(&set, algorithm).ok());
        let keys = keys.filter(|keys| !keys.is_empty());
        let seconds = freshness::seconds(&answer.headers);
        keys.map(|keys| (keys, seconds)).ok_or_else(|| {
            NoDocument::Bad("its jwks_uri holds no public keys that sign".to_owned())
        })
    }

    /// A whole answer with status 200. What may be different in a minute is told from what is not.
    async fn ask(&self, guard: &Guard, url: &url::Url) -> Result<Fetched, NoDocument> {
        let host = url.host_str().unwrap_or_default().to_owned();
        if self.hosts.check_key(&host).is_err() {
            return Err(NoDocument::Away("too many documents of this host in a minute".to_owned()));
        }
        let answer = guard.get(url, MAX_DOCUMENT_BYTES).await.map_err(|error| match error {
            NotFetched::TooLarge(_) | NotFetched::Packed => NoDocument::Bad(error.to_string()),
            NotFetched::Unreachable(_) => NoDocument::Away(error.to_string()),
            NotFetched::Refused(_) | NotFetched::NotListed | NotFetched::NotPublic(_) => {
                NoDocument::Refused(error.to_string())
            }
        })?;
        match answer.status {
            200 if answer.is_json() => Ok(answer),
            200 => Err(NoDocument::Bad("its Content-Type is not JSON".to_owned())),
            status @ (403 | 408 | 429 | 500..) => {
                Err(NoDocument::Away(format!("the host answered with status {status}")))
            }
            status => Err(NoDocument::Bad(format!("the host answered with status {status}"))),
        }
    }
}

fn client(
    id: &ClientId,
    document: ClientDocument,
    keys: Option<ClientKeys>,
    now: Timestamp,
) -> Client {
    let signing =
        |keys| Signing { keys: KeySource::Registered(keys), audience: AssertionAudience::Issuer };
    Client {
        id: id.clone(),
        name: document.name,
        origin: ClientOrigin::Document,
        redirect_uris: document.redirect_uris,
        auth: keys.map_or(ClientAuth::None, |keys| ClientAuth::PrivateKeyJwt(signing(keys))),
        refresh_tokens: document.refresh_tokens,
        scopes: Scopes::ALL,
        created_at: now,
    }
}
