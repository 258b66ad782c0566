//! A modern client with a modern server over a pipe. Both speak the same; but on a pipe many
//! requests share one connection, so ids, progress tokens and subscription ids are ours there and
//! the client's here (C-34, C-71).

mod restore;
mod rewritten_request;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::StatusCode;
use protocol::jsonrpc::{Message, Params};
use upstream::connection::{ConnectionError, ResponseStream};

use crate::bridge::Crossing;
use crate::passthrough::answer::StreamKind;
use crate::passthrough::front::{Reply, deliver};
use crate::passthrough::lists::answer::{Sieve, respond_with};
use crate::policy::judge::Handling;
use crate::reply;
use crate::reply::Answer;
use crate::reply::failure::Failure;
use restore::Restoring;
use rewritten_request::RewrittenRequest;

/// Answers a message that was judged before.
pub(crate) async fn answer(
    call: &Crossing<'_>,
    message: &Message<'_>,
    handling: Handling,
    body: Bytes,
) -> Answer {
    let Message::Request { params, .. } = message else {
        // C-01, C-03: a modern client has no answers to send, and says nothing unasked that could
        // mean anything to a server that does not know its requests by their own ids.
        return Ok(reply::empty(StatusCode::ACCEPTED));
    };
    match handling {
        Handling::ListTools => list_tools(call, params, &body).await,
        Handling::Listen => listen(call, &body).await,
        // Handles of tasks are not sealed here, so none opens, and no task can be asked about.
        Handling::Pass | Handling::Initialize | Handling::CallTool | Handling::Task => {
            let reply = ask(call, handling, &body).await.map_err(|error| call.failed(error))?;
            deliver(call, reply, None, StreamKind::Answer).await
        }
    }
}

async fn list_tools(call: &Crossing<'_>, params: &Params<'_>, body: &Bytes) -> Answer {
    let sieve = Sieve::new(call, params);
    if let Some(result) = sieve.ready() {
        return Ok(respond_with(call, result));
    }
    let reply = ask(call, Handling::ListTools, body).await.map_err(|error| call.failed(error))?;
    deliver(call, reply, Some(sieve), StreamKind::Answer).await
}

async fn listen(call: &Crossing<'_>, body: &Bytes) -> Answer {
    let slot = call.slot()?;
    let reply = ask(call, Handling::Listen, body).await.map_err(|error| call.failed(error))?;
    deliver(call, reply, None, StreamKind::Listening(slot)).await
}

/// Asks under an id of ours. Nothing is asked twice: what a child did before it died is unknown.
async fn ask(
    call: &Crossing<'_>,
    handling: Handling,
    body: &Bytes,
) -> Result<Reply, ConnectionError> {
    let caller = call.caller();
    let connection = call.server.upstream.modern_connection(&caller).await?;
    let asked = RewrittenRequest::read(body, call.server.upstream.next_id())?;
    let restoring = Restoring::of(call, &asked, handling == Handling::Listen);
    let responses = call.cause.ask(&**connection, &caller, asked.question).await?;
    Ok(replies(responses, restoring, connection))
}

/// `connection` stays in use as long as the responses, so that it is not taken for idle.
fn replies<L: Send + Sync + 'static>(
    responses: ResponseStream,
    restoring: Restoring,
    connection: std::sync::Arc<L>,
) -> Reply {
    stream::unfold(
        (responses, restoring, connection),
        |(mut responses, restoring, connection)| async {
            loop {
                let said = match responses.next().await? {
                    Ok(heard) => restoring.restore(&heard),
                    Err(error) => Err(error),
                };
                if let Some(said) = said.transpose() {
                    return Some((said.map_err(Failure::from), (responses, restoring, connection)));
                }
            }
        },
    )
    .boxed()
}
