//! A stream of events that begins before the upstream has answered.
//!
//! A Python client that signs in by OAuth holds one lock for all its requests until the headers of
//! an answer come, so that one slow call holds up all others. What such a client waits for longer
//! than a moment is answered as a stream; everybody else gets the server's own form.
//!
//! By then the request was judged, so that only the server's part is open. What would have been an
//! HTTP status is an error in the stream, and a session that was lost is 404 to the next request. A
//! standing stream has nobody to tell an error to, and ends. So does a stream whose token ends, or
//! whose process does, as if the server had begun it.

mod late;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt};
use http::header::{ACCEPT, USER_AGENT};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use protocol::mcp::EVENT_STREAM;
use upstream::wire::{BodyError, events};

use crate::observe::{PendingRequest, RequestRecord, Waiting, Wanted};
use crate::passthrough::answer::{access_ended, listening_complete};
use crate::passthrough::front::events_response;
use crate::passthrough::stream::heartbeat::{COMMENT, SILENCE};
use crate::reply::body::Body;
use crate::request::{Call, Endpoint, Shared};

/// How long an answer may take before the stream begins.
const MOMENT: Duration = Duration::from_secs(1);

/// The HTTP library of the Python SDK, in both its names.
const LIBRARY: &[u8] = b"python-httpx";

/// The answer of the upstream, on its way.
type Work = BoxFuture<'static, Response<Body>>;

/// What the client is told.
type Told = BoxStream<'static, Result<Frame<Bytes>, BodyError>>;

impl Call<'_> {
    /// From now on nothing is left but what the upstream does.
    pub(crate) fn waits_for(&self, wants: impl FnOnce() -> Wanted) {
        self.record.waits(|| PendingRequest {
            wants: wants(),
            permit: Arc::clone(self.permit),
            session: self.session.as_ref().map(|session| session.digest),
        });
    }
}

/// Whether a request comes from such a client, which also says that it reads streams.
pub(crate) fn is_wanted(parts: &Parts) -> bool {
    let holds = |name: HeaderName, part: &[u8]| {
        let values = parts.headers.get_all(name).iter();
        values.map(HeaderValue::as_bytes).any(|value| memchr::memmem::find(value, part).is_some())
    };
    let agent = parts.headers.get(USER_AGENT).map(HeaderValue::as_bytes);
    matches!(parts.method, Method::POST | Method::GET)
        && agent.is_some_and(|agent| agent.starts_with(LIBRARY))
        && holds(ACCEPT, EVENT_STREAM.as_bytes())
}

/// The answer that `work` comes to, if that is soon; otherwise a stream in which it will be.
pub(crate) async fn answer(
    shared: &Shared,
    server: &Arc<Endpoint>,
    mut work: Work,
    waiting: Waiting,
    record: Arc<RequestRecord>,
) -> Response<Body> {
    let pending = loop {
        if let Ok(response) = tokio::time::timeout(MOMENT, &mut work).await {
            return response;
        }
        if let Some(pending) = waiting.get() {
            break pending.clone();
        }
    };
    record.begins_early();
    let beginning = match &pending.wants {
        Wanted::Stream(after) => after.as_ref().map(events::beginning_after),
        Wanted::Answer(_) | Wanted::Subscription(_) => None,
    };
    let stands = !matches!(pending.wants, Wanted::Answer(_));
    let progress = Progress::Waiting(Wait::new(shared, Arc::clone(server), work, pending));
    let told = one(beginning).chain(stream::unfold(progress, Progress::next));
    let told = Box::pin(StreamBody::new(Box::pin(told)));
    events_response(if stands { Body::standing(told) } else { Body::streamed(told) })
}

/// How far a stream is.
enum Progress {
    Waiting(Wait),
    Telling(Told),
}

/// The time until the upstream has answered.
struct Wait {
    answer: BoxFuture<'static, Told>,
    /// Resolves when nothing may be waited for any longer (MC-5).
    ended: BoxFuture<'static, ()>,
    /// The last event then.
    farewell: Option<Bytes>,
}

impl Wait {
    /// Ends as the streams do that an upstream begins: see [`Call::guard`].
    fn new(shared: &Shared, server: Arc<Endpoint>, work: Work, pending: PendingRequest) -> Self {
        let (farewell, grace) = match &pending.wants {
            Wanted::Answer(id) => (Some(access_ended(id)), shared.limits.drain_grace),
            Wanted::Subscription(id) => (Some(listening_complete(id)), Duration::ZERO),
            Wanted::Stream(_) => (None, Duration::ZERO),
        };
        let (pulse, trust) = (Arc::clone(&server.pulse), Arc::clone(&shared.trust));
        let ended = Box::pin(pulse.ended(trust, Arc::clone(&pending.permit), grace));
        let answer = Box::pin(async move { late::told(&server, &pending, work.await).await });
        Self { answer, ended, farewell }
    }
}

impl Progress {
    async fn next(self) -> Option<(Result<Frame<Bytes>, BodyError>, Self)> {
        let mut told = match self {
            Self::Telling(told) => told,
            Self::Waiting(mut wait) => tokio::select! {
                // The end of the process ends both at once, and the answer says why.
                biased;
                told = &mut wait.answer => told,
                () = &mut wait.ended => one(wait.farewell),
                () = tokio::time::sleep(SILENCE) => {
                    return Some((Ok(Frame::data(COMMENT)), Self::Waiting(wait)));
                }
            },
        };
        let frame = told.next().await?;
        Some((frame, Self::Telling(told)))
    }
}

/// One event or none.
fn one(event: Option<Bytes>) -> Told {
    stream::iter(event.map(Frame::data).map(Ok)).boxed()
}
