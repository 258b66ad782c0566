//! What the authorization server needs to be told. The binary fills it from the configuration.

use std::sync::Arc;
use std::time::Duration;

use kernel::Redacted;
use kernel::seal::SealingKey;
use model::person::MACHINES;
use model::{Client, ClientId};
use net::outbound::Guard;
use protocol::redirect_uri::RedirectPolicy;
use protocol::registration::AllowedRedirects;
use protocol::{ResourceUri, Scopes};
use sso::oidc;
use sso::people::Access;
use sso::user_types::UserTypeRule;

use crate::providers::{Provider, ProviderKind};

/// The authorization server's configuration.
#[derive(Debug)]
pub struct Config {
    /// The issuer identifier, without a trailing slash. Every URL is built from it.
    pub issuer: String,
    /// The operator's name for this deployment.
    pub title: String,
    /// What a request without scopes means; empty: the resource's ceiling.
    pub default_scopes: Scopes,
    /// Seconds for which an access token is good.
    pub access_token_lifetime: i64,
    /// Seconds for which a code is good.
    pub code_lifetime: i64,
    /// Seconds for which an unused refresh token is good; each rotation starts anew.
    pub refresh_token_lifetime: i64,
    /// Seconds in which a rotated refresh token still gives its successor; 0 is strict.
    pub refresh_reuse_grace: i64,
    /// Seconds for which a consent may answer in the person's place; 0: everybody is asked each time.
    pub remembered_consent: i64,
    /// Which redirect URIs are acceptable.
    pub redirect_policy: RedirectPolicy,
    /// Which clients may register themselves (RFC 7591).
    pub registration: Registration,
    /// Authorizations that one address may begin in a minute.
    pub authorizations_per_minute: u32,
    /// Tokens that one person may have through one client in a minute, or a client for itself.
    pub tokens_per_minute: u32,
    /// Which clients may describe themselves (CIMD).
    pub documents: MetadataDocuments,
    /// Clients from the configuration.
    pub clients: Vec<Client>,
    /// Those of them that may report what they let through and denied.
    pub sidecars: Vec<ClientId>,
    /// Those of them that may act for themselves (RFC 6749 §4.4).
    pub machines: Vec<Machine>,
    /// Those of them that may ask about access tokens (RFC 7662).
    pub introspectors: Vec<Introspector>,
    /// Seconds for which events are kept in `OAUTH_AUDIT`; without it, for ever.
    pub audit_retention_seconds: Option<i64>,
    /// How often the database is asked whether another replica changed something, should it not tell.
    pub poll: Duration,
    /// How people sign in.
    pub sign_in: SignIn,
    /// The names under which this server may be called where nobody has to prove who they are.
    pub allowed_hosts: Vec<String>,
    /// Which kind of user somebody is.
    pub user_types: Vec<UserTypeRule>,
    /// Seconds after which another signing key takes over; without it, only by hand.
    pub signing_key_rotation: Option<i64>,
    /// Seals private keys at rest.
    pub key_encryption_key: SealingKey,
    /// Still opens what earlier keys sealed.
    pub old_key_encryption_keys: Vec<SealingKey>,
    /// Signs bridge tokens.
    pub bridge_secret: Redacted,
    /// Whether cookies can carry `Secure` and the `__Host-` prefix.
    pub cookies: CookieSecurity,
}

/// Which clients may register themselves.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Whether any may.
    pub enabled: bool,
    /// Registrations that one address may make in a minute.
    pub per_minute: u32,
    /// Lets a client register that shows it (RFC 7591 §3). With it, others may only where
    /// `allowed_redirects` admits them.
    pub initial_access_token: Option<Redacted>,
    /// Where it is not empty, only clients may register whose redirect URIs are all on it, or that
    /// show the token.
    pub allowed_redirects: AllowedRedirects,
}

/// Which clients may describe themselves at the URL that is their id.
#[derive(Clone, Default)]
pub struct MetadataDocuments {
    /// Fetches the documents; without it none are taken.
    pub guard: Option<Arc<Guard>>,
    /// Whether what is in this program is used for well-known clients whose document cannot be fetched.
    pub bundled: bool,
}

impl std::fmt::Debug for MetadataDocuments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MetadataDocuments").field("bundled", &self.bundled).finish_non_exhaustive()
    }
}

/// One MCP server, as far as tokens are concerned.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The short name, as in `[[mcp.server]] name`.
    pub name: String,
    /// A title for people.
    pub title: String,
    /// What people read about its scopes.
    pub scope_words: pages::ScopeWords,
    /// The identifier; the `aud` of its tokens.
    pub uri: ResourceUri,
    /// The most that anybody can be granted here.
    pub ceiling: Scopes,
    /// Who may use it at all.
    pub access: Access,
}

/// What an operator gave a client that acts for itself, without a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Which client.
    pub client: ClientId,
    /// All that it can have (CC-2).
    pub scopes: Scopes,
    /// The names of the servers that it may use. The first is meant by a request that names none.
    pub servers: Vec<String>,
}

/// A client that stands for resource servers and asks about their tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introspector {
    /// Which client.
    pub client: ClientId,
    /// The names of its servers: it is told of tokens for these only (IN-3).
    pub servers: Vec<String>,
}

/// How people sign in.
#[derive(Debug)]
pub enum SignIn {
    /// No way in is configured: only documents and tokens are served.
    Nobody,
    /// One of three invented people, chosen with a click. Loopback only.
    DemoPeople,
    /// Everybody is this person. Loopback only.
    FixedUser(sso::Identity),
    /// At one of these, in this order.
    Providers(Vec<Provider>),
}

/// Whether the public URL is https.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieSecurity {
    /// `__Host-` and `Secure`.
    Https,
    /// Plain http on loopback, where browsers would drop such cookies.
    LoopbackHttp,
}

impl Config {
    /// Whether anybody who reaches this server can be somebody with a click or less. The network is
    /// all that protects it, so a page elsewhere must not reach it by a name that points here.
    pub(crate) const fn trusts_the_network(&self) -> bool {
        matches!(self.sign_in, SignIn::DemoPeople | SignIn::FixedUser(_))
    }

    /// Whether people of this provider may be here: it is configured, and enabled.
    pub(crate) fn has_provider(&self, id: &str) -> bool {
        // Of each machine it is looked at by itself whether it may be here (`machine`).
        if id == MACHINES {
            return true;
        }
        match &self.sign_in {
            SignIn::Nobody => false,
            SignIn::DemoPeople => id == sso::demo_people::PROVIDER,
            SignIn::FixedUser(identity) => id == identity.provider,
            SignIn::Providers(providers) => providers.iter().any(|one| one.id == id),
        }
    }

    /// What this client may do for itself, if anything.
    pub(crate) fn machine(&self, client: &ClientId) -> Option<&Machine> {
        self.machines.iter().find(|machine| machine.client == *client)
    }

    /// The servers whose tokens this client may ask about, if there are any.
    pub(crate) fn introspects(&self, client: &ClientId) -> Option<&[String]> {
        let found = self.introspectors.iter().find(|one| one.client == *client);
        found.map(|one| one.servers.as_slice())
    }

    /// The provider with this id, if it is asked about people between sign-ins, and after how many
    /// seconds.
    pub(crate) fn rechecked_at(&self, provider: &str) -> Option<(&oidc::Provider, i64)> {
        let SignIn::Providers(providers) = &self.sign_in else { return None };
        let provider = providers.iter().find(|one| one.id == provider)?;
        let ProviderKind::Oidc { party, .. } = &provider.kind else { return None };
        Some((&**party, party.rechecks_after()?))
    }

    /// The kind of the provider with this id, for numbers.
    pub(crate) fn kind_of(&self, provider: &str) -> &'static str {
        let SignIn::Providers(providers) = &self.sign_in else { return "demo" };
        match providers.iter().find(|one| one.id == provider).map(|one| &one.kind) {
            Some(ProviderKind::Oidc { .. }) => "oidc",
            Some(ProviderKind::Saml(_)) => "saml",
            Some(ProviderKind::Local) => "local",
            Some(ProviderKind::Portal(_)) => "portal",
            None => "unknown",
        }
    }

    /// An absolute URL below the issuer.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// The issuer's path, empty or like `/wfgen`.
    pub fn base_path(&self) -> &str {
        let after_scheme = self.issuer.split_once("://").map_or("", |(_, rest)| rest);
        after_scheme.find('/').map_or("", |start| &after_scheme[start..])
    }
}
