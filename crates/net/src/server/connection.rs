//! One connection: requests and answers with hyper, and the streams that stand in between.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::standing::{Place, answered_in_chunks, go_on};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Serves a connection to its end. Once `stop` is cancelled no further request is read.
pub(super) async fn serve<A, F, B>(
    stream: TcpStream,
    peer: SocketAddr,
    limits: Limits,
    answer: A,
    stop: CancellationToken,
) where
    A: Fn(Request<Incoming>, SocketAddr) -> F,
    F: Future<Output = Response<B>>,
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    // Boxed, because what hyper keeps is to be gone while a stream stands.
    let conversed = Box::pin(converse(stream, peer, limits, answer, stop)).await;
    let ended = match conversed {
        Ok(Some((stream, body))) => {
            go_on(stream, body, limits.write_timeout).await.map_err(Into::into)
        }
        Ok(None) => Ok(()),
        Err(error) => Err(BoxError::from(error)),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// Requests and answers, until the connection ends or an answer stands.
async fn converse<A, F, B>(
    stream: TcpStream,
    peer: SocketAddr,
    limits: Limits,
    answer: A,
    stop: CancellationToken,
) -> hyper::Result<Option<(TcpStream, B)>>
where
    A: Fn(Request<Incoming>, SocketAddr) -> F,
    F: Future<Output = Response<B>>,
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let place = Place::new();
    let lender = Arc::clone(&place);
    let service = service_fn(move |request| {
        let (place, chunked) = (Arc::clone(&lender), answered_in_chunks(&request));
        let answered = answer(request, peer);
        async move { Ok::<_, Infallible>(place.lend(chunked, answered.await)) }
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read_timeout)
        .max_buf_size(limits.header_bytes)
        .max_headers(limits.header_count)
        .half_close(false)
        .serve_connection(
            TokioIo::new(Watched::new(stream, limits.write_timeout, Arc::clone(&place))),
            service,
        );
    let mut stopped = pin!(stop.cancelled());
    let mut stopping = false;
    let pause = poll_fn(|cx| {
        if !stopping && stopped.as_mut().poll(cx).is_ready() {
            stopping = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        match Pin::new(&mut connection).poll(cx) {
            Poll::Ready(ended) => Poll::Ready(ended.map(|()| Pause::Ended)),
            // Hyper has written all that it could. If the socket took it, nothing is left in hyper.
            Poll::Pending if place.is_quiet() => Poll::Ready(Ok(Pause::Stands)),
            Poll::Pending => Poll::Pending,
        }
    });
    match pause.await? {
        Pause::Ended => Ok(None),
        Pause::Stands => {
            let stream = connection.into_parts().io.into_inner().stream;
            Ok(place.reclaim().map(|body| (stream, body)))
        }
    }
}

/// Why hyper has no more part in a connection.
enum Pause {
    Ended,
    Stands,
}

/// The socket, which notes whether it took all that it was given. One that takes nothing for too
/// long is given up: its client has a place and memory that others need, and no other time limit
/// runs while an answer waits to leave.
struct Watched<B> {
    stream: TcpStream,
    place: Arc<Place<B>>,
    write_timeout: Duration,
    /// Runs while the socket takes nothing.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<B> Watched<B> {
    fn new(stream: TcpStream, write_timeout: Duration, place: Arc<Place<B>>) -> Self {
        Self { stream, place, write_timeout, stuck: None }
    }

    fn noted(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.place.clogged.store(written.is_pending(), Ordering::Relaxed);
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let time = self.write_timeout;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
        stuck.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<B> AsyncRead for Watched<B> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl<B> AsyncWrite for Watched<B> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.noted(written, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.noted(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
