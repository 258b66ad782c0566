//! Certificates that are not to be believed.
//!
//! One provider with one certificate: trusted, a sign-in works; not trusted, expired or for
//! another name, it is weather that says so.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::Listener;
use kernel::ManualClock;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use sso::ProviderError;
use sso::oidc::Provider;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::idp::Idp;
use super::world::{NOW, client, config, description, http, random};

/// Hands out connections whose handshake is done.
struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, peer) = self.listener.accept().await.unwrap();
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

/// Starts a provider with a certificate for `name` that is good until `year`, and returns it with
/// the authority that issued the certificate.
async fn start(name: &str, year: i32) -> (Idp, reqwest::Certificate) {
    let (idp, authority) = start_as("localhost", name, year).await;
    (idp, reqwest::Certificate::from_pem(authority.as_bytes()).unwrap())
}

/// Starts a provider that calls itself `host`; the authority is in PEM.
pub(super) async fn start_as(host: &str, name: &str, year: i32) -> (Idp, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
    leaf.not_after = date_time_ymd(year, 1, 1);
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    let private = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    http();
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], private.into())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let idp = Idp::on(Tls { listener, acceptor }, format!("https://{host}:{port}"));
    idp.says_json("/.well-known/openid-configuration", &description(&idp.url));
    let authority = kernel::encoding::base64(authority.der());
    (idp, format!("-----BEGIN CERTIFICATE-----\n{authority}\n-----END CERTIFICATE-----\n"))
}

async fn begin(idp: &Idp, http: reqwest::Client) -> Result<(), ProviderError> {
    let clock = Arc::new(ManualClock::at(NOW));
    let provider = Provider::new(config(&idp.url), http, clock).unwrap();
    provider.begin("s", None, &random()).await.map(drop)
}

fn trusting(authority: reqwest::Certificate) -> reqwest::Client {
    client().tls_certs_merge([authority]).build().unwrap()
}

#[tokio::test]
async fn a_trusted_certificate_works_and_the_same_one_untrusted_does_not() {
    let (idp, authority) = start("localhost", 2900).await;
    begin(&idp, trusting(authority)).await.unwrap();
    let error = begin(&idp, http()).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable(_)), "{error}");
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
}

#[tokio::test]
async fn an_expired_certificate_is_named_as_such() {
    let (idp, authority) = start("localhost", 2020).await;
    let error = begin(&idp, trusting(authority)).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable(_)), "{error}");
    assert!(error.to_string().to_lowercase().contains("expired"), "{error}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_named_as_such() {
    let (idp, authority) = start("idp.example.com", 2900).await;
    let error = begin(&idp, trusting(authority)).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable(_)), "{error}");
    assert!(error.to_string().contains("not valid for name"), "{error}");
}
