//! An OpenID provider that does as the test says, at the time that the test says. What a real one
//! does is for the end-to-end stories.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use kernel::{Clock as _, ManualClock};
use serde_json::{Value, json};
use tokio::sync::{OwnedRwLockWriteGuard, RwLock};
use tokio_util::sync::CancellationToken;

use crate::forge::{Forger, Jwt};
use crate::{Return, random};

/// Our client id there.
pub const IDP_CLIENT: &str = "wicketgate-tests";
/// Our client secret there.
pub const IDP_SECRET: &str = "secret of the relying party";

/// A running provider. It ends with the test.
pub struct Idp {
    desk: Arc<Desk>,
    cancel: CancellationToken,
}

struct Desk {
    issuer: String,
    clock: ManualClock,
    key: Forger,
    codes: Mutex<HashMap<String, Approved>>,
    /// The claims behind each refresh token; a missing one was used or withdrawn.
    refresh_tokens: Mutex<HashMap<String, Value>>,
    /// Every refresh token that was ever given.
    given: Mutex<Vec<String>>,
    weather: Mutex<Weather>,
    exchanges: Mutex<usize>,
    refreshes: Mutex<usize>,
    /// Whoever holds it for writing keeps the token endpoint from answering.
    gate: Arc<RwLock<()>>,
}

/// What is behind a code.
struct Approved {
    nonce: String,
    person: Value,
    /// Whether it gives a refresh token as well.
    offline: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Weather {
    Fair,
    Failing,
}

impl Idp {
    /// Starts a provider that tells the time by this clock.
    pub async fn start(clock: &ManualClock) -> Self {
        let listener =
            tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a loopback listener");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let desk = Arc::new(Desk {
            issuer: format!("http://{address}"),
            clock: clock.clone(),
            key: Forger::new(),
            codes: Mutex::default(),
            refresh_tokens: Mutex::default(),
            given: Mutex::default(),
            weather: Mutex::new(Weather::Fair),
            exchanges: Mutex::new(0),
            refreshes: Mutex::new(0),
            gate: Arc::default(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .with_state(Arc::clone(&desk));
        let cancel = CancellationToken::new();
        let stop = cancel.clone().cancelled_owned();
        tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(stop)
                .await
                .expect("the provider serves");
        });
        Self { desk, cancel }
    }

    /// Its issuer.
    pub fn issuer(&self) -> &str {
        &self.desk.issuer
    }

    /// The configuration of a provider `corp` with this one behind it, and more lines.
    pub fn configuration(&self, more: &str) -> String {
        format!(
            "[[sign_in.provider]]\nid = \"corp\"\nname = \"Northwind\"\nkind = \"oidc\"\n\
             issuer = \"{}\"\nclient_id = \"{IDP_CLIENT}\"\nclient_secret = \"{IDP_SECRET}\"\n\
             {more}\n",
            self.desk.issuer
        )
    }

    /// Signs somebody in who was sent to `authorization_url`, and says where the browser goes
    /// then. `person` are claims of the ID token, `sub` among them.
    #[track_caller]
    pub fn approve(&self, authorization_url: &str, person: Value) -> String {
        let asked = Return::read(authorization_url);
        let text = |name| asked.get(name).expect("a parameter").to_owned();
        assert_eq!(text("client_id"), IDP_CLIENT);
        let code = random();
        let offline = text("scope").split(' ').any(|scope| scope == "offline_access");
        let approved = Approved { nonce: text("nonce"), person, offline };
        self.desk.codes.lock().expect("no poison").insert(code.clone(), approved);
        self.back(&text("redirect_uri"), &[("code", &code), ("state", &text("state"))])
    }

    /// Sends the browser back with an error.
    #[track_caller]
    pub fn refuse(&self, authorization_url: &str, error: &str, description: &str) -> String {
        let asked = Return::read(authorization_url);
        let text = |name| asked.get(name).expect("a parameter").to_owned();
        let state = text("state");
        let params = [("error", error), ("error_description", description), ("state", &state)];
        self.back(&text("redirect_uri"), &params)
    }

    /// From now on the token endpoint answers 500, or not any more.
    pub fn fail(&self, failing: bool) {
        let weather = if failing { Weather::Failing } else { Weather::Fair };
        *self.desk.weather.lock().expect("no poison") = weather;
    }

    /// How many codes were exchanged, or tried to be.
    pub fn exchanges(&self) -> usize {
        *self.desk.exchanges.lock().expect("no poison")
    }

    /// From now on whoever refreshes is told these claims of the person. Each refresh token works
    /// once and is replaced by the next.
    pub fn now_says(&self, person: &Value) {
        for kept in self.desk.refresh_tokens.lock().expect("no poison").values_mut() {
            kept.clone_from(person);
        }
    }

    /// From now on every refresh token is refused.
    pub fn withdraw(&self) {
        self.desk.refresh_tokens.lock().expect("no poison").clear();
    }

    /// Until this is dropped, the token endpoint counts requests and does not answer.
    pub async fn hold(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.desk.gate).write_owned().await
    }

    /// How many refresh tokens were shown, or tried.
    pub fn refreshes(&self) -> usize {
        *self.desk.refreshes.lock().expect("no poison")
    }

    /// Every refresh token that was ever given.
    pub fn refresh_tokens(&self) -> Vec<String> {
        self.desk.given.lock().expect("no poison").clone()
    }

    /// A logout token with these claims besides the usual ones; `null` removes one.
    pub fn logout_token(&self, typ: &str, more: Value) -> String {
        let now = self.desk.clock.now().as_seconds();
        let mut claims = json!({
            "iss": self.desk.issuer, "aud": IDP_CLIENT, "iat": now, "exp": now + 120,
            "jti": random(),
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        merge(&mut claims, more);
        self.desk.sign(typ, claims)
    }

    #[expect(clippy::unused_self, reason = "the provider sends people back")]
    fn back(&self, redirect_uri: &str, params: &[(&str, &str)]) -> String {
        url::Url::parse_with_params(redirect_uri, params).expect("a redirect URI").into()
    }
}

impl Drop for Idp {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl std::fmt::Debug for Idp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Idp").field("issuer", &self.desk.issuer).finish_non_exhaustive()
    }
}

impl Desk {
    fn sign(&self, typ: &str, claims: Value) -> String {
        let header = json!({ "alg": "ES256", "kid": "one", "typ": typ });
        self.key.sign(&Jwt { header, claims, signature: String::new() })
    }

    fn id_token(&self, nonce: Option<&str>, person: Value) -> String {
        let now = self.clock.now().as_seconds();
        let mut claims = json!({
            "iss": self.issuer, "aud": IDP_CLIENT, "iat": now, "exp": now + 300,
        });
        if let Some(nonce) = nonce {
            merge(&mut claims, json!({ "nonce": nonce }));
        }
        merge(&mut claims, person);
        self.sign("JWT", claims)
    }

    fn redeem(&self, code: &str) -> Option<Value> {
        let known = self.codes.lock().expect("no poison").remove(code);
        let Approved { nonce, person, offline } = known?;
        let mut tokens = self.tokens(Some(&nonce), person.clone());
        if offline {
            merge(&mut tokens, json!({ "refresh_token": self.refresh_token(person) }));
        }
        Some(tokens)
    }

    fn refresh(&self, token: &str) -> Option<Value> {
        let person = self.refresh_tokens.lock().expect("no poison").remove(token)?;
        let mut tokens = self.tokens(None, person.clone());
        merge(&mut tokens, json!({ "refresh_token": self.refresh_token(person) }));
        Some(tokens)
    }

    fn tokens(&self, nonce: Option<&str>, person: Value) -> Value {
        json!({
            "access_token": random(), "token_type": "Bearer", "expires_in": 300,
            "id_token": self.id_token(nonce, person),
        })
    }

    fn refresh_token(&self, person: Value) -> String {
        let token = random();
        self.refresh_tokens.lock().expect("no poison").insert(token.clone(), person);
        self.given.lock().expect("no poison").push(token.clone());
        token
    }
}

async fn discovery(State(desk): State<Arc<Desk>>) -> Response {
    let at = |path: &str| format!("{}{path}", desk.issuer);
    answer(
        StatusCode::OK,
        &json!({
            "issuer": desk.issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "jwks_uri": at("/jwks"),
            "end_session_endpoint": at("/session/end"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
        }),
    )
}

async fn jwks(State(desk): State<Arc<Desk>>) -> Response {
    let mut key = desk.key.public_jwk();
    merge(&mut key, json!({ "kid": "one", "use": "sig", "alg": "ES256" }));
    answer(StatusCode::OK, &json!({ "keys": [key] }))
}

async fn token(State(desk): State<Arc<Desk>>, body: String) -> Response {
    let form: HashMap<_, _> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let field = |name| form.get(name).map(String::as_str).unwrap_or_default();
    let refreshing = field("grant_type") == "refresh_token";
    let counter = if refreshing { &desk.refreshes } else { &desk.exchanges };
    *counter.lock().expect("no poison") += 1;
    let _open = desk.gate.read().await;
    if *desk.weather.lock().expect("no poison") == Weather::Failing {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let tokens =
        if refreshing { desk.refresh(field("refresh_token")) } else { desk.redeem(field("code")) };
    match tokens {
        Some(tokens) => answer(StatusCode::OK, &tokens),
        None => answer(StatusCode::BAD_REQUEST, &json!({ "error": "invalid_grant" })),
    }
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn merge(claims: &mut Value, more: Value) {
    let (Value::Object(claims), Value::Object(more)) = (claims, more) else { return };
    for (name, value) in more {
        if value.is_null() {
            claims.remove(&name);
        } else {
            claims.insert(name, value);
        }
    }
}
