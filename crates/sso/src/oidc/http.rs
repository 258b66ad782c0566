//! Asking the provider over HTTP. Every failure here is weather: it says precisely what happened,
//! for the operator's log, and nothing secret (URLs without their query, no bodies).

use std::time::Duration;

use reqwest::header::{ACCEPT, CACHE_CONTROL, DATE};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::network::{bare, packed_as, why};
use crate::provider::ProviderError;

/// What came back, whatever its status.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// The provider's clock, in seconds since the epoch.
    pub(super) date: Option<i64>,
    /// Seconds for which the answer may be kept, if it says so.
    pub(super) max_age: Option<i64>,
    pub(super) content_type: String,
    body: Vec<u8>,
    from: String,
}

/// The largest answer that is read.
const MAX_BODY: usize = 1 << 20;

/// Sends a request and reads the answer to its end.
pub(super) async fn send(request: RequestBuilder) -> Result<Answer, ProviderError> {
    let response = request.header(ACCEPT, "application/json").send().await;
    let mut response = response.map_err(|error| away(&error))?;
    if let Some(coding) = packed_as(&response) {
        return Err(unavailable(format!("{} answered in the encoding {coding}", place(&response))));
    }
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let mut answer = Answer {
        status: response.status(),
        date: header(DATE).and_then(seconds_of),
        max_age: header(CACHE_CONTROL).and_then(max_age_of),
        content_type: header(reqwest::header::CONTENT_TYPE).unwrap_or_default().to_owned(),
        body: Vec::new(),
        from: place(&response),
    };
    while let Some(chunk) = response.chunk().await.map_err(|error| away(&error))? {
        if answer.body.len() + chunk.len() > MAX_BODY {
            return Err(unavailable(format!("{} answered more than 1 MiB", answer.from)));
        }
        answer.body.extend_from_slice(&chunk);
    }
    Ok(answer)
}

/// Sends a request whose only good answer is 200 with JSON.
pub(super) async fn json<T: DeserializeOwned>(
    request: RequestBuilder,
) -> Result<(T, Answer), ProviderError> {
    let answer = send(request).await?;
    if answer.status != StatusCode::OK {
        return Err(answer.is_unexpected());
    }
    Ok((answer.json()?, answer))
}

impl Answer {
    /// The body as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ProviderError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // The error itself may quote what was sent.
            let (line, column) = (error.line(), error.column());
            let kind = match error.classify() {
                serde_json::error::Category::Data => "JSON that is not what was expected",
                _ => "what is not JSON",
            };
            let (status, from) = (self.status.as_u16(), &self.from);
            unavailable(format!("{from} answered {status} with {kind} (line {line}:{column})"))
        })
    }

    /// The error for a status that does not help.
    pub(super) fn is_unexpected(&self) -> ProviderError {
        unavailable(self.unexpected())
    }

    /// Who answered with which status.
    pub(super) fn unexpected(&self) -> String {
        let hint = match self.status.as_u16() {
            300..=399 => "; redirects are not followed",
            404 => "; is the address right?",
            _ => "",
        };
        format!("{} answered {}{hint}", self.from, self.status.as_u16())
    }
}

pub(super) fn unavailable(detail: impl Into<String>) -> ProviderError {
    ProviderError::Unavailable(detail.into())
}

fn away(error: &reqwest::Error) -> ProviderError {
    ProviderError::Unavailable(why(error))
}

fn place(response: &Response) -> String {
    bare(response.url())
}

fn seconds_of(date: &str) -> Option<i64> {
    let date = httpdate::parse_http_date(date).ok()?;
    let since_epoch: Duration = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since_epoch.as_secs()).ok()
}

/// RFC 9111 §5.2.2: the lifetime in seconds; zero if the answer is not to be kept.
fn max_age_of(cache_control: &str) -> Option<i64> {
    let mut directives = cache_control.split(',').map(|part| part.trim().to_ascii_lowercase());
    directives.find_map(|directive| match directive.as_str() {
        "no-store" | "no-cache" => Some(0),
        other => other.strip_prefix("max-age=")?.trim_matches('"').parse().ok(),
    })
}
