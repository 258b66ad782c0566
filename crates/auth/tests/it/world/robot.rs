//! A client that signs: `private_key_jwt` (RFC 7523 §2.2).

use std::sync::Arc;

use auth::Config;
use kernel::{ManualClock, Timestamp};
use model::client::{AssertionAudience, KeySource, Signing};
use model::{Client, ClientAuth, ClientId, ClientOrigin};
use protocol::client_keys::ClientKeys;
use protocol::redirect_uri::RedirectPolicy;
use protocol::{RedirectUri, Scopes};
use serde_json::{Value, json};
use testkit::forge::{Forger, Jwt};
use testkit::{Answer, Place, random};

/// The id of the configured client with a key.
pub(crate) const ROBOT: &str = "robot";
/// Its redirect URI.
pub(crate) const ROBOT_URI: &str = "https://robot.example.com/cb";
/// What a client says that it sends.
pub(crate) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A program with a key.
#[derive(Clone)]
pub(crate) struct Robot {
    key: Arc<Forger>,
    clock: ManualClock,
    /// What it takes for its id.
    pub(crate) id: String,
}

impl Robot {
    /// A robot with a fresh key, in a world with this clock.
    pub(crate) fn new(id: &str, clock: &ManualClock) -> Self {
        Self { key: Arc::new(Forger::new()), clock: clock.clone(), id: id.to_owned() }
    }

    /// Its public keys.
    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": [self.key.public_jwk()] })
    }

    /// The robot as an operator configures it.
    pub(crate) fn configured(&self, audience: AssertionAudience) -> impl Fn(&mut Config) + use<> {
        let keys = ClientKeys::parse(&self.jwks(), None).expect("keys");
        let policy = RedirectPolicy { allow_loopback: true, allowed_schemes: Vec::new() };
        let client = Client {
            id: ClientId::from_text(&*self.id),
            name: "Robot".to_owned(),
            origin: ClientOrigin::Configured,
            redirect_uris: vec![RedirectUri::parse(ROBOT_URI, &policy).expect("a URI")],
            auth: ClientAuth::PrivateKeyJwt(Signing {
                keys: KeySource::Registered(keys),
                audience,
            }),
            refresh_tokens: true,
            scopes: Scopes::ALL,
            created_at: Timestamp::from_millis(0),
        };
        move |config| config.clients.push(client.clone())
    }

    /// What a careful client signs, good for a minute at this place.
    pub(crate) fn claims(&self, place: &Place) -> Jwt {
        let now = kernel::Clock::now(&self.clock).as_seconds();
        Jwt {
            header: json!({ "alg": "ES256", "typ": "JWT" }),
            claims: json!({
                "iss": self.id, "sub": self.id, "aud": place.issuer, "jti": random(),
                "iat": now, "exp": now + 60,
            }),
            signature: String::new(),
        }
    }

    /// Signs with its key.
    pub(crate) fn sign(&self, jwt: &Jwt) -> String {
        self.key.sign(jwt)
    }

    /// Sends these parameters with a fresh assertion.
    pub(crate) async fn post(&self, place: &Place, path: &str, params: &[(&str, &str)]) -> Answer {
        self.post_with(place, path, params, &self.sign(&self.claims(place))).await
    }

    /// Sends these parameters with this assertion.
    pub(crate) async fn post_with(
        &self,
        place: &Place,
        path: &str,
        params: &[(&str, &str)],
        assertion: &str,
    ) -> Answer {
        let proof = [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)];
        place.post_form(&place.at(path), &[params, &proof].concat()).await
    }
}
