//! The answer to a modern client, message by message, while a legacy server works on it.

use futures_util::stream::{self, StreamExt as _};
use http::StatusCode;
use protocol::jsonrpc::member::RESULT;
use protocol::jsonrpc::response;
use upstream::connection::{ConnectionError, Kind, Outcome, ServerMessage};

use super::running::{Next, Running};
use super::{error, news, park, result};
use crate::bridge::without_session;
use crate::passthrough::front::{ClientMessage, Reply};

/// What the client is told of a request.
pub(super) fn reply(running: Running) -> Reply {
    stream::unfold(Some(running), |running| async {
        match step(running?).await {
            Ok((said, running)) => Some((Ok(said), running)),
            Err(error) => Some((Err(without_session(error).into()), None)),
        }
    })
    .boxed()
}

/// The next message, and the request if it goes on.
async fn step(mut running: Running) -> Result<(ClientMessage, Option<Running>), ConnectionError> {
    loop {
        let heard = match running.next().await {
            Next::Heard(Err(ConnectionError::SessionGone)) if running.fresh => {
                running = running.start_again().await?;
                continue;
            }
            Next::Heard(heard) => heard?,
            Next::Questions => return Ok((park::park(running)?, None)),
        };
        running.fresh = false;
        match &heard.kind {
            Kind::Answer => return Ok((answer(&running, &heard)?, None)),
            Kind::Notification { method } => {
                if let Some(text) = news::of(&running, method, &heard) {
                    return Ok((ClientMessage::before(text), Some(running)));
                }
            }
            // Taken care of where it was heard.
            Kind::Question { .. } => {}
        }
    }
}

fn answer(running: &Running, heard: &ServerMessage) -> Result<ClientMessage, ConnectionError> {
    let asked = &running.asked;
    match heard.outcome()? {
        Outcome::Result(value) => {
            let result = result::complete(&asked.method, value, &running.peer)?;
            Ok(ClientMessage::answer(response(&asked.id, RESULT, &result), StatusCode::OK))
        }
        Outcome::Error(value) => error::answer(asked, value),
    }
}
