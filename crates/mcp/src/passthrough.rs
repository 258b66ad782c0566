//! Client and server speak the same: original bytes go to the upstream, and its answer comes back as
//! it arrives, but for lists of tools, ids of tasks and ids of events.

pub(crate) mod answer;
pub(crate) mod early;
pub(crate) mod front;
pub(crate) mod headers;
pub(crate) mod initialize;
pub(crate) mod lists;
pub(crate) mod replica;
mod send;
pub(crate) mod stream;
pub(crate) mod tasks;
pub(crate) mod tool_call;

use protocol::jsonrpc::Message;
use upstream::wire::Era;

use crate::policy::judge::{Handling, JudgedRequest};
use crate::reply::Answer;
use crate::request::Call;
use answer::StreamKind;

/// Answers a message that the bridge has no part in. What is not asked all the time is boxed, or each call
/// would hold room for the largest of them.
pub(crate) async fn dispatch(call: &Call<'_>, era: Era, judged: JudgedRequest<'_>) -> Answer {
    match (judged.handling(), judged.message()) {
        (Handling::Initialize, _) => Box::pin(initialize::answer(call, &judged)).await,
        (Handling::ListTools, Message::Request { params, .. }) => {
            Box::pin(lists::answer::answer(call, params, &judged)).await
        }
        (Handling::CallTool, Message::Request { params, .. }) => {
            tool_call::answer(call, era, params, &judged).await
        }
        (Handling::Task, Message::Request { params, .. }) => {
            Box::pin(tasks::answer::answer(call, params, &judged)).await
        }
        (Handling::Listen, Message::Request { params, .. }) => {
            let standing = StreamKind::Listening(call.slot()?);
            Box::pin(tasks::listen::answer(call, params, &judged, standing)).await
        }
        (_, Message::Answer | Message::Notification { .. }) => {
            let body = tasks::answer::inward(call, judged.body().clone())?;
            call.relay(&judged, body, StreamKind::Answer).await
        }
        _ => call.relay(&judged, judged.body().clone(), StreamKind::Answer).await,
    }
}
