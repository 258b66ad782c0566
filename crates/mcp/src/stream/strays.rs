//! Lists of tools where none was asked for. An answer that passes untouched is watched for them:
//! a client would take a result with the id of an earlier `tools/list` for that list, unfiltered,
//! on whatever answer it comes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use memchr::{memchr, memchr2, memmem};

use super::outline::Outline;
use crate::body::BodyError;
use crate::forward::Call;
use crate::forward::answer::{Form, broke_off};
use crate::server::Server;

/// Watches one answer as it passes.
pub(crate) struct Watch {
    server: Arc<Server>,
    /// The id of the request that is answered. Its own result is its own affair.
    own: Option<serde_json::Value>,
    /// `None` if the answer is JSON, whatever it calls itself.
    lines: Option<Lines>,
    begun: bool,
    outline: Outline,
}

/// A body that breaks off before a list ends in it that nobody asked for here.
pub(crate) struct Watched<B> {
    body: B,
    watch: Watch,
}

/// The answer holds a list of tools that was not asked for with this request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stray;

/// Where in the lines of a stream of events the next byte stands.
#[derive(Default)]
struct Lines {
    /// The name of the field, while it is read.
    name: Vec<u8>,
    place: Place,
    /// What a line says that is no data. Some clients see line ends where others see none.
    aside: Outline,
    /// A line feed now belongs to the line end before it.
    after_return: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Name,
    Data,
    Other,
}

/// Longer names are none that count.
const NAME: usize = 16;

impl Watch {
    /// Watches an answer of this form to this call.
    pub(crate) fn of(call: &Call<'_>, form: Form) -> Self {
        Self {
            server: Arc::clone(call.server),
            own: call.id.and_then(|id| serde_json::from_str(id).ok()),
            lines: (form == Form::Events).then(Lines::default),
            begun: false,
            outline: Outline::default(),
        }
    }

    /// Looks at what is about to pass.
    pub(crate) fn look(&mut self, bytes: &[u8]) -> Result<(), Stray> {
        if !self.begun
            && let Some(first) = bytes.trim_ascii_start().first()
        {
            self.begun = true;
            self.lines = self.lines.take().filter(|_| !matches!(first, b'{' | b'['));
        }
        let (own, mut stray) = (&self.own, false);
        let mut listed = |id: &[u8]| {
            let id: Option<serde_json::Value> = serde_json::from_slice(id).ok();
            stray |= id.is_none() || id != *own;
        };
        match &mut self.lines {
            Some(lines) => lines.read(bytes, &mut self.outline, &mut listed),
            None => self.outline.read(bytes, &mut listed),
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
    fn read(&mut self, mut bytes: &[u8], outline: &mut Outline, listed: &mut impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_return) && bytes.first() == Some(&b'\n') {
                bytes = &bytes[1..];
                continue;
            }
            let end = memchr2(b'\r', b'\n', bytes);
            let (line, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            let value = self.value(line);
            match self.place {
                Place::Name => {}
                Place::Data => outline.read(value, &mut *listed),
                Place::Other => self.aside.read(value, &mut *listed),
            }
            bytes = rest;
            if end.is_some() {
                self.after_return = bytes.first() == Some(&b'\r');
                bytes = &bytes[1..];
                if self.place == Place::Name && self.name.is_empty() {
                    *outline = Outline::default();
                }
                self.aside = Outline::default();
                self.place = Place::Name;
                self.name.clear();
            }
        }
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
        // Wherever a client could see this name in it: case, white space, a byte order mark.
        let is_data = memmem::find(&self.name.to_ascii_lowercase(), b"data").is_some();
        self.place = if is_data { Place::Data } else { Place::Other };
        &rest[1..]
    }
}

impl<B> Watched<B> {
    pub(crate) fn new(body: B, watch: Watch) -> Self {
        Self { body, watch }
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
        let frame = std::task::ready!(Pin::new(&mut this.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(bytes) = frame.data_ref()
            && this.watch.look(bytes).is_err()
        {
            return Poll::Ready(Some(Err(broke_off("a list of tools that was not asked for"))));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
