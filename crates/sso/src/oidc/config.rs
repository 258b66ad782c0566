//! How one OpenID provider is configured, and what is refused before the first sign-in.

use kernel::Redacted;
use url::Url;

use super::algorithm::Algorithm;
pub use crate::claims::ClaimNames;

/// One OpenID provider.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its id in the configuration.
    pub id: String,
    /// Its issuer identifier, exactly as its discovery document has it.
    pub issuer: String,
    /// Where that document is, if not below the issuer. Its issuer must be the configured one all
    /// the same.
    pub discovery_url: Option<String>,
    /// Our id at the provider.
    pub client_id: String,
    /// How we prove to be that client.
    pub client_auth: ClientAuth,
    /// Where the provider sends browsers back to; registered there.
    pub redirect_uri: String,
    /// What to ask for. `openid` is added if it is missing.
    pub scopes: Vec<String>,
    /// The names of the claims that matter.
    pub claims: ClaimNames,
    /// Further claims that the operator's rules look at.
    pub kept_claims: Vec<String>,
    /// The mail domains that this provider may vouch for.
    pub domains: Vec<String>,
    /// Other clients of the provider for which its ID tokens may be as well.
    pub trusted_audiences: Vec<String>,
    /// Whether the operator counts on its logout tokens; only for what the log and `doctor` say.
    pub expects_logout_tokens: bool,
    /// Whether some rule of the operator's looks at groups of its people; only for what `doctor`
    /// says.
    pub expects_groups: bool,
    /// The algorithms that its tokens may be signed with.
    pub signing_algorithms: Vec<Algorithm>,
    /// Seconds by which its clock and ours may differ; at most 300.
    pub clock_skew_seconds: i64,
    /// When to ask the userinfo endpoint.
    pub userinfo: Userinfo,
    /// What to do when the provider knows more groups than it sends.
    pub group_overage: GroupOverage,
    /// Further parameters of the authorization request, such as `prompt`.
    pub authorize_parameters: Vec<(String, String)>,
    /// Seconds since the person last proved to the provider who they are, at most.
    pub max_age_seconds: Option<i64>,
    /// Seconds after which the provider is asked about a person again when one of their clients
    /// refreshes; 60 to 86400, or 0 for never.
    pub recheck_seconds: i64,
}

/// How we authenticate at the token endpoint (OpenID Connect Core §9).
#[derive(Clone, Debug)]
pub enum ClientAuth {
    /// Not at all: a public client, which PKCE protects.
    None,
    /// `client_secret_basic`.
    Basic(Redacted),
    /// `client_secret_post`.
    Post(Redacted),
    /// `private_key_jwt`.
    PrivateKeyJwt {
        /// The private key: PEM (PKCS#8, or PKCS#1 for RSA).
        key_pem: Redacted,
        /// What it signs with.
        algorithm: Algorithm,
        /// The `kid` under which the provider knows it.
        key_id: Option<String>,
    },
}

/// When the userinfo endpoint is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Userinfo {
    /// When the ID token lacks a claim that is configured.
    #[default]
    WhenNeeded,
    /// At every sign-in.
    Always,
    /// Never.
    Never,
}

/// What happens when the provider leaves groups out because there are too many (Entra ID does
/// above 200).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GroupOverage {
    /// The sign-in fails with a clear text: nobody should lose rights silently.
    #[default]
    Refuse,
    /// Microsoft Graph is asked, with the person's own access token.
    MicrosoftGraph {
        /// Its base, `https://graph.microsoft.com/v1.0` for most.
        url: String,
    },
}

/// Why a provider cannot be used as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The issuer is no issuer identifier (OpenID Connect Discovery §3).
    #[error("issuer must be an https URL (http on this computer) without query, fragment or login")]
    BadIssuer,
    /// The address of the description is not one to believe.
    #[error("discovery_url must be an https URL (http on this computer) without fragment or login")]
    BadDiscovery,
    /// An issuer that stands for many tenants.
    #[error(
        "issuer is Microsoft's address for all tenants, so anybody's people could sign in; use \
         https://login.microsoftonline.com/{{tenant id}}/v2.0 with your own tenant's id"
    )]
    ManyTenants,
    /// No client id.
    #[error("client_id is empty")]
    NoClientId,
    /// An empty secret.
    #[error("client_secret is empty")]
    NoSecret,
    /// The client's key cannot be read, or is not one for the algorithm.
    #[error("client_key is not a private key in PEM for {0}")]
    BadKey(&'static str),
    /// The redirect URI is no URL.
    #[error("redirect_uri is not an absolute URL")]
    BadRedirectUri,
    /// A scope with a space or worse in it (RFC 6749 §3.3).
    #[error("{0:?} is not a scope")]
    BadScope(String),
    /// Nothing could be accepted.
    #[error("signing_algorithms is empty")]
    NoAlgorithms,
    /// Nobody could be recognised.
    #[error("claims.user is empty; `sub` is right for nearly all")]
    NoUserClaim,
    /// Out of range.
    #[error("clock_skew_seconds must be 0 to 300")]
    BadClockSkew,
    /// Out of range.
    #[error("max_age_seconds must not be negative")]
    BadMaxAge,
    /// Out of range.
    #[error("recheck_seconds must be 0 (never) or 60 to 86400")]
    BadRecheck,
    /// The provider would give nothing to ask again with.
    #[error(
        "recheck_seconds needs the scope offline_access, or the provider gives no refresh token"
    )]
    NoOfflineAccess,
    /// A parameter that belongs to the protocol.
    #[error("authorize_parameters must not set {0}")]
    ReservedParameter(String),
    /// The Graph address is not one to send access tokens to.
    #[error("the Microsoft Graph address must be https, or http on this computer")]
    BadGraph,
}

/// What the protocol itself puts into an authorization request. `response_mode` is among them
/// because the answer must come as a query (UP-1), `request` because it would override the rest.
const RESERVED: [&str; 13] = [
    "response_type",
    "response_mode",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "max_age",
    "login_hint",
    "request",
    "request_uri",
];

const MAX_CLOCK_SKEW_SECONDS: i64 = 300;

const RECHECK_SECONDS: std::ops::RangeInclusive<i64> = 60..=86_400;

impl Config {
    /// Whether this can work, as far as it can be told without asking anybody.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_issuer()?;
        self.check_discovery()?;
        self.client_auth.check()?;
        self.check_request()?;
        self.check_recheck()?;
        if self.client_id.is_empty() {
            return Err(ConfigError::NoClientId);
        }
        if self.signing_algorithms.is_empty() {
            return Err(ConfigError::NoAlgorithms);
        }
        if self.claims.user.is_empty() {
            return Err(ConfigError::NoUserClaim);
        }
        if !(0..=MAX_CLOCK_SKEW_SECONDS).contains(&self.clock_skew_seconds) {
            return Err(ConfigError::BadClockSkew);
        }
        match &self.group_overage {
            GroupOverage::MicrosoftGraph { url } if !is_safe(url) => Err(ConfigError::BadGraph),
            _ => Ok(()),
        }
    }

    fn check_issuer(&self) -> Result<(), ConfigError> {
        let issuer = Url::parse(&self.issuer).map_err(|_| ConfigError::BadIssuer)?;
        if names_all_tenants(&issuer) {
            return Err(ConfigError::ManyTenants);
        }
        let bare = issuer.query().is_none() && issuer.fragment().is_none();
        (bare && is_safe(&self.issuer)).then_some(()).ok_or(ConfigError::BadIssuer)
    }

    /// Whoever can change the description can name other keys, so it is no less guarded than the
    /// issuer's own address.
    fn check_discovery(&self) -> Result<(), ConfigError> {
        let Some(address) = &self.discovery_url else { return Ok(()) };
        let url = Url::parse(address).map_err(|_| ConfigError::BadDiscovery)?;
        let guarded = url.scheme() == "https" || !self.issuer.starts_with("https:");
        let good = guarded && url.fragment().is_none() && crate::endpoint::is_safe(&url);
        good.then_some(()).ok_or(ConfigError::BadDiscovery)
    }

    /// OpenID Connect Core §11. Google has a parameter of its own instead of the scope.
    fn check_recheck(&self) -> Result<(), ConfigError> {
        if self.recheck_seconds == 0 {
            return Ok(());
        }
        if !RECHECK_SECONDS.contains(&self.recheck_seconds) {
            return Err(ConfigError::BadRecheck);
        }
        let by_scope = self.scopes.iter().any(|scope| scope == "offline_access");
        let by_parameter =
            |(name, value): &(String, String)| name == "access_type" && value == "offline";
        let offline = by_scope || self.authorize_parameters.iter().any(by_parameter);
        offline.then_some(()).ok_or(ConfigError::NoOfflineAccess)
    }

    fn check_request(&self) -> Result<(), ConfigError> {
        Url::parse(&self.redirect_uri).map_err(|_| ConfigError::BadRedirectUri)?;
        if let Some(bad) = self.scopes.iter().find(|scope| !is_scope(scope)) {
            return Err(ConfigError::BadScope(bad.clone()));
        }
        if self.max_age_seconds.is_some_and(|seconds| seconds < 0) {
            return Err(ConfigError::BadMaxAge);
        }
        let mut names = self.authorize_parameters.iter().map(|(name, _)| name);
        names
            .find(|name| RESERVED.contains(&name.as_str()))
            .map_or(Ok(()), |name| Err(ConfigError::ReservedParameter(name.clone())))
    }
}

impl ClientAuth {
    /// The name that discovery documents use.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic(_) => "client_secret_basic",
            Self::Post(_) => "client_secret_post",
            Self::PrivateKeyJwt { .. } => "private_key_jwt",
        }
    }

    /// Whether the secret or the key can be used.
    pub fn check(&self) -> Result<(), ConfigError> {
        match self {
            Self::None => Ok(()),
            Self::Basic(secret) | Self::Post(secret) => {
                (!secret.reveal().is_empty()).then_some(()).ok_or(ConfigError::NoSecret)
            }
            // Signing once shows that the key is one for the algorithm.
            Self::PrivateKeyJwt { key_pem, algorithm, .. } => {
                super::client_auth::try_key(key_pem, *algorithm)
                    .map_err(|()| ConfigError::BadKey(algorithm.name()))
            }
        }
    }
}

/// `common`, `organizations` and `consumers` stand for many tenants; their discovery documents
/// name the template `{tenantid}` as the issuer, which no exact comparison can meet (UP-2).
fn names_all_tenants(issuer: &Url) -> bool {
    let microsoft = issuer.host_str().is_some_and(|host| {
        let clouds = [".microsoftonline.com", ".microsoftonline.us", ".chinacloudapi.cn"];
        clouds.iter().any(|cloud| host.ends_with(cloud)) || host == "sts.windows.net"
    });
    let mut segments = issuer.path().split('/');
    let shared = |part: &str| matches!(part, "common" | "organizations" | "consumers");
    issuer.path().contains("%7B") || (microsoft && segments.any(shared))
}

fn is_safe(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| crate::endpoint::is_safe(&url))
}

fn is_scope(scope: &str) -> bool {
    let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !scope.is_empty() && scope.bytes().all(allowed)
}
