//! D-37: what a legacy server says on no request's account.
//!
//! Over pipes a server's questions never say to which call they belong, and many a server over
//! HTTP sends them on its standing stream. They are related to the latest call in flight of the
//! same session that can be asked anything. That is safe, because a session belongs to one
//! principal and one set of capabilities: whoever is asked is the one whom the server asked, and
//! the server's own id relates the answer. Where one child serves everybody, a session has many
//! owners, so a question is related only while a single call is in flight.

use std::sync::{Arc, Weak};
use std::time::Duration;

use protocol::jsonrpc::METHOD_NOT_FOUND;
use protocol::jsonrpc::member::{CODE, ERROR, MESSAGE, RESULT};
use protocol::mcp::{TOOLS_LIST_CHANGED, method};
use serde_json::value::RawValue;
use tokio::sync::broadcast::error::RecvError;
use upstream::connection::legacy::LegacyPeer;
use upstream::connection::{Caller, Kind, ServerMessage};

use super::bridged_request::BridgedRequest;
use crate::outbound::{Cause, Probe};
use crate::request::Endpoint;

/// How long a server may take to hear an answer, before what it says next is read.
const TELLING: Duration = Duration::from_secs(10);
/// How often to look whether the session is still of use to anybody.
const LOOKING: Duration = Duration::from_secs(30);

struct Watch {
    server: Arc<Endpoint>,
    caller: Caller,
    shared_by_everyone: bool,
}

/// Reads what the server says unasked from now on, until the session ends.
pub(super) fn watch(asked: &BridgedRequest, peer: &Arc<LegacyPeer>) {
    if peer.desk().watch() {
        return;
    }
    let watch = Watch {
        server: Arc::clone(&asked.server),
        caller: asked.caller.clone(),
        shared_by_everyone: asked.server.upstream.is_shared_by_everyone(),
    };
    let mut said = peer.connection().listen(&asked.caller);
    let peer = Arc::downgrade(peer);
    tokio::spawn(async move {
        while is_of_use(&peer) {
            match tokio::time::timeout(LOOKING, said.recv()).await {
                Ok(Ok(heard)) => watch.take(&peer, &heard).await,
                Ok(Err(RecvError::Closed)) => return,
                // That a list changed may have been among what was missed.
                Ok(Err(RecvError::Lagged(missed))) => {
                    tracing::warn!(missed, "mcp.session.missed_messages");
                    watch.server.tools.lists.forget();
                }
                // Nothing was said for a while.
                Err(_) => {}
            }
        }
    });
}

/// Whether the session is open and somebody keeps it. Watching it must not keep it.
fn is_of_use(peer: &Weak<LegacyPeer>) -> bool {
    peer.upgrade().is_some_and(|peer| peer.is_open())
}

impl Watch {
    async fn take(&self, peer: &Weak<LegacyPeer>, heard: &Arc<ServerMessage>) {
        let Some(peer) = peer.upgrade() else { return };
        match &heard.kind {
            Kind::Question { id, method } => self.asked(&peer, id, method, heard).await,
            Kind::Notification { method } if **method == *TOOLS_LIST_CHANGED => {
                self.server.tools.lists.forget();
            }
            // Log messages among them: nobody asked for those outside a request (C-91).
            Kind::Notification { .. } | Kind::Answer => {}
        }
    }

    async fn asked(
        &self,
        peer: &LegacyPeer,
        id: &RawValue,
        method: &str,
        heard: &Arc<ServerMessage>,
    ) {
        if method == method::PING {
            return tell(peer, &self.caller, id, Ok(())).await;
        }
        let calls = &peer.desk().in_flight;
        let related =
            if self.shared_by_everyone { calls.ask_only(heard) } else { calls.ask_latest(heard) };
        if !related {
            let why =
                (METHOD_NOT_FOUND, "the client can be asked only while one of its calls runs");
            tell(peer, &self.caller, id, Err(why)).await;
        }
    }
}

/// Answers a question of the server's without asking anybody. Whether the server hears it is its
/// own affair.
pub(super) async fn tell(
    peer: &LegacyPeer,
    caller: &Caller,
    id: &RawValue,
    outcome: Result<(), (i32, &str)>,
) {
    let (outcome, value) = match outcome {
        Ok(()) => (RESULT, "{}".to_owned()),
        Err((code, message)) => {
            (ERROR, serde_json::json!({ CODE: code, MESSAGE: message }).to_string())
        }
    };
    let telling = Cause::from(Probe::Reply).answer(peer, caller, id, (outcome, &value));
    let told = tokio::time::timeout(TELLING, telling).await;
    if !matches!(told, Ok(Ok(()))) {
        tracing::debug!("mcp.upstream.answer_not_taken");
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use serde_json::{Value, json};

    use super::super::running::Running;
    use super::super::talk;
    use super::super::test_support::Fake;
    use crate::passthrough::front::Reply;

    fn call(fake: &Fake, principal: u8) -> Reply {
        let asked = fake.asked(principal, "tools/call", &json!({ "name": "x" }));
        talk::reply(Running::start(asked, std::sync::Arc::clone(&fake.peer)))
    }

    fn form(id: &str) -> Value {
        let params = json!({ "message": id, "requestedSchema": {} });
        json!({ "jsonrpc": "2.0", "id": id, "method": "elicitation/create", "params": params })
    }

    async fn asked(reply: &mut Reply) -> Value {
        let said = reply.next().await.map(|said| said.ok().map(|said| said.text));
        let text = said.flatten().unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// D-37: over a pipe no question says where it belongs. The latest call gets it.
    #[tokio::test]
    async fn d_37_questions_are_related_to_the_latest_call() {
        let mut fake = Fake::new(false).await;
        let earlier = call(&fake, 1);
        let mut later = call(&fake, 1);
        fake.say(&form("a"));
        let answer = asked(&mut later).await;
        let requests = &answer["result"]["inputRequests"];
        assert_eq!(requests["q1"]["params"]["message"], "a", "{answer}");
        drop(earlier);
        // Pings are nobody's in particular.
        fake.say(&json!({ "jsonrpc": "2.0", "id": 5, "method": "ping" }));
        assert_eq!(fake.told().await, json!({ "jsonrpc": "2.0", "id": 5, "result": {} }));
    }

    /// D-37: nobody is there to be asked.
    #[tokio::test]
    async fn d_37_questions_without_any_call_are_refused() {
        let mut fake = Fake::new(false).await;
        drop(call(&fake, 1));
        fake.say(&form("a"));
        let told = fake.told().await;
        assert_eq!((&told["id"], &told["error"]["code"]), (&json!("a"), &json!(-32601)));
    }

    /// Where one child serves everybody, nobody is asked what might be meant for somebody else.
    #[tokio::test]
    async fn d_37_a_shared_child_asks_only_who_is_alone() {
        let mut fake = Fake::new(true).await;
        let mut one = call(&fake, 1);
        let other = call(&fake, 2);
        fake.say(&form("a"));
        assert_eq!(fake.told().await["error"]["code"], -32601);
        drop(other);
        fake.say(&form("b"));
        assert_eq!(asked(&mut one).await["result"]["resultType"], "input_required");
    }
}
