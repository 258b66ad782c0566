//! What the upstream says, in the client's ids.

use protocol::jsonrpc::METHOD_NOT_FOUND;
use protocol::jsonrpc::member::{CODE, ERROR, ID, MESSAGE, PARAMS};
use protocol::mcp::{CANCELLED, PROGRESS, is_list_changed, is_notification, member};
use serde_json::value::RawValue;
use upstream::connection::{Caller, ConnectionError, Kind, ServerMessage};
use upstream::wire::json::{Members, Object, quoted, whole_number};

use super::sessions::{Relayed, Running};
use crate::outbound::{Cause, Probe};
use crate::sealing::Sealing;

/// A request's own progress token, as the client wrote it.
pub(super) type Token = Option<Box<RawValue>>;

/// Whoever hears the server for one client.
pub(super) struct Ear<'e> {
    pub(super) relayed: &'e Relayed,
    pub(super) sealing: &'e Sealing,
    pub(super) caller: &'e Caller,
}

/// The error that answers a question which nobody can be asked.
fn nobody() -> String {
    let mut error = Object::with_capacity(64);
    error.member(CODE, &METHOD_NOT_FOUND.to_string());
    error.member(MESSAGE, &quoted("no client can be asked this here"));
    error.finish()
}

impl Ear<'_> {
    /// What the client hears of something said on no request's account.
    pub(super) async fn notice(&self, heard: &ServerMessage) -> Option<String> {
        match &heard.kind {
            Kind::Answer => None,
            Kind::Question { id, .. } => self.question(heard, id).await,
            Kind::Notification { method } => match &**method {
                // Without a request there is nothing that could progress.
                PROGRESS => None,
                CANCELLED => self.taken_back(heard),
                method if self.relayed.shared_by_everyone && !is_change(method) => None,
                _ => whole(heard),
            },
        }
    }

    /// What the client hears of something said on account of a request.
    pub(super) async fn asked(
        &self,
        heard: &ServerMessage,
        running: &Running,
        token: &Token,
    ) -> Result<Option<String>, ConnectionError> {
        Ok(match &heard.kind {
            Kind::Answer => Some(with_id(&heard.members()?, running.client_id())),
            Kind::Notification { method } if &**method == PROGRESS => {
                with_token(heard, running.id(), token)
            }
            _ => self.notice(heard).await,
        })
    }

    /// The question under an id that only this session can answer. Nobody is asked on behalf of
    /// everybody.
    async fn question(&self, heard: &ServerMessage, id: &RawValue) -> Option<String> {
        let Self { relayed, sealing, caller } = self;
        let ask = || relayed.questions.ask(sealing, &relayed.digest, id).ok();
        let asked = if relayed.shared_by_everyone { None } else { ask() };
        if let Some(asked) = asked {
            return Some(with_id(&heard.members().ok()?, &asked));
        }
        // It would wait for nothing; if it is gone, it does not wait.
        let outcome = (ERROR, &*nobody());
        let _ = Cause::from(Probe::Reply).answer(&relayed.peer, caller, id, outcome).await;
        None
    }

    /// `notifications/cancelled` names a question of the server's by the server's own id.
    fn taken_back(&self, heard: &ServerMessage) -> Option<String> {
        let params = Members::read(heard.params()?.get()).ok()?;
        let asked = self.relayed.questions.cancelled(params.get(member::REQUEST_ID)?)?;
        with_param(heard, &params, member::REQUEST_ID, &asked)
    }
}

/// Lists that changed are everybody's news.
fn is_change(method: &str) -> bool {
    is_notification(method) && is_list_changed(method)
}

fn whole(heard: &ServerMessage) -> Option<String> {
    String::from_utf8(heard.text.to_vec()).ok()
}

/// The message with another id; everything else as it was.
fn with_id(members: &Members<'_>, id: &str) -> String {
    let mut message = Object::with_capacity(256);
    let mut named = false;
    for (name, value) in members.iter() {
        let own = name == ID;
        named |= own;
        message.member(name, if own { id } else { value.get() });
    }
    if !named {
        message.member(ID, id);
    }
    message.finish()
}

/// Progress of this request under the client's token, if the client wanted to hear of it.
fn with_token(heard: &ServerMessage, id: u64, token: &Token) -> Option<String> {
    let params = Members::read(heard.params()?.get()).ok()?;
    let ours = whole_number(params.get(member::PROGRESS_TOKEN)?.get()) == Some(id);
    with_param(heard, &params, member::PROGRESS_TOKEN, token.as_ref().filter(|_| ours)?.get())
}

fn with_param(
    heard: &ServerMessage,
    params: &Members<'_>,
    name: &str,
    value: &str,
) -> Option<String> {
    let mut changed = Object::with_capacity(heard.text.len());
    for (known, old) in params.iter() {
        changed.member(known, if known == name { value } else { old.get() });
    }
    let changed = changed.finish();
    let mut message = Object::with_capacity(heard.text.len() + value.len());
    for (known, old) in heard.members().ok()?.iter() {
        message.member(known, if known == PARAMS { &changed } else { old.get() });
    }
    Some(message.finish())
}
