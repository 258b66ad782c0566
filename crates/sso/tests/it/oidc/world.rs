//! A provider, a relying party, a clock that stands still, and a sign-in to take apart.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::Header;
use kernel::{ManualClock, OsRandom, Redacted, Timestamp};
use serde_json::{Value, json};
use sso::claims::ClaimNames;
use sso::oidc::{
    Algorithm, CallbackAnswer, ClientAuth, Config, GroupOverage, Pending, Provider, Userinfo,
};
use sso::{Go, ProviderError, SignedIn};

use super::idp::{Idp, Key};

pub(super) const CLIENT: &str = "wicketgate at example";
pub(super) const REDIRECT: &str = "https://mcp.example.com/sign-in/corp/callback";
pub(super) const ACCESS_TOKEN: &str = "upstream-access-token";
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub(super) struct World {
    pub(super) idp: Idp,
    pub(super) key: Key,
    pub(super) clock: ManualClock,
    pub(super) provider: Provider,
    /// A directory beside it, where a test has one.
    pub(super) directory: Option<Idp>,
}

/// What the provider will answer, to be broken by a test.
pub(super) struct Plan {
    pub(super) header: Header,
    pub(super) key: Key,
    pub(super) claims: Value,
    /// Instead of the signed claims.
    pub(super) id_token: Option<String>,
    /// Members of the token response beside the ID token.
    pub(super) response: Value,
    /// The answer's `iss`.
    pub(super) iss: Option<String>,
    /// The answer's code.
    pub(super) code: String,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::with_key(Key::es256("one"), change).await
    }

    pub(super) async fn with_key(key: Key, change: impl FnOnce(&mut Config)) -> Self {
        let idp = Idp::start().await;
        idp.says_json("/.well-known/openid-configuration", &description(&idp.url));
        idp.publishes(&[&key]);
        idp.says_json("/userinfo", &json!({ "sub": "248289761001" }));
        let mut config = config(&idp.url);
        change(&mut config);
        let clock = ManualClock::at(NOW);
        let provider = Provider::new(config, http(), Arc::new(clock.clone())).unwrap();
        Self { idp, key, clock, provider, directory: None }
    }

    /// Sends the person away; the query of the URL and what is remembered.
    pub(super) async fn begin(&self) -> (HashMap<String, String>, Pending) {
        let begun = self.provider.begin("wg_up_state", Some("ada@example.com"), &random()).await;
        let (Go::Redirect(url), pending) = begun.unwrap() else { panic!("not a redirect") };
        let url = url::Url::parse(&url).unwrap();
        assert!(url.as_str().starts_with(&format!("{}/authorize?", self.idp.url)));
        (url.query_pairs().into_owned().collect(), pending)
    }

    /// A whole sign-in, with one thing changed.
    pub(super) async fn sign_in(
        &self,
        change: impl FnOnce(&mut Plan),
    ) -> Result<SignedIn, ProviderError> {
        let (query, pending) = self.begin().await;
        let mut plan = self.plan(&query["nonce"]);
        change(&mut plan);
        self.come_back(&pending, plan).await
    }

    pub(super) async fn come_back(
        &self,
        pending: &Pending,
        plan: Plan,
    ) -> Result<SignedIn, ProviderError> {
        let signed = || plan.key.sign(&plan.header, &plan.claims);
        let mut response = plan.response;
        response["id_token"] = json!(plan.id_token.clone().unwrap_or_else(signed));
        self.idp.says_json("/token", &response);
        let answer = CallbackAnswer { code: &plan.code, iss: plan.iss.as_deref() };
        self.provider.finish(pending, &answer).await
    }

    /// A good sign-in, so that a refusal next to it means something.
    pub(super) async fn works(&self) -> SignedIn {
        self.sign_in(|_| {}).await.unwrap()
    }

    /// A sign-in that is refused as not to be believed, and for this reason.
    pub(super) async fn rejects(&self, reason: &str, change: impl FnOnce(&mut Plan)) {
        let error = self.sign_in(change).await.unwrap_err();
        assert!(matches!(error, ProviderError::Rejected(_)), "{reason}: {error}");
        assert!(error.to_string().contains(reason), "{reason:?} is not in {error}");
    }

    pub(super) fn plan(&self, nonce: &str) -> Plan {
        Plan {
            header: self.key.header(),
            key: self.key.clone(),
            claims: self.good_claims(nonce),
            id_token: None,
            response: json!({
                "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 300,
                "scope": "openid", "something": {"new": true},
            }),
            iss: None,
            code: "the-code".to_owned(),
        }
    }

    fn good_claims(&self, nonce: &str) -> Value {
        let now = self.now();
        json!({
            "iss": self.idp.url, "aud": CLIENT, "sub": "248289761001", "nonce": nonce,
            "iat": now, "exp": now + 300, "auth_time": now - 5, "sid": "session-1",
            "name": "Ada Lovelace", "email": "ada@example.com", "email_verified": true,
            "groups": ["staff", "tools"],
        })
    }

    pub(super) fn now(&self) -> i64 {
        use kernel::Clock as _;
        self.clock.now().as_seconds()
    }
}

pub(super) fn config(issuer: &str) -> Config {
    Config {
        id: "corp".to_owned(),
        issuer: issuer.to_owned(),
        discovery_url: None,
        client_id: CLIENT.to_owned(),
        client_auth: ClientAuth::Basic(Redacted::new("s3cret: with/odd+characters")),
        redirect_uri: REDIRECT.to_owned(),
        scopes: vec!["profile".to_owned(), "email".to_owned()],
        claims: ClaimNames::default(),
        kept_claims: Vec::new(),
        domains: Vec::new(),
        trusted_audiences: Vec::new(),
        expects_logout_tokens: false,
        expects_groups: false,
        signing_algorithms: vec![
            Algorithm::Rs256,
            Algorithm::Es256,
            Algorithm::Es384,
            Algorithm::Ps256,
            Algorithm::EdDsa,
        ],
        clock_skew_seconds: 60,
        userinfo: Userinfo::WhenNeeded,
        group_overage: GroupOverage::Refuse,
        authorize_parameters: vec![("prompt".to_owned(), "select_account".to_owned())],
        max_age_seconds: None,
        recheck_seconds: 0,
    }
}

pub(super) fn description(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "end_session_endpoint": format!("{issuer}/logout?tenant=1"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile", "email"],
        "backchannel_logout_supported": true,
    })
}

/// As the binary's, but more impatient.
pub(super) fn http() -> reqwest::Client {
    client().build().unwrap()
}

pub(super) fn client() -> reqwest::ClientBuilder {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_millis(1500))
}

pub(super) fn random() -> OsRandom {
    OsRandom::new()
}
