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
    /// Nonce and claims behind each code.
    codes: Mutex<HashMap<String, (String, Value)>>,
    weather: Mutex<Weather>,
    exchanges: Mutex<usize>,
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
            weather: Mutex::new(Weather::Fair),
            exchanges: Mutex::new(0),
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
        self.desk.codes.lock().expect("no poison").insert(code.clone(), (text("nonce"), person));
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

    fn id_token(&self, nonce: &str, person: Value) -> String {
        let now = self.clock.now().as_seconds();
        let mut claims = json!({
            "iss": self.issuer, "aud": IDP_CLIENT, "iat": now, "exp": now + 300, "nonce": nonce,
        });
        merge(&mut claims, person);
        self.sign("JWT", claims)
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
    *desk.exchanges.lock().expect("no poison") += 1;
    if *desk.weather.lock().expect("no poison") == Weather::Failing {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let mut form = url::form_urlencoded::parse(body.as_bytes());
    let code = form.find(|(name, _)| name == "code").map(|(_, code)| code.into_owned());
    let known = desk.codes.lock().expect("no poison").remove(&code.unwrap_or_default());
    let Some((nonce, person)) = known else {
        return answer(StatusCode::BAD_REQUEST, &json!({ "error": "invalid_grant" }));
    };
    let id_token = desk.id_token(&nonce, person);
    answer(
        StatusCode::OK,
        &json!({
            "access_token": random(), "token_type": "Bearer", "expires_in": 300,
            "id_token": id_token,
        }),
    )
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
