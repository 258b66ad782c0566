//! Dynamic client registration (RFC 7591): the request, its checks and the answer.
//!
//! Real clients send mixed and incomplete metadata. What can be used is kept and echoed; what is
//! dangerous is dropped or refused (CL-6).

mod allowed_redirects;
mod keys;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use self::keys::{keys, signing_algorithm};
use crate::client_keys::ClientKeys;
use crate::error::{OAuthError, OAuthErrorCode};
use crate::redirect_uri::{RedirectKind, RedirectPolicy, RedirectUri, RedirectUriError};
use crate::scope::{OFFLINE_ACCESS, Scopes};
use crate::text::display_name;

pub use allowed_redirects::{AllowedRedirects, NotAllowable};

/// A client metadata document as it arrives. Fields that we do not know are ignored (RG-10); one
/// that is `null` or empty is one that was left out.
#[derive(Debug, Default, Deserialize)]
pub struct UnverifiedRegistration {
    /// Read later, so that a wrong type is an error about redirect URIs (RFC 7591 §3.2.2).
    redirect_uris: Option<Value>,
    token_endpoint_auth_method: Option<String>,
    token_endpoint_auth_signing_alg: Option<String>,
    grant_types: Option<Vec<Option<String>>>,
    response_types: Option<Vec<Option<String>>>,
    client_name: Option<String>,
    client_uri: Option<Value>,
    logo_uri: Option<Value>,
    policy_uri: Option<Value>,
    tos_uri: Option<Value>,
    scope: Option<String>,
    application_type: Option<String>,
    jwks: Option<Value>,
    jwks_uri: Option<String>,
}

/// A registration that passed all checks, with every default filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// At least one, each acceptable.
    pub redirect_uris: Vec<RedirectUri>,
    /// The cleaned name, if there was one.
    pub client_name: Option<String>,
    /// How the client will authenticate.
    pub auth_method: AuthMethod,
    /// Its public keys, where it authenticates with one.
    pub keys: Option<ClientKeys>,
    /// The only algorithm in which it signs, if it named one.
    pub signing_algorithm: Option<&'static str>,
    /// Whether it may have refresh tokens.
    pub refresh_tokens: bool,
    /// What it named as its scope, as far as it exists here. It caps nothing later.
    pub scope: String,
    /// `web` or `native`.
    pub application_type: &'static str,
    /// Validated links, to be echoed.
    pub links: Links,
    /// The names of the links that cannot be used and were left out.
    pub dropped: Vec<&'static str>,
}

/// Links about the client. They are echoed and never shown as links (RG-6).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Links {
    /// The client's home page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// A logo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// A privacy policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Terms of service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
}

/// The client authentication methods that can be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// A public client.
    None,
    /// A secret in the form body.
    SecretPost,
    /// A secret in the `Authorization` header.
    SecretBasic,
    /// An assertion that it signed (RFC 7523 §2.2).
    PrivateKeyJwt,
}

/// A successful registration (RFC 7591 §3.2.1). Everything that is in force is echoed.
#[derive(Debug, Serialize)]
pub struct RegistrationResponse {
    /// The new client's id.
    pub client_id: String,
    /// Seconds since the epoch.
    pub client_id_issued_at: i64,
    /// The secret, shown once; absent for public clients (RG-12).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// 0: never. Present exactly when there is a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret_expires_at: Option<i64>,
    /// The name in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// The accepted redirect URIs.
    pub redirect_uris: Vec<String>,
    /// The accepted grant types.
    pub grant_types: Vec<&'static str>,
    /// Always `code`.
    pub response_types: Vec<&'static str>,
    /// The method in force.
    pub token_endpoint_auth_method: &'static str,
    /// The algorithm in force, if the client named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<&'static str>,
    /// The keys in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// The kind of application in force.
    pub application_type: &'static str,
    /// The scope in force.
    pub scope: String,
    /// Accepted links.
    #[serde(flatten)]
    pub links: Links,
}

const MAX_REDIRECT_URIS: usize = 10;

impl UnverifiedRegistration {
    /// Reads the body of a registration request.
    pub fn parse(body: &[u8]) -> Result<Self, OAuthError> {
        // Only an object has members to read; a JSON array would otherwise fill a struct in order.
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(OAuthErrorCode::InvalidClientMetadata.because("send one JSON object"));
        }
        serde_json::from_slice(body).map_err(|_| {
            OAuthErrorCode::InvalidClientMetadata
                .because("the body is not a client metadata document as in RFC 7591")
        })
    }

    /// Checks everything and fills in the defaults.
    pub fn validate(
        self,
        policy: &RedirectPolicy,
        ceiling: Scopes,
    ) -> Result<Registration, OAuthError> {
        let redirect_uris = redirect_uris(self.redirect_uris.as_ref(), policy)?;
        let native =
            redirect_uris.iter().all(|uri| !matches!(uri.kind(), RedirectKind::Web { .. }));
        refuse_foreign_responses(&named(self.response_types))?;
        let method = auth_method(not_empty(self.token_endpoint_auth_method.as_deref()), native)?;
        let algorithm = not_empty(self.token_endpoint_auth_signing_alg.as_deref());
        let signing_algorithm =
            algorithm.filter(|_| method == AuthMethod::PrivateKeyJwt).map(signing_algorithm);
        let signing_algorithm = signing_algorithm.transpose()?;
        let keys = keys(
            method,
            self.jwks.as_ref(),
            not_empty(self.jwks_uri.as_deref()),
            signing_algorithm,
        )?;
        let mut dropped = Vec::new();
        let mut link = |name, unverified| link(name, unverified, &mut dropped);
        let links = Links {
            client_uri: link("client_uri", self.client_uri),
            logo_uri: link("logo_uri", self.logo_uri),
            policy_uri: link("policy_uri", self.policy_uri),
            tos_uri: link("tos_uri", self.tos_uri),
        };
        Ok(Registration {
            client_name: self.client_name.as_deref().and_then(display_name),
            auth_method: method,
            keys,
            signing_algorithm,
            refresh_tokens: refresh_tokens(&named(self.grant_types))?,
            scope: scope(self.scope.as_deref(), ceiling)?,
            application_type: application_type(
                not_empty(self.application_type.as_deref()),
                native,
                &redirect_uris,
            )?,
            links,
            dropped,
            redirect_uris,
        })
    }
}

impl Registration {
    /// The registered grant types.
    pub fn grant_types(&self) -> Vec<&'static str> {
        let refresh = self.refresh_tokens.then_some("refresh_token");
        std::iter::once("authorization_code").chain(refresh).collect()
    }
}

impl AuthMethod {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SecretPost => "client_secret_post",
            Self::SecretBasic => "client_secret_basic",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

fn invalid(description: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthErrorCode::InvalidClientMetadata.because(description)
}

/// Serializers of some clients write an empty text where nothing was chosen.
fn not_empty(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// The members of a list that say something.
fn named(list: Option<Vec<Option<String>>>) -> Vec<String> {
    list.unwrap_or_default().into_iter().flatten().filter(|name| !name.is_empty()).collect()
}

/// RG-1. One bad URI among good ones is dropped: some clients register sets of which a server
/// can know only a part, and refusing the set would lock them out.
fn redirect_uris(
    unverified: Option<&Value>,
    policy: &RedirectPolicy,
) -> Result<Vec<RedirectUri>, OAuthError> {
    let refuse = |why: String| OAuthErrorCode::InvalidRedirectUri.because(why);
    let given = match unverified {
        Some(Value::Array(given)) => given.as_slice(),
        Some(_) => return Err(refuse("redirect_uris must be an array of strings".to_owned())),
        None => &[],
    };
    if given.is_empty() || given.len() > MAX_REDIRECT_URIS {
        return Err(refuse(format!("redirect_uris needs 1 to {MAX_REDIRECT_URIS} URIs")));
    }
    let mut accepted: Vec<RedirectUri> = Vec::new();
    let mut problem = RedirectUriError::Malformed;
    for uri in given {
        let Some(uri) = uri.as_str() else {
            return Err(refuse("redirect_uris must be an array of strings".to_owned()));
        };
        match RedirectUri::parse(uri, policy) {
            Ok(uri) if !accepted.contains(&uri) => accepted.push(uri),
            Ok(_) => {}
            Err(error) => problem = error,
        }
    }
    if accepted.is_empty() { Err(refuse(problem.to_string())) } else { Ok(accepted) }
}

/// RG-2. A client that names no method gets the RFC's default, `client_secret_basic`; a native one
/// gets `none`, since a program on a computer cannot keep a secret.
fn auth_method(unverified: Option<&str>, native: bool) -> Result<AuthMethod, OAuthError> {
    let unverified = unverified.or(native.then_some("none"));
    match unverified {
        Some("none") => Ok(AuthMethod::None),
        Some("client_secret_post") => Ok(AuthMethod::SecretPost),
        Some("client_secret_basic") | None => Ok(AuthMethod::SecretBasic),
        Some("private_key_jwt") => Ok(AuthMethod::PrivateKeyJwt),
        Some(_) => Err(invalid(
            "token_endpoint_auth_method must be none, client_secret_post, client_secret_basic or \
             private_key_jwt",
        )),
    }
}

/// RG-3, RG-4. Grants that are not offered here are dropped; the code grant must remain. A client
/// that names none gets both, since it will want to stay connected.
fn refresh_tokens(grants: &[String]) -> Result<bool, OAuthError> {
    if grants.is_empty() {
        return Ok(true);
    }
    let has = |name: &str| grants.iter().any(|grant| grant == name);
    if has("authorization_code") {
        Ok(has("refresh_token"))
    } else {
        Err(invalid("grant_types must contain authorization_code"))
    }
}

fn refuse_foreign_responses(types: &[String]) -> Result<(), OAuthError> {
    if types.is_empty() || types.iter().any(|name| name == "code") {
        Ok(())
    } else {
        Err(invalid("response_types must contain code; nothing else is offered"))
    }
}

/// RG-8. Unknown scopes are dropped, an empty list means everything that exists here.
fn scope(unverified: Option<&str>, ceiling: Scopes) -> Result<String, OAuthError> {
    let requested = Scopes::parse_requested(unverified.unwrap_or_default())
        .map_err(|malformed| invalid(malformed.to_string()))?;
    let known = requested.known.and(ceiling);
    let in_force = if known.is_empty() { ceiling } else { known };
    let offline =
        if requested.offline_access { format!(" {OFFLINE_ACCESS}") } else { String::new() };
    Ok(format!("{in_force}{offline}"))
}

/// RG-14. Older clients send nothing; then the redirect URIs tell. A web application has no scheme
/// of its own: any program on the person's computer could take it (OpenID Connect Dynamic Client
/// Registration §2).
fn application_type(
    unverified: Option<&str>,
    native: bool,
    redirect_uris: &[RedirectUri],
) -> Result<&'static str, OAuthError> {
    let is_private = |uri: &RedirectUri| matches!(uri.kind(), RedirectKind::PrivateUse { .. });
    match unverified {
        Some("native") => Ok("native"),
        Some("web") if redirect_uris.iter().any(is_private) => {
            Err(OAuthErrorCode::InvalidRedirectUri.because(
                "a web application cannot have a redirect URI with a scheme of its own; \
                 leave it out, or register as native",
            ))
        }
        Some("web") => Ok("web"),
        None => Ok(if native { "native" } else { "web" }),
        Some(_) => Err(invalid("application_type must be web or native")),
    }
}

/// RG-6: only links that are https, short and without credentials are kept. Another one is left
/// out, since nothing here depends on it, and clients on a person's own computer name http pages.
fn link(
    name: &'static str,
    unverified: Option<Value>,
    dropped: &mut Vec<&'static str>,
) -> Option<String> {
    let unverified = unverified.filter(|value| value != "")?;
    let url = unverified.as_str().filter(|text| text.len() <= 2048).and_then(https_url);
    if url.is_none() {
        dropped.push(name);
    }
    url
}

fn https_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let safe = url.scheme() == "https"
        && url.host().is_some()
        && url.username().is_empty()
        && url.password().is_none();
    safe.then(|| url.into())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
