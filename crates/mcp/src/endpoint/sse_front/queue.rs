//! What waits to be read from a stream: few messages, few bytes, and not for long.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http_body::Frame;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The end at which messages are put in.
#[derive(Clone)]
pub(super) struct Queue {
    parcels: mpsc::Sender<Parcel>,
    room: Arc<Semaphore>,
}

/// The end that the client reads.
pub(super) struct Outlet {
    parcels: mpsc::Receiver<Parcel>,
    gone: CancellationToken,
    /// When the client goes away, or hyper drops the body for any other reason, all else ends.
    _leaving: DropGuard,
}

/// The client reads too slowly, or not at all any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CutOff;

enum Parcel {
    Event(Bytes, OwnedSemaphorePermit),
    End,
}

/// Messages that wait.
const MESSAGES: usize = 64;
/// Bytes that wait, in units; one message may be larger, and then waits alone.
const ROOM_UNITS: u32 = 8192;
const UNIT: usize = 1024;
/// How long a message waits for room before the reader counts as gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// A queue whose stream ends when `gone` is cancelled, and the other way round.
pub(super) fn queue(gone: &CancellationToken) -> (Queue, Outlet) {
    let (sender, receiver) = mpsc::channel(MESSAGES);
    let queue = Queue { parcels: sender, room: Arc::new(Semaphore::new(ROOM_UNITS as usize)) };
    let leaving = gone.clone().drop_guard();
    (queue, Outlet { parcels: receiver, gone: gone.clone(), _leaving: leaving })
}

impl Queue {
    /// Puts one event in. Waits for a slow reader, but not for long.
    pub(super) async fn put(&self, event: Bytes) -> Result<(), CutOff> {
        let units = u32::try_from(event.len() / UNIT + 1).unwrap_or(ROOM_UNITS).min(ROOM_UNITS);
        let put = async {
            let room = Arc::clone(&self.room).acquire_many_owned(units).await.ok()?;
            self.parcels.send(Parcel::Event(event, room)).await.ok()
        };
        tokio::time::timeout(PATIENCE, put).await.ok().flatten().ok_or(CutOff)
    }

    /// Ends the stream after what was put in before.
    pub(super) async fn end(&self) {
        let _ = tokio::time::timeout(PATIENCE, self.parcels.send(Parcel::End)).await;
    }
}

impl Outlet {
    /// `first`, then what is put in.
    pub(super) fn frames(
        self,
        first: Bytes,
    ) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> + Send {
        stream::unfold((self, Some(first)), |(mut outlet, first)| async {
            let bytes = match first {
                Some(first) => first,
                None => outlet.next().await?,
            };
            Some((Ok(Frame::data(bytes)), (outlet, None)))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        tokio::select! {
            () = self.gone.cancelled() => None,
            parcel = self.parcels.recv() => match parcel {
                Some(Parcel::Event(event, _room)) => Some(event),
                Some(Parcel::End) | None => None,
            },
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    async fn next(
        frames: &mut (impl Stream<Item = Result<Frame<Bytes>, Infallible>> + Unpin),
    ) -> Option<Bytes> {
        frames.next().await.map(|frame| frame.unwrap().into_data().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_tells_what_is_put_in_and_ends() {
        let gone = CancellationToken::new();
        let (queue, outlet) = queue(&gone);
        let mut frames = Box::pin(outlet.frames(Bytes::from_static(b"first")));
        assert_eq!(next(&mut frames).await.unwrap(), "first");
        queue.put(Bytes::from_static(b"x")).await.unwrap();
        queue.end().await;
        assert_eq!(next(&mut frames).await.unwrap(), "x");
        assert_eq!(next(&mut frames).await, None);
        drop(frames);
        assert!(gone.is_cancelled());
    }

    /// T-MCP-50: a reader that does not read is cut off, after few messages and few bytes.
    #[tokio::test(start_paused = true)]
    async fn t_mcp_50_a_slow_reader_is_cut_off() {
        let (many, _outlet) = queue(&CancellationToken::new());
        for _ in 0..MESSAGES {
            many.put(Bytes::from_static(b"x")).await.unwrap();
        }
        assert_eq!(many.put(Bytes::from_static(b"x")).await, Err(CutOff));
        let (large, _outlet) = queue(&CancellationToken::new());
        large.put(vec![0; 20 << 20].into()).await.unwrap();
        assert_eq!(large.put(Bytes::from_static(b"x")).await, Err(CutOff));
    }
}
