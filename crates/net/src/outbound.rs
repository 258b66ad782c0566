//! The general outbound HTTP client. The proxy path has its own, cheaper one.

use std::time::Duration;

/// A client that follows no redirects, takes no proxy from the environment, sends no cookies and
/// gives up after `total_seconds`.
///
/// # Errors
///
/// When TLS cannot be set up.
pub fn client(total_seconds: u64) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(2))
        .timeout(Duration::from_secs(total_seconds))
        .user_agent("wicketgate")
        .build()
}
