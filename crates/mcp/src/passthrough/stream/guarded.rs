//! A stream that passes untouched but for the ids of its events and for comments while it is silent,
//! until its token ends.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body::{Body as HttpBody, Frame};
use memchr::memmem::Finder;
use upstream::wire::BodyError;

use crate::passthrough::stream::heartbeat::{COMMENT, Heartbeat};
use crate::passthrough::stream::ids::Ids;
use crate::request::Endpoint;
use crate::request::slots::Slot;

/// A stream of events from an upstream, as it comes.
pub(crate) struct Guarded<B> {
    events: B,
    ending: Ending,
    place: Place,
    changes: ChangeWatch,
    ids: Ids,
    beats: Heartbeat,
    over: bool,
}

/// When and how a stream ends early.
pub(crate) struct Ending {
    /// Resolves when the stream must end.
    pub(crate) when: BoxFuture<'static, ()>,
    /// The last event then, so that the client need not guess.
    pub(crate) farewell: Option<Bytes>,
    /// The place among the principal's streams.
    pub(crate) slot: Option<Slot>,
}

/// Where in the text of events a stream stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Between,
    Within,
}

/// Looks for news that the server's tools changed.
pub(crate) struct ChangeWatch {
    server: Arc<Endpoint>,
    finder: Finder<'static>,
}

impl<B> Guarded<B> {
    pub(crate) fn new(events: B, ending: Ending, changes: ChangeWatch, ids: Ids) -> Self {
        let (place, beats) = (Place::Between, Heartbeat::default());
        Self { events, ending, place, changes, ids, beats, over: false }
    }
}

impl<B> Guarded<B> {
    /// A comment, where the stream was silent for long and no event is half told.
    fn poll_silence(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            std::task::ready!(self.beats.poll_due(cx));
            if self.place == Place::Between {
                return Poll::Ready(Some(Ok(Frame::data(COMMENT))));
            }
        }
    }
}

impl<B> HttpBody for Guarded<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(None);
        }
        if this.ending.when.as_mut().poll(cx).is_ready() {
            this.over = true;
            drop(this.ending.slot.take());
            // Half an event cannot be completed by us; the client sees a stream that broke off.
            let farewell = this.ending.farewell.take().filter(|_| this.place == Place::Between);
            return Poll::Ready(farewell.map(|bytes| Ok(Frame::data(bytes))));
        }
        loop {
            let frame = match Pin::new(&mut this.events).poll_frame(cx) {
                Poll::Pending => return this.poll_silence(cx),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Some(Err(BodyError(Box::new(error)))));
                }
                Poll::Ready(Some(Ok(frame))) => frame,
            };
            // Trailers are nothing that an event could be in.
            let Ok(bytes) = frame.into_data() else { continue };
            this.changes.look(&bytes);
            this.place = Place::after(&bytes);
            this.beats.stirred();
            let sealed = this.ids.seal(bytes);
            if !sealed.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(sealed))));
            }
        }
    }
}

impl Place {
    fn after(bytes: &[u8]) -> Self {
        let blank = [b"\n\n".as_slice(), b"\r\n\r\n", b"\r\r"];
        if blank.iter().any(|end| bytes.ends_with(end)) { Self::Between } else { Self::Within }
    }
}

impl ChangeWatch {
    /// News for this server's kept lists. The needle has no slash, which some servers escape.
    pub(crate) fn of(server: &Arc<Endpoint>) -> Self {
        Self { server: Arc::clone(server), finder: Finder::new("list_changed") }
    }

    /// Forgets the kept lists if these bytes say that tools changed. News that is split between
    /// two chunks is missed, and the lists age out instead.
    pub(crate) fn look(&self, bytes: &[u8]) {
        if self.finder.find(bytes).is_some() {
            self.server.tools.lists.forget();
            self.server.tools.schemas.forget();
        }
    }
}
