//! A connection's socket, seen from underneath hyper.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::phase::Phase;
use super::standing::Place;

/// The socket, which notes whether it took all that it was given, and that something came. One that takes
/// nothing for too long is given up: its client has a place and memory that others need, and no other time
/// limit runs while an answer waits to leave.
pub(super) struct Watched<B> {
    /// `None` only if it could not be registered with another worker's runtime.
    stream: Option<TcpStream>,
    place: Arc<Place<B>>,
    phase: Arc<Phase>,
    write_timeout: Duration,
    /// Runs while the socket takes nothing.
    stuck: Option<Pin<Box<Sleep>>>,
    /// Runs while what the client still sends is read and thrown away.
    lingering: Option<Pin<Box<Sleep>>>,
}

/// How long a client may go on to send after the last answer.
const LINGER: Duration = Duration::from_secs(2);
/// What is read at once of what nobody wants.
const UNWANTED: usize = 16 << 10;

impl<B> Watched<B> {
    pub(super) fn new(
        stream: TcpStream,
        write_timeout: Duration,
        (place, phase): (Arc<Place<B>>, Arc<Phase>),
    ) -> Self {
        Self { stream: Some(stream), place, phase, write_timeout, stuck: None, lingering: None }
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

    /// The socket alone, for whoever goes on with it.
    pub(super) fn into_stream(self) -> Option<TcpStream> {
        self.stream
    }

    /// The socket, registered with the runtime of the present worker.
    fn stream(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        if self.phase.has_moved()
            && let Some(stream) = self.stream.take()
        {
            self.stream = Some(TcpStream::from_std(stream.into_std()?)?);
        }
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Reads what the client still sends, to its end. A socket that is closed with bytes unread resets the
    /// connection, and the client of a request that was refused for its size would never see why
    /// (RFC 9112 §9.6).
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut unwanted = [MaybeUninit::uninit(); UNWANTED];
            let mut unwanted = ReadBuf::uninit(&mut unwanted);
            match self.stream()?.poll_read(cx, &mut unwanted) {
                Poll::Ready(Ok(())) if !unwanted.filled().is_empty() => {
                    self.lingering.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => break,
            }
        }
        match &mut self.lingering {
            Some(time) => time.as_mut().poll(cx).map(Ok),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl<B> AsyncRead for Watched<B> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = self.stream()?.poll_read(cx, buf);
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
        let written = this.stream()?.poll_write(cx, bytes);
        this.noted(written, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = this.stream()?.poll_write_vectored(cx, slices);
        this.noted(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(TcpStream::is_write_vectored)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.stream()?.poll_shutdown(cx))?;
        this.poll_linger(cx)
    }
}
