//! The general outbound HTTP client. The proxy path has its own, cheaper one.

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

/// A client like [`client`] that also trusts these certificate authorities, in PEM, besides the
/// system's: for a company's own.
///
/// # Errors
///
/// When there is no certificate in the text, or TLS cannot be set up.
pub fn client_trusting(
    total_seconds: u64,
    authorities_pem: &str,
) -> Result<reqwest::Client, CannotTrust> {
    let authorities = reqwest::Certificate::from_pem_bundle(authorities_pem.as_bytes())?;
    if authorities.is_empty() {
        return Err(CannotTrust::NoCertificate);
    }
    Ok(builder(total_seconds).tls_certs_merge(authorities).build()?)
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
