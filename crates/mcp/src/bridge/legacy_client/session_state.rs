//! What a session has besides what its id says: subscriptions, a log level, a standing stream.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel::Timestamp;
use tokio::sync::watch;

/// What one session has. Whoever serves it watches it.
pub(super) struct ClientSessionState {
    view: watch::Sender<View>,
    /// The resources of the subscription that stands at the upstream; `None` while there is
    /// none.
    stands: watch::Sender<Option<Arc<BTreeSet<String>>>>,
    visits: Mutex<Visits>,
}

/// Where requests of the session run.
#[derive(Default)]
struct Visits {
    /// At the home: the other replicas that have some.
    visitors: Vec<String>,
    /// Elsewhere: until when the home need not be told again.
    known_until: Option<Timestamp>,
}

/// More replicas than any deployment has behind one load balancer.
const MOST_VISITORS: usize = 64;

/// How long a client waits at most until its subscription stands.
const SETTLING: Duration = Duration::from_secs(2);

/// What it has now.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    /// The resources whose changes the client wants to hear of.
    pub(super) resources: Arc<BTreeSet<String>>,
    /// The least severe message that the client wants.
    pub(super) level: Option<&'static str>,
    /// Which of the session's streams stands; an older one gives way.
    pub(super) stream: u64,
    /// The client ended the session.
    pub(super) ended: bool,
}

/// There are too many subscriptions, or the URI is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

const MAX_RESOURCES: usize = 200;
const MAX_URI_BYTES: usize = 2_000;

impl Default for ClientSessionState {
    fn default() -> Self {
        Self {
            view: watch::Sender::new(View::default()),
            stands: watch::Sender::new(None),
            visits: Mutex::default(),
        }
    }
}

impl ClientSessionState {
    /// At the home: requests of the session run at this replica, too.
    pub(super) fn visited_by(&self, visitor: &str) {
        let mut visits = self.visits();
        if visits.visitors.iter().all(|known| known != visitor) {
            if visits.visitors.len() == MOST_VISITORS {
                visits.visitors.remove(0);
            }
            visits.visitors.push(visitor.to_owned());
        }
    }

    /// The replicas at which requests of the session run.
    pub(super) fn visitors(&self) -> Vec<String> {
        self.visits().visitors.clone()
    }

    /// Whether the home has to be told, which the caller does now.
    pub(super) fn begins_visit(&self, now: Timestamp, until: Timestamp) -> bool {
        let mut visits = self.visits();
        let is_known = visits.known_until.is_some_and(|known| now < known);
        if !is_known {
            visits.known_until = Some(until);
        }
        !is_known
    }

    fn visits(&self) -> MutexGuard<'_, Visits> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn view(&self) -> View {
        self.view.borrow().clone()
    }

    pub(super) fn watch(&self) -> watch::Receiver<View> {
        self.view.subscribe()
    }

    pub(super) fn subscribe(&self, uri: String) -> Result<(), TooMuch> {
        let mut fits = uri.len() <= MAX_URI_BYTES;
        if fits {
            self.view.send_if_modified(|view| {
                let known = view.resources.contains(&uri);
                fits = known || view.resources.len() < MAX_RESOURCES;
                fits && Arc::make_mut(&mut view.resources).insert(uri)
            });
        }
        if fits { Ok(()) } else { Err(TooMuch) }
    }

    /// The subscription at the upstream stands now.
    pub(super) fn settled(&self, resources: Option<Arc<BTreeSet<String>>>) {
        self.stands.send_replace(resources);
    }

    /// Waits until what the client wants to hear of is subscribed to behind, so that nothing is
    /// lost that happens after the client was answered. Without a stream there is nothing to wait
    /// for, and a server that is slow holds nobody up for long.
    pub(super) async fn settle(&self) {
        if self.view.receiver_count() == 0 {
            return;
        }
        let wanted = self.view().resources;
        let mut stands = self.stands.subscribe();
        let there = stands.wait_for(|standing| standing.as_ref() == Some(&wanted));
        let _ = tokio::time::timeout(SETTLING, there).await;
    }

    pub(super) fn unsubscribe(&self, uri: &str) {
        self.view.send_if_modified(|view| Arc::make_mut(&mut view.resources).remove(uri));
    }

    pub(super) fn set_level(&self, level: &'static str) {
        self.view.send_modify(|view| view.level = Some(level));
    }

    /// A new stream for the session; what stood before gives way.
    pub(super) fn begin_stream(&self) -> u64 {
        self.view.send_modify(|view| view.stream += 1);
        self.view.borrow().stream
    }

    pub(super) fn end(&self) {
        self.view.send_modify(|view| {
            *view = View { ended: true, stream: view.stream + 1, ..View::default() };
        });
    }

    pub(super) fn has_ended(&self) -> bool {
        self.view.borrow().ended
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// G-44: subscriptions are limited, and one that is known already takes no place.
    #[test]
    fn g_44_subscriptions_are_limited() {
        let stand = ClientSessionState::default();
        for n in 0..MAX_RESOURCES {
            stand.subscribe(format!("test://{n}")).unwrap();
        }
        assert_eq!(stand.subscribe("test://new".to_owned()), Err(TooMuch));
        stand.subscribe("test://0".to_owned()).unwrap();
        stand.unsubscribe("test://0");
        stand.subscribe("test://new".to_owned()).unwrap();
        assert_eq!(stand.subscribe("x".repeat(MAX_URI_BYTES + 1)), Err(TooMuch));
        stand.end();
        assert!(stand.has_ended() && stand.view().resources.is_empty());
    }
}
