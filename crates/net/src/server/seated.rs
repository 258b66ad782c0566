//! A connection at a worker, which goes on at another one when it is told to.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio_util::task::TaskTracker;

use super::phase::Phase;
use super::workers::Seat;

/// Serves a connection to its end.
pub(super) type Conversation = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The task of a connection.
pub(super) struct Seated(Option<Moving>);

/// What goes with a connection from worker to worker.
struct Moving {
    conversation: Conversation,
    phase: Arc<Phase>,
    seat: Seat,
    /// The period of the balance in which this last had done with a request.
    asked: u64,
    running: TaskTracker,
}

impl Seated {
    /// Serves the connection at its seat, as one of the running tasks.
    pub(super) fn spawn(
        conversation: Conversation,
        phase: Arc<Phase>,
        seat: Seat,
        running: TaskTracker,
    ) {
        Moving { conversation, phase, seat, asked: 0, running }.spawn();
    }
}

impl Moving {
    fn spawn(self) {
        let (running, runtime) = (self.running.clone(), self.seat.worker().runtime.clone());
        running.spawn_on(Seated(Some(self)), &runtime);
    }
}

impl Future for Seated {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(here) = &mut self.0 else { return Poll::Ready(()) };
        if here.conversation.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if !here.phase.is_idle() {
            return Poll::Pending;
        }
        let Some(seat) = here.seat.elsewhere(&mut here.asked) else { return Poll::Pending };
        if let Some(here) = self.0.take() {
            here.phase.moves();
            Moving { seat, ..here }.spawn();
        }
        Poll::Ready(())
    }
}
