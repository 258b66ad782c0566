//! Connections to the upstream, in a plain vector.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::spawn_local;

type Connection = SendRequest<Full<Bytes>>;

/// The connections that nobody uses just now.
pub(super) struct Pool {
    upstream: SocketAddr,
    idle: RefCell<Vec<Connection>>,
}

/// An answer's body. Its connection goes back when all of it was read.
pub(super) struct Lent {
    body: Incoming,
    connection: Option<Connection>,
    pool: Rc<Pool>,
}

impl Pool {
    pub(super) fn to(upstream: SocketAddr) -> Self {
        Self { upstream, idle: RefCell::default() }
    }

    pub(super) async fn send(
        self: &Rc<Self>,
        request: Request<Full<Bytes>>,
    ) -> anyhow::Result<Response<Lent>> {
        let mut connection = self.connection().await?;
        let response = connection.send_request(request).await?;
        let pool = Rc::clone(self);
        Ok(response.map(|body| Lent { body, connection: Some(connection), pool }))
    }

    async fn connection(&self) -> anyhow::Result<Connection> {
        loop {
            let idle = self.idle.borrow_mut().pop();
            let Some(mut connection) = idle else { return self.connect().await };
            if connection.ready().await.is_ok() {
                return Ok(connection);
            }
        }
    }

    async fn connect(&self) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(self.upstream).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = handshake(TokioIo::new(stream)).await?;
        spawn_local(driver);
        Ok(connection)
    }
}

impl Lent {
    fn give_back(&mut self) {
        self.pool.idle.borrow_mut().extend(self.connection.take());
    }
}

impl Body for Lent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) {
            self.give_back();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // One of a known length has ended before anybody asked for what comes behind it.
        if self.body.is_end_stream() {
            self.give_back();
        }
    }
}
