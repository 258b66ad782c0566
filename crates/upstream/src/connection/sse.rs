//! An upstream of 2024-11-05: a standing GET gives the address for POSTs, and everything that
//! the server says (D-62).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use protocol::mcp::{ENDPOINT_EVENT, EVENT_STREAM, JSON};
use tokio::sync::Semaphore;
use url::Url;

use super::pipe::{Core, End, Manner, Pipe, Wire};
use super::{Caller, ConnectionError};
use crate::Upstream;
use crate::http::{BackendId, Incoming, Outgoing, Sent};
use crate::wire::Era;
use crate::wire::reader::Reader;

/// How long the first event, the address, may take.
const ADDRESS: Duration = Duration::from_secs(30);
/// How long a stream stays that nobody needs.
const IDLE: Duration = Duration::from_mins(10);
/// Small messages of our own that are on their way at the same time.
const HINTS: usize = 8;

/// Opens a stream for this caller. When it ends, so does the pipe.
pub(crate) async fn open(
    upstream: &Arc<Upstream>,
    caller: &Caller,
) -> Result<Pipe, ConnectionError> {
    let headers = headers_for(&Method::GET, caller);
    let opened = open_stream(upstream, headers, upstream.means.limits.message_bytes).await?;
    let Opened { reader, backend, path } = opened;
    let way = Way { upstream: Arc::clone(upstream), backend, path };
    let first_answer = upstream.http.response_timeout();
    let manner = Manner { era: Era::Legacy, everybody: false, first_answer };
    let wire = Posts { way: Arc::new(way), opener: caller.clone(), hints: hints() };
    let core = Core::new(upstream, Box::new(wire), manner);
    tokio::spawn(read(Arc::clone(&core), reader));
    Ok(Pipe::new(core))
}

/// A stream that stands, and where its server wants messages.
pub(crate) struct Opened {
    /// What the server says.
    pub(crate) reader: Reader,
    /// The address that opened it, where messages go, too.
    pub(crate) backend: BackendId,
    /// The path to which they are posted.
    pub(crate) path: Option<PathAndQuery>,
}

/// Opens a stream under these headers, up to the address that it names. `limit` is for one event.
pub(crate) async fn open_stream(
    upstream: &Upstream,
    headers: HeaderMap,
    limit: usize,
) -> Result<Opened, ConnectionError> {
    let (method, body) = (Method::GET, Bytes::new());
    let outgoing = Outgoing { method, headers, body, backend: None, path: None, standing: true };
    let Sent { response, backend } = upstream.http.send(outgoing).await?;
    let mut reader = Reader::new(stream(response)?, limit);
    let address = tokio::time::timeout(ADDRESS, address(&mut reader)).await;
    let address = address.unwrap_or(Err(ConnectionError::Timeout))?;
    let configured = upstream.http.address(backend).ok_or(ConnectionError::Away)?;
    let target = within_origin(configured, &address).map_err(|Elsewhere { here, named }| {
        tracing::warn!(server.name = %upstream.name, configured = %here, %named, "mcp.sse.elsewhere");
        ConnectionError::Elsewhere
    })?;
    Ok(Opened { reader, backend, path: target.path_and_query().cloned() })
}

/// Takes in what the server says.
async fn read(core: Arc<Core>, mut reader: Reader) {
    let end = loop {
        let event = tokio::select! {
            () = core.ended() => return,
            () = core.idle_for(IDLE) => break End::Unneeded,
            event = reader.next() => event,
        };
        match event {
            Ok(Some(event)) => {
                if let Some(message) = event.message()
                    && core.take_in(message.into()).await.is_err()
                {
                    break End::CutOff;
                }
            }
            Ok(None) => break End::Gone,
            Err(_) => break End::CutOff,
        }
    };
    core.shut(end);
}

/// What the first event says.
async fn address(reader: &mut Reader) -> Result<String, ConnectionError> {
    loop {
        let event = reader.next().await.map_err(|_| ConnectionError::Broken)?;
        let event = event.ok_or(ConnectionError::Broken)?;
        if let Some(data) = event.named(ENDPOINT_EVENT.as_bytes()) {
            return String::from_utf8(data).map_err(|_| ConnectionError::Garbled);
        }
        if event.message().is_some() {
            return Err(ConnectionError::Garbled);
        }
    }
}

/// The address may be relative. Elsewhere than at the configured origin it would take messages
/// and our credential to a place that nobody configured (G-32).
fn within_origin(configured: &Uri, unverified: &str) -> Result<Uri, Elsewhere> {
    let origin = |url: Option<&Url>| {
        let origin = url.map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        origin.chars().take(LOGGED).collect()
    };
    let configured = Url::parse(&configured.to_string()).ok();
    let address = configured.as_ref().and_then(|base| base.join(unverified.trim()).ok());
    let here = configured.as_ref().map(Url::origin);
    let same = |address: &Url| {
        let plain = address.username().is_empty() && address.password().is_none();
        plain && Some(address.origin()) == here
    };
    let elsewhere =
        Elsewhere { here: origin(configured.as_ref()), named: origin(address.as_ref()) };
    let mut address = address.filter(same).ok_or(elsewhere)?;
    address.set_fragment(None);
    // An address that is one to one library and none to the other is none.
    let named = origin(Some(&address));
    address.as_str().parse().map_err(|_| Elsewhere { here: origin(configured.as_ref()), named })
}

/// The address that a server named is none at its own origin.
#[derive(Debug, PartialEq, Eq)]
struct Elsewhere {
    here: String,
    named: String,
}

/// How much of an origin is logged.
const LOGGED: usize = 200;

fn stream(response: Response<Incoming>) -> Result<Incoming, ConnectionError> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let events = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match response.status() {
        StatusCode::OK if events.eq_ignore_ascii_case(EVENT_STREAM) => Ok(response.into_body()),
        StatusCode::OK => Err(ConnectionError::Garbled),
        status => Err(ConnectionError::Refused(status)),
    }
}

/// Where messages go: the address that opened the stream, and the path that it named.
struct Way {
    upstream: Arc<Upstream>,
    backend: BackendId,
    path: Option<PathAndQuery>,
}

impl Way {
    async fn post(&self, caller: &Caller, text: String) -> Result<(), ConnectionError> {
        let outgoing = Outgoing {
            method: Method::POST,
            headers: headers_for(&Method::POST, caller),
            body: text.into(),
            backend: Some(self.backend),
            path: self.path.clone(),
            standing: false,
        };
        match self.upstream.http.send(outgoing).await?.response.status() {
            status if status.is_success() => Ok(()),
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(ConnectionError::SessionGone),
            status => Err(ConnectionError::Refused(status)),
        }
    }
}

fn headers_for(method: &Method, caller: &Caller) -> HeaderMap {
    let mut headers = caller.headers.clone();
    if *method == Method::POST {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    } else {
        headers.insert(ACCEPT, HeaderValue::from_static(EVENT_STREAM));
    }
    for (name, value) in &*caller.identity {
        headers.insert(name, value.clone());
    }
    headers
}

/// Messages leave as POSTs; what comes back on them says nothing but whether they arrived.
struct Posts {
    way: Arc<Way>,
    opener: Caller,
    hints: Arc<Semaphore>,
}

fn hints() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(HINTS))
}

impl Wire for Posts {
    fn send<'a>(
        &'a self,
        caller: &'a Caller,
        text: String,
    ) -> BoxFuture<'a, Result<(), ConnectionError>> {
        Box::pin(self.way.post(caller, text))
    }

    fn hint(&self, text: String) {
        if let Ok(place) = Arc::clone(&self.hints).try_acquire_owned() {
            let (way, opener) = (Arc::clone(&self.way), self.opener.clone());
            tokio::spawn(async move {
                let _ = way.post(&opener, text).await;
                drop(place);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// G-32: the address that a server names stays at its own origin.
    #[test]
    fn g_32_the_address_stays_at_its_origin() {
        let configured = Uri::from_static("http://127.0.0.1:9000/base/sse");
        let address = |text| within_origin(&configured, text).ok().map(|uri| uri.to_string());
        let at = |path: &str| Some(format!("http://127.0.0.1:9000{path}"));
        assert_eq!(address("/messages?s=1"), at("/messages?s=1"));
        assert_eq!(address("messages#x"), at("/base/messages"));
        assert_eq!(address("?s=1"), at("/base/sse?s=1"));
        assert_eq!(address("http://127.0.0.1:9000/m"), at("/m"));
        for elsewhere in [
            "http://127.0.0.1:9001/m",
            "https://127.0.0.1:9000/m",
            "//evil.example/m",
            "http://user@127.0.0.1:9000/m",
            "javascript:alert(1)",
            "http://",
        ] {
            assert_eq!(address(elsewhere), None, "{elsewhere}");
        }
        // Both are named in the log, and nothing of a path or a query, where secrets may be.
        let refused = within_origin(&configured, "https://mcp.example:8443/m?key=secret").err();
        let (here, named) = ("http://127.0.0.1:9000", "https://mcp.example:8443");
        assert_eq!(refused, Some(Elsewhere { here: here.to_owned(), named: named.to_owned() }));
    }
}
