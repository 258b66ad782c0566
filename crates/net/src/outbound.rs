//! The general outbound HTTP client. The proxy path has its own, cheaper one.

mod proxy;

pub use proxy::{CannotProxy, ForwardProxy};

use std::time::Duration;

/// A client that follows no redirects, takes no proxy from the environment, sends no cookies and
/// gives up after `total_seconds`.
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
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(2))
        .timeout(Duration::from_secs(total_seconds))
        .user_agent("wicketgate")
}
