//! A host of client metadata documents, over https on loopback, that says what a test wants it to say.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::serve::Listener;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::place::prepare;

/// The name under which it is reached; a guard has to be told that it is an own host.
pub const DOCUMENT_HOST: &str = "localhost";

/// A running host. It ends with the test.
#[derive(Debug)]
pub struct DocumentHost {
    /// Scheme, host and port.
    pub url: String,
    /// The authority that signed its certificate, in PEM.
    pub authority: String,
    said: Arc<Said>,
    serving: tokio::task::JoinHandle<()>,
}

/// Answers that may be on their way at once.
const PERMITS: usize = 1_000;

#[derive(Debug)]
struct Said {
    answers: Mutex<HashMap<String, Answer>>,
    asked: Mutex<Vec<String>>,
    gate: Semaphore,
}

#[derive(Clone, Debug)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    /// Without one, more and more of a JSON object.
    body: Option<String>,
}

struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, peer)) = self.listener.accept().await else { continue };
            // A client that does not trust us hangs up.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, peer);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

impl DocumentHost {
    /// A host that knows nothing yet: every path is 404.
    pub async fn start() -> Self {
        Self::certified(|_| ()).await
    }

    /// A host whose certificate was good once.
    pub async fn expired() -> Self {
        Self::certified(|leaf| leaf.not_after = rcgen::date_time_ymd(2020, 1, 1)).await
    }

    async fn certified(change: impl FnOnce(&mut CertificateParams)) -> Self {
        prepare();
        let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(authority, key).expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let mut leaf = CertificateParams::new(vec![DOCUMENT_HOST.to_owned()]).expect("parameters");
        change(&mut leaf);
        let leaf = leaf.signed_by(&key, &authority).expect("a certificate");
        let private = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
        let tls = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], private.into())
            .expect("TLS");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let said = Arc::new(Said {
            answers: Mutex::default(),
            asked: Mutex::default(),
            gate: Semaphore::new(PERMITS),
        });
        let for_router = Arc::clone(&said);
        let router = Router::new().fallback(move |request: Request| {
            let said = Arc::clone(&for_router);
            async move { said.answer(request).await }
        });
        let serving = tokio::spawn(async move {
            axum::serve(Tls { listener, acceptor }, router).await.expect("the host serves");
        });
        let authority = kernel::encoding::base64(authority.der());
        Self {
            url: format!("https://{DOCUMENT_HOST}:{port}"),
            authority: format!(
                "-----BEGIN CERTIFICATE-----\n{authority}\n-----END CERTIFICATE-----\n"
            ),
            said,
            serving,
        }
    }

    /// An absolute URL on this host.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// From now on this path has a JSON document.
    pub fn says(&self, path: &str, document: &serde_json::Value) {
        self.answers(path, 200, &[("content-type", "application/json")], &document.to_string());
    }

    /// From now on this path answers so.
    pub fn answers(
        &self,
        path: &str,
        status: u16,
        headers: &[(&'static str, &'static str)],
        body: &str,
    ) {
        let body = Some(body.to_owned());
        self.will_say(path, Answer { status, headers: headers.to_vec(), body });
    }

    /// From now on this path has a document that says no length and never ends.
    pub fn never_ends(&self, path: &str) {
        let headers = vec![("content-type", "application/json")];
        self.will_say(path, Answer { status: 200, headers, body: None });
    }

    fn will_say(&self, path: &str, answer: Answer) {
        locked(&self.said.answers).insert(path.to_owned(), answer);
    }

    /// How often this path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        locked(&self.said.asked).iter().filter(|asked| *asked == path).count()
    }

    /// No answer goes out until [`DocumentHost::release`].
    pub fn hold(&self) {
        self.said.gate.forget_permits(PERMITS);
    }

    /// Answers go out again.
    pub fn release(&self) {
        self.said.gate.add_permits(PERMITS);
    }
}

impl Said {
    async fn answer(&self, request: Request) -> Response {
        let path = request.uri().path().to_owned();
        locked(&self.asked).push(path.clone());
        let _passed = self.gate.acquire().await;
        let answer = locked(&self.answers).get(&path).cloned();
        let Some(answer) = answer else {
            return Response::builder().status(404).body(Body::empty()).expect("an answer");
        };
        let mut response = Response::builder().status(answer.status);
        for (name, value) in answer.headers {
            response = response.header(name, value);
        }
        let body = answer.body.map_or_else(endless, Body::from);
        response.body(body).expect("an answer")
    }
}

fn endless() -> Body {
    Body::from_stream(futures_util::stream::repeat_with(|| {
        Ok::<_, io::Error>("{\"x\":".repeat(100))
    }))
}

impl Drop for DocumentHost {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
