//! An HTTP answer, read to its end.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// An HTTP answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; what is not UTF-8 in it is replaced.
    pub body: String,
}

impl Answer {
    /// The answer to a request.
    pub async fn to(request: reqwest::RequestBuilder) -> Self {
        Self::try_to(request).await.expect("an answer")
    }

    /// The answer to a request that may find nobody, as while a server stops.
    pub async fn try_to(request: reqwest::RequestBuilder) -> Result<Self, reqwest::Error> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = response.bytes().await?;
        Ok(Self { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
    }

    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("not JSON ({error}): {} {}", self.status, self.body),
        }
    }

    /// The JSON-RPC message in the answer: the body, or the last event of a stream.
    #[track_caller]
    pub fn message(&self) -> Value {
        let is_stream =
            self.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
        if !is_stream {
            return self.json();
        }
        let data = self
            .body
            .lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .map(str::trim)
            .rfind(|data| !data.is_empty());
        serde_json::from_str(data.expect("an event with data")).expect("a message")
    }

    /// Checks that this is an RFC 6749 §5.2 error: status, code, JSON, never cached, and a
    /// description within the grammar (OA-4, TK-2).
    #[track_caller]
    pub fn refuses(&self, status: u16, code: &str) {
        let shown = format!("{} {}", self.status, self.body);
        assert_eq!(self.status, status, "{shown}");
        let json = self.json();
        assert_eq!(json["error"], code, "{shown}");
        assert_eq!(self.header("content-type"), Some("application/json"), "{shown}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{shown}");
        let description = json["error_description"].as_str().unwrap_or_default();
        let allowed = |c: char| matches!(c, '\x20'..='\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E');
        assert!(!description.is_empty() && description.chars().all(allowed), "{shown}");
    }

    /// Checks that this is a page of our own that leads nowhere: a 4xx without `Location`.
    #[track_caller]
    pub fn is_local_error(&self) {
        assert!((400..500).contains(&self.status), "{} {}", self.status, self.body);
        self.is_page_of_ours();
    }

    /// Checks that this is a page in place of a redirect: 200, since fastmcp takes 400 for "unknown
    /// client" and other codes for a broken server.
    #[track_caller]
    pub fn is_interstitial(&self) {
        assert_eq!(self.status, 200, "{}", self.body);
        self.is_page_of_ours();
    }

    #[track_caller]
    fn is_page_of_ours(&self) {
        assert_eq!(self.header("location"), None, "{}", self.body);
        assert!(
            self.header("content-type").is_some_and(|kind| kind.starts_with("text/html")),
            "{:?}",
            self.headers
        );
    }
}
