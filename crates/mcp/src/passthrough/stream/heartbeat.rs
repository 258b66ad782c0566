//! Comments in silent streams. Clients, and proxies between, give up a stream in which nothing is
//! said for long, and a Python client its whole session with it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, Sleep};

/// Tells when a stream was silent for so long that it must say something. Each takes a timer and
/// nothing more.
#[derive(Default)]
pub(crate) struct Heartbeat {
    alarm: Option<Pin<Box<Sleep>>>,
}

/// How long a stream may be silent.
pub(crate) const SILENCE: Duration = Duration::from_secs(15);

/// What is said then. Every client reads over it.
pub(crate) const COMMENT: Bytes = Bytes::from_static(b": keep-alive\n\n");

impl Heartbeat {
    /// Something was said.
    pub(crate) fn stirred(&mut self) {
        if let Some(alarm) = &mut self.alarm {
            alarm.as_mut().reset(Instant::now() + SILENCE);
        }
    }

    /// Ready when a comment is due.
    pub(crate) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(SILENCE)));
        ready!(alarm.as_mut().poll(cx));
        self.stirred();
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_silence_counts() {
        let mut beats = Heartbeat::default();
        let begun = Instant::now();
        poll_fn(|cx| beats.poll_due(cx)).await;
        assert_eq!(begun.elapsed(), SILENCE);
        tokio::time::advance(SILENCE / 3).await;
        beats.stirred();
        let said = Instant::now();
        poll_fn(|cx| beats.poll_due(cx)).await;
        assert_eq!(said.elapsed(), SILENCE);
    }
}
