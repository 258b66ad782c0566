//! The checked configuration.

mod providers;

use std::net::SocketAddr;
use std::num::NonZeroUsize;

use auth::config::{Introspector, Machine};
use ipnet::IpNet;
use kernel::Redacted;
use kernel::seal::SealingKey;
use mcp::{AllowedOrigins, PolicyConfig, UpstreamAuth};
use model::{Client, ClientId};
use net::outbound::{ForwardProxy, GuardPolicy};
use protocol::redirect_uri::RedirectPolicy;
use protocol::{ResourceUri, Scopes};
use sso::people::{Access, People};
use sso::user_types::UserTypeRule;

use super::urls::PublicUrl;
pub use providers::{
    AccountSettings, KindSettings, OidcSettings, PortalSettings, ProviderSettings, SamlSettings,
    SignInSettings,
};

/// Which parts of the product one process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Authorization server and sidecar.
    All,
    /// The authorization server.
    Auth,
    /// The sidecar.
    Mcp,
}

/// The checked configuration.
#[derive(Debug)]
pub struct Settings {
    /// Which parts run.
    pub role: Role,
    /// The deployment's URL.
    pub public_url: PublicUrl,
    /// The listener.
    pub server: ProcessSettings,
    /// The database; there is none for the sidecar alone.
    pub database: Option<DatabaseSettings>,
    /// The authorization server; `None` for the sidecar alone.
    pub oauth: Option<OAuthSettings>,
    /// The issuer of tokens.
    pub issuer: PublicUrl,
    /// The sidecar and the servers behind it.
    pub mcp: McpSettings,
    /// What can be seen from outside.
    pub telemetry: TelemetrySettings,
    /// The way to what is elsewhere.
    pub outbound: OutboundSettings,
}

impl Settings {
    /// Whom each rule about people is about, with the rule's key.
    pub(crate) fn people(&self) -> Vec<(String, &People)> {
        let types = self.oauth.iter().flat_map(|oauth| &oauth.user_types).enumerate();
        let types = types.map(|(place, rule)| (format!("user_type[{place}]"), &rule.people));
        let servers = self.mcp.servers.iter().enumerate();
        let allowed = servers.filter_map(|(place, server)| match &server.access {
            Access::Restricted(people) => Some((format!("mcp.server[{place}].allow"), people)),
            Access::Open => None,
        });
        types.chain(allowed).collect()
    }
}

/// `[oauth.registration]`, as far as it is about client metadata documents.
#[derive(Clone, Debug)]
pub struct DocumentSettings {
    /// What may be fetched; the proxy is in another section.
    pub policy: GuardPolicy,
    /// Whether what is in this program is used where a document cannot be fetched.
    pub bundled: bool,
}

/// `[outbound]`.
#[derive(Clone, Debug, Default)]
pub struct OutboundSettings {
    /// The proxy to the identity providers, if there is one.
    pub proxy: Option<ForwardProxy>,
}

/// `[telemetry]`.
#[derive(Clone, Debug, Default)]
pub struct TelemetrySettings {
    /// Where numbers are served, if anywhere.
    pub metrics_listen: Option<SocketAddr>,
    /// Whether there are numbers for each tool.
    pub tool_labels: bool,
    /// The collector that takes spans, if there is one.
    pub otlp_endpoint: Option<String>,
    /// How many of the traces that begin here are kept.
    pub trace_ratio: f64,
}

/// `[server]`.
#[derive(Debug)]
pub struct ProcessSettings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Whose `X-Forwarded-For` counts, for logs and rate limits only.
    pub trusted_proxies: Vec<IpNet>,
    /// The name on pages.
    pub title: String,
    /// Whether logs are JSON lines.
    pub json_logs: bool,
    /// Threads that serve connections.
    pub workers: NonZeroUsize,
    /// Whether another process may listen on the same address.
    pub reuse_port: bool,
}

/// The provider id of the person whom `sign_in.dev_fixed_user` invents.
pub const FIXED_USER_PROVIDER: &str = "dev_fixed_user";

/// `[database]`.
#[derive(Debug)]
pub struct DatabaseSettings {
    /// `sqlite://…` or `postgres://…`, with its password.
    pub url: Redacted,
    /// Where to listen for changes, if not at `url`.
    pub listen_url: Option<Redacted>,
    /// Connections to PostgreSQL, without the one that listens.
    pub pool_size: u32,
}

/// `[oauth]` and what belongs to it.
#[derive(Debug)]
pub struct OAuthSettings {
    /// Seals private keys at rest.
    pub key_encryption_key: SealingKey,
    /// Still opens what earlier keys sealed.
    pub old_key_encryption_keys: Vec<SealingKey>,
    /// Signs bridge tokens.
    pub bridge_secret: Redacted,
    /// Seconds.
    pub access_token_lifetime: i64,
    /// Seconds.
    pub code_lifetime: i64,
    /// Seconds.
    pub refresh_token_lifetime: i64,
    /// Seconds.
    pub refresh_reuse_grace: i64,
    /// Seconds for which a consent may answer in the person's place; 0: never.
    pub remembered_consent: i64,
    /// Acceptable redirect URIs.
    pub redirect_policy: RedirectPolicy,
    /// What a request without scopes means.
    pub default_scopes: Scopes,
    /// Seconds after which another key signs; without it, only by hand.
    pub signing_key_rotation: Option<i64>,
    /// Client metadata documents, if they are taken.
    pub documents: Option<DocumentSettings>,
    /// RFC 7591.
    pub registration: auth::config::Registration,
    /// Per address.
    pub authorizations_per_minute: u32,
    /// For each person and client.
    pub tokens_per_minute: u32,
    /// Pre-registered clients.
    pub clients: Vec<Client>,
    /// Those of them that are sidecars.
    pub sidecars: Vec<ClientId>,
    /// Those of them that may act for themselves.
    pub machines: Vec<Machine>,
    /// Those of them that may ask about tokens.
    pub introspectors: Vec<Introspector>,
    /// Seconds for which events are kept; without it, for ever.
    pub audit_retention_seconds: Option<i64>,
    /// How people sign in.
    pub sign_in: SignInSettings,
    /// Local accounts, if a provider for them is configured, enabled or not.
    pub accounts: Option<AccountSettings>,
    /// Which kind of user somebody is.
    pub user_types: Vec<UserTypeRule>,
}

/// `[mcp]`.
#[derive(Debug)]
pub struct McpSettings {
    /// The servers, the default one first.
    pub servers: Vec<ServerSettings>,
    /// Which web pages may call.
    pub allowed_origins: AllowedOrigins,
    /// Seals session ids; role all derives it.
    pub sealing_key: Option<SealingKey>,
    /// Where other replicas reach this one, if there are any.
    pub peer_url: Option<http::Uri>,
    /// Seconds for which cached keys and status lists serve without the authority.
    pub max_status_age: i64,
    /// Where the authorization server is, for the sidecar alone.
    pub authority: Option<AuthoritySettings>,
    /// How much is logged.
    pub log_level: tracing::level_filters::LevelFilter,
    /// Bytes of a request.
    pub max_body_bytes: usize,
    /// Whether calls that are let through are recorded; denials always are.
    pub audit_calls: bool,
}

/// `[mcp.authority]`.
#[derive(Debug)]
pub struct AuthoritySettings {
    /// Where to reach the authorization server; the issuer if nothing is said.
    pub url: String,
    /// How the sidecar identifies itself there: its client id and secret.
    pub credentials: Option<(String, Redacted)>,
}

/// `[[mcp.server]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// `default`, or the last part of the path.
    pub name: String,
    /// For people: else the name, or "the MCP server" for the default one.
    pub title: String,
    /// What people read about its scopes.
    pub scope_words: pages::ScopeWords,
    /// The served path below the public URL's own: `/mcp` or `/mcp/NAME`.
    pub path: String,
    /// The resource identifier.
    pub resource: ResourceUri,
    /// The MCP endpoint behind.
    pub upstream: http::Uri,
    /// How messages reach it.
    pub transport: mcp::Transport,
    /// Which generations of MCP it speaks.
    pub eras: mcp::EraChoice,
    /// How it is reached.
    pub http: ::mcp::HttpConfig,
    /// How to identify there.
    pub upstream_auth: UpstreamAuth,
    /// The most that anybody can be granted.
    pub ceiling: Scopes,
    /// Who may use it at all.
    pub access: Access,
    /// Which tool needs what.
    pub policy: PolicyConfig,
    /// Seconds for which a filtered list is kept.
    pub list_cache_seconds: u32,
    /// Where clients of 2024-11-05 connect, if they may.
    pub sse: Option<SseSettings>,
}

/// `[[mcp.server]] sse`: a second URL for the same server, and a resource of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SseSettings {
    /// The served path below the public URL's own: `/sse` or `/mcp/NAME/sse`.
    pub path: String,
    /// The resource identifier.
    pub resource: ResourceUri,
}
