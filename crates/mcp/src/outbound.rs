//! The only way from the sidecar to an upstream. Whatever goes out names its [`Cause`]: proof that a
//! client's message was judged, or a [`Probe`]. `scripts/boundaries.sh` sees to it that no other module
//! sends. The proof is not tied to the bytes, since bridges say a message in other words: what is sent
//! with it must be sent on account of that message.

use serde_json::value::RawValue;
use upstream::Upstream;
use upstream::connection::legacy::LegacyPeer;
use upstream::connection::{Caller, Connection, ConnectionError, Question, ResponseStream};
use upstream::http::{Outgoing, SendError, Sent};

use crate::policy::judge::{Judged, JudgedRequest};

/// Why something is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cause {
    /// A client's message was judged, and this is sent on its account.
    Judged(Judged),
    /// No client's message goes out.
    Probe(Probe),
}

/// What is sent that carries no JSON-RPC message of a client's: its GET or DELETE, or a request of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Probe {
    /// A client opens or resumes a stream of its session (GET).
    Stream,
    /// A session ends (DELETE).
    EndOfSession,
    /// We ask for the server's tools, to know their schemas or for the consent page.
    Tools,
    /// A question of the server's is answered by us, without asking anybody.
    Reply,
}

impl From<&JudgedRequest<'_>> for Cause {
    fn from(judged: &JudgedRequest<'_>) -> Self {
        Self::Judged(judged.proof())
    }
}

impl From<Judged> for Cause {
    fn from(judged: Judged) -> Self {
        Self::Judged(judged)
    }
}

impl From<Probe> for Cause {
    fn from(probe: Probe) -> Self {
        Self::Probe(probe)
    }
}

impl Cause {
    /// Lets the log tell what nobody asked us for.
    fn note(self, upstream: &str) {
        if let Self::Probe(probe) = self {
            tracing::debug!(server.name = upstream, ?probe, "mcp.probe");
        }
    }

    /// Sends one HTTP request and waits for the head of its answer.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    pub(crate) async fn send(
        self,
        upstream: &Upstream,
        outgoing: Outgoing,
    ) -> Result<Sent, SendError> {
        self.note(&upstream.name);
        upstream.http.send(outgoing).await
    }

    /// Sends a question over a connection.
    pub(crate) async fn ask(
        self,
        connection: &dyn Connection,
        caller: &Caller,
        question: Question,
    ) -> Result<ResponseStream, ConnectionError> {
        connection.ask(caller, question).await
    }

    /// The same in a session with a legacy server.
    pub(crate) async fn ask_peer(
        self,
        peer: &LegacyPeer,
        caller: &Caller,
        (id, method): (u64, &str),
        params: Option<&str>,
    ) -> Result<ResponseStream, ConnectionError> {
        peer.ask(caller, id, method, params).await
    }

    /// Sends a notification in such a session.
    pub(crate) async fn notify(
        self,
        peer: &LegacyPeer,
        caller: &Caller,
        method: &str,
        params: Option<&str>,
    ) -> Result<(), ConnectionError> {
        peer.notify(caller, method, params).await
    }

    /// Answers a question of the server's. `outcome` is `result` or `error`, `value` its JSON.
    pub(crate) async fn answer(
        self,
        peer: &LegacyPeer,
        caller: &Caller,
        id: &RawValue,
        (outcome, value): (&str, &str),
    ) -> Result<(), ConnectionError> {
        peer.answer(caller, id, outcome, value).await
    }
}
