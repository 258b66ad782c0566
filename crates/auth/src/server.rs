//! The authorization server's state, shared by all requests.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use kernel::encoding::base64url;
use kernel::{Clock, Hashed, Redacted, SecureRandom, Timestamp};
use model::person::{MACHINES, SessionSecret};
use model::{Identity, Subject};
use protocol::catalogue::{
    CATALOGUE_REQUEST_LIFETIME_SECONDS, CATALOGUE_REQUEST_TYPE, CatalogueRequest, CatalogueTool,
    Consenting,
};
use protocol::status_list::{BITS_PER_LIST, StatusBits, StatusList};
use protocol::{ResourceUri, UserType};
use store::{Store, StoreError};
use tokio::sync::{Semaphore, watch};

use crate::browser::csrf::CsrfKey;
use crate::config::{Config, Resource};
use crate::description::describe;
use crate::disabled::DisabledNow;
use crate::documents::Documents;
use crate::gone::GoneProviders;
use crate::keys::{KeyRing, KeyRingError, RecentlySigned};
use crate::meter::Meter;
use crate::resources::{ResourceSet, Resources};
use crate::throttle::Throttle;

/// Passwords that are hashed at the same time: each takes 19 MiB and a processor (T-LOGIN-04).
const PASSWORD_CHECKS: usize = 2;

/// The tools behind each scope, asked for when a person is to consent.
pub trait ToolCatalogue: Send + Sync + 'static {
    /// The tools of a resource that this person can ever have; `None` if nobody answers.
    /// `credential` proves to a sidecar that runs apart that it is this server that asks
    /// ([`protocol::catalogue::CatalogueRequest`]).
    fn tools(
        &self,
        resource: &ResourceUri,
        person: Consenting,
        credential: String,
    ) -> BoxFuture<'_, Option<Arc<Vec<CatalogueTool>>>>;
}

/// The authorization server.
pub struct AuthServer {
    pub(crate) config: Config,
    pub(crate) resources: Resources,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn SecureRandom>,
    pub(crate) keys: KeyRing,
    pub(crate) recent: RecentlySigned,
    pub(crate) disabled: DisabledNow,
    pub(crate) documents: Documents,
    pub(crate) gone: GoneProviders,
    pub(crate) csrf: CsrfKey,
    pub(crate) catalogue: Arc<dyn ToolCatalogue>,
    pub(crate) throttle: Throttle,
    pub(crate) meter: Meter,
    /// The endpoints for programs, in OpenAPI.
    description: bytes::Bytes,
    /// Turns at hashing passwords.
    pub(crate) password_checks: Semaphore,
    changes: watch::Sender<u64>,
}

/// Why the authorization server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database does not answer, or holds something unexpected.
    #[error("the database cannot be used")]
    Store(#[from] StoreError),
    /// A signing key cannot be made or opened.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    /// The metadata document or the description of the endpoints cannot be written.
    #[error("the documents about this server cannot be written")]
    Metadata(#[from] serde_json::Error),
}

impl AuthServer {
    /// Opens (or makes) the signing keys and is then ready to answer. `resources` are the MCP
    /// servers that tokens can be for; the first is the default (RI-5).
    pub async fn start(
        config: Config,
        resources: Vec<Resource>,
        store: Store,
        clock: Arc<dyn Clock>,
        random: Arc<dyn SecureRandom>,
        catalogue: Arc<dyn ToolCatalogue>,
    ) -> Result<Arc<Self>, StartError> {
        let keys = KeyRing::open(&config, &store, clock.now(), &*random).await?;
        let disabled = DisabledNow::load(&store).await?;
        let gone = GoneProviders::find(&config, &disabled, &store).await?;
        let resources = Resources::new(ResourceSet::new(&config, resources)?, disabled.clone());
        let documents = Documents::new(config.documents.clone(), config.redirect_policy.clone());
        let csrf = CsrfKey::new(&config.key_encryption_key);
        let throttle = Throttle::new(
            config.registration.per_minute,
            config.authorizations_per_minute,
            config.tokens_per_minute,
            &config.key_encryption_key,
        );
        let description = describe(&config)?;
        let (changes, _) = watch::channel(0);
        Ok(Arc::new(Self {
            config,
            resources,
            store,
            clock,
            random,
            keys,
            recent: RecentlySigned::new(),
            disabled,
            documents,
            gone,
            csrf,
            catalogue,
            throttle,
            meter: Meter::default(),
            description,
            password_checks: Semaphore::new(PASSWORD_CHECKS),
            changes,
        }))
    }

    /// The RFC 8414 document.
    pub fn metadata(&self) -> bytes::Bytes {
        self.resources.metadata()
    }

    /// The endpoints for programs, in OpenAPI 3.1.
    pub(crate) fn description(&self) -> bytes::Bytes {
        self.description.clone()
    }

    /// Makes other resources ready for [`AuthServer::replace_resources`].
    ///
    /// # Errors
    ///
    /// Their metadata document cannot be written.
    pub fn prepare_resources(&self, resources: Vec<Resource>) -> Result<ResourceSet, StartError> {
        Ok(ResourceSet::new(&self.config, resources)?)
    }

    /// Puts these resources in place of the present ones while requests run. From now on nothing is
    /// issued for one that went, whatever was begun or granted before.
    pub fn replace_resources(&self, resources: ResourceSet) {
        self.resources.replace(resources);
    }

    /// The public key set (RFC 7517).
    pub fn jwks(&self) -> bytes::Bytes {
        self.keys.jwks()
    }

    /// Whether an access token with this SHA-256 was signed by this process of late. That is said once of
    /// each, and `false` says nothing about it.
    pub fn has_signed(&self, digest: &[u8; 32]) -> bool {
        self.recent.take(digest)
    }

    /// One status list: bits of grants that were revoked, of those of people whose provider is gone,
    /// and of what machines do not have any more; and the tokens that were revoked alone.
    pub async fn status_list(&self, list: u64) -> Result<StatusList, StoreError> {
        let first = list.saturating_mul(BITS_PER_LIST);
        let end = first.saturating_add(BITS_PER_LIST);
        let mut reader = self.store.read().await?;
        let revoked = store::grant::revoked_between(reader.conn(), first, end).await?;
        let gone = self.gone.grants_between(reader.conn(), first, end).await?;
        let machines = store::grant::of_machines_between(reader.conn(), first, end).await?;
        let taken = machines.iter().filter(|grant| !self.still_assigns(grant));
        let taken = taken.map(|grant| grant.status_index);
        let mut bits = StatusBits::clear();
        for index in revoked.into_iter().chain(gone).chain(taken) {
            bits.revoke(protocol::status_list::place_of(index).1);
        }
        let revoked_tokens = store::revoked_token::of_list(reader.conn(), list).await?;
        Ok(StatusList { bits, revoked_tokens: revoked_tokens.into_iter().collect() })
    }

    /// Tells when keys or statuses may have changed. The number only ever differs.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The tools behind each scope of a resource, for the consent page.
    pub(crate) async fn tools(
        &self,
        resource: &ResourceUri,
        person: Consenting,
    ) -> Option<Arc<Vec<CatalogueTool>>> {
        let now = self.now().as_seconds();
        let request = CatalogueRequest {
            iss: self.config.issuer.clone(),
            aud: resource.as_str().to_owned(),
            iat: now,
            exp: now + CATALOGUE_REQUEST_LIFETIME_SECONDS,
            person: person.clone(),
        };
        let credential = self.keys.sign(CATALOGUE_REQUEST_TYPE, &request).ok()?;
        self.catalogue.tools(resource, person, credential).await
    }

    /// Whether requests can be served: the database answers.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }

    pub(crate) fn announce_change(&self) {
        self.changes.send_modify(|number| *number = number.wrapping_add(1));
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What kind of user somebody is by today's rules, from what the provider last said.
    pub(crate) fn user_type(&self, subject: &Subject) -> UserType {
        if subject.identity.provider == MACHINES {
            return UserType::Workload;
        }
        let rules = &self.config.user_types;
        sso::user_types::user_type_of(rules, subject.id.as_str(), &subject.identity)
    }

    /// Whether somebody may use a resource at all, by today's rules.
    pub(crate) fn may_use(&self, subject: &Subject, resource: &ResourceUri) -> bool {
        let resource = self.resources.find(resource);
        resource.is_some_and(|r| r.access.admits(subject.id.as_str(), &subject.identity))
    }

    /// Seals what a provider wants to see at logout, for one session.
    pub(crate) fn seal_logout_hint(&self, hint: &str, session: &Hashed<SessionSecret>) -> String {
        let key = &self.config.key_encryption_key;
        key.seal(hint.as_bytes(), &logout_hint_place(session), &*self.random)
    }

    /// What [`AuthServer::seal_logout_hint`] sealed, unless the key was changed since.
    pub(crate) fn open_logout_hint(
        &self,
        sealed: &str,
        session: &Hashed<SessionSecret>,
    ) -> Option<String> {
        let place = logout_hint_place(session);
        let opened = self.config.key_encryption_key.open(sealed, &place).ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }

    /// Seals what a provider can be asked about a person with.
    pub(crate) fn seal_upstream_refresh(&self, token: &str, of: &Identity) -> String {
        let key = &self.config.key_encryption_key;
        key.seal(
            token.as_bytes(),
            &upstream_refresh_place(&of.provider, &of.external_id),
            &*self.random,
        )
    }

    /// What [`AuthServer::seal_upstream_refresh`] sealed, also under an older key.
    pub(crate) fn open_upstream_refresh(&self, sealed: &str, of: &Identity) -> Option<Redacted> {
        let place = upstream_refresh_place(&of.provider, &of.external_id);
        let keys = std::iter::once(&self.config.key_encryption_key);
        let mut keys = keys.chain(&self.config.old_key_encryption_keys);
        let opened = keys.find_map(|key| key.open(sealed, &place).ok())?;
        std::str::from_utf8(&opened).ok().map(Redacted::new)
    }

    /// A short reference that ties what a person sees to a line in the log.
    pub(crate) fn reference(&self) -> String {
        let mut bytes = [0; 6];
        self.random.fill(&mut bytes);
        base64url(&bytes)
    }
}

fn logout_hint_place(session: &Hashed<SessionSecret>) -> String {
    format!("OAUTH_SESSION.logout_hint_sealed:{}", session.as_str())
}

/// The person's row, by what names it before it has an id. Ids of providers have no slash.
pub(crate) fn upstream_refresh_place(provider: &str, external_id: &str) -> String {
    format!("OAUTH_SUBJECT.upstream_refresh_sealed:{provider}/{external_id}")
}
