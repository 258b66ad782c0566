//! GET: what the server says on no request's account, for as long as the client listens.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use upstream::connection::{Caller, ServerMessage};
use upstream::wire::events;

use super::retell::Ear;
use super::sessions::Relayed;
use crate::bridge::Crossing;
use crate::passthrough::answer::StreamKind;
use crate::passthrough::front::events_response;
use crate::reply::Answer;
use crate::request::Shared;

/// Opens the standing stream of a session.
pub(super) fn stream(call: &Crossing<'_>, relayed: &Arc<Relayed>) -> Answer {
    let slot = call.slot()?;
    let caller = call.caller();
    let listening = Listening {
        news: relayed.peer.connection().listen(&caller),
        aside: relayed.aside.subscribe(),
        ended: relayed.begin_listening(),
        shared: Arc::clone(call.shared),
        relayed: Arc::clone(relayed),
        caller,
    };
    let frames = stream::unfold(listening, |mut listening| async {
        let text = listening.next().await?;
        let frame = Frame::data(events::of_foreign_message(text.as_bytes()));
        Some((Ok::<Frame<Bytes>, Infallible>(frame), listening))
    });
    let body = call.guard(StreamBody::new(Box::pin(frames)), StreamKind::Open(Some(slot)));
    Ok(events_response(body))
}

struct Listening {
    news: broadcast::Receiver<Arc<ServerMessage>>,
    aside: broadcast::Receiver<String>,
    ended: CancellationToken,
    shared: Arc<Shared>,
    relayed: Arc<Relayed>,
    caller: Caller,
}

/// What there is to tell.
enum News {
    Heard(Arc<ServerMessage>),
    Aside(String),
    /// The client was too slow and missed something.
    Missed,
}

impl Listening {
    async fn next(&mut self) -> Option<String> {
        loop {
            let news = match self.news().await? {
                News::Heard(heard) => heard,
                News::Aside(text) => return Some(text),
                News::Missed => continue,
            };
            let (relayed, sealing) = (&*self.relayed, &self.shared.sealing);
            let ear = Ear { relayed, sealing, caller: &self.caller };
            if let Some(text) = ear.notice(&news).await {
                return Some(text);
            }
        }
    }

    async fn news(&mut self) -> Option<News> {
        tokio::select! {
            () = self.ended.cancelled() => None,
            heard = self.news.recv() => of(heard, News::Heard),
            aside = self.aside.recv() => of(aside, News::Aside),
        }
    }
}

fn of<T>(received: Result<T, RecvError>, news: impl FnOnce(T) -> News) -> Option<News> {
    match received {
        Ok(value) => Some(news(value)),
        Err(RecvError::Lagged(_)) => Some(News::Missed),
        Err(RecvError::Closed) => None,
    }
}
