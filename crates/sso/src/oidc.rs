//! OpenID Connect Core 1.0: the company's provider, with us as its relying party.
//!
//! Only the authorization code flow with PKCE, `state` and `nonce` (UP-1). Signatures are checked
//! by `jsonwebtoken`; every claim is checked here against the clock and the configuration that
//! everything else uses, because providers differ in what they send and operators need to read
//! precisely what was wrong.

mod algorithm;
mod checks;
mod client_auth;
mod config;
mod discovery;
mod examine;
mod http;
mod id_token;
mod jwk;
mod jwt;
mod keys;
mod known;
mod logout;
mod overage;
mod person;
mod recheck;
mod token;
mod userinfo;

use std::fmt;
use std::sync::Arc;

use kernel::encoding::{base64url, sha256_base64url};
use kernel::{Clock, SecureRandom};
use serde::{Deserialize, Serialize};

pub use algorithm::Algorithm;
pub use config::{ClaimNames, ClientAuth, Config, ConfigError, GroupOverage, Userinfo};
pub use logout::LogoutNotice;
pub use recheck::Rechecked;

use crate::claims::one_line;
use crate::provider::{Go, ProviderError, SignedIn};
use discovery::Document;
use known::Known;

/// One OpenID provider.
pub struct Provider {
    config: Config,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    known: Known,
}

/// What must be remembered between the way there and the way back. It is secret: it must be sealed
/// where it is kept.
#[derive(Clone, Serialize, Deserialize)]
pub struct Pending {
    /// Whom the person was sent to (IS-3: recorded for each transaction).
    issuer: String,
    /// What the ID token must repeat.
    nonce: String,
    /// The PKCE verifier (RFC 7636 §4.1).
    verifier: String,
}

/// What the browser brought back. Nothing in it is true yet.
#[derive(Clone, Copy)]
pub struct CallbackAnswer<'a> {
    /// The authorization code.
    pub code: &'a str,
    /// The issuer that the answer names (RFC 9207).
    pub iss: Option<&'a str>,
}

/// Bytes of a login hint; longer ones are not sent.
const MAX_LOGIN_HINT: usize = 255;

/// Bytes of an authorization code; longer ones are not sent.
const MAX_CODE: usize = 8192;

// === impl Provider ===

impl Provider {
    /// A provider. `http` must follow no redirects and give up after a while; nothing is asked
    /// before the first sign-in.
    pub fn new(
        config: Config,
        http: reqwest::Client,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let known = Known::new(&config, http.clone(), Arc::clone(&clock));
        Ok(Self { config, http, clock, known })
    }

    /// Sends a person there (OpenID Connect Core §3.1.2.1). `state` is the caller's, who finds the
    /// transaction by it.
    pub async fn begin(
        &self,
        state: &str,
        login_hint: Option<&str>,
        random: &dyn SecureRandom,
    ) -> Result<(Go, Pending), ProviderError> {
        // Before anything is awaited, so that the generator need not be held across it.
        let pending = Pending::new(&self.config.issuer, random);
        let document = self.known.document().await?;
        let url = self.authorization_url(&document, state, login_hint, &pending);
        Ok((Go::Redirect(url), pending))
    }

    /// An answer with an error, from the provider's own words (RFC 6749 §4.1.2.1).
    ///
    /// They must not be shown before the answer is known to come from this provider (IS-3, RFC 9207
    /// §2.4); an error here says why they do not count.
    pub async fn refusal(
        &self,
        iss: Option<&str>,
        unverified_code: &str,
        unverified_detail: &str,
    ) -> Result<ProviderError, ProviderError> {
        let document = self.known.document().await?;
        self.check_named(&document, iss)?;
        Ok(match ProviderError::refused(unverified_code, unverified_detail) {
            ProviderError::Refused { code, detail }
                if code == "invalid_request" && !document.claims_to_offer.knows_pkce() =>
            {
                let hint = "perhaps PKCE is refused until it is switched on for this client there";
                let detail = if detail.is_empty() { "no detail" } else { detail.as_str() };
                ProviderError::Refused { code, detail: format!("{detail}; {hint}") }
            }
            refused => refused,
        })
    }

    /// Redeems the code and returns the person whom the provider vouches for.
    ///
    /// Everything that can be away is asked for before the code is spent, except the endpoints
    /// that need it.
    pub async fn finish(
        &self,
        pending: &Pending,
        answer: &CallbackAnswer<'_>,
    ) -> Result<SignedIn, ProviderError> {
        let document = self.known.document().await?;
        self.check_same_issuer(pending)?;
        self.check_named(&document, answer.iss)?;
        self.known.keys().await?;
        let tokens = self.redeem(&document, pending, answer.code).await?;
        let unverified = jwt::Unverified::read(tokens.id_token()?, &self.config)?;
        let signed = self.known.verify(&unverified).await?;
        self.check_id_token(&signed, &pending.nonce, tokens.access_token())?;
        let said = self.gather(&document, signed.claims, &tokens).await?;
        self.person(&said, tokens)
    }

    fn authorization_url(
        &self,
        document: &Document,
        state: &str,
        login_hint: Option<&str>,
        pending: &Pending,
    ) -> String {
        let mut url = document.authorization_endpoint.clone();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", &self.config.redirect_uri)
            .append_pair("scope", &self.scope())
            .append_pair("state", state)
            .append_pair("nonce", &pending.nonce)
            .append_pair("code_challenge", &sha256_base64url(pending.verifier.as_bytes()))
            .append_pair("code_challenge_method", "S256");
        if let Some(hint) = login_hint.filter(|hint| hint.len() <= MAX_LOGIN_HINT) {
            query.append_pair("login_hint", hint);
        }
        if let Some(seconds) = self.config.max_age_seconds {
            query.append_pair("max_age", &seconds.to_string());
        }
        for (name, value) in &self.config.authorize_parameters {
            query.append_pair(name, value);
        }
        drop(query);
        url.into()
    }

    /// OpenID Connect Core §3.1.2.1: without `openid` it would be no sign-in.
    fn scope(&self) -> String {
        let others =
            self.config.scopes.iter().map(String::as_str).filter(|scope| *scope != "openid");
        std::iter::once("openid").chain(others).collect::<Vec<_>>().join(" ")
    }

    /// The configuration may have changed while the person was away.
    fn check_same_issuer(&self, pending: &Pending) -> Result<(), ProviderError> {
        let same = pending.issuer == self.config.issuer;
        let detail = "the sign-in began with another issuer: the configuration has changed since";
        same.then_some(()).ok_or_else(|| rejected(detail))
    }

    /// IS-3, RFC 9207 §2.4: compared byte by byte; missing is wrong only for a provider that says
    /// it always sends it.
    fn check_named(&self, document: &Document, iss: Option<&str>) -> Result<(), ProviderError> {
        match iss {
            Some(iss) if iss == self.config.issuer => Ok(()),
            Some(other) => {
                let other = one_line(other, 200);
                Err(rejected(format!("the answer names the issuer {other:?}")))
            }
            None if document.names_itself => Err(rejected(
                "the answer names no issuer, though this provider says it always does",
            )),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("id", &self.config.id).finish_non_exhaustive()
    }
}

// === impl Pending ===

impl Pending {
    /// UP-1, T-UP-15: two more random values, independent of each other and of the state.
    fn new(issuer: &str, random: &dyn SecureRandom) -> Self {
        let fresh = || {
            let mut bytes = [0; 32];
            random.fill(&mut bytes);
            base64url(&bytes)
        };
        Self { issuer: issuer.to_owned(), nonce: fresh(), verifier: fresh() }
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl fmt::Debug for CallbackAnswer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackAnswer").field("iss", &self.iss).finish_non_exhaustive()
    }
}

fn rejected(detail: impl Into<String>) -> ProviderError {
    ProviderError::Rejected(detail.into())
}
