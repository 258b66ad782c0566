//! Answers that are made here and not by an upstream.

pub(crate) mod body;
pub(crate) mod failure;
pub(crate) mod in_flight;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt as _;
use protocol::Scopes;
use protocol::jsonrpc::error_response;
use protocol::mcp;

use crate::reply::body::Body;

/// An answer that ends the request early. Boxed, since it is rare and large.
pub(crate) struct Refused(Box<Response<Body>>);

/// The outcome of a step that may answer the request itself.
pub(crate) type Answer = Result<Response<Body>, Refused>;

/// `X-Content-Type-Options`.
pub(crate) const NOSNIFF: HeaderName = http::header::X_CONTENT_TYPE_OPTIONS;

const JSON: HeaderValue = HeaderValue::from_static(mcp::JSON);
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const RETRY_SOON: HeaderValue = HeaderValue::from_static("5");

/// A JSON-RPC error: `id` as it was written in the request.
#[derive(Clone, Copy)]
pub(crate) struct Fault<'a> {
    /// The HTTP status that carries it.
    pub(crate) status: StatusCode,
    /// The JSON-RPC code.
    pub(crate) code: i32,
    /// The sentence.
    pub(crate) message: &'a str,
}

impl Refused {
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status()
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        *self.0
    }

    /// The same with a challenge.
    pub(crate) fn challenging(mut self, challenge: HeaderValue) -> Self {
        self.0.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        self
    }

    /// The same with a hint to come back.
    pub(crate) fn retry_soon(mut self) -> Self {
        self.0.headers_mut().insert(RETRY_AFTER, RETRY_SOON);
        self
    }

    /// The same with the methods that are served.
    pub(crate) fn allowing(mut self, methods: &'static str) -> Self {
        self.0.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
        self
    }
}

/// The scopes for want of which something was refused.
#[derive(Clone, Copy)]
struct Needed(Scopes);

impl Refused {
    /// The same, remembering which scopes would have done.
    pub(crate) fn needing(mut self, scopes: Scopes) -> Self {
        self.0.extensions_mut().insert(Needed(scopes));
        self
    }

    /// Which scopes would have done, if that was all that is missing.
    pub(crate) fn needed(&self) -> Option<Scopes> {
        self.0.extensions().get().map(|Needed(scopes)| *scopes)
    }

    /// The error alone, to be part of another answer.
    pub(crate) async fn into_text(self) -> Bytes {
        let collected = self.0.into_body().collect().await;
        collected.map(http_body_util::Collected::to_bytes).unwrap_or_default()
    }
}

impl From<Response<Body>> for Refused {
    fn from(response: Response<Body>) -> Self {
        Self(Box::new(response))
    }
}

impl Fault<'_> {
    pub(crate) fn for_id(self, id: Option<&str>) -> Refused {
        let text = error_response(id, self.code, self.message, None);
        json(self.status, text.into()).into()
    }
}

/// JSON that nobody may keep.
pub(crate) fn json(status: StatusCode, bytes: Bytes) -> Response<Body> {
    json_body(status, Body::ready(bytes))
}

/// The same for any body that is JSON.
pub(crate) fn json_body(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(NOSNIFF, HeaderValue::from_static("nosniff"));
    response
}

/// Nothing but a status.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
