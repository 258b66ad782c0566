//! A provider that says whatever a test wants, and remembers what it was asked.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _,
};
use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use axum::serve::Listener;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use kernel::encoding::base64url;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The provider. Every path that was not scripted answers 404.
#[derive(Clone)]
pub(super) struct Idp {
    pub(super) url: String,
    script: Arc<Mutex<HashMap<String, Canned>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// What a path answers.
#[derive(Clone)]
pub(super) struct Canned {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
    pub(super) delay: Duration,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) authorization: Option<String>,
    pub(super) form: BTreeMap<String, String>,
}

/// A key to sign with, and its public half.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    pub(super) kid: &'static str,
    encoding: EncodingKey,
    pub(super) jwk: Value,
    pub(super) pem: String,
}

impl Idp {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self::on(listener, url)
    }

    /// A provider that listens there.
    pub(super) fn on<L: Listener>(listener: L, url: String) -> Self
    where
        L::Addr: std::fmt::Debug,
    {
        let idp = Self { url, script: Arc::default(), seen: Arc::default() };
        let answering = idp.clone();
        let app = Router::new().fallback(move |request: Request| {
            let idp = answering.clone();
            async move { idp.answer(request).await }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        idp
    }

    pub(super) fn says(&self, path: &str, canned: Canned) {
        self.script.lock().unwrap().insert(path.to_owned(), canned);
    }

    pub(super) fn says_json(&self, path: &str, body: &Value) {
        self.says(path, Canned::json(200, body));
    }

    pub(super) fn publishes(&self, keys: &[&Key]) {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk.clone()).collect();
        self.says_json("/jwks", &json!({ "keys": keys }));
    }

    /// How often a path was asked for.
    pub(super) fn count(&self, path: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|seen| seen.path == path).count()
    }

    /// The last request to a path.
    pub(super) fn last(&self, path: &str) -> Seen {
        let seen = self.seen.lock().unwrap();
        seen.iter().rfind(|seen| seen.path == path).unwrap().clone()
    }

    async fn answer(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let path = parts.uri.path().to_owned();
        let header =
            |name| parts.headers.get(name).map(|v: &http::HeaderValue| v.to_str().unwrap());
        self.seen.lock().unwrap().push(Seen {
            authorization: header("authorization").map(ToOwned::to_owned),
            form: url::form_urlencoded::parse(&body).into_owned().collect(),
            path: path.clone(),
        });
        let by_query = parts.uri.path_and_query().unwrap().as_str().to_owned();
        let canned = {
            let script = self.script.lock().unwrap();
            script.get(&by_query).or_else(|| script.get(&path)).cloned()
        };
        let canned = canned.unwrap_or_else(|| Canned::text(404, "nothing here"));
        tokio::time::sleep(canned.delay).await;
        let mut response = Response::builder().status(canned.status);
        for (name, value) in canned.headers {
            response = response.header(name, value);
        }
        response.body(Bytes::from(canned.body).into()).unwrap()
    }
}

impl Canned {
    pub(super) fn text(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.to_owned(), delay: Duration::ZERO }
    }

    pub(super) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { headers, ..Self::text(status, &body.to_string()) }
    }
}

impl Key {
    pub(super) fn es256(kid: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self::ec(Algorithm::ES256, "P-256", kid, &pair)
    }

    pub(super) fn es384(kid: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        Self::ec(Algorithm::ES384, "P-384", kid, &pair)
    }

    fn ec(algorithm: Algorithm, crv: &str, kid: &'static str, pair: &EcdsaKeyPair) -> Self {
        let pkcs8 = pair.to_pkcs8v1().unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
        let jwk = json!({
            "kty": "EC", "crv": crv, "kid": kid, "x": base64url(x), "y": base64url(y),
            "use": "sig", "alg": format!("{algorithm:?}"),
        });
        let encoding = EncodingKey::from_ec_der(pkcs8.as_ref());
        Self { algorithm, kid, encoding, jwk, pem: pem(pkcs8.as_ref()) }
    }

    pub(super) fn ed25519(kid: &'static str) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let pkcs8 = pair.to_pkcs8v1().unwrap();
        let x = base64url(pair.public_key().as_ref());
        Self {
            algorithm: Algorithm::EdDSA,
            kid,
            encoding: EncodingKey::from_ed_der(pkcs8.as_ref()),
            jwk: json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x }),
            pem: pem(pkcs8.as_ref()),
        }
    }

    pub(super) fn rsa(kid: &'static str, algorithm: Algorithm) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let pkcs8 = AsDer::<Pkcs8V1Der<'static>>::as_der(&pair).unwrap();
        let pem = pem(pkcs8.as_ref());
        let public = pair.public_key();
        let modulus = public.modulus().big_endian_without_leading_zero();
        let exponent = public.exponent().big_endian_without_leading_zero();
        let jwk = json!({
            "kty": "RSA", "kid": kid, "use": "sig",
            "n": base64url(modulus), "e": base64url(exponent),
        });
        let encoding = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
        Self { algorithm, kid, encoding, jwk, pem }
    }

    /// A header that names this key.
    pub(super) fn header(&self) -> Header {
        Header { kid: Some(self.kid.to_owned()), ..Header::new(self.algorithm) }
    }

    pub(super) fn sign(&self, header: &Header, claims: &Value) -> String {
        encode(header, claims, &self.encoding).unwrap()
    }

    /// Signs a payload as it is.
    pub(super) fn sign_raw(&self, header: &Header, payload: &RawValue) -> String {
        encode(header, &payload, &self.encoding).unwrap()
    }
}

fn pem(pkcs8: &[u8]) -> String {
    let body = kernel::encoding::base64(pkcs8);
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}
