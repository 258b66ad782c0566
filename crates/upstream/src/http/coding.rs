//! Answers that come compressed although each request asks that they be not (RFC 9110 §8.4).
//!
//! They are unpacked here, before anybody looks at them, so that filters and limits apply to what
//! a client would read.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use flate2::write::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Either;

use super::exchange::{Incoming, Raw};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A coding that is not unpacked here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignCoding {
    Brotli,
    Zstd,
    Deflate,
    /// One that nobody uses, or several at once.
    Other,
}

/// A body of gzip, unpacked.
pub struct Unpacked {
    packed: Raw,
    decoder: MultiGzDecoder<Vec<u8>>,
    /// What came and was not unpacked yet.
    waiting: Bytes,
    begun: bool,
    over: bool,
}

/// Bytes unpacked at once. Each may become a thousand, so this bounds what is held at a time; how
/// much a whole answer may be is for whoever reads it to say, as with a plain one.
const PIECE: usize = 512;

/// The same answer in plain bytes.
pub(super) fn plain(response: Response<Raw>) -> Result<Response<Incoming>, ForeignCoding> {
    if !is_packed(response.headers())? {
        return Ok(response.map(Either::Left));
    }
    let mut unpacked = response.map(|packed| Either::Right(Box::new(Unpacked::new(packed))));
    unpacked.headers_mut().remove(CONTENT_ENCODING);
    unpacked.headers_mut().remove(CONTENT_LENGTH);
    Ok(unpacked)
}

fn is_packed(headers: &HeaderMap) -> Result<bool, ForeignCoding> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter().map(HeaderValue::as_bytes);
    let coding = match (codings.next(), codings.next()) {
        (None, _) => return Ok(false),
        (Some(coding), None) => coding.trim_ascii().to_ascii_lowercase(),
        _ => return Err(ForeignCoding::Other),
    };
    match &*coding {
        b"" | b"identity" => Ok(false),
        b"gzip" | b"x-gzip" => Ok(true),
        b"br" => Err(ForeignCoding::Brotli),
        b"zstd" => Err(ForeignCoding::Zstd),
        b"deflate" => Err(ForeignCoding::Deflate),
        _ => Err(ForeignCoding::Other),
    }
}

impl ForeignCoding {
    /// What is wrong, for clients and the log.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Brotli => "the upstream MCP server compressed its answer unasked, with br",
            Self::Zstd => "the upstream MCP server compressed its answer unasked, with zstd",
            Self::Deflate => "the upstream MCP server compressed its answer unasked, with deflate",
            Self::Other => "the upstream MCP server encoded its answer in a way that nobody knows",
        }
    }
}

impl Unpacked {
    fn new(packed: Raw) -> Self {
        let decoder = MultiGzDecoder::new(Vec::new());
        Self { packed, decoder, waiting: Bytes::new(), begun: false, over: false }
    }

    /// What the next bytes say; empty while they say nothing yet.
    fn unpack(&mut self) -> io::Result<Bytes> {
        let piece = self.waiting.split_to(self.waiting.len().min(PIECE));
        self.decoder.write_all(&piece)?;
        self.decoder.flush()?;
        Ok(std::mem::take(self.decoder.get_mut()).into())
    }

    /// What is left at the end, whose checksum must be right. An answer without content is none.
    fn finish(&mut self) -> io::Result<Bytes> {
        self.over = true;
        if self.begun {
            self.decoder.try_finish()?;
        }
        Ok(std::mem::take(self.decoder.get_mut()).into())
    }
}

impl Body for Unpacked {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        while !this.over {
            let unpacked = if this.waiting.has_remaining() {
                this.unpack()?
            } else {
                match ready!(Pin::new(&mut this.packed).poll_frame(cx)?) {
                    Some(frame) => {
                        // Trailers are nothing that passes.
                        this.waiting = frame.into_data().unwrap_or_default();
                        this.begun |= this.waiting.has_remaining();
                        continue;
                    }
                    None => this.finish()?,
                }
            };
            if !unpacked.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(unpacked))));
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.over || !self.begun && self.packed.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_end_stream() { SizeHint::with_exact(0) } else { SizeHint::default() }
    }
}
