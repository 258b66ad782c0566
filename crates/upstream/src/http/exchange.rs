//! One HTTP exchange with an upstream.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HOST};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{Either, Full};
use kernel::{Clock, SecureRandom};

use super::backend::Backend;
use super::circuit::Change;
use super::coding::{self, ForeignCoding, Unpacked};

use super::health::Check;
use super::long_lived::{self, LongLivedBody};
use super::pool::{Pool, PoolError, PooledBody};
use crate::{ConfigError, Limits, UpstreamAuth, UpstreamConfig};

/// An upstream, with all its addresses.
pub struct HttpUpstream {
    pub(super) name: String,
    pub(super) backends: Box<[Backend]>,
    pub(super) pool: Pool,
    pub(super) check: Check,
    pub(super) clock: Arc<dyn Clock>,
    /// The configured credential.
    credential: Option<(HeaderName, HeaderValue)>,
    response_timeout: Duration,
    idle_timeout: Option<Duration>,
    random: Arc<dyn SecureRandom>,
    /// Whose turn is next.
    turn: AtomicUsize,
}

/// What is to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// POST for a message, GET for a stream, DELETE for the end of a session.
    pub method: Method,
    /// Complete but for `Host` and the configured credential, which [`HttpUpstream::send`] adds.
    pub headers: HeaderMap,
    /// The message, or nothing.
    pub body: Bytes,
    /// The one address that will do: a session stays where it was opened.
    pub backend: Option<BackendId>,
    /// Another path than the configured one: a server of 2024-11-05 names where messages go.
    pub path: Option<PathAndQuery>,
    /// Whether the answer is a stream that waits for news.
    pub standing: bool,
}

/// What an upstream sends, over a connection of the pool or one of its own.
pub(super) type Raw = Either<PooledBody, Box<LongLivedBody>>;

/// The same in plain bytes.
pub type Incoming = Either<Raw, Box<Unpacked>>;

/// The head of an answer, and who gave it.
pub struct Sent {
    /// Its body has not been read.
    pub response: Response<Incoming>,
    /// The address that answered.
    pub backend: BackendId,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// Nothing was executed: no connection, nobody well, or the circuit is open.
    Away,
    /// The connection failed after the request may have been read.
    Broken,
    /// No answer in time; the request may have been read.
    Timeout,
    /// The answer is compressed in a way that is not read here.
    Compressed(ForeignCoding),
}

/// One address of a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BackendId(pub u16);

/// What upstreams are asked to send: what has to be filtered has to be read first.
pub(super) const PLAIN: HeaderValue = HeaderValue::from_static("identity");

/// Why there is no answer, for us and for the log.
type Failed = (SendError, Box<dyn std::error::Error + Send + Sync>);

/// The addresses that were tried for one request.
#[derive(Clone, Copy, Default)]
struct Tried(u64);

impl HttpUpstream {
    pub(crate) fn new(
        config: &UpstreamConfig,
        limits: &Limits,
        clock: &Arc<dyn Clock>,
        random: &Arc<dyn SecureRandom>,
    ) -> Result<Self, ConfigError> {
        let http = &config.http;
        let connect_timeout = http.connect_timeout.unwrap_or(limits.connect_timeout);
        let pool = if let Some(path) = &http.unix {
            Pool::unix(connect_timeout, path)
        } else {
            let secure = config.addresses().any(|uri| uri.scheme_str() == Some("https"));
            Pool::web(connect_timeout, secure, &http.ca).map_err(ConfigError::Tls)?
        };
        let backends = config.addresses().cloned().map(Backend::new).collect::<Option<_>>();
        Ok(Self {
            name: config.name.clone(),
            backends: backends.ok_or_else(|| unsendable(config, "upstream"))?,
            pool,
            check: Check::new(http),
            credential: credential(config)?,
            response_timeout: http.response_timeout.unwrap_or(limits.first_byte_timeout),
            idle_timeout: http.idle_timeout,
            clock: Arc::clone(clock),
            random: Arc::clone(random),
            turn: AtomicUsize::new(0),
        })
    }

    /// How many addresses there are.
    pub fn address_count(&self) -> usize {
        self.backends.len()
    }

    /// One of its addresses.
    pub(crate) fn address(&self, id: BackendId) -> Option<&Uri> {
        self.backends.get(usize::from(id.0)).map(|backend| &backend.uri)
    }

    /// Closes connections that nobody used for long.
    pub(crate) fn sweep(&self) {
        self.pool.sweep();
    }

    /// How long the head of an answer may take, and anything else that has to be read whole.
    pub fn response_timeout(&self) -> Duration {
        self.response_timeout
    }

    /// How long an answer may pause.
    pub fn idle_timeout(&self) -> Option<Duration> {
        self.idle_timeout
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// Dropping the future, or later the body, closes the connection: that is how a client that
    /// goes away is noticed there (MCP 2026-07-28, "Cancellation").
    pub async fn send(&self, outgoing: Outgoing) -> Result<Sent, SendError> {
        let answered = async {
            match &*self.backends {
                [_] => self.send_to_the_one(outgoing).await,
                _ => Box::pin(self.send_to_any(outgoing)).await,
            }
        };
        // Pinned here, because it is large and moving it would cost more than the limit itself.
        let answered = tokio::time::timeout(self.response_timeout, pin!(answered)).await;
        answered.unwrap_or_else(|_| {
            tracing::warn!(server.name = %self.name, "mcp.upstream.timeout");
            Err(SendError::Timeout)
        })
    }

    async fn send_to_the_one(&self, outgoing: Outgoing) -> Result<Sent, SendError> {
        let one = BackendId(0);
        match outgoing.backend {
            None | Some(BackendId(0)) if self.backends[0].admits(|| self.clock.now()) => {
                self.attempt(one, outgoing).await
            }
            _ => Err(SendError::Away),
        }
    }

    /// A connection that was not made carried nothing, so the request may go elsewhere.
    async fn send_to_any(&self, mut outgoing: Outgoing) -> Result<Sent, SendError> {
        let mut tried = Tried::default();
        loop {
            let id = self.choose(outgoing.backend, tried).ok_or(SendError::Away)?;
            tried.note(id);
            let again = outgoing.backend.is_none().then(|| outgoing.clone());
            match (self.attempt(id, outgoing).await, again) {
                (Err(SendError::Away), Some(again)) => outgoing = again,
                (answered, _) => return answered,
            }
        }
    }

    /// The next one that is well, in turn; a session's own, if that is.
    fn choose(&self, pinned: Option<BackendId>, tried: Tried) -> Option<BackendId> {
        let usable = |id: &BackendId| {
            let backend = self.backends.get(usize::from(id.0));
            !tried.has(*id) && backend.is_some_and(|backend| backend.admits(|| self.clock.now()))
        };
        if pinned.is_some() {
            return pinned.filter(usable);
        }
        let (turn, count) = (self.turn.fetch_add(1, Ordering::Relaxed), self.backends.len());
        let position = |step: usize| u16::try_from(turn.wrapping_add(step) % count).ok();
        (0..count).filter_map(position).map(BackendId).find(usable)
    }

    async fn attempt(&self, id: BackendId, outgoing: Outgoing) -> Result<Sent, SendError> {
        let backend = self.backends.get(usize::from(id.0)).ok_or(SendError::Away)?;
        let standing = outgoing.standing;
        let mut request = Request::new(outgoing.body);
        *request.method_mut() = outgoing.method;
        *request.uri_mut() =
            outgoing.path.map_or_else(|| backend.uri.clone(), |path| at(&backend.uri, path));
        *request.headers_mut() = outgoing.headers;
        let headers = request.headers_mut();
        headers.insert(HOST, backend.host.clone());
        headers.insert(ACCEPT_ENCODING, PLAIN);
        if let Some((name, value)) = &self.credential {
            headers.insert(name, value.clone());
        }
        let answered =
            if standing { Box::pin(self.stand(request)).await } else { self.pooled(request).await };
        let answered = answered.and_then(|response| {
            let unread =
                |coding: ForeignCoding| (SendError::Compressed(coding), coding.message().into());
            coding::plain(response).map_err(unread)
        });
        let answered = answered.map_err(|(failure, error)| {
            tracing::warn!(server.name = %self.name, backend = id.0, ?error, "mcp.upstream.failed");
            failure
        });
        match answered {
            Err(SendError::Away) => self.note_unreachable(id),
            _ => self.note_reachable(id),
        }
        answered.map(|response| Sent { response, backend: id })
    }

    async fn pooled(&self, request: Request<Bytes>) -> Result<Response<Raw>, Failed> {
        let answered = self.pool.request(request.map(Full::new)).await;
        answered.map(|response| response.map(Either::Left)).map_err(|error| match error {
            PoolError::Away(error) => (SendError::Away, error),
            PoolError::Broken(error) => (SendError::Broken, error),
        })
    }

    async fn stand(&self, request: Request<Bytes>) -> Result<Response<Raw>, Failed> {
        let connection = self.pool.connect(request.uri().clone()).await;
        let connection = connection.map_err(|error| (SendError::Away, error))?;
        let answered = long_lived::exchange(connection, request).await;
        let response = answered.map_err(|error| (SendError::Broken, error))?;
        Ok(response.map(|body| Either::Right(Box::new(body))))
    }

    /// A connection was made there.
    pub(super) fn note_reachable(&self, id: BackendId) {
        let backend = self.backends.get(usize::from(id.0));
        if backend.is_some_and(|backend| backend.circuit.succeeded() == Change::Closed) {
            tracing::info!(server.name = %self.name, backend = id.0, "mcp.upstream.back");
        }
    }

    /// No connection was made there.
    pub(super) fn note_unreachable(&self, id: BackendId) {
        let (now, random) = (self.clock.now(), &*self.random);
        let backend = self.backends.get(usize::from(id.0));
        if backend.is_some_and(|backend| backend.circuit.failed(now, random) == Change::Opened) {
            tracing::warn!(server.name = %self.name, backend = id.0, "mcp.upstream.away");
        }
    }
}

impl Tried {
    fn note(&mut self, id: BackendId) {
        self.0 |= 1_u64.checked_shl(id.0.into()).unwrap_or(0);
    }

    fn has(self, id: BackendId) -> bool {
        self.0 & 1_u64.checked_shl(id.0.into()).unwrap_or(u64::MAX) != 0
    }
}

fn at(uri: &Uri, path: PathAndQuery) -> Uri {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path);
    // An absolute URI stays one with any path.
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

fn credential(config: &UpstreamConfig) -> Result<Option<(HeaderName, HeaderValue)>, ConfigError> {
    let UpstreamAuth::Header { name, value } = &config.auth else {
        return Ok(None);
    };
    let mut value =
        HeaderValue::from_str(value.reveal()).map_err(|_| unsendable(config, "upstream_auth"))?;
    value.set_sensitive(true);
    Ok(Some((name.clone(), value)))
}

fn unsendable(config: &UpstreamConfig, what: &'static str) -> ConfigError {
    ConfigError::Header { server: config.name.clone(), what }
}
