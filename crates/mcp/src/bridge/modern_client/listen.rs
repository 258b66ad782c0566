//! D-40, C-70…C-73: `subscriptions/listen`, from the standing stream of a legacy session.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use http::StatusCode;
use protocol::jsonrpc::member::PARAMS;
use protocol::jsonrpc::notification;
use protocol::mcp::{
    META_SUBSCRIPTION_ID, PROMPTS_LIST_CHANGED, RESOURCE_UPDATED, RESOURCES_LIST_CHANGED,
    SUBSCRIPTION_ACKNOWLEDGED, TOOLS_LIST_CHANGED, capability, member,
};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use upstream::connection::legacy::LegacyPeer;
use upstream::connection::{Kind, ServerMessage};
use upstream::wire::json::{Members, Object, quoted};

use super::bridged_request::BridgedRequest;
use super::subscriptions::Subscription;
use super::{notices, refusal};
use crate::bridge::Crossing;
use crate::passthrough::answer::{StreamKind, listening_ended};
use crate::passthrough::front::{ClientMessage, Reply, deliver};
use crate::reply::Answer;
use crate::reply::failure::{Failure, Malformed};

/// Resources that one stream may ask for.
const MOST_RESOURCES: usize = 100;
/// How often to look whether the session has ended.
const LOOKING: Duration = Duration::from_secs(30);

/// The kinds of changes: what the client calls them, what the server offers, and what it sends.
const KINDS: [(&str, &str, &str); 3] = [
    (member::TOOLS_LIST_CHANGED, capability::TOOLS_LIST_CHANGED, TOOLS_LIST_CHANGED),
    (member::PROMPTS_LIST_CHANGED, capability::PROMPTS_LIST_CHANGED, PROMPTS_LIST_CHANGED),
    (member::RESOURCES_LIST_CHANGED, capability::RESOURCES_LIST_CHANGED, RESOURCES_LIST_CHANGED),
];

/// What a client asked for, read and not yet granted.
struct Wanted {
    kinds: Vec<(&'static str, &'static str, &'static str)>,
    uris: Vec<String>,
}

/// One client's stream.
struct Listening {
    /// The id of the request as it was written; it marks every message (C-71).
    id: Box<str>,
    peer: Arc<LegacyPeer>,
    news: Receiver<Arc<ServerMessage>>,
    methods: Vec<&'static str>,
    subscriptions: Vec<Subscription>,
    over: bool,
}

/// Answers `subscriptions/listen`.
pub(super) async fn answer(call: &Crossing<'_>, asked: BridgedRequest) -> Answer {
    let wanted = Wanted::read(&asked).ok_or_else(|| {
        call.refused(Failure::Message(
            Malformed::Params,
            "params.notifications must say what to listen for",
        ))
    })?;
    let slot = call.slot()?;
    let peer = asked.peer().await.map_err(|error| refusal(call, error))?;
    let reply = open(&asked, peer, wanted).await;
    deliver(call, reply, None, StreamKind::Listening(slot)).await
}

/// Begins to listen; the acknowledgement is the first message.
async fn open(asked: &BridgedRequest, peer: Arc<LegacyPeer>, wanted: Wanted) -> Reply {
    // First to listen, then to subscribe, so that nothing falls between.
    let news = peer.connection().listen(&asked.caller);
    notices::watch(asked, &peer);
    peer.connection().listens().await;
    let granted = wanted.granted(asked, &peer).await;
    let listening = Listening {
        id: asked.id.clone(),
        methods: granted.kinds.iter().map(|(_, _, method)| *method).collect(),
        subscriptions: granted.subscriptions,
        peer,
        news,
        over: false,
    };
    let acknowledged = listening.acknowledged(&granted.kinds);
    listening.into_reply(acknowledged)
}

struct Granted {
    kinds: Vec<(&'static str, &'static str, &'static str)>,
    subscriptions: Vec<Subscription>,
}

impl Wanted {
    fn read(asked: &BridgedRequest) -> Option<Self> {
        let notifications = Members::read(asked.param(member::NOTIFICATIONS)?).ok()?;
        let is_wanted = |name| notifications.get(name).is_some_and(|value| value.get() == "true");
        let kinds = KINDS.into_iter().filter(|(name, _, _)| is_wanted(name)).collect();
        let uris = notifications.get(member::RESOURCE_SUBSCRIPTIONS);
        let mut uris: Vec<String> = match uris {
            Some(uris) => serde_json::from_str(uris.get()).ok()?,
            None => Vec::new(),
        };
        uris.retain(|uri| !uri.is_empty());
        uris.sort_unstable();
        uris.dedup();
        (uris.len() <= MOST_RESOURCES).then_some(Self { kinds, uris })
    }

    /// C-70: only what the server really offers.
    async fn granted(mut self, asked: &BridgedRequest, peer: &Arc<LegacyPeer>) -> Granted {
        self.kinds.retain(|(_, capability, _)| peer.offers(capability));
        let mut subscriptions = Vec::new();
        if peer.offers(capability::RESOURCES_SUBSCRIBE) {
            for uri in &self.uris {
                subscriptions.extend(Subscription::take(asked, peer, uri).await);
            }
        }
        Granted { kinds: self.kinds, subscriptions }
    }
}

impl Listening {
    /// C-70: the first message.
    fn acknowledged(&self, kinds: &[(&str, &str, &str)]) -> String {
        let mut granted = Object::with_capacity(128);
        for (name, _, _) in kinds {
            granted.member(name, "true");
        }
        if !self.subscriptions.is_empty() {
            let uris: Vec<String> = self.subscriptions.iter().map(|s| quoted(&s.uri)).collect();
            granted.member(member::RESOURCE_SUBSCRIPTIONS, &format!("[{}]", uris.join(",")));
        }
        let mut meta = Object::with_capacity(64);
        meta.member(META_SUBSCRIPTION_ID, &self.id);
        let mut params = Object::with_capacity(256);
        params.member(member::META, &meta.finish());
        params.member(member::NOTIFICATIONS, &granted.finish());
        notification(SUBSCRIPTION_ACKNOWLEDGED, Some(&params.finish()))
    }

    fn into_reply(self, acknowledged: String) -> Reply {
        let first = stream::iter([Ok(ClientMessage::before(acknowledged))]);
        let news = stream::unfold(self, |mut listening| async {
            if listening.over {
                return None;
            }
            let said = listening.next().await;
            listening.over = said.last;
            Some((Ok(said), listening))
        });
        first.chain(news).boxed()
    }

    async fn next(&mut self) -> ClientMessage {
        while self.peer.is_open() {
            match tokio::time::timeout(LOOKING, self.news.recv()).await {
                Ok(Ok(heard)) => {
                    if let Some(text) = self.tagged(&heard) {
                        return ClientMessage::before(text);
                    }
                }
                Ok(Err(RecvError::Closed)) => break,
                // Whoever listens anew reads again what may have changed.
                Ok(Err(RecvError::Lagged(missed))) => {
                    tracing::warn!(missed, "mcp.subscription.missed_news: ended, to begin anew");
                    break;
                }
                // There were none for a while.
                Err(_) => {}
            }
        }
        self.complete()
    }

    /// C-71: the message with our mark, if it was asked for.
    fn tagged(&self, heard: &ServerMessage) -> Option<String> {
        let Kind::Notification { method } = &heard.kind else { return None };
        let message = heard.members().ok()?;
        let params = Members::of(message.get(PARAMS)).ok()?;
        let wanted = self.methods.contains(&&**method)
            || (&**method == RESOURCE_UPDATED
                && params.text(member::URI).is_some_and(|uri| self.is_subscribed(&uri)));
        if !wanted {
            return None;
        }
        let mut meta = Object::with_capacity(64);
        meta.members(&Members::of(params.get(member::META)).ok()?, |name| {
            name != META_SUBSCRIPTION_ID
        });
        meta.member(META_SUBSCRIPTION_ID, &self.id);
        let mut tagged = Object::with_capacity(heard.text.len() + 96);
        tagged.members(&params, |name| name != member::META).member(member::META, &meta.finish());
        let mut object = Object::with_capacity(heard.text.len() + 128);
        object.members(&message, |name| name != PARAMS).member(PARAMS, &tagged.finish());
        Some(object.finish())
    }

    /// 2025-11-25, "Subscriptions": news may be of a part of what was subscribed to.
    fn is_subscribed(&self, uri: &str) -> bool {
        self.subscriptions.iter().any(|subscription| {
            uri.strip_prefix(subscription.uri.as_str()).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('/') || subscription.uri.ends_with('/')
            })
        })
    }

    /// C-72: the upstream ended it, so the request is answered.
    fn complete(&self) -> ClientMessage {
        ClientMessage::answer(listening_ended(&self.id), StatusCode::OK)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use super::super::test_support::Fake;
    use super::*;

    async fn next(reply: &mut Reply) -> Value {
        serde_json::from_slice(&reply.next().await.unwrap().unwrap().text).unwrap()
    }

    /// C-70, C-71: what was asked for, marked with the request's id, and nothing else.
    #[tokio::test]
    async fn c_71_news_are_marked() {
        let fake = Fake::new(false).await;
        let notifications = json!({ "toolsListChanged": true, "promptsListChanged": true,
                                    "resourceSubscriptions": ["a:1"] });
        let params = json!({ "notifications": notifications });
        let asked = fake.asked(1, "subscriptions/listen", &params);
        let wanted = Wanted::read(&asked).unwrap();
        let mut reply = open(&asked, Arc::clone(&fake.peer), wanted).await;
        let granted = &next(&mut reply).await["params"]["notifications"];
        assert_eq!(*granted, json!({ "toolsListChanged": true, "resourceSubscriptions": ["a:1"] }));
        let news = |method: &str, params: Value| json!({ "jsonrpc": "2.0", "method": method, "params": params });
        let updated = |uri: &str| news("notifications/resources/updated", json!({ "uri": uri }));
        for unwanted in [
            news("notifications/prompts/list_changed", json!({})),
            news("notifications/resources/list_changed", json!({})),
            news("notifications/message", json!({ "level": "error", "data": 1 })),
            updated("a:2"),
            updated("a:12"),
        ] {
            fake.say(&unwanted);
        }
        fake.say(&news("notifications/tools/list_changed", json!({ "_meta": { "x": 1 } })));
        fake.say(&updated("a:1"));
        fake.say(&updated("a:1/part"));
        let changed = next(&mut reply).await;
        assert_eq!(changed["method"], "notifications/tools/list_changed");
        assert_eq!(changed["params"]["_meta"], json!({ "x": 1, META_SUBSCRIPTION_ID: "id" }));
        for uri in ["a:1", "a:1/part"] {
            let params = &next(&mut reply).await["params"];
            assert_eq!(
                (&params["uri"], &params["_meta"][META_SUBSCRIPTION_ID]),
                (&json!(uri), &json!("id"))
            );
        }
        // C-72: the session ends, and with it the request.
        fake.peer.connection().close(&asked.caller);
        fake.say(&updated("a:2"));
        let last = next(&mut reply).await;
        assert_eq!(last["result"]["_meta"][META_SUBSCRIPTION_ID], "id");
        assert!(reply.next().await.is_none());
    }

    /// C-72: whoever missed news is told by the end of the subscription, and listens anew.
    #[tokio::test]
    async fn c_72_missed_news_end_the_subscription() {
        let fake = Fake::new(false).await;
        let params = json!({ "notifications": { "toolsListChanged": true } });
        let asked = fake.asked(1, "subscriptions/listen", &params);
        let wanted = Wanted::read(&asked).unwrap();
        let mut reply = open(&asked, Arc::clone(&fake.peer), wanted).await;
        next(&mut reply).await;
        for _ in 0..1000 {
            fake.say(&json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }));
        }
        let last = next(&mut reply).await;
        assert_eq!(last["result"]["_meta"][META_SUBSCRIPTION_ID], "id");
        assert!(reply.next().await.is_none());
    }
}
