//! A request that a legacy server works on.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use protocol::jsonrpc::INTERNAL_ERROR;
use protocol::mcp::{CANCELLED, member};
use tokio::time::Sleep;
use upstream::connection::legacy::LegacyPeer;
use upstream::connection::{ConnectionError, Kind, ResponseStream, ServerMessage};
use upstream::wire::json::Members;

use super::bridged_request::BridgedRequest;
use super::flight::Flight;
use super::question::{Pending, Verdict, judge};
use super::{cancel, notices, request};

/// A request, what comes of it, and what its client still has to answer. Dropping it cancels it.
pub(super) struct Running {
    pub(super) asked: BridgedRequest,
    pub(super) peer: Arc<LegacyPeer>,
    /// Our id for it, and its progress token.
    pub(super) number: u64,
    /// The server's questions that were not answered yet.
    pub(super) pending: Vec<Pending>,
    /// How often the client was sent away to answer questions.
    pub(super) rounds: u32,
    /// Nothing was heard yet, not even that the session is gone.
    pub(super) fresh: bool,
    /// The answer, if it came while nobody listened.
    pub(super) ended: Option<Result<ServerMessage, ConnectionError>>,
    responses: ResponseStream,
    flight: Option<Flight>,
    gathering: Option<Pin<Box<Sleep>>>,
    keys: usize,
}

/// What happens next.
pub(super) enum Next {
    /// The server said something; its questions are already taken care of.
    Heard(Result<ServerMessage, ConnectionError>),
    /// The server has questions, and no more of them come.
    Questions,
}

/// How long to wait for further questions after one, so that they are asked together.
const GATHERING: Duration = Duration::from_millis(20);
/// Questions that may be open in one call.
const MOST_QUESTIONS: usize = 16;
/// Bytes of all questions that are open in one call.
const LARGEST_QUESTIONS: usize = 1 << 20;

impl Running {
    /// Begins to ask. Nothing is sent before the first message is waited for.
    pub(super) fn start(asked: BridgedRequest, peer: Arc<LegacyPeer>) -> Self {
        let number = peer.next_id();
        let flight = asked.may_be_asked().then(|| {
            notices::watch(&asked, &peer);
            Flight::begin(&peer)
        });
        Self {
            responses: asking(&asked, &peer, number),
            asked,
            peer,
            number,
            pending: Vec::new(),
            rounds: 0,
            fresh: true,
            ended: None,
            flight,
            gathering: None,
            keys: 0,
        }
    }

    /// The same request in a new session, after the server forgot the old one. It did not carry
    /// anything out then (D-30).
    pub(super) async fn start_again(self) -> Result<Self, ConnectionError> {
        let peer = self.asked.peer().await?;
        super::logging::set_level(&self.asked, &peer).await;
        Ok(Self { fresh: false, ..Self::start(self.asked, peer) })
    }

    /// Waits for what the client has to hear of.
    pub(super) async fn next(&mut self) -> Next {
        if let Some(ended) = self.ended.take() {
            return Next::Heard(ended);
        }
        // What is left from before is asked again, together with what is new.
        if !self.pending.is_empty() && self.gathering.is_none() {
            self.gather();
        }
        loop {
            let heard = tokio::select! {
                biased;
                () = gathered(&mut self.gathering) => return Next::Questions,
                heard = self.responses.next() => heard.unwrap_or(Err(ConnectionError::Broken)),
                question = Flight::question(&mut self.flight) => Ok(question),
            };
            match heard {
                Ok(heard) if matches!(heard.kind, Kind::Question { .. }) => {
                    self.fresh = false;
                    self.question(&heard).await;
                    if !self.pending.is_empty() && self.gathering.is_none() {
                        self.gather();
                    }
                }
                Ok(heard) if is_withdrawal(&heard) => self.withdraw(&heard),
                heard => return Next::Heard(heard),
            }
        }
    }

    /// Waits for whatever comes while the client is away.
    pub(super) async fn next_unheard(&mut self) -> Result<ServerMessage, ConnectionError> {
        if self.ended.is_some() {
            return std::future::pending().await;
        }
        tokio::select! {
            heard = self.responses.next() => heard.unwrap_or(Err(ConnectionError::Broken)),
            question = Flight::question(&mut self.flight) => Ok(question),
        }
    }

    /// Keeps what came while the client is away: its next request will hear of it. Notifications
    /// are for a stream that is no longer there.
    pub(super) async fn keep(&mut self, heard: Result<ServerMessage, ConnectionError>) {
        match heard {
            Ok(heard) => match &heard.kind {
                Kind::Question { .. } => self.question(&heard).await,
                Kind::Notification { .. } if is_withdrawal(&heard) => self.withdraw(&heard),
                Kind::Notification { .. } => {}
                Kind::Answer => self.ended = Some(Ok(heard)),
            },
            Err(error) => self.ended = Some(Err(error)),
        }
    }

    /// Nobody gathers while the client is away.
    pub(super) fn rest(&mut self) {
        self.gathering = None;
    }

    async fn question(&mut self, heard: &ServerMessage) {
        let Kind::Question { id, method } = &heard.kind else { return };
        let caller = &self.asked.caller;
        let refusal = match judge(method, heard.params(), self.asked.able) {
            Verdict::Ping => return notices::tell(&self.peer, caller, id, Ok(())).await,
            Verdict::Ask(request) if self.asked.may_be_asked() => {
                if self.has_room(&request) {
                    self.keys += 1;
                    let key = format!("q{}", self.keys);
                    return self.pending.push(Pending { key, id: id.clone(), request });
                }
                (INTERNAL_ERROR, "too many questions at once")
            }
            // D-37: this request cannot be answered with a question.
            Verdict::Ask(_) => (INTERNAL_ERROR, "the client cannot be asked during this request"),
            Verdict::Refuse(code, why) => (code, why),
        };
        notices::tell(&self.peer, caller, id, Err(refusal)).await;
    }

    /// The server does not want to know any more.
    fn withdraw(&mut self, heard: &ServerMessage) {
        let params = heard.params().and_then(|params| Members::read(params.get()).ok());
        let Some(id) = params.and_then(|params| params.get(member::REQUEST_ID)) else { return };
        self.pending.retain(|pending| pending.id.get() != id.get());
        if self.pending.is_empty() {
            self.gathering = None;
        }
    }

    fn has_room(&self, request: &str) -> bool {
        let taken: usize = self.pending.iter().map(|pending| pending.request.len()).sum();
        self.pending.len() < MOST_QUESTIONS && taken + request.len() <= LARGEST_QUESTIONS
    }

    fn gather(&mut self) {
        self.gathering = Some(Box::pin(tokio::time::sleep(GATHERING)));
    }
}

fn is_withdrawal(heard: &ServerMessage) -> bool {
    matches!(&heard.kind, Kind::Notification { method } if &**method == CANCELLED)
}

async fn gathered(gathering: &mut Option<Pin<Box<Sleep>>>) {
    match gathering {
        Some(sleep) => sleep.await,
        None => std::future::pending().await,
    }
}

/// The responses, opened when it is first listened to: a server may put questions elsewhere before
/// it begins to answer.
fn asking(asked: &BridgedRequest, peer: &Arc<LegacyPeer>, number: u64) -> ResponseStream {
    let params = request::params(&asked.body, number);
    let (peer, caller, cause) = (Arc::clone(peer), asked.caller.clone(), asked.cause);
    let method = asked.method.clone();
    let opening = async move {
        // A question that belongs on the session's own stream has nowhere to go before that stands.
        peer.connection().listens().await;
        let guard = cancel::Guard::new(cause, &peer, &caller, number);
        let responses = cause.ask_peer(&peer, &caller, (number, &*method), params.as_deref()).await;
        guard.settled();
        responses.map(|responses| {
            stream::unfold(responses, |mut responses| async {
                let heard = responses.next().await?;
                Some((heard, responses))
            })
        })
    };
    ResponseStream::new(stream::once(opening).try_flatten().boxed(), || ())
}
