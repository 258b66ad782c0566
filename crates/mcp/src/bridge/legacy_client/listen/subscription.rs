//! The subscription at the upstream.

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use protocol::jsonrpc::notification;
use protocol::mcp::{
    META_SUBSCRIPTION_ID, PROMPTS_LIST_CHANGED, RESOURCE_UPDATED, RESOURCES_LIST_CHANGED,
    SUBSCRIPTION_ACKNOWLEDGED, TOOLS_LIST_CHANGED, capability, member, method,
};
use upstream::connection::{ConnectionError, Kind, ResponseStream, ServerMessage};
use upstream::pacing::Pacing;
use upstream::wire::json::{Members, Object};

use crate::bridge::legacy_client::asker::Asker;
use crate::bridge::legacy_client::discovery::Discovered;
use crate::bridge::legacy_client::session_state::ClientSessionState;
use crate::reply::failure::Failure;

/// The lists whose changes the server announces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kinds {
    tools: bool,
    prompts: bool,
    resources: bool,
}

/// What is subscribed to, kept up whatever happens to the connection.
pub(super) struct Subscription {
    pub(super) asker: Asker,
    kinds: Kinds,
    resources: Option<Arc<BTreeSet<String>>>,
    /// Held as long as the stream is, so that it does not age meanwhile.
    stand: Arc<ClientSessionState>,
    current: Option<ResponseStream>,
    opening: Option<BoxFuture<'static, Result<Option<ResponseStream>, Failure>>>,
    pacing: Pacing,
}

impl Kinds {
    pub(super) fn of(server: &Discovered) -> Self {
        Self {
            tools: server.offers(capability::TOOLS_LIST_CHANGED),
            prompts: server.offers(capability::PROMPTS_LIST_CHANGED),
            resources: server.offers(capability::RESOURCES_LIST_CHANGED),
        }
    }
}

impl Subscription {
    pub(super) fn new(asker: Asker, kinds: Kinds, stand: Arc<ClientSessionState>) -> Self {
        let (resources, current, opening) = (None, None, None);
        let pacing = Pacing::of(&asker.server.name);
        Self { asker, kinds, resources, stand, current, opening, pacing }
    }

    /// What the client wants to hear of now. If that changed, another subscription is opened, and
    /// the one before stays until then.
    pub(super) fn want(&mut self, resources: &Arc<BTreeSet<String>>) {
        if self.resources.as_ref() != Some(resources) {
            self.resources = Some(Arc::clone(resources));
            self.pacing.heard();
            self.opening = Some(self.open(Duration::ZERO));
        }
    }

    /// The next news for the client. Nothing is lost if this is dropped before it is ready.
    pub(super) async fn next(&mut self) -> String {
        loop {
            tokio::select! {
                opened = ready(&mut self.opening) => {
                    self.opening = None;
                    match opened {
                        Ok(responses) => {
                            self.pacing.opened();
                            self.current = responses;
                            self.stand.settled(self.resources.clone());
                        }
                        Err(_) => self.open_later(),
                    }
                }
                heard = next_of(&mut self.current) => match heard {
                    Some(Ok(heard)) if !matches!(heard.kind, Kind::Answer) => {
                        // Only now it has shown to be of use.
                        self.pacing.heard();
                        if let Some(news) = self.news(&heard) {
                            return news;
                        }
                    }
                    // The server ended it, or it broke.
                    _ => {
                        self.current = None;
                        if self.opening.is_none() {
                            self.open_later();
                        }
                    }
                },
            }
        }
    }

    fn open_later(&mut self) {
        let pause = self.pacing.pause(None, &*self.asker.shared.sealing.random);
        self.opening = Some(self.open(pause));
    }

    fn open(&self, pause: Duration) -> BoxFuture<'static, Result<Option<ResponseStream>, Failure>> {
        let (asker, filter) = (self.asker.clone(), self.filter());
        async move {
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            let Some(filter) = filter else { return Ok(None) };
            let question = asker.question(method::SUBSCRIPTIONS_LISTEN, &filter, Vec::new());
            let mut responses = asker.ask(question).await?;
            // C-70: the acknowledgement comes first. It is for us; a legacy client was told by the
            // answer to each of its own requests.
            match responses.next().await {
                Some(Ok(heard)) if is_acknowledgement(&heard) => Ok(Some(responses)),
                Some(Err(error)) => Err(error.into()),
                _ => Err(ConnectionError::Garbled.into()),
            }
        }
        .boxed()
    }

    /// `None` if there is nothing to subscribe to.
    fn filter(&self) -> Option<String> {
        let Kinds { tools, prompts, resources } = self.kinds;
        let mut wanted = Object::with_capacity(256);
        for (name, announced) in [
            (member::TOOLS_LIST_CHANGED, tools),
            (member::PROMPTS_LIST_CHANGED, prompts),
            (member::RESOURCES_LIST_CHANGED, resources),
        ] {
            if announced {
                wanted.member(name, "true");
            }
        }
        let subscribed = self.resources.as_ref().filter(|resources| !resources.is_empty());
        if let Some(resources) = subscribed {
            let list: serde_json::Value = resources.iter().map(String::as_str).collect();
            wanted.member(member::RESOURCE_SUBSCRIPTIONS, &list.to_string());
        }
        let any = tools || prompts || resources || subscribed.is_some();
        any.then(|| {
            let mut params = Object::with_capacity(300);
            params.member(member::NOTIFICATIONS, &wanted.finish());
            params.finish()
        })
    }

    /// The same news in legacy words. `None` for what a legacy client does not know.
    fn news(&self, heard: &ServerMessage) -> Option<String> {
        let Kind::Notification { method } = &heard.kind else { return None };
        match &**method {
            TOOLS_LIST_CHANGED => self.asker.server.tools.schemas.forget(),
            PROMPTS_LIST_CHANGED | RESOURCES_LIST_CHANGED | RESOURCE_UPDATED => {}
            _ => return None,
        }
        let params = Members::of(heard.params()).ok()?;
        let mut object = Object::with_capacity(128);
        object.members(&params, |name| name != member::META);
        if let Some(meta) =
            params.get(member::META).and_then(|meta| without_subscription(meta.get()))
        {
            object.member(member::META, &meta);
        }
        Some(notification(method, Some(&object.finish())))
    }
}

/// C-71: every message names its subscription, of which the client knows nothing.
fn without_subscription(meta: &str) -> Option<String> {
    let members = Members::read(meta).ok()?;
    let rest = |name: &str| name != META_SUBSCRIPTION_ID;
    members.iter().any(|(name, _)| rest(name)).then(|| {
        let mut object = Object::with_capacity(meta.len());
        object.members(&members, rest);
        object.finish()
    })
}

fn is_acknowledgement(heard: &ServerMessage) -> bool {
    matches!(&heard.kind, Kind::Notification { method } if &**method == SUBSCRIPTION_ACKNOWLEDGED)
}

async fn ready<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}

async fn next_of(
    responses: &mut Option<ResponseStream>,
) -> Option<Result<ServerMessage, ConnectionError>> {
    match responses {
        Some(responses) => responses.next().await,
        None => pending().await,
    }
}
