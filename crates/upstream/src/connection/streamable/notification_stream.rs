//! The standing stream of a legacy session (D-02): what the server says unasked.
//!
//! It is opened for the first listener and stays while there is one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, StatusCode};
use protocol::mcp::EVENT_STREAM;
use tokio::sync::broadcast;

use super::answer::form;
use super::resume::Tail;
use super::{HttpConnection, headers};
use crate::connection::opening::Opening;
use crate::connection::{Caller, Connection as _, Kind, ServerMessage};
use crate::wire::reader::Reader;

/// How many messages a slow listener may be behind before it misses some. Each takes 40 bytes for
/// as long as the stream stands.
const BEHIND: usize = 64;
/// How long a burst waits for them.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often in a row an attempt to open the stream may fail.
const ATTEMPTS: u32 = 5;

/// The listeners. Dropping the sender tells them that nothing will come any more.
pub(super) struct NotificationStream(Mutex<Option<Running>>);

/// A stream that stands, or will soon.
struct Running {
    news: broadcast::Sender<Arc<ServerMessage>>,
    opening: Opening,
}

/// Why a stream is not there any more.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    /// The connection: another attempt is worth it.
    Broke,
    /// The server has no such stream, or the session ended.
    ForGood,
}

impl NotificationStream {
    pub(super) fn new() -> Self {
        Self(Mutex::new(None))
    }

    pub(super) fn listen(
        &self,
        connection: &HttpConnection,
        caller: &Caller,
    ) -> broadcast::Receiver<Arc<ServerMessage>> {
        let mut running = self.lock();
        if let Some(running) = &*running {
            return running.news.subscribe();
        }
        let (news, receiver) = broadcast::channel(BEHIND);
        let opening = Opening::begin();
        *running = Some(Running { news: news.clone(), opening: opening.clone() });
        tokio::spawn(run(connection.clone(), caller.clone(), news, opening));
        receiver
    }

    /// Waits until the stream stands that was asked for, or never will.
    pub(super) async fn settled(&self) {
        let opening = self.lock().as_ref().map(|running| running.opening.clone());
        if let Some(opening) = opening {
            opening.settled().await;
        }
    }

    /// Ends the task if nobody listens. Checked and forgotten under one lock, so that a listener
    /// who comes now starts a new one.
    fn abandoned(&self, news: &broadcast::Sender<Arc<ServerMessage>>) -> bool {
        let mut running = self.lock();
        let abandoned = news.receiver_count() == 0;
        if abandoned {
            *running = None;
        }
        abandoned
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run(
    connection: HttpConnection,
    caller: Caller,
    news: broadcast::Sender<Arc<ServerMessage>>,
    opening: Opening,
) {
    let (mut tail, mut failed) = (Tail::of(&connection.0.upstream.name), 0);
    while failed < ATTEMPTS && connection.is_open() {
        let ended = tokio::select! {
            ended = follow(&connection, &caller, &mut tail, (&news, &opening), &mut failed) => ended,
            () = news.closed() => Ended::Broke,
        };
        if matches!(ended, Ended::ForGood) {
            break;
        }
        if connection.0.standing.abandoned(&news) {
            return;
        }
        failed += 1;
        tokio::time::sleep(tail.pause(&*connection.0.upstream.means.random)).await;
    }
    *connection.0.standing.lock() = None;
}

/// Whether an answer is a stream. A server that answers something else has none, although it should
/// say so with 405.
fn stands(status: StatusCode, headers: &HeaderMap) -> Result<(), Ended> {
    match status {
        StatusCode::OK if form(headers) == EVENT_STREAM => Ok(()),
        status if status.is_server_error() => Err(Ended::Broke),
        _ => Err(Ended::ForGood),
    }
}

async fn follow(
    connection: &HttpConnection,
    caller: &Caller,
    tail: &mut Tail,
    (news, opening): (&broadcast::Sender<Arc<ServerMessage>>, &Opening),
    failed: &mut u32,
) -> Ended {
    let mut asked = headers::of(&connection.0, caller);
    asked.insert(ACCEPT, HeaderValue::from_static(EVENT_STREAM));
    tail.name(&mut asked);
    let answered = connection.get(asked).await;
    opening.settle();
    let Ok(response) = answered else {
        return Ended::Broke;
    };
    if let Err(ended) = stands(response.status(), response.headers()) {
        if response.status().is_success() {
            tracing::warn!(server.name = %connection.0.upstream.name, "mcp.stream.none");
        }
        return ended;
    }
    *failed = 0;
    tail.opened();
    let mut patience = Patience::default();
    let mut reader =
        Reader::new(response.into_body(), connection.0.upstream.means.limits.message_bytes);
    while let Ok(Some(event)) = reader.next().await {
        tail.saw(&event);
        let heard = event.message().and_then(|text| ServerMessage::read(Bytes::from(text)).ok());
        // D-02: no answers come here.
        if let Some(heard) = heard.filter(|heard| !matches!(heard.kind, Kind::Answer)) {
            let _ = news.send(Arc::new(heard));
        }
        patience.wait_for_listeners(news).await;
    }
    Ended::Broke
}

/// A burst is not to outrun those who do listen, and one who does not is not to hold it up for more
/// than [`PATIENCE`] in all.
#[derive(Default)]
struct Patience {
    is_over: bool,
}

impl Patience {
    async fn wait_for_listeners<T>(&mut self, news: &broadcast::Sender<T>) {
        let outrun = || news.len() > BEHIND / 2;
        if !self.is_over && outrun() {
            let caught_up = async {
                while outrun() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            self.is_over = tokio::time::timeout(PATIENCE, caught_up).await.is_err();
        }
        self.is_over &= outrun();
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use http::header::CONTENT_TYPE;
    use tokio::time::Instant;

    use super::*;

    /// Item 14: what is no stream is not asked for again and again.
    #[test]
    fn only_a_stream_is_opened_again() {
        let answered = |status: StatusCode, kind: &'static str| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
            stands(status, &headers)
        };
        for stream in ["text/event-stream", "Text/Event-Stream; charset=utf-8"] {
            assert_eq!(answered(StatusCode::OK, stream), Ok(()));
        }
        for other in ["application/json", "text/html", ""] {
            assert_eq!(answered(StatusCode::OK, other), Err(Ended::ForGood), "{other}");
        }
        assert_eq!(answered(StatusCode::ACCEPTED, "text/event-stream"), Err(Ended::ForGood));
        assert_eq!(answered(StatusCode::METHOD_NOT_ALLOWED, "text/html"), Err(Ended::ForGood));
        assert_eq!(answered(StatusCode::BAD_GATEWAY, "text/html"), Err(Ended::Broke));
    }

    async fn burst(news: &broadcast::Sender<usize>, patience: &mut Patience, count: usize) {
        for number in 0..count {
            let _ = news.send(number);
            patience.wait_for_listeners(news).await;
        }
    }

    /// One who takes a while for each message misses none of them.
    #[tokio::test(start_paused = true)]
    async fn a_burst_waits_for_a_slow_listener() {
        let (news, mut listener) = broadcast::channel(BEHIND);
        let listening = tokio::spawn(async move {
            for expected in 0..10 * BEHIND {
                assert_eq!(listener.recv().await.unwrap(), expected);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        burst(&news, &mut Patience::default(), 10 * BEHIND).await;
        listening.await.unwrap();
    }

    /// One who takes nothing holds the others up once, and for a second in all; when they go on, so
    /// does the waiting.
    #[tokio::test(start_paused = true)]
    async fn a_listener_who_does_not_listen_is_not_waited_for() {
        let (news, mut listener) = broadcast::channel(BEHIND);
        let (mut patience, began) = (Patience::default(), Instant::now());
        burst(&news, &mut patience, 100 * BEHIND).await;
        assert_eq!(began.elapsed(), PATIENCE);
        while listener.try_recv() != Err(broadcast::error::TryRecvError::Empty) {}
        burst(&news, &mut patience, 100 * BEHIND).await;
        assert_eq!(began.elapsed(), 2 * PATIENCE);
    }
}
