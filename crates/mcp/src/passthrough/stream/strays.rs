//! Lists of tools where none was asked for. An answer that passes untouched is watched for them:
//! a client would take a result with the id of an earlier `tools/list` for that list, unfiltered,
//! on whatever answer it comes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use memchr::{memchr, memchr2};
use upstream::wire::line_ends::LineEnds;
use upstream::wire::{BodyError, broke_off};

use crate::passthrough::answer::Form;
use crate::passthrough::stream::mark::Mark;
use crate::passthrough::stream::outline::Outline;
use crate::request::{Call, Endpoint};

/// Watches one answer as it passes.
pub(crate) struct Watch {
    server: Arc<Endpoint>,
    /// The id of the request that is answered. Its own result is its own affair.
    own: Option<serde_json::Value>,
    form: Form,
    /// How a stream of events is read, and a text in which a client could see one.
    lines: Option<Lines>,
    /// How the answer is read as one text: if it is none of events, or begins like JSON. A client
    /// reads a stream as events also where it begins like that.
    whole: Option<Outline>,
    begun: bool,
}

/// A body that breaks off before a list ends in it that nobody asked for here.
pub(crate) struct Watched<B> {
    body: B,
    watch: Watch,
    line_ends: Option<LineEnds>,
    mark: Option<Mark>,
    ended: bool,
}

/// The answer holds a list of tools that was not asked for with this request, or calls itself JSON
/// and is none, or is no UTF-8 text, so that nobody can say what a client reads in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stray;

/// Where in the lines of a stream of events the next byte stands, and what its texts are about.
/// They are read in each way in which some client reads them, and no reading disturbs another.
#[derive(Default)]
struct Lines {
    /// The data of the event, which the standard joins from its lines.
    data: Outline,
    /// The same for clients that overlook case and white space in a name, from the first such name
    /// on.
    loose: Option<Outline>,
    /// Whether the stream began. The standard drops a byte order mark before the first line.
    begun: bool,
    /// Whether the event has a line of data already. From the second on each is read by itself,
    /// too: for some clients the last line is all the data.
    has_data: bool,
    /// The name of the field, while it is read.
    name: Vec<u8>,
    place: Place,
    /// What one line says by itself.
    line: Outline,
    /// A line feed now belongs to the line end before it.
    after_return: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Name,
    Data,
    /// What only some clients take for data.
    Loose,
    Other,
}

/// Longer names are none that count.
const NAME: usize = 16;
/// A byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

impl Watch {
    /// Watches an answer of this form to this call.
    pub(crate) fn of(call: &Call<'_>, form: Form) -> Self {
        Self {
            server: Arc::clone(call.server),
            own: call.id.and_then(|id| serde_json::from_str(id).ok()),
            form,
            lines: (form != Form::Json).then(Lines::default),
            whole: (form != Form::Events).then(Outline::default),
            begun: false,
        }
    }

    /// Looks at what is about to pass.
    pub(crate) fn look(&mut self, bytes: &[u8]) -> Result<(), Stray> {
        if !self.begun
            && let Some(first) = bytes.trim_ascii_start().first()
        {
            self.begun = true;
            let like_json = matches!(first, b'{' | b'[');
            if self.form == Form::Json && !like_json {
                tracing::warn!(server.name = %self.server.name, "mcp.answer.not_json");
                return Err(Stray);
            }
            self.whole = self.whole.take().or_else(|| like_json.then(Outline::default));
        }
        // JSON and events are UTF-8 without a NUL. Some clients would read UTF-16 all the same.
        if memchr(0, bytes).is_some() {
            tracing::warn!(server.name = %self.server.name, "mcp.answer.not_utf8");
            return Err(Stray);
        }
        let (own, mut stray) = (&self.own, false);
        let mut listed = |id: &[u8]| {
            let id: Option<serde_json::Value> = serde_json::from_slice(id).ok();
            stray |= id.is_none() || id != *own;
        };
        if let Some(lines) = &mut self.lines {
            lines.read(bytes, &mut listed);
        }
        if let Some(whole) = &mut self.whole {
            whole.read(bytes, &mut listed);
        }
        if stray {
            tracing::warn!(server.name = %self.server.name, "mcp.list.unasked");
            return Err(Stray);
        }
        Ok(())
    }
}

impl Lines {
    /// Reads the data of events, each of which is a text of its own.
    fn read(&mut self, mut bytes: &[u8], listed: &mut impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_return) && bytes.first() == Some(&b'\n') {
                bytes = &bytes[1..];
                continue;
            }
            let end = memchr2(b'\r', b'\n', bytes);
            let (line, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            let value = self.value(line);
            self.read_value(value, listed);
            bytes = rest;
            if end.is_some() {
                self.after_return = bytes.first() == Some(&b'\r');
                bytes = &bytes[1..];
                self.end_line();
            }
        }
    }

    fn read_value(&mut self, value: &[u8], listed: &mut impl FnMut(&[u8])) {
        if self.place == Place::Loose && self.loose.is_none() {
            self.loose = Some(self.data.clone());
        }
        let by_itself = match self.place {
            Place::Name => return,
            Place::Data => self.has_data,
            Place::Loose | Place::Other => true,
        };
        if self.place == Place::Data {
            self.data.read(value, &mut *listed);
        }
        if let Some(loose) = self.loose.as_mut().filter(|_| self.place != Place::Other) {
            loose.read(value, &mut *listed);
        }
        if by_itself {
            self.line.read(value, &mut *listed);
        }
    }

    fn end_line(&mut self) {
        if self.place == Place::Name && self.name.is_empty() {
            self.data = Outline::default();
            self.loose = None;
            self.has_data = false;
        }
        self.begun = true;
        self.has_data |= self.place == Place::Data;
        self.line = Outline::default();
        self.place = Place::Name;
        self.name.clear();
    }

    /// What of this piece of a line belongs to the value of its field.
    fn value<'t>(&mut self, text: &'t [u8]) -> &'t [u8] {
        if self.place != Place::Name {
            return text;
        }
        let colon = memchr(b':', text);
        let (name, rest) = text.split_at(colon.unwrap_or(text.len()));
        let room = NAME.saturating_sub(self.name.len()).min(name.len());
        self.name.extend_from_slice(&name[..room]);
        if colon.is_none() {
            return rest;
        }
        self.place = self.place_of_value();
        &rest[1..]
    }
}

impl Lines {
    fn place_of_value(&self) -> Place {
        let name = self.name.strip_prefix(MARK).filter(|_| !self.begun).unwrap_or(&self.name);
        if name == b"data" {
            return Place::Data;
        }
        let loose = String::from_utf8_lossy(name).to_lowercase();
        let around = |c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}';
        if loose.trim_matches(around) == "data" { Place::Loose } else { Place::Other }
    }
}

impl<B> Watched<B> {
    pub(crate) fn new(body: B, watch: Watch) -> Self {
        let line_ends = (watch.form == Form::Events).then(LineEnds::default);
        let mark = (watch.form == Form::Json).then(Mark::default);
        Self { body, watch, line_ends, mark, ended: false }
    }

    /// What leaves of a piece, once it was looked at.
    fn looked_at(&mut self, piece: Bytes) -> Result<Bytes, BodyError> {
        let piece = match (&mut self.line_ends, &mut self.mark) {
            (Some(line_ends), _) => line_ends.even(piece),
            (_, Some(mark)) => mark.blank(piece),
            _ => piece,
        };
        let looked = self.watch.look(&piece);
        looked.map_err(|Stray| broke_off("an answer that was not asked for"))?;
        Ok(piece)
    }

    /// What was held back when the body ends.
    fn rest(&mut self) -> Option<Bytes> {
        self.line_ends.as_mut().map(LineEnds::rest).filter(|rest| !rest.is_empty())
    }
}

impl<B> Body for Watched<B>
where
    B: Body<Data = Bytes, Error = BodyError> + Unpin,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        while !this.ended {
            let frame = match std::task::ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    this.ended = true;
                    return Poll::Ready(this.rest().map(|rest| Ok(Frame::data(rest))));
                }
            };
            match frame.into_data().map(|piece| this.looked_at(piece)) {
                // All of it is held back.
                Ok(Ok(piece)) if piece.is_empty() => {}
                Ok(piece) => return Poll::Ready(Some(piece.map(Frame::data))),
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.line_ends.is_none() && self.body.is_end_stream()
    }

    /// Evening out line ends may change the length.
    fn size_hint(&self) -> SizeHint {
        if self.line_ends.is_some() { SizeHint::default() } else { self.body.size_hint() }
    }
}
