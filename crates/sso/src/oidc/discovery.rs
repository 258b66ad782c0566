//! The provider's description of itself: OpenID Connect Discovery 1.0 §3 and §4.

use serde::Deserialize;
use url::Url;

use crate::provider::ProviderError;

/// A description as it came. Nothing in it is true yet.
#[derive(Deserialize)]
pub(super) struct Unverified {
    issuer: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    jwks_uri: Option<String>,
    userinfo_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    backchannel_logout_supported: bool,
    #[serde(default)]
    backchannel_logout_session_supported: bool,
    response_types_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
    scopes_supported: Option<Vec<String>>,
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

/// Where the description of an issuer is (§4.1): a slash at the issuer's end is left out.
pub(super) fn address(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

impl Unverified {
    /// UP-6: the issuer must be exactly the configured one (§4.3), or one provider could speak for
    /// another; and endpoints must be such that people and secrets may be sent there.
    pub(super) fn verify(self, issuer: &str) -> Result<Document, ProviderError> {
        let named = self.issuer.unwrap_or_default();
        if named != issuer {
            let named = crate::claims::one_line(&named, 200);
            return Err(wrong(format!(
                "its description names the issuer {named:?}, the configuration {issuer:?}"
            )));
        }
        // Plain http is for a provider on this computer that has nothing else.
        let https_only = issuer.starts_with("https:");
        let endpoint = |name: &str, value: Option<String>| endpoint(name, value, https_only);
        let required = |name: &str, value| {
            endpoint(name, value)?.ok_or_else(|| wrong(format!("its description lacks {name}")))
        };
        Ok(Document {
            authorization_endpoint: required(
                "authorization_endpoint",
                self.authorization_endpoint,
            )?,
            token_endpoint: required("token_endpoint", self.token_endpoint)?,
            jwks_uri: required("jwks_uri", self.jwks_uri)?,
            userinfo_endpoint: endpoint("userinfo_endpoint", self.userinfo_endpoint)?,
            end_session_endpoint: endpoint("end_session_endpoint", self.end_session_endpoint)?,
            names_itself: self.authorization_response_iss_parameter_supported,
            claims_to_offer: Offers {
                backchannel_logout: self.backchannel_logout_supported,
                backchannel_logout_session: self.backchannel_logout_session_supported,
                response_types: self.response_types_supported,
                challenge_methods: self.code_challenge_methods_supported,
                client_auth: self.token_endpoint_auth_methods_supported,
                signing_algorithms: self.id_token_signing_alg_values_supported,
                scopes: self.scopes_supported,
            },
        })
    }
}

/// T-UP-01: an absolute https URL of ordinary characters. The parser would repair others, and then
/// somebody reading the raw text would see another address than the browser.
fn endpoint(
    name: &str,
    value: Option<String>,
    https_only: bool,
) -> Result<Option<Url>, ProviderError> {
    let Some(value) = value else { return Ok(None) };
    let ordinary = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?[]@!*+,=&%".contains(&b);
    let url = Url::parse(&value).ok().filter(|url| {
        value.bytes().all(ordinary)
            && crate::endpoint::is_safe(url)
            && (url.scheme() == "https" || !https_only)
    });
    url.map(Some).ok_or_else(|| {
        let value = crate::claims::one_line(&value, 200);
        wrong(format!("{name} is not an https URL of ordinary characters: {value:?}"))
    })
}

fn wrong(detail: String) -> ProviderError {
    ProviderError::Misconfigured(detail)
}
