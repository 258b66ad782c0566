//! The general outbound HTTP client. The proxy path has its own, cheaper one.

mod address;
mod guarded;
mod proxy;

pub use guarded::{Fetched, Guard, GuardPolicy, Lookup, NotFetched};
pub use proxy::{CannotProxy, ForwardProxy};

use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};

/// A client that follows no redirects, takes no proxy from the environment, sends no cookies and
/// gives up after `total_seconds`. It asks for plain bodies, and unpacks what comes as gzip all the
/// same, so that whoever counts what they read counts what was unpacked.
///
/// # Errors
///
/// When TLS cannot be set up.
pub fn client(total_seconds: u64) -> Result<reqwest::Client, reqwest::Error> {
    builder(total_seconds).build()
}

/// How a client reaches what is not ours.
#[derive(Clone, Copy, Debug, Default)]
pub struct Route<'a> {
    /// Certificate authorities, in PEM, to trust besides the system's: for a company's own.
    pub authorities_pem: Option<&'a str>,
    /// The proxy that leads out, if that is the only way.
    pub proxy: Option<&'a ForwardProxy>,
}

/// A proxy resolves and connects before it answers, so a connection through it takes longer.
const THROUGH_A_PROXY: Duration = Duration::from_secs(5);

/// A client like [`client`] for what is reached by this route.
///
/// # Errors
///
/// When there is no certificate in the text, or TLS cannot be set up.
pub fn client_by(total_seconds: u64, route: Route<'_>) -> Result<reqwest::Client, CannotTrust> {
    let mut builder = builder(total_seconds);
    if let Some(pem) = route.authorities_pem {
        let authorities = reqwest::Certificate::from_pem_bundle(pem.as_bytes())?;
        if authorities.is_empty() {
            return Err(CannotTrust::NoCertificate);
        }
        builder = builder.tls_certs_merge(authorities);
    }
    if let Some(proxy) = route.proxy {
        builder = builder.proxy(proxy.proxy()).connect_timeout(THROUGH_A_PROXY);
    }
    Ok(builder.build()?)
}

/// Why no client can be made that trusts further authorities.
#[derive(Debug, thiserror::Error)]
pub enum CannotTrust {
    /// The text has none.
    #[error("there is no certificate in PEM")]
    NoCertificate,
    /// A certificate is not one, or TLS cannot be set up.
    #[error("a certificate cannot be used: {0}")]
    Unusable(#[from] reqwest::Error),
}

fn builder(total_seconds: u64) -> reqwest::ClientBuilder {
    let plain = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
    reqwest::Client::builder()
        .default_headers(plain)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(2))
        .timeout(Duration::from_secs(total_seconds))
        .user_agent("wicketgate")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// What a server gets that answers with this coding and these bytes, and what is read of it.
    async fn exchange(coding: &str, body: Vec<u8>) -> (String, reqwest::Response) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            stream.write_all(&[head.into_bytes(), body].concat()).await.unwrap();
            String::from_utf8(request[..length].to_vec()).unwrap()
        });
        // Whoever composes the process chooses the cryptography; the first choice counts.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let response = client(10).unwrap().get(url).send().await.unwrap();
        (serving.await.unwrap(), response)
    }

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// Some providers compress their documents whatever they are asked.
    #[tokio::test]
    async fn plain_is_asked_for_and_gzip_is_read() {
        let (request, response) = exchange("gzip", packed(b"{}")).await;
        assert!(request.to_ascii_lowercase().contains("\r\naccept-encoding: identity\r\n"));
        assert_eq!(response.text().await.unwrap(), "{}");
        let (_, response) = exchange("identity", b"{}".to_vec()).await;
        assert_eq!(response.text().await.unwrap(), "{}");
        // What is left packed says so, for whoever reads it.
        let (_, response) = exchange("br", b"?".to_vec()).await;
        assert_eq!(response.headers()["content-encoding"], "br");
    }

    /// Readers stop at their limit, so what one piece becomes has to be small.
    #[tokio::test]
    async fn what_is_unpacked_comes_in_small_pieces() {
        const SWOLLEN: usize = 16 << 20;
        let (_, mut response) = exchange("gzip", packed(&vec![b' '; SWOLLEN])).await;
        let mut length = 0;
        while let Some(piece) = response.chunk().await.unwrap() {
            assert!(piece.len() <= 64 << 10, "{}", piece.len());
            length += piece.len();
        }
        assert_eq!(length, SWOLLEN);
    }
}
