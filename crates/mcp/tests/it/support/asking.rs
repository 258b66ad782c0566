//! Requests as clients send them, and answers as they see them.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use mcp::Body;
use serde_json::Value;

use super::SOON;

/// A request in the making.
#[derive(Clone)]
pub(crate) struct Ask {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A stream as its client sees it, with `*` for each sealed id of an event.
pub(crate) fn without_ids(stream: &str) -> String {
    let lines = stream.split_inclusive('\n').map(|line| match line.strip_prefix("id: ") {
        Some(id) if id.len() > 38 => format!("id: *{}", &id[id.trim_end().len()..]),
        _ => line.to_owned(),
    });
    lines.collect()
}

/// The id of the first event in an answer, as its client knows it.
pub(crate) fn event_id(answer: &Answer) -> String {
    let mut lines = text(&answer.body).lines();
    lines.find_map(|line| line.strip_prefix("id: ")).expect("an event with an id").to_owned()
}

/// A POST of this text.
pub(crate) fn post(body: &str) -> Ask {
    Ask::new(Method::POST, "/mcp")
        .body(body)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
}

/// A GET of a path.
pub(crate) fn get(path: &str) -> Ask {
    Ask::new(Method::GET, path)
}

/// A legacy request of this method and these parameters.
pub(crate) fn legacy(method: &str, params: &Value) -> Ask {
    let body = serde_json::json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    post(&body.to_string()).header("mcp-protocol-version", "2025-11-25")
}

/// A 2026-07-28 request of this method and these parameters, with every header that it needs.
pub(crate) fn modern(method: &str, params: &Value) -> Ask {
    let mut params = params.clone();
    params["_meta"] = serde_json::json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let body = serde_json::json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    let ask = post(&body.to_string())
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method);
    match params.get("name").or(params.get("uri")).and_then(Value::as_str) {
        Some(name) => ask.header("mcp-name", name),
        None => ask,
    }
}

impl Ask {
    pub(crate) fn new(method: Method, path: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("gate.example"));
        Self { method, path: path.to_owned(), headers, body: Bytes::new() }
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Adds a header beside those that are there.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.headers.append(name, HeaderValue::from_str(value).unwrap());
        self
    }

    pub(crate) fn names(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// Replaces a header.
    pub(crate) fn instead(mut self, name: &str, value: &str) -> Self {
        self.headers.remove(name);
        self.header(name, value)
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        self.body = Bytes::copy_from_slice(body.as_bytes());
        self
    }

    pub(crate) fn at(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    pub(crate) fn build(self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.path.parse().unwrap();
        *request.headers_mut() = self.headers;
        request
    }
}

impl Answer {
    pub(crate) async fn read(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let collected = tokio::time::timeout(SOON, body.collect()).await.unwrap();
        let body = collected.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Self { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) fn json(&self) -> Value {
        parse(&self.body)
    }

    /// The JSON-RPC error code.
    pub(crate) fn code(&self) -> i64 {
        self.json()["error"]["code"].as_i64().unwrap()
    }

    /// The challenge; the empty string without one.
    pub(crate) fn challenge(&self) -> &str {
        self.header("www-authenticate")
    }

    /// A header's value; the empty string without one.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The next piece of a streamed answer; `None` at its end.
pub(crate) async fn frame(body: &mut Body) -> Option<Result<Bytes, mcp::BodyError>> {
    let frame = tokio::time::timeout(SOON, body.frame()).await.expect("a frame comes soon");
    frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default()))
}
