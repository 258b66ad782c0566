//! What an answer is made of: ready bytes, or what an upstream sends, as it comes.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::Full;
use upstream::http::paced::Paced;
use upstream::wire::BodyError;

use crate::reply::in_flight::RequestInFlight;

/// The body of an answer.
#[derive(Debug)]
pub struct Body {
    kind: Kind,
    /// The request counts for as long as its answer is on its way.
    _request: Option<RequestInFlight>,
}

/// A body that is watched or rewritten on its way.
pub(crate) type Streamed = Pin<Box<dyn HttpBody<Data = Bytes, Error = BodyError> + Send>>;

enum Kind {
    Ready(Full<Bytes>),
    Pieces(VecDeque<Bytes>),
    Passing(Paced),
    Streamed(Streamed),
    Standing(Streamed),
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Ready",
            Self::Pieces(_) => "Pieces",
            Self::Passing(_) => "Passing",
            Self::Streamed(_) => "Streamed",
            Self::Standing(_) => "Standing",
        })
    }
}

impl Body {
    /// Nothing.
    pub(crate) fn empty() -> Self {
        Self::ready(Bytes::new())
    }

    /// These bytes.
    pub(crate) fn ready(bytes: impl Into<Bytes>) -> Self {
        Self::of(Kind::Ready(Full::new(bytes.into())))
    }

    /// These bytes one after the other, none of them copied.
    pub(crate) fn pieces(pieces: impl IntoIterator<Item = Bytes>) -> Self {
        Self::of(Kind::Pieces(pieces.into_iter().collect()))
    }

    /// The bytes of the upstream, untouched.
    pub(crate) fn passing(paced: Paced) -> Self {
        Self::of(Kind::Passing(paced))
    }

    /// A stream that is watched or rewritten.
    pub(crate) fn streamed(streamed: Streamed) -> Self {
        Self::of(Kind::Streamed(streamed))
    }

    /// The same of a stream in which silence is normal.
    pub(crate) fn standing(streamed: Streamed) -> Self {
        Self::of(Kind::Standing(streamed))
    }

    /// Whether this is a stream that waits for news, so that nothing worth mentioning should be
    /// held for it.
    pub fn is_standing(&self) -> bool {
        matches!(self.kind, Kind::Standing(_))
    }

    /// The same answer, whose request counts until it is sent. Standing streams are counted as such.
    pub(crate) fn of_request(self, request: RequestInFlight) -> Self {
        let request = Some(request).filter(|_| !self.is_standing());
        Self { _request: request, ..self }
    }

    fn of(kind: Kind) -> Self {
        Self { kind, _request: None }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.get_mut().kind {
            Kind::Ready(full) => Pin::new(full)
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(|never| match never {}))),
            Kind::Pieces(pieces) => Poll::Ready(pieces.pop_front().map(|b| Ok(Frame::data(b)))),
            Kind::Passing(paced) => Pin::new(paced).poll_frame(cx),
            Kind::Streamed(streamed) | Kind::Standing(streamed) => streamed.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Ready(full) => full.is_end_stream(),
            Kind::Pieces(pieces) => pieces.is_empty(),
            Kind::Passing(paced) => paced.is_end_stream(),
            Kind::Streamed(streamed) | Kind::Standing(streamed) => streamed.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Ready(full) => full.size_hint(),
            Kind::Pieces(pieces) => {
                SizeHint::with_exact(pieces.iter().map(|piece| piece.len() as u64).sum())
            }
            Kind::Passing(paced) => paced.size_hint(),
            Kind::Streamed(streamed) | Kind::Standing(streamed) => streamed.size_hint(),
        }
    }
}
