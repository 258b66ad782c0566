//! One connection: requests and answers with hyper, and the streams that stand in between.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::phase::{HeadLimit, Phase};
use super::standing::{Place, answered_in_chunks, go_on};
use super::watched::Watched;

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
    phase: Arc<Phase>,
) where
    A: Fn(Request<Incoming>, SocketAddr) -> F,
    F: Future<Output = Response<B>>,
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    // Boxed, because what hyper keeps is to be gone while a stream stands.
    let conversed = Box::pin(converse(stream, peer, limits, answer, stop, phase)).await;
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
    phase: Arc<Phase>,
) -> hyper::Result<Option<(TcpStream, B)>>
where
    A: Fn(Request<Incoming>, SocketAddr) -> F,
    F: Future<Output = Response<B>>,
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let place = Place::new();
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
            let stream = connection.into_parts().io.into_inner().into_stream();
            Ok(stream.zip(place.reclaim()))
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
