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
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
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
use super::phase::{HeadLimit, Phase};
use super::standing::{Place, answered_in_chunks, go_on};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How long a connection without a request outlives `stop`.
const LINGER: Duration = Duration::from_millis(500);

/// Serves a connection to its end. Once `stop` is cancelled, the answer that runs or comes next is
/// the last.
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
    let (place, phase) = (Place::new(), Phase::new());
    let (lender, asked, ending) = (Arc::clone(&place), Arc::clone(&phase), stop.clone());
    let service = service_fn(move |request| {
        let (place, chunked) = (Arc::clone(&lender), answered_in_chunks(&request));
        let (answering, answered) = (asked.answer(), answer(request, peer));
        let stop = ending.clone();
        async move {
            let mut response = answered.await;
            if stop.is_cancelled() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(place.lend(chunked, answering, response))
        }
    });
    let noted = (Arc::clone(&place), Arc::clone(&phase));
    let watched = Watched::new(stream, limits.write_timeout, noted);
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle_timeout)
        .max_buf_size(limits.header_bytes)
        .max_headers(limits.header_count)
        .half_close(false)
        .serve_connection(TokioIo::new(watched), service);
    let mut stopped = pin!(last_moment(&stop, &phase));
    let mut stopping = false;
    let mut head = HeadLimit::new(limits.header_read_timeout);
    let pause = poll_fn(|cx| {
        if !stopping && stopped.as_mut().poll(cx).is_ready() {
            stopping = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        match Pin::new(&mut connection).poll(cx) {
            Poll::Ready(ended) => Poll::Ready(ended.map(|()| Pause::Ended)),
            // Hyper has written all that it could. If the socket took it, nothing is left in hyper.
            Poll::Pending if place.is_quiet() => Poll::Ready(Ok(Pause::Stands)),
            Poll::Pending => head.poll_late(&phase, cx).map(|()| Ok(Pause::Ended)),
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

/// Resolves when no further request is to be read: at once while one is answered, and otherwise a
/// moment after `stop`, since the client may have sent one that has not arrived yet.
async fn last_moment(stop: &CancellationToken, phase: &Phase) {
    stop.cancelled().await;
    if !phase.is_answering() {
        tokio::time::sleep(LINGER).await;
    }
}

/// Why hyper has no more part in a connection.
enum Pause {
    Ended,
    Stands,
}

/// The socket, which notes whether it took all that it was given, and that something came. One that takes nothing for too
/// long is given up: its client has a place and memory that others need, and no other time limit
/// runs while an answer waits to leave.
struct Watched<B> {
    stream: TcpStream,
    place: Arc<Place<B>>,
    phase: Arc<Phase>,
    write_timeout: Duration,
    /// Runs while the socket takes nothing.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<B> Watched<B> {
    fn new(
        stream: TcpStream,
        write_timeout: Duration,
        (place, phase): (Arc<Place<B>>, Arc<Phase>),
    ) -> Self {
        Self { stream, place, phase, write_timeout, stuck: None }
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
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.phase.came();
        }
        read
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
