//! A server behind the sidecar, on a loopback listener, that records what it is asked.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};

/// One request as the server got it.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What the server does.
pub(crate) type Reply = BoxFuture<'static, Response<UnsyncBoxBody<Bytes, Infallible>>>;

/// The server.
pub(crate) struct TestServer {
    address: std::net::SocketAddr,
    requests: Arc<Mutex<Vec<Recorded>>>,
    /// Notified each time the server sees a client go away before its answer was complete.
    pub(crate) abandoned: Arc<Notify>,
}

impl Recorded {
    pub(crate) fn message(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn rpc_method(&self) -> String {
        self.message()["method"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl TestServer {
    pub(crate) async fn start(reply: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), reply)
    }

    /// The same on this listener.
    pub(crate) fn on(
        listener: TcpListener,
        reply: impl Fn(&Recorded) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let (address, doing) = (listener.local_addr().unwrap(), Doing::new(reply));
        let Doing { requests, abandoned, .. } = doing.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(doing.clone().serve(stream));
            }
        });
        Self { address, requests, abandoned }
    }

    pub(crate) fn uri(&self) -> Uri {
        format!("http://{}/upstream/mcp", self.address).parse().unwrap()
    }

    /// Everything it was asked.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().unwrap().clone()
    }

    /// The one thing it was asked.
    pub(crate) fn request(&self) -> Recorded {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }
}

/// What a server does on each of its connections.
#[derive(Clone)]
pub(crate) struct Doing {
    reply: Arc<dyn Fn(&Recorded) -> Reply + Send + Sync>,
    pub(crate) requests: Arc<Mutex<Vec<Recorded>>>,
    abandoned: Arc<Notify>,
}

impl Doing {
    pub(crate) fn new(reply: impl Fn(&Recorded) -> Reply + Send + Sync + 'static) -> Self {
        let (requests, abandoned) = (Arc::default(), Arc::default());
        Self { reply: Arc::new(reply), requests, abandoned }
    }

    /// Answers everything on one connection.
    pub(crate) async fn serve<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(move |request: Request<Incoming>| {
            let doing = self.clone();
            let guard = Guard(Arc::clone(&self.abandoned), false);
            async move {
                let recorded = record(request).await;
                doing.requests.lock().unwrap().push(recorded.clone());
                let mut guard = guard;
                let response = (doing.reply)(&recorded).await;
                guard.1 = true;
                Ok::<_, Infallible>(response)
            }
        });
        // A client that goes away is no failure.
        let builder = hyper::server::conn::http1::Builder::new();
        let _ = builder.serve_connection(TokioIo::new(stream), service).await;
    }
}

/// Notifies when it is dropped before its answer was given.
struct Guard(Arc<Notify>, bool);

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.1 {
            self.0.notify_one();
        }
    }
}

async fn record(request: Request<Incoming>) -> Recorded {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    Recorded { method: parts.method, uri: parts.uri, headers: parts.headers, body }
}

/// 200 with JSON.
pub(crate) fn json(text: &str) -> Reply {
    of(200, &[("content-type", "application/json")], text)
}

/// 200 with a whole stream of events.
pub(crate) fn events(text: &str) -> Reply {
    of(200, &[("content-type", "text/event-stream")], text)
}

/// Any status, headers and text.
pub(crate) fn status(status: u16, headers: &[(&str, &str)], text: &str) -> Reply {
    of(status, headers, text)
}

/// 200 with a stream of events that come when the test sends them.
pub(crate) fn open_events(mut events: mpsc::UnboundedReceiver<&'static str>) -> Reply {
    let stream = futures_util::stream::poll_fn(move |cx| events.poll_recv(cx));
    let frames = stream.map(|text| Ok(Frame::data(Bytes::from_static(text.as_bytes()))));
    let body = StreamBody::new(frames).boxed_unsync();
    let mut response = Response::new(body);
    response.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
    Box::pin(async { response })
}

fn of(status: u16, headers: &[(&str, &str)], text: &str) -> Reply {
    let body = Full::new(Bytes::copy_from_slice(text.as_bytes())).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status.try_into().unwrap();
    for (name, value) in headers {
        let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
        response.headers_mut().append(name, value.parse().unwrap());
    }
    Box::pin(async { response })
}
