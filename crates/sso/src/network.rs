//! Why a question over the network had no answer, in words for the operator's log.

use std::error::Error as _;
use std::fmt::Write as _;

/// The error with all its causes: that a certificate has expired is in the last of them. URLs are
/// without their query, in which secrets may be.
pub(crate) fn why(error: &reqwest::Error) -> String {
    let mut text = error.url().map(|url| format!("{}: ", bare(url))).unwrap_or_default();
    text.push_str(if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the exchange broke off"
    });
    let mut cause = error.source();
    while let Some(error) = cause {
        // A reqwest error inside would repeat the URL, query and all.
        if !error.is::<reqwest::Error>() {
            write!(text, ": {error}").ok();
        }
        cause = error.source();
    }
    crate::claims::one_line(&text, 500)
}

/// Without the query.
pub(crate) fn bare(url: &reqwest::Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.into()
}
