//! What goes on in one session with a legacy server, for all who share it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::ServerMessage;

/// The state of a session that no single request owns.
#[derive(Default)]
pub struct SessionState {
    /// The calls that can be asked something.
    pub in_flight: InFlight,
    /// The most verbose level that log messages were asked for so far; 0 is the most verbose.
    pub level: tokio::sync::Mutex<Option<u8>>,
    /// How many streams listen for each resource.
    pub subscribed: tokio::sync::Mutex<HashMap<String, usize>>,
    watched: AtomicBool,
}

/// The calls of one session that are not answered yet and whose clients can be asked something.
#[derive(Default)]
pub struct InFlight(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    last: u64,
    open: Vec<(u64, mpsc::Sender<ServerMessage>)>,
}

/// Questions that wait for one call. A server with more than these at once waits in vain.
const WAITING: usize = 16;

impl SessionState {
    /// Whether somebody already reads what the server says unasked; from now on somebody does.
    pub fn watch(&self) -> bool {
        self.watched.swap(true, Ordering::Relaxed)
    }
}

impl InFlight {
    /// Adds a call. Questions without relation may come out of the receiver.
    pub fn enter(&self) -> (u64, mpsc::Receiver<ServerMessage>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let mut calls = self.lock();
        calls.last += 1;
        let number = calls.last;
        calls.open.push((number, sender));
        (number, receiver)
    }

    /// Takes a call out again.
    pub fn leave(&self, number: u64) {
        self.lock().open.retain(|(open, _)| *open != number);
    }

    /// Gives a question to the call that was added last. `false` if there is none or it takes no
    /// more.
    pub fn ask_latest(&self, question: &Arc<ServerMessage>) -> bool {
        let latest = self.lock().open.last().map(|(_, call)| call.clone());
        latest.is_some_and(|call| call.try_send(ServerMessage::clone(question)).is_ok())
    }

    /// Gives a question to the only call there is.
    pub fn ask_only(&self, question: &Arc<ServerMessage>) -> bool {
        let only = match &*self.lock().open {
            [(_, only)] => only.clone(),
            _ => return false,
        };
        only.try_send(ServerMessage::clone(question)).is_ok()
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn questions_find_the_latest_call() {
        let in_flight = InFlight::default();
        let ping = Bytes::from_static(br#"{"id":1,"method":"ping"}"#);
        let question = Arc::new(ServerMessage::read(ping).unwrap());
        assert!(!in_flight.ask_latest(&question), "nobody is there");
        let (first, mut of_first) = in_flight.enter();
        assert!(in_flight.ask_only(&question));
        let (second, mut of_second) = in_flight.enter();
        assert!(in_flight.ask_latest(&question) && !in_flight.ask_only(&question));
        assert!(of_first.try_recv().is_ok() && of_second.try_recv().is_ok());
        in_flight.leave(second);
        for _ in 0..WAITING {
            assert!(in_flight.ask_latest(&question));
        }
        assert!(!in_flight.ask_latest(&question), "it is full");
        in_flight.leave(first);
        assert!(!in_flight.ask_only(&question));
    }
}
