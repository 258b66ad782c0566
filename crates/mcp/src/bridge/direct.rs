//! A modern client with a modern server over a pipe. Both speak the same; but on a pipe many
//! requests share one connection, so ids, progress tokens and subscription ids are ours there and
//! the client's here (C-34, C-71).

mod asked;
mod told;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::StatusCode;
use protocol::jsonrpc::{Message, Params};
use protocol::mcp::NOT_TAKEN;

use crate::forward::Call;
use crate::forward::answer::Standing;
use crate::front::{Reply, deliver};
use crate::judge::Way;
use crate::links::{Caller, Exchange, LinkError};
use crate::lists::answer::{Sieve, respond_with};
use crate::reply::{self, Answer, Fault};
use asked::Asked;
use told::Restoring;

/// Answers a message that was judged before.
pub(crate) async fn answer(
    call: &Call<'_>,
    message: &Message<'_>,
    way: Way,
    body: Bytes,
) -> Answer {
    let Message::Request { params, .. } = message else {
        // C-01, C-03: a modern client has no answers to send, and says nothing unasked that could
        // mean anything to a server that does not know its requests by their own ids.
        return Ok(reply::empty(StatusCode::ACCEPTED));
    };
    match way {
        Way::ListTools => list_tools(call, params, &body).await,
        Way::Listen => listen(call, &body).await,
        // Handles of tasks are not sealed here, so none opens, and no task can be asked about.
        Way::Pass | Way::Initialize | Way::CallTool | Way::Task => {
            let reply = ask(call, way, &body).await.map_err(|error| error.refusal(call))?;
            deliver(call, reply, None, Standing::Answer).await
        }
    }
}

async fn list_tools(call: &Call<'_>, params: &Params<'_>, body: &Bytes) -> Answer {
    let sieve = Sieve::new(call, params);
    if let Some(result) = sieve.ready() {
        return Ok(respond_with(call, result));
    }
    let reply = ask(call, Way::ListTools, body).await.map_err(|error| error.refusal(call))?;
    deliver(call, reply, Some(sieve), Standing::Answer).await
}

async fn listen(call: &Call<'_>, body: &Bytes) -> Answer {
    let slot = call.server.slots.take(call.permit.whose()).ok_or_else(|| {
        let message = "too many open streams; close one first";
        let fault = Fault { status: StatusCode::TOO_MANY_REQUESTS, code: NOT_TAKEN, message };
        fault.for_id(call.id).retry_soon()
    })?;
    let reply = ask(call, Way::Listen, body).await.map_err(|error| error.refusal(call))?;
    deliver(call, reply, None, Standing::Listening(slot)).await
}

/// Asks under an id of ours. Nothing is asked twice: what a child did before it died is unknown.
async fn ask(call: &Call<'_>, way: Way, body: &Bytes) -> Result<Reply, LinkError> {
    let caller = Caller::of(call);
    let link = call.server.modern_link(call.shared, &caller).await?;
    let asked = Asked::read(body, call.server.behind.next_id())?;
    let restoring = Restoring::of(call, &asked, way == Way::Listen);
    let exchange = link.ask(&caller, asked.question).await?;
    Ok(replies(exchange, restoring, link))
}

/// `link` stays in use as long as the exchange, so that it is not taken for idle.
fn replies<L: Send + Sync + 'static>(
    exchange: Exchange,
    restoring: Restoring,
    link: std::sync::Arc<L>,
) -> Reply {
    stream::unfold((exchange, restoring, link), |(mut exchange, restoring, link)| async {
        loop {
            let said = match exchange.next().await? {
                Ok(heard) => restoring.restore(&heard),
                Err(error) => Err(error),
            };
            if let Some(said) = said.transpose() {
                return Some((said, (exchange, restoring, link)));
            }
        }
    })
    .boxed()
}
