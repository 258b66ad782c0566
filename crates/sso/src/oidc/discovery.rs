//! The provider's description of itself: OpenID Connect Discovery 1.0 §3 and §4.

mod member;

use serde::Deserialize;
use url::Url;

use self::member::{Member, Reading};
use super::config::Config;
use crate::provider::ProviderError;

/// A description as it came. Nothing in it is true yet.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Unverified {
    issuer: Member,
    authorization_endpoint: Member,
    token_endpoint: Member,
    jwks_uri: Member,
    userinfo_endpoint: Member,
    end_session_endpoint: Member,
    authorization_response_iss_parameter_supported: Member,
    #[serde(flatten)]
    offers: UnverifiedOffers,
}

/// What it says the provider can do.
#[derive(Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the names on the wire")]
struct UnverifiedOffers {
    backchannel_logout_supported: Member,
    backchannel_logout_session_supported: Member,
    response_types_supported: Member,
    code_challenge_methods_supported: Member,
    token_endpoint_auth_methods_supported: Member,
    id_token_signing_alg_values_supported: Member,
    scopes_supported: Member,
}

/// A description that names the configured issuer and only endpoints that may be used.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) jwks_uri: Url,
    pub(super) userinfo_endpoint: Option<Url>,
    pub(super) end_session_endpoint: Option<Url>,
    /// Whether each answer must name the issuer (RFC 9207 §3).
    pub(super) names_itself: bool,
    pub(super) claims_to_offer: Offers,
    /// The members that were left out, each with what is wrong with it.
    pub(super) ignored: Vec<String>,
}

/// What the provider says it can do; only `doctor` looks at it. A list that is missing is not a
/// statement.
#[derive(Clone, Debug)]
pub(super) struct Offers {
    pub(super) backchannel_logout: bool,
    pub(super) backchannel_logout_session: bool,
    pub(super) response_types: Option<Vec<String>>,
    pub(super) challenge_methods: Option<Vec<String>>,
    pub(super) client_auth: Option<Vec<String>>,
    pub(super) signing_algorithms: Option<Vec<String>>,
    pub(super) scopes: Option<Vec<String>>,
}

/// Where the description is: below the issuer (§4.1), a slash at whose end is left out, unless the
/// configuration says otherwise.
pub(super) fn address(config: &Config) -> String {
    let below =
        || format!("{}/.well-known/openid-configuration", config.issuer.trim_end_matches('/'));
    config.discovery_url.clone().unwrap_or_else(below)
}

impl Offers {
    /// Whether the provider says that it knows the only method that we use (RFC 7636 §4.2).
    pub(super) fn knows_pkce(&self) -> bool {
        self.challenge_methods.iter().flatten().any(|method| method == "S256")
    }
}

impl Unverified {
    /// UP-6: the issuer must be exactly the configured one (§4.3), or one provider could speak for
    /// another; and endpoints must be such that people and secrets may be sent there.
    pub(super) fn verify(self, issuer: &str) -> Result<Document, ProviderError> {
        let mut read = Reading::default();
        let named = read.text("issuer", self.issuer).unwrap_or_default();
        if named != issuer {
            let named = crate::claims::one_line(&named, 200);
            return Err(wrong(format!(
                "the discovery document says the issuer is {named:?}, the configuration says {issuer:?}"
            )));
        }
        // Plain http is for a provider on this computer that has nothing else.
        let https_only = issuer.starts_with("https:");
        let mut optional = |name: &str, member| {
            read.text(name, member).map(|value| endpoint(name, &value, https_only)).transpose()
        };
        let mut required = |name: &str, member| {
            optional(name, member)?
                .ok_or_else(|| wrong(format!("the discovery document lacks {name}")))
        };
        Ok(Document {
            authorization_endpoint: required(
                "authorization_endpoint",
                self.authorization_endpoint,
            )?,
            token_endpoint: required("token_endpoint", self.token_endpoint)?,
            jwks_uri: required("jwks_uri", self.jwks_uri)?,
            userinfo_endpoint: optional("userinfo_endpoint", self.userinfo_endpoint)?,
            end_session_endpoint: optional("end_session_endpoint", self.end_session_endpoint)?,
            names_itself: read.flag(
                "authorization_response_iss_parameter_supported",
                self.authorization_response_iss_parameter_supported,
            ),
            claims_to_offer: self.offers.read(&mut read),
            ignored: read.ignored,
        })
    }
}

impl UnverifiedOffers {
    fn read(self, read: &mut Reading) -> Offers {
        let backchannel = "backchannel_logout_supported";
        let by_session = "backchannel_logout_session_supported";
        let methods = "code_challenge_methods_supported";
        let client_auth = "token_endpoint_auth_methods_supported";
        let algorithms = "id_token_signing_alg_values_supported";
        Offers {
            backchannel_logout: read.flag(backchannel, self.backchannel_logout_supported),
            backchannel_logout_session: read
                .flag(by_session, self.backchannel_logout_session_supported),
            response_types: read.list("response_types_supported", self.response_types_supported),
            challenge_methods: read.list(methods, self.code_challenge_methods_supported),
            client_auth: read.list(client_auth, self.token_endpoint_auth_methods_supported),
            signing_algorithms: read.list(algorithms, self.id_token_signing_alg_values_supported),
            scopes: read.list("scopes_supported", self.scopes_supported),
        }
    }
}

/// T-UP-01: an absolute https URL of ordinary characters. The parser would repair others, and then
/// somebody reading the raw text would see another address than the browser.
fn endpoint(name: &str, value: &str, https_only: bool) -> Result<Url, ProviderError> {
    let ordinary = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?[]@!*+,=&%".contains(&b);
    let url = Url::parse(value).ok().filter(|url| {
        value.bytes().all(ordinary)
            && crate::endpoint::is_safe(url)
            && (url.scheme() == "https" || !https_only)
    });
    url.ok_or_else(|| {
        let value = crate::claims::one_line(value, 200);
        wrong(format!("{name} is not an https URL of ordinary characters: {value:?}"))
    })
}

fn wrong(detail: String) -> ProviderError {
    ProviderError::Misconfigured(detail)
}
