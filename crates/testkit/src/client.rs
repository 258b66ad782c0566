//! An OAuth client: registers itself, asks, redeems, refreshes, revokes.

use kernel::encoding::base64;
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use crate::answer::Answer;
use crate::ask::Ask;
use crate::place::Place;

/// A client. Its redirect URI is a loopback one unless it was registered otherwise.
#[derive(Clone, Debug)]
pub struct Client {
    place: Place,
    /// The client id.
    pub id: String,
    /// How it proves who it is.
    pub secret: Secret,
    /// The redirect URI that it sends.
    pub redirect_uri: String,
    /// The registration answer; null for a client that was configured.
    pub registration: Value,
}

/// How a client authenticates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// Not at all: a public client.
    None,
    /// With this secret in the body.
    Post(String),
    /// With this secret in the `Authorization` header.
    Basic(String),
}

/// A successful token response.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    /// The scope of the access token.
    pub scope: String,
}

/// Where the default client listens.
const REDIRECT: &str = "http://127.0.0.1:33418/callback";

impl Client {
    /// Registers a public client as a program on a computer does.
    pub async fn register(place: &Place) -> Self {
        Self::register_named(place, "Test client").await
    }

    /// Registers under this name.
    pub async fn register_named(place: &Place, name: &str) -> Self {
        Self::register_with(
            place,
            &json!({
                "client_name": name,
                "redirect_uris": [REDIRECT],
                "token_endpoint_auth_method": "none",
                "grant_types": ["authorization_code", "refresh_token"],
            }),
        )
        .await
    }

    /// Registers with this metadata and takes what the server says.
    pub async fn register_with(place: &Place, metadata: &Value) -> Self {
        let answer = place.register(metadata).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let registration = answer.json();
        let text = |name: &str| registration[name].as_str().unwrap_or_default().to_owned();
        Self {
            place: place.clone(),
            id: text("client_id"),
            secret: match registration["token_endpoint_auth_method"].as_str() {
                Some("client_secret_post") => Secret::Post(text("client_secret")),
                Some("client_secret_basic") => Secret::Basic(text("client_secret")),
                _ => Secret::None,
            },
            redirect_uri: registration["redirect_uris"][0].as_str().unwrap_or_default().to_owned(),
            registration,
        }
    }

    /// A client from the server's configuration.
    pub fn configured(place: &Place, id: &str, secret: Secret, redirect_uri: &str) -> Self {
        Self {
            place: place.clone(),
            id: id.to_owned(),
            secret,
            redirect_uri: redirect_uri.to_owned(),
            registration: Value::Null,
        }
    }

    /// The same client, authenticating in another way.
    #[must_use]
    pub fn proving(mut self, secret: Secret) -> Self {
        self.secret = secret;
        self
    }

    /// The same client, talking to another process of the same deployment.
    #[must_use]
    pub fn at(&self, place: &Place) -> Self {
        Self { place: place.clone(), ..self.clone() }
    }

    /// A new authorization request.
    pub fn ask(&self) -> Ask {
        let endpoint = self.place.at("/authorize");
        Ask::new(&endpoint, &self.id, &self.redirect_uri, &self.place.mcp)
    }

    /// Redeems a code with everything that belongs to it.
    pub async fn exchange(&self, code: &str, ask: &Ask) -> Answer {
        self.redeem(code, &[("code_verifier", &ask.verifier)]).await
    }

    /// Redeems a code with exactly these further parameters.
    pub async fn redeem(&self, code: &str, more: &[(&str, &str)]) -> Answer {
        let grant = [("grant_type", "authorization_code"), ("code", code)];
        self.token(&[grant.as_slice(), more].concat()).await
    }

    /// Redeems a refresh token.
    pub async fn refresh(&self, token: &str) -> Answer {
        self.refresh_with(token, &[]).await
    }

    /// Redeems a refresh token with further parameters.
    pub async fn refresh_with(&self, token: &str, more: &[(&str, &str)]) -> Answer {
        let grant = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.token(&[grant.as_slice(), more].concat()).await
    }

    /// Revokes a token.
    pub async fn revoke(&self, token: &str) -> Answer {
        self.post("/revoke", &[("token", token)]).await
    }

    /// Sends these parameters to the token endpoint, with the client's authentication.
    pub async fn token(&self, params: &[(&str, &str)]) -> Answer {
        self.post("/token", params).await
    }

    /// Sends these parameters to an endpoint, with the client's authentication.
    pub async fn post(&self, path: &str, params: &[(&str, &str)]) -> Answer {
        Answer::to(self.request(path, params)).await
    }

    /// The request that [`Client::post`] sends.
    pub fn request(&self, path: &str, params: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(params);
        let mut request = self.place.http.post(self.place.at(path));
        match &self.secret {
            Secret::None => {
                body.append_pair("client_id", &self.id);
            }
            Secret::Post(secret) => {
                body.append_pair("client_id", &self.id);
                body.append_pair("client_secret", secret);
            }
            Secret::Basic(secret) => {
                request = request.header("authorization", basic(&self.id, secret));
            }
        }
        request.header("content-type", "application/x-www-form-urlencoded").body(body.finish())
    }
}

impl Tokens {
    /// Reads a successful token response.
    #[track_caller]
    pub fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let json = answer.json();
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), scope: text("scope") }
    }
}

/// RFC 6749 §2.3.1: id and secret are form-encoded before they are joined.
fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(id), encoded(secret));
    format!("Basic {}", base64(pair.as_bytes()))
}
