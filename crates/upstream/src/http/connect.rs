//! Connections: TCP in clear or under TLS, and Unix sockets; from a pool or one's own.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{
    ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream,
};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tower_service::Service;

use super::pool::Pool;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes connections to one upstream.
pub(super) enum Connector {
    Web(Web),
    Unix(Unix),
}

type Web = Timed<HttpsConnector<HttpConnector>>;
type Unix = Timed<UnixConnector>;

/// An open connection.
pub(crate) type Connection = Pin<Box<dyn Duplex>>;

/// Both directions of a connection.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

/// The same with a limit on the time it takes, TLS included.
#[derive(Clone)]
pub(crate) struct Timed<C> {
    inner: C,
    limit: Duration,
}

/// Connects to one socket, whatever the URL says.
#[derive(Clone)]
pub(crate) struct UnixConnector(Arc<Path>);

/// A peer that vanished without a word is noticed after some of these.
const KEEPALIVE: Duration = Duration::from_mins(1);

impl Pool {
    /// A pool for URLs. `secure` tells whether any of them is https; `ca` holds more certificates
    /// in PEM that are trusted besides the system's.
    ///
    /// # Errors
    ///
    /// Why the certificates cannot be used, in words for the operator.
    pub fn web(connect_timeout: Duration, secure: bool, ca: &str) -> Result<Self, String> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_keepalive(Some(KEEPALIVE));
        connector.set_connect_timeout(Some(connect_timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(secure, ca)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let connector = Timed { inner: connector, limit: connect_timeout };
        Ok(Self::new(Connector::Web(connector)))
    }

    /// A pool for one Unix socket.
    pub(crate) fn unix(connect_timeout: Duration, path: &Path) -> Self {
        let connector = Timed { inner: UnixConnector(path.into()), limit: connect_timeout };
        Self::new(Connector::Unix(connector))
    }
}

impl Connector {
    /// Connects to where this URI leads.
    pub(super) async fn connect(&self, uri: Uri) -> Result<Connection, BoxError> {
        match self {
            Self::Web(connector) => Ok(match connector.clone().call(uri).await? {
                MaybeHttpsStream::Http(stream) => Box::pin(stream.into_inner()),
                MaybeHttpsStream::Https(stream) => Box::pin(TokioIo::new(stream)),
            }),
            Self::Unix(connector) => Ok(Box::pin(connector.clone().call(uri).await?.into_inner())),
        }
    }
}

/// The system's certificates and those in `ca`. A bare container may have none of its own; then
/// the public ones that are compiled in count. Without an https URL nothing is read at all.
fn tls(secure: bool, ca: &str) -> Result<rustls::ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    if !secure {
        let nobody = rustls::RootCertStore::empty();
        return Ok(builder.with_root_certificates(nobody).with_no_client_auth());
    }
    let extra = certificates(ca)?;
    let alone = extra.is_empty();
    match rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider) {
        Ok(verifier) => Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth()),
        Err(_) if alone => Ok(builder.with_webpki_roots().with_no_client_auth()),
        Err(error) => Err(error.to_string()),
    }
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found {
        Ok(found) if found.is_empty() && !pem.trim().is_empty() => {
            Err("the CA file holds no certificate".to_owned())
        }
        Ok(found) => Ok(found),
        Err(error) => Err(format!("the CA file cannot be read: {error}")),
    }
}

impl<C> Service<Uri> for Timed<C>
where
    C: Service<Uri>,
    C::Response: 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(self.limit, self.inner.call(uri));
        Box::pin(async move { connecting.await?.map_err(Into::into) })
    }
}

impl Service<Uri> for UnixConnector {
    type Response = TokioIo<UnixStream>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<TokioIo<UnixStream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let path = Arc::clone(&self.0);
        Box::pin(async move { UnixStream::connect(path).await.map(TokioIo::new) })
    }
}
