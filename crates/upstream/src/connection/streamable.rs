//! Streamable HTTP to an upstream: each message is a POST, answered with JSON or with a
//! stream of events. One connection is one legacy session, or, in the modern revision, none.

mod answer;
mod headers;
mod notification_stream;
mod resume;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, Response, StatusCode};
use protocol::mcp::{SESSION_HEADER, method};
use tokio::runtime::Handle;
use tokio::sync::broadcast;

use super::{Caller, Connection, ConnectionError, Question, ResponseStream, ServerMessage};
use crate::Upstream;
use crate::http::{BackendId, Incoming, Outgoing};
use crate::wire::Era;
use crate::wire::headers::to_keep;
pub(crate) use answer::cancelled;
use notification_stream::NotificationStream;
pub use resume::Tail;

/// A connection over Streamable HTTP.
#[derive(Clone)]
pub(crate) struct HttpConnection(Arc<Inner>);

struct Inner {
    upstream: Arc<Upstream>,
    era: Era,
    /// The server's own session id, once `initialize` gave one.
    session: OnceLock<HeaderValue>,
    /// Which address of the server it is at.
    backend: OnceLock<BackendId>,
    /// The revision agreed on.
    version: OnceLock<HeaderValue>,
    standing: NotificationStream,
    closed: AtomicBool,
}

impl HttpConnection {
    /// A connection that is not connected yet: HTTP connects with each request.
    pub(crate) fn new(upstream: &Arc<Upstream>, era: Era) -> Self {
        Self(Arc::new(Inner {
            upstream: Arc::clone(upstream),
            era,
            session: OnceLock::new(),
            backend: OnceLock::new(),
            version: OnceLock::new(),
            standing: NotificationStream::new(),
            closed: AtomicBool::new(false),
        }))
    }

    async fn post(
        &self,
        caller: &Caller,
        question: Option<&Question>,
        text: String,
    ) -> Result<Response<Incoming>, ConnectionError> {
        let mut headers = headers::of(&self.0, caller);
        if let Some(question) = question {
            headers.extend(question.mirrors.iter().cloned());
        }
        let standing =
            question.is_some_and(|question| &*question.method == method::SUBSCRIPTIONS_LISTEN);
        self.send(Method::POST, headers, text.into(), standing).await
    }

    /// Opens a stream of what the server says unasked, or takes one up again.
    async fn get(&self, headers: http::HeaderMap) -> Result<Response<Incoming>, ConnectionError> {
        self.send(Method::GET, headers, Bytes::new(), true).await
    }

    async fn send(
        &self,
        method: Method,
        headers: http::HeaderMap,
        body: Bytes,
        standing: bool,
    ) -> Result<Response<Incoming>, ConnectionError> {
        let backend = self.0.backend.get().copied();
        let sent = self
            .0
            .upstream
            .http
            .send(Outgoing { method, headers, body, backend, path: None, standing })
            .await?;
        // A session is known only where it was opened.
        if self.0.era == Era::Legacy {
            self.0.backend.get_or_init(|| sent.backend);
        }
        Ok(sent.response)
    }
}

impl Connection for HttpConnection {
    fn ask<'a>(
        &'a self,
        caller: &'a Caller,
        question: Question,
    ) -> BoxFuture<'a, Result<ResponseStream, ConnectionError>> {
        Box::pin(async move {
            let text = question.text.clone();
            let response = self.post(caller, Some(&question), text).await?;
            if &*question.method == method::INITIALIZE
                && let Some(session) = response.headers().get(SESSION_HEADER)
            {
                self.0.session.get_or_init(|| to_keep(session));
            }
            answer::exchange(self, caller, &question, response).await
        })
    }

    fn tell<'a>(
        &'a self,
        caller: &'a Caller,
        text: String,
    ) -> BoxFuture<'a, Result<(), ConnectionError>> {
        Box::pin(async move {
            let response = self.post(caller, None, text).await?;
            match response.status() {
                status if status.is_success() => Ok(()),
                StatusCode::NOT_FOUND if self.0.session.get().is_some() => {
                    self.0.closed.store(true, Ordering::Relaxed);
                    Err(ConnectionError::SessionGone)
                }
                status => Err(ConnectionError::Refused(status)),
            }
        })
    }

    fn listen(&self, caller: &Caller) -> broadcast::Receiver<Arc<ServerMessage>> {
        self.0.standing.listen(self, caller)
    }

    fn listens(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.0.standing.settled())
    }

    fn agreed(&self, version: &str) {
        if let Ok(version) = HeaderValue::from_str(version) {
            self.0.version.get_or_init(|| version);
        }
    }

    fn is_open(&self) -> bool {
        !self.0.closed.load(Ordering::Relaxed)
    }

    fn close(&self, caller: &Caller) {
        if self.0.closed.swap(true, Ordering::Relaxed) || self.0.session.get().is_none() {
            return;
        }
        // The server would drop the session some day anyway, so a failure does not matter.
        let Ok(runtime) = Handle::try_current() else { return };
        let (connection, headers) = (self.clone(), headers::of(&self.0, caller));
        let closing = self.0.upstream.means.closing.clone();
        let delete = async move {
            let _ = connection.send(Method::DELETE, headers, Bytes::new(), false).await;
        };
        closing.spawn_on(delete, &runtime);
    }
}
