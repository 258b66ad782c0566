//! A request of the client's: it goes on under an id of ours, and what comes of it comes back under
//! the client's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use http::StatusCode;
use protocol::jsonrpc::Params;
use protocol::jsonrpc::member::PARAMS;
use protocol::mcp::member;
use tokio::sync::mpsc;
use upstream::connection::{Caller, ConnectionError, Kind};
use upstream::wire::json::{Members, NoObject, Object};

use super::retell::{Ear, Token};
use super::sessions::{Relayed, Running};
use crate::bridge::Crossing;
use crate::outbound::Cause;
use crate::passthrough::answer::StreamKind;
use crate::passthrough::front::{ClientMessage, deliver};
use crate::passthrough::lists::answer::{Sieve, respond_with};
use crate::policy::judge::Handling;
use crate::reply::Answer;
use crate::reply::failure::{Failure, Malformed};
use crate::request::Shared;

/// How long a request may go on after its client left (D-58).
const AFTERWARDS: Duration = Duration::from_mins(10);
/// Messages that wait for a slow client; then the server waits.
const WAITING: usize = 16;

/// Answers a request.
pub(super) async fn request(
    call: &Crossing<'_>,
    relayed: Arc<Relayed>,
    method: &str,
    params: &Params<'_>,
    handling: Handling,
    body: &Bytes,
) -> Answer {
    let sieve = (handling == Handling::ListTools).then(|| Sieve::new(call, params));
    if let Some(result) = sieve.as_ref().and_then(Sieve::ready) {
        return Ok(respond_with(call, result));
    }
    let running = relayed.begin(call.id.unwrap_or("null")).map_err(|error| call.failed(error))?;
    let (params, token) = renumbered(body, running.id()).map_err(|NoObject| {
        let message = "params and params._meta must be objects";
        call.refused(Failure::Message(Malformed::Request, message))
    })?;
    let (said, reply) = mpsc::channel(WAITING);
    let (shared, caller) = (Arc::clone(call.shared), call.caller());
    let cause = call.cause;
    let asking =
        Asking { cause, shared, caller, running, method: method.into(), params, token, said };
    // D-58: a client of this era that goes away has cancelled nothing, so the request goes on.
    tokio::spawn(asking.carry_out());
    let reply = stream::unfold(reply, |mut reply| async { Some((reply.recv().await?, reply)) });
    deliver(call, reply.boxed(), sieve, StreamKind::Answer).await
}

/// The parameters with our progress token in place of the client's, and the client's.
fn renumbered(body: &[u8], id: u64) -> Result<(Option<String>, Token), NoObject> {
    let message = Members::read(std::str::from_utf8(body).map_err(|_| NoObject)?)?;
    let Some(params) = message.get(PARAMS) else { return Ok((None, None)) };
    let members = Members::read(params.get())?;
    let meta = Members::of(members.get(member::META))?;
    let Some(token) = meta.get(member::PROGRESS_TOKEN) else {
        return Ok((Some(params.get().to_owned()), None));
    };
    let ours = id.to_string();
    let mut renumbered = Object::with_capacity(params.get().len() + 8);
    for (name, value) in members.iter() {
        if name == member::META {
            let mut changed = Object::with_capacity(value.get().len() + 8);
            for (known, old) in meta.iter() {
                changed
                    .member(known, if known == member::PROGRESS_TOKEN { &ours } else { old.get() });
            }
            renumbered.member(name, &changed.finish());
        } else {
            renumbered.member(name, value.get());
        }
    }
    Ok((Some(renumbered.finish()), Some(token.to_owned())))
}

/// A request on its way, which outlives its client's connection.
struct Asking {
    cause: Cause,
    shared: Arc<Shared>,
    caller: Caller,
    running: Running,
    method: Box<str>,
    params: Option<String>,
    token: Token,
    said: mpsc::Sender<Result<ClientMessage, Failure>>,
}

impl Asking {
    async fn carry_out(self) {
        let left = async {
            self.said.closed().await;
            tokio::time::sleep(AFTERWARDS).await;
        };
        tokio::select! {
            outcome = self.ask() => {
                if let Err(error) = outcome {
                    let _ = self.said.send(Err(error.into())).await;
                }
            }
            () = self.running.stopped() => {
                let _ = self.said.send(Err(Failure::Cancelled)).await;
            }
            // Dropping the responses cancels the request.
            () = left => {}
        }
    }

    async fn ask(&self) -> Result<(), ConnectionError> {
        let relayed = self.running.relayed();
        let (id, params) = (self.running.id(), self.params.as_deref());
        let mut responses =
            self.cause.ask_peer(&relayed.peer, &self.caller, (id, &*self.method), params).await?;
        let sealing = &self.shared.sealing;
        let ear = Ear { relayed, sealing, caller: &self.caller };
        while let Some(heard) = responses.next().await {
            let heard = heard?;
            let last = matches!(heard.kind, Kind::Answer);
            let Some(text) = ear.asked(&heard, &self.running, &self.token).await? else { continue };
            let answer = |text: String| ClientMessage::answer(text, StatusCode::OK);
            let said = if last { answer(text) } else { ClientMessage::before(text) };
            if let Err(mpsc::error::SendError(Ok(said))) = self.said.send(Ok(said)).await
                && !last
            {
                // Whoever still listens on the standing stream hears it there.
                let text = String::from_utf8(said.text.to_vec()).unwrap_or_default();
                let _ = relayed.aside.send(text);
            }
        }
        Ok(())
    }
}
