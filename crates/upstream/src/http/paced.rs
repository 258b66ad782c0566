//! The body of an answer, which may not pause for too long.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Either;
use tokio::time::Sleep;

use super::Incoming;
use super::pool::PooledBody;
use crate::wire::BodyError;

/// What an upstream sends, as it comes. Any byte counts as a sign of life, comments too.
pub struct Paced {
    incoming: Incoming,
    idle: Option<Duration>,
    /// Set while a piece is waited for.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Paced {
    /// A body that may pause for this long; without a limit if there is none.
    pub fn new(incoming: Incoming, idle: Option<Duration>) -> Self {
        Self { incoming, idle, alarm: None }
    }

    /// The same without a limit, for streams in which silence is normal.
    #[must_use]
    pub fn patient(self) -> Self {
        Self::from(self.incoming)
    }
}

impl From<Incoming> for Paced {
    fn from(incoming: Incoming) -> Self {
        Self::new(incoming, None)
    }
}

impl From<PooledBody> for Paced {
    fn from(incoming: PooledBody) -> Self {
        Self::from(Incoming::Left(Either::Left(incoming)))
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(cx) {
            this.alarm = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(BodyError)));
        }
        let Some(idle) = this.idle else {
            return Poll::Pending;
        };
        let alarm = this.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
        alarm
            .as_mut()
            .poll(cx)
            .map(|()| Some(Err(BodyError("the upstream paused for too long".into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
