//! Why a question over the network had no answer, in words for the operator's log.

use std::error::Error as _;
use std::fmt::Write as _;

use reqwest::header::CONTENT_ENCODING;

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

/// The coding of a body (RFC 9110 §8.4) that nobody unpacked: a provider may choose one although it
/// was asked for plain text.
pub(crate) fn packed_as(response: &reqwest::Response) -> Option<String> {
    let coding = response.headers().get(CONTENT_ENCODING)?.to_str().unwrap_or("something odd");
    (!coding.eq_ignore_ascii_case("identity")).then(|| crate::claims::one_line(coding, 50))
}

/// Without the query.
pub(crate) fn bare(url: &reqwest::Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.into()
}
