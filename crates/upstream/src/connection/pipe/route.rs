//! To whom a message belongs that came over a pipe.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use protocol::jsonrpc::{self, METHOD_NOT_FOUND, error_response};
use protocol::mcp::{
    CANCELLED, LOG_MESSAGE, META_SUBSCRIPTION_ID, PROGRESS, RESOURCE_UPDATED, TOOLS_LIST_CHANGED,
    is_list_changed, member, method as methods,
};
use serde_json::value::RawValue;

use super::Core;
use super::flood::Flooded;
use super::pending::Delivery;
use crate::connection::streamable::cancelled;
use crate::connection::{ConnectionError, Kind, ServerMessage};
use crate::wire::Era;
use crate::wire::json::{Members, whole_number};

/// Larger ones of those that many may listen to are not kept.
const NEWS_BYTES: usize = 256 << 10;
/// So many messages are taken in at once; half of what waits for one listener.
const TURN: u32 = 32;

impl Core {
    /// Takes in one message. Now and then whoever waits for messages gets a turn, so that a burst
    /// does not outrun them.
    pub(crate) async fn take_in(&self, text: Bytes) -> Result<(), Flooded> {
        self.hear(&text)?;
        if self.taken.fetch_add(1, Ordering::Relaxed) % TURN == TURN - 1 {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    pub(super) fn hear(&self, text: &Bytes) -> Result<(), Flooded> {
        let Ok(heard) = ServerMessage::read(text.clone()) else {
            return self.unreadable(text);
        };
        self.allowance().recover();
        if let Kind::Answer = heard.kind {
            return self.answer(heard);
        }
        self.allowance().spend()?;
        match &heard.kind {
            Kind::Question { id, method } => {
                let (id, method) = (id.clone(), method.clone());
                self.question(&id, &method, heard);
            }
            Kind::Notification { method } => {
                let method = method.clone();
                self.notification(&method, heard);
            }
            Kind::Answer => {}
        }
        Ok(())
    }

    /// What is no message. If it tries to answer a request, that one hears so instead of waiting.
    fn unreadable(&self, text: &[u8]) -> Result<(), Flooded> {
        if self.allowance().is_steady() {
            tracing::warn!(server.name = %self.server_name, "mcp.upstream.unreadable");
        }
        if let Some(id) = ServerMessage::meant_for(text) {
            self.pending().complete(id, Err(ConnectionError::Garbled));
        }
        self.allowance().stumble()
    }

    /// Answers belong to the request with their id. One that names none, as an error about a message
    /// whose id the server could not read, is about the only request that is under way. Where
    /// everybody shares the pipe it may be somebody's who gave up, so a result is nobody's there.
    fn answer(&self, heard: ServerMessage) -> Result<(), Flooded> {
        self.note_answer();
        let mut flights = self.pending();
        let whose = match heard.id() {
            Some(id) => number(id).filter(|id| flights.knew(*id)),
            None if self.manner.everybody && !heard.is_error() => None,
            None => flights.only(),
        };
        if whose.is_none() && flights.unclaimed() {
            tracing::warn!(server.name = %self.server_name, "mcp.answer.unclaimed");
        }
        match whose.map_or(Delivery::Nobody, |id| flights.complete(id, Ok(heard))) {
            Delivery::Nobody => self.allowance().spend(),
            Delivery::Yes | Delivery::Crammed => Ok(()),
        }
    }

    fn notification(&self, method: &str, heard: ServerMessage) {
        match method {
            PROGRESS => {
                // Progress may be missed: a later one says more.
                if let Some(id) = param(&heard, member::PROGRESS_TOKEN).as_deref().and_then(number)
                {
                    self.pending().tell(id, heard);
                }
                return;
            }
            TOOLS_LIST_CHANGED => {
                if let Some(upstream) = self.upstream.upgrade() {
                    (upstream.tools_changed)();
                }
            }
            _ => {}
        }
        match self.belongs_to(method, &heard) {
            Some(id) => self.tell(id, heard),
            None if self.is_news(method) => self.publish(heard),
            None => {}
        }
    }

    /// The request that a notification names. In the modern revision a subscription stands in
    /// `_meta`, and over stdio a server ends one by cancelling it.
    fn belongs_to(&self, method: &str, heard: &ServerMessage) -> Option<u64> {
        if self.manner.era == Era::Modern {
            let subscription = || {
                let meta = param(heard, member::META)?;
                number(Members::read(meta.get()).ok()?.get(META_SUBSCRIPTION_ID)?)
            };
            if let Some(id) = subscription() {
                return Some(id);
            }
            if method == CANCELLED {
                let id = param(heard, member::REQUEST_ID).as_deref().and_then(number)?;
                return self.pending().is_standing(id).then_some(id);
            }
        }
        if method == LOG_MESSAGE { self.presumed() } else { None }
    }

    /// D-36: a question comes without a word about the request that made the server ask. While
    /// exactly one is under way it is that one. This is safe because only one person's requests
    /// through one client travel here: at worst a question of a request that was given up reaches
    /// another request of the same person. On a pipe that everybody shares it could reach another
    /// person, so there nothing is presumed.
    fn presumed(&self) -> Option<u64> {
        if self.manner.everybody { None } else { self.pending().only() }
    }

    /// `ping` is answered here (D-37). Modern servers may ask nothing (C-09).
    fn question(&self, id: &RawValue, method: &str, heard: ServerMessage) {
        if method == methods::PING && self.manner.era == Era::Legacy {
            self.wire.hint(jsonrpc::response(id.get(), jsonrpc::member::RESULT, "{}"));
            return;
        }
        let open = self.manner.era == Era::Legacy && !self.manner.everybody;
        match self.presumed().filter(|_| open) {
            Some(request) => self.tell(request, heard),
            None if open && self.news.receiver_count() > 0 && heard.text.len() <= NEWS_BYTES => {
                self.publish(heard);
            }
            None => {
                let message = "nobody can answer this at the moment";
                self.wire.hint(error_response(Some(id.get()), METHOD_NOT_FOUND, message, None));
            }
        }
    }

    /// A request whose client does not fetch what comes is given up: kept things are bounded, and
    /// waiting would hold up everybody else's answers.
    fn tell(&self, id: u64, heard: ServerMessage) {
        let told = {
            let mut flights = self.pending();
            match flights.tell(id, heard) {
                Delivery::Crammed => {
                    flights.complete(id, Err(ConnectionError::Broken));
                    Delivery::Crammed
                }
                told => told,
            }
        };
        if told == Delivery::Crammed {
            self.wire.hint(cancelled(id));
        }
    }

    /// Whether something unasked may reach whoever listens. Where different people listen, only
    /// what says nothing about any of them.
    fn is_news(&self, method: &str) -> bool {
        let about_all = is_list_changed(method) || method == RESOURCE_UPDATED;
        about_all || !self.manner.everybody
    }

    fn publish(&self, heard: ServerMessage) {
        if heard.text.len() <= NEWS_BYTES {
            // Nobody listens: then it is no news.
            let _ = self.news.send(Arc::new(heard));
        }
    }

    fn note_answer(&self) {
        if !self.answered.swap(true, Ordering::Relaxed) {
            self.wire.prospered();
        }
    }

    fn allowance(&self) -> std::sync::MutexGuard<'_, super::Allowance> {
        self.allowance.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn param(heard: &ServerMessage, name: &str) -> Option<Box<RawValue>> {
    let params = heard.params()?;
    Members::read(params.get()).ok()?.get(name).map(ToOwned::to_owned)
}

/// Our ids and progress tokens are numbers, however they come back.
fn number(value: &RawValue) -> Option<u64> {
    whole_number(value.get())
}
