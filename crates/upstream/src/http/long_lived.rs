//! An answer that is expected to stand, like a subscription: its request gets a connection of its
//! own, which holds next to nothing while the server is silent.
//!
//! A connection of hyper's keeps some 25 KiB for as long as it lives. Here bytes are read onto the
//! stack and what came is on its way before the next are; the framing is left to `ureq-proto`,
//! which does no input or output itself.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use ureq_proto::BodyMode;
use ureq_proto::client::state::{RecvBody, RecvResponse, SendRequest};
use ureq_proto::client::{Call, RecvResponseResult, SendRequestResult};

use super::connect::Connection;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The head of an answer, as hyper allows it by default, and any line of its framing.
const LONGEST_HEAD: usize = 64 * 1024;
/// Bytes read at once.
const PIECE: usize = 4096;

/// The body of such an answer. Dropping it closes the connection.
pub struct LongLivedBody {
    connection: Connection,
    /// What came and was not read yet: part of a chunk's size at most, once it was looked at.
    unread: BytesMut,
    /// `None` if there is no body.
    framing: Option<Call<RecvBody>>,
}

/// Sends a request and reads the head of its answer.
pub(super) async fn exchange(
    mut connection: Connection,
    request: Request<Bytes>,
) -> Result<Response<LongLivedBody>, BoxError> {
    send(&mut connection, request).await?;
    let mut reading = reading()?;
    let mut unread = BytesMut::with_capacity(PIECE);
    let head = loop {
        if unread.len() > LONGEST_HEAD {
            return Err("the head of the answer is too large".into());
        }
        if connection.read_buf(&mut unread).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        if let Some(head) = head(&mut reading, &mut unread)? {
            break head;
        }
    };
    let framing = match reading.proceed() {
        Some(RecvResponseResult::RecvBody(framing)) => Some(framing),
        _ => None,
    };
    let unread = BytesMut::from(&*unread);
    Ok(head.map(|()| LongLivedBody { connection, unread, framing }))
}

async fn send(connection: &mut Connection, request: Request<Bytes>) -> Result<(), BoxError> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().cloned();
    parts.uri = Uri::from(path.unwrap_or(PathAndQuery::from_static("/")));
    if !body.is_empty() {
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    let mut sending = Call::new(Request::from_parts(parts, ()))?.proceed();
    let mut head = Vec::new();
    while !sending.can_proceed() {
        write(&mut sending, &mut head)?;
    }
    connection.write_all(&head).await?;
    connection.write_all(&body).await?;
    Ok(connection.flush().await?)
}

/// Writes as much of a head as there is room for. What is too long for it is refused.
fn write(sending: &mut Call<SendRequest>, head: &mut Vec<u8>) -> Result<(), BoxError> {
    let written = head.len();
    head.resize(written + LONGEST_HEAD, 0);
    let more = sending.write(&mut head[written..])?;
    head.truncate(written + more);
    Ok(())
}

/// The framing of an answer does not depend on the request, if that is not HEAD or CONNECT
/// (RFC 9112 §6.3). So an empty request stands for it, whose headers would be kept otherwise.
fn reading() -> Result<Call<RecvResponse>, BoxError> {
    let mut sending = Call::new(Request::new(()))?.proceed();
    sending.write(&mut [0; 64])?;
    match sending.proceed()? {
        Some(SendRequestResult::RecvResponse(reading)) => Ok(reading),
        _ => Err("an empty request has no body".into()),
    }
}

/// The head of the answer, once all of it is there. Interim answers are skipped.
fn head(
    reading: &mut Call<RecvResponse>,
    unread: &mut BytesMut,
) -> Result<Option<Response<()>>, BoxError> {
    loop {
        let (used, head) = reading.try_response(unread, false)?;
        unread.advance(used);
        if head.is_some() || used == 0 {
            return Ok(head);
        }
    }
}

impl LongLivedBody {
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BoxError>> {
        loop {
            if let Some(data) = self.decode()? {
                return Poll::Ready(Ok(Some(data)));
            }
            if self.is_over() {
                return Poll::Ready(Ok(None));
            }
            if !ready!(self.poll_more(cx))? {
                return Poll::Ready(self.cut_off());
            }
        }
    }

    /// What the bytes that came say; `None` if that is nothing yet.
    fn decode(&mut self) -> Result<Option<Bytes>, BoxError> {
        let Some(framing) = self.framing.as_mut().filter(|_| !self.unread.is_empty()) else {
            return Ok(None);
        };
        let mut decoded = BytesMut::zeroed(self.unread.len());
        let mut length = 0;
        loop {
            let (used, more) = framing.read(&self.unread, &mut decoded[length..])?;
            self.unread.advance(used);
            length += more;
            if used == 0 {
                break;
            }
        }
        if self.unread.len() > LONGEST_HEAD {
            return Err("the framing of the answer cannot be read".into());
        }
        if self.unread.is_empty() {
            self.unread = BytesMut::new();
        }
        decoded.truncate(length);
        Ok(Some(decoded.freeze()).filter(|decoded| !decoded.is_empty()))
    }

    /// Takes in what the server sends next; `false` at the end of the connection.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut piece = [0; PIECE];
        let mut piece = ReadBuf::new(&mut piece);
        ready!(self.connection.as_mut().poll_read(cx, &mut piece))?;
        self.unread.extend_from_slice(piece.filled());
        Poll::Ready(Ok(!piece.filled().is_empty()))
    }

    /// Whether all of a body came that says itself where it ends.
    fn is_over(&self) -> bool {
        let over =
            |framing: &Call<RecvBody>| framing.can_proceed() && !ends_with_connection(framing);
        self.framing.as_ref().is_none_or(over)
    }

    /// The connection ended, and with it the answer or half of one.
    fn cut_off(&self) -> Result<Option<Bytes>, BoxError> {
        match &self.framing {
            Some(framing) if ends_with_connection(framing) => Ok(None),
            _ => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
    }
}

fn ends_with_connection(framing: &Call<RecvBody>) -> bool {
    framing.body_mode() == BodyMode::CloseDelimited
}

impl Body for LongLivedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let data = ready!(self.get_mut().poll_data(cx));
        Poll::Ready(data.map(|data| data.map(Frame::data)).transpose())
    }

    fn is_end_stream(&self) -> bool {
        self.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        match self.framing.as_ref().map(Call::body_mode) {
            None => SizeHint::with_exact(0),
            Some(BodyMode::LengthDelimited(left)) => SizeHint::with_exact(left),
            Some(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
