//! Where a deployment is, as the outside world knows it.

use std::time::Duration;

use reqwest::header::HeaderMap;

use crate::answer::Answer;

/// Does once what the binary does before anything else: HTTP clients, ours and the deployment's,
/// need a TLS provider even where only plain http is spoken.
pub fn prepare() {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
}

/// The URLs of a deployment, and an HTTP client that does nothing of its own accord.
#[derive(Clone, Debug)]
pub struct Place {
    /// The issuer, without a trailing slash.
    pub issuer: String,
    /// The MCP endpoint that people paste; the default server's resource.
    pub mcp: String,
    /// Follows no redirects and keeps no cookies.
    pub http: reqwest::Client,
}

impl Place {
    /// A place at these URLs.
    pub fn new(issuer: &str, mcp: &str) -> Self {
        prepare();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()
            .expect("an HTTP client");
        Self { issuer: issuer.to_owned(), mcp: mcp.to_owned(), http }
    }

    /// Scheme, host and port of the issuer.
    pub fn origin(&self) -> String {
        url::Url::parse(&self.issuer).expect("an issuer URL").origin().ascii_serialization()
    }

    /// An absolute URL below the issuer.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// Fetches a URL.
    pub async fn get(&self, url: &str) -> Answer {
        self.get_with(url, HeaderMap::new()).await
    }

    /// Fetches a URL with more headers.
    pub async fn get_with(&self, url: &str, headers: HeaderMap) -> Answer {
        Answer::to(self.http.get(url).headers(headers)).await
    }

    /// Sends a request with any method and without a body.
    pub async fn send(&self, method: &str, url: &str) -> Answer {
        let method = method.parse().expect("an HTTP method");
        Answer::to(self.http.request(method, url)).await
    }

    /// Posts a body of any type.
    pub async fn post(&self, url: &str, content_type: &str, body: impl Into<String>) -> Answer {
        let request = self.http.post(url).header("content-type", content_type);
        Answer::to(request.body(body.into())).await
    }

    /// Posts a form.
    pub async fn post_form(&self, url: &str, params: &[(&str, &str)]) -> Answer {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        self.post(url, "application/x-www-form-urlencoded", body).await
    }

    /// Posts a client metadata document to the registration endpoint.
    pub async fn register(&self, metadata: &serde_json::Value) -> Answer {
        let url = self.at("/register");
        self.post(&url, "application/json", metadata.to_string()).await
    }
}
