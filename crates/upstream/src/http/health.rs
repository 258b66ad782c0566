//! Whether the upstreams are well: looked at in the background, and asked for by `/ready`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::header::{ACCEPT_ENCODING, HOST};
use http::uri::PathAndQuery;
use http::{Request, Uri};
use http_body_util::Full;
use tokio::net::{TcpStream, UnixStream};
use tokio_util::sync::CancellationToken;

use super::backend::Backend;
use super::exchange::{BackendId, HttpUpstream, PLAIN};
use super::pool::PoolError;
use crate::Upstream;
use crate::wire::whole;
use crate::{HttpConfig, Transport};

/// How a server is looked at.
pub(crate) struct Check {
    interval: Duration,
    /// A page that answers below 400 while the server is well; without one, a connection will do.
    page: Option<PathAndQuery>,
    unix: Option<PathBuf>,
}

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    Well,
    Unreachable,
    /// It answered, and said that it is not well.
    Sick,
}

const TIME_LIMIT: Duration = Duration::from_secs(2);
const MAX_PAGE: usize = 64 << 10;

/// Looks at every upstream again and again until `shutdown` is cancelled.
pub async fn run(upstreams: &[Arc<Upstream>], shutdown: CancellationToken) {
    // A child process is not reached over HTTP.
    let over_http =
        upstreams.iter().filter(|upstream| !matches!(upstream.transport, Transport::Stdio(_)));
    let looking = join_all(over_http.map(|upstream| upstream.http.keep_looking()));
    tokio::select! {
        _ = looking => {}
        () = shutdown.cancelled() => {}
    }
}

impl Check {
    pub(crate) fn new(config: &HttpConfig) -> Self {
        let page = config.health_path.parse().ok().filter(|_| !config.health_path.is_empty());
        Self { interval: config.health_interval, page, unix: config.unix.clone() }
    }
}

impl HttpUpstream {
    /// Whether anything can be sent: from what the last look found, or else from a new one.
    pub async fn is_ready(&self) -> bool {
        let (now, age) = (self.clock.now(), self.check.interval * 2);
        if self.backends.iter().any(|backend| backend.is_well(now, age)) {
            return true;
        }
        self.look().await
    }

    async fn keep_looking(&self) {
        loop {
            self.look().await;
            tokio::time::sleep(self.check.interval).await;
        }
    }

    /// Looks at every address at once, and says whether one of them is well.
    async fn look(&self) -> bool {
        let looks = self.backends.iter().enumerate().map(|(position, backend)| async move {
            let id = BackendId(u16::try_from(position).unwrap_or(u16::MAX));
            self.take_in(id, backend, self.examine(backend).await)
        });
        join_all(looks).await.into_iter().any(|well| well)
    }

    fn take_in(&self, id: BackendId, backend: &Backend, finding: Finding) -> bool {
        match finding {
            Finding::Well => {
                backend.note_well(self.clock.now());
                self.note_reachable(id);
            }
            // Requests may still try, after the waits of the circuit: they are sooner than we.
            Finding::Unreachable => {
                let _ = backend.note_unwell(false);
                self.note_unreachable(id);
            }
            Finding::Sick => {
                if backend.note_unwell(true) {
                    tracing::warn!(server.name = %self.name, backend = id.0, "mcp.upstream.sick");
                }
            }
        }
        finding == Finding::Well
    }

    async fn examine(&self, backend: &Backend) -> Finding {
        let examined = async {
            match &self.check.page {
                None => self.reach(backend).await,
                Some(page) => self.read(backend, page).await,
            }
        };
        let late = if self.check.page.is_some() { Finding::Sick } else { Finding::Unreachable };
        tokio::time::timeout(TIME_LIMIT, examined).await.unwrap_or(late)
    }

    async fn reach(&self, backend: &Backend) -> Finding {
        let reached = match &self.check.unix {
            Some(path) => UnixStream::connect(path).await.is_ok(),
            None => match address(&backend.uri) {
                Some(address) => TcpStream::connect(address).await.is_ok(),
                None => false,
            },
        };
        if reached { Finding::Well } else { Finding::Unreachable }
    }

    /// The credential is for the MCP endpoint only, so the page is asked without it.
    async fn read(&self, backend: &Backend, page: &PathAndQuery) -> Finding {
        let Some(uri) = backend.at(page) else {
            return Finding::Unreachable;
        };
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.uri_mut() = uri;
        request.headers_mut().insert(HOST, backend.host.clone());
        request.headers_mut().insert(ACCEPT_ENCODING, PLAIN);
        let response = match self.pool.request(request).await {
            Ok(response) => response,
            Err(PoolError::Away(_)) => return Finding::Unreachable,
            Err(_) => return Finding::Sick,
        };
        let well = (200..400).contains(&response.status().as_u16());
        // Read to its end, so that the connection can be used again; what it says does not matter.
        let _ = whole(response.into_body(), MAX_PAGE).await;
        if well { Finding::Well } else { Finding::Sick }
    }
}

fn address(uri: &Uri) -> Option<(&str, u16)> {
    let https = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
    Some((uri.host()?.trim_start_matches('[').trim_end_matches(']'), port))
}
