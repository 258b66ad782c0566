//! Streams that stand: answers that say nothing for minutes or hours.
//!
//! A connection of hyper's keeps buffers and state of some 20 KiB for as long as an answer runs,
//! and ten thousand subscribers would hold them for nothing. So a stream that stands leaves hyper
//! at the first pause after its head went out, and goes on here with the bare socket. The
//! connection ends with it, so nothing that hyper knew of it is missed later.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderValue, Method, Request, Response, Version};
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;

use super::phase::Answering;

/// Marks, as an extension of a response, an answer whose body will mostly be silent.
#[derive(Clone, Copy, Debug)]
pub struct LongLived;

/// What a connection and the answer that runs on it both know.
pub(super) struct Place<B> {
    body: Mutex<Option<B>>,
    /// The body had nothing to say when it was last asked.
    silent: AtomicBool,
    /// The socket took less than it was given when it was last written to.
    pub(super) clogged: AtomicBool,
}

/// The body of an answer as hyper gets it. With it the answer is over.
pub(super) struct Lent<B> {
    kind: Kind<B>,
    _answering: Answering,
}

enum Kind<B> {
    Whole(B),
    /// One that may be taken back.
    Standing(Arc<Place<B>>),
}

impl<B> Place<B> {
    pub(super) fn new() -> Arc<Self> {
        let (silent, clogged) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Self { body: Mutex::new(None), silent, clogged })
    }

    /// Lends out a body. Only chunks can be continued by somebody else, so an answer that hyper
    /// will frame in another way stays with it.
    pub(super) fn lend(
        self: Arc<Self>,
        chunked: bool,
        answering: Answering,
        mut response: Response<B>,
    ) -> Response<Lent<B>> {
        let chunked = chunked && !response.headers().contains_key(CONTENT_LENGTH);
        if !chunked || response.extensions().get::<LongLived>().is_none() {
            return response.map(|body| Lent { kind: Kind::Whole(body), _answering: answering });
        }
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        response.map(|body| {
            *self.lock() = Some(body);
            Lent { kind: Kind::Standing(self), _answering: answering }
        })
    }

    /// Whether the body can be taken back: all that it said has left, framed to its last byte.
    pub(super) fn is_quiet(&self) -> bool {
        self.silent.load(Ordering::Relaxed) && !self.clogged.load(Ordering::Relaxed)
    }

    /// Takes the body back.
    pub(super) fn reclaim(&self) -> Option<B> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<B>> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether hyper sends an answer of unknown length to this request in chunks (RFC 9112 §6.1).
pub(super) fn answered_in_chunks<I>(request: &Request<I>) -> bool {
    request.version() == Version::HTTP_11 && *request.method() != Method::HEAD
}

impl<B: Body<Data = Bytes> + Unpin> Body for Lent<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match &mut self.get_mut().kind {
            Kind::Whole(body) => Pin::new(body).poll_frame(cx),
            Kind::Standing(place) => {
                let mut body = place.lock();
                let polled = match &mut *body {
                    Some(body) => Pin::new(body).poll_frame(cx),
                    None => Poll::Ready(None),
                };
                place.silent.store(polled.is_pending(), Ordering::Relaxed);
                polled
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole(body) => body.is_end_stream(),
            Kind::Standing(place) => place.lock().as_ref().is_none_or(Body::is_end_stream),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole(body) => body.size_hint(),
            Kind::Standing(_) => SizeHint::default(),
        }
    }
}

/// What comes next on a stream that stands.
enum Next {
    Data(Bytes),
    End,
    /// The client went away, or the body broke off.
    Lost,
}

/// Goes on with an answer in chunks (RFC 9112 §7.1), to its end or the client's.
///
/// # Errors
///
/// When the client takes no more, or nothing for as long as `write_timeout`.
pub(super) async fn go_on<B>(
    mut stream: TcpStream,
    mut body: B,
    write_timeout: Duration,
) -> io::Result<()>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut watched = true;
    loop {
        match poll_fn(|cx| next(&stream, &mut watched, &mut body, cx)).await {
            Next::Data(data) => write_chunk(&mut stream, data, write_timeout).await?,
            Next::End => return stream.write_all(b"0\r\n\r\n").await,
            // Without the last chunk the client knows that this was not the end.
            Next::Lost => return Ok(()),
        }
    }
}

/// Waits for the body, and while it is silent for the client's leaving. Once a client has sent its
/// next request ahead nobody can see that any more, so `watched` ends.
fn next<B>(stream: &TcpStream, watched: &mut bool, body: &mut B, cx: &mut Context<'_>) -> Poll<Next>
where
    B: Body<Data = Bytes> + Unpin,
{
    if *watched && let Poll::Ready(heard) = stream.poll_peek(cx, &mut ReadBuf::new(&mut [0])) {
        if !matches!(heard, Ok(1..)) {
            return Poll::Ready(Next::Lost);
        }
        *watched = false;
    }
    Poll::Ready(match ready!(Pin::new(body).poll_frame(cx)) {
        // Trailers may be dropped (RFC 9110 §6.5.1).
        Some(Ok(frame)) => Next::Data(frame.into_data().unwrap_or_default()),
        Some(Err(_)) => Next::Lost,
        None => Next::End,
    })
}

async fn write_chunk(
    stream: &mut TcpStream,
    data: Bytes,
    write_timeout: Duration,
) -> io::Result<()> {
    // An empty chunk would be the last one.
    if data.is_empty() {
        return Ok(());
    }
    let size = Bytes::from(format!("{:x}\r\n", data.len()));
    let mut chunk = size.chain(data).chain(&b"\r\n"[..]);
    while chunk.has_remaining() {
        if tokio::time::timeout(write_timeout, stream.write_buf(&mut chunk)).await?? == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    Ok(())
}
