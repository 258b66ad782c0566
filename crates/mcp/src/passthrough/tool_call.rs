//! `tools/call`: headers that mirror arguments, and answers that begin a task.

use http::StatusCode;
use protocol::jsonrpc::Params;
use protocol::mcp::HEADER_MISMATCH;
use upstream::wire::Era;

use crate::passthrough::answer::{Accepted, Form, StreamKind, respond};
use crate::passthrough::tasks::answer::{About, Naming, may_begin};
use crate::passthrough::{headers, tasks};
use crate::policy::judge::JudgedRequest;
use crate::reply::body::Body;
use crate::reply::{Answer, Refused};
use crate::request::Call;
use crate::tools::schemas::{Known, agree, mirrors_parameters};

/// Answers a call that the policy allows.
pub(crate) async fn answer(
    call: &Call<'_>,
    era: Era,
    params: &Params<'_>,
    judged: &JudgedRequest<'_>,
) -> Answer {
    if era == Era::Modern {
        check_headers(call, params).await?;
    }
    let accepted = call.accept(call.send(judged, judged.body().clone()).await?)?;
    match (era, accepted.status, accepted.form) {
        (Era::Modern, StatusCode::BAD_REQUEST, Form::Json) => {
            Box::pin(contradicted(call, accepted)).await
        }
        _ if may_begin(era, params) && !is_too_large_for_a_task(&accepted) => {
            let tool = params.name.as_deref().unwrap_or_default().to_owned();
            let naming = Naming::of(call, About::Call(tool));
            Box::pin(tasks::answer::pass(call, naming, accepted, StreamKind::Answer)).await
        }
        _ => Ok(call.pass(accepted, StreamKind::Answer)),
    }
}

/// Compares the headers of a modern call with its arguments (C-16, C-17).
///
/// What is known may be older than what the client knows, so before a call is refused, or passed
/// although it has such headers, the server is asked once what it says now. If it cannot be asked,
/// a call of an unknown tool passes: the server compares, too.
async fn check_headers(call: &Call<'_>, params: &Params<'_>) -> Result<(), Refused> {
    let tool = params.name.as_deref().unwrap_or_default();
    let schemas = &call.server.tools.schemas;
    match schemas.headers_of(tool) {
        Known::Unknown if mirrors_parameters(call.headers) => {}
        Known::Unknown => return Ok(()),
        known if agree(&known, params, call.headers).is_ok() => return Ok(()),
        _ => {}
    }
    let upstream = &call.server.upstream;
    let (caller, now) = (call.caller(), call.shared.trust.now());
    Box::pin(schemas.refresh(upstream, &caller, now, ASK_EVERY_SECONDS)).await;
    agree(&schemas.headers_of(tool), params, call.headers)
        .map_err(|reason| call.fault(StatusCode::BAD_REQUEST, HEADER_MISMATCH, reason))
}

/// How often one server is asked at most, whatever clients send, in seconds.
const ASK_EVERY_SECONDS: i64 = 10;

/// An answer that can only be a result passes as it comes, without being collected first.
fn is_too_large_for_a_task(accepted: &Accepted) -> bool {
    let announced = http_body::Body::size_hint(&accepted.body).exact();
    announced.is_some_and(|bytes| bytes > LARGEST_TASK)
}

const LARGEST_TASK: u64 = 64 << 10;

/// The server refuses headers that were found to agree, so its tools are not what we know.
async fn contradicted(call: &Call<'_>, accepted: Accepted) -> Answer {
    let head = headers::to_client(call, &accepted.upstream_headers);
    let message = call.collect_watched(accepted.body).await?;
    if code_of(&message) == Some(HEADER_MISMATCH) {
        call.server.tools.schemas.forget();
    }
    Ok(respond(accepted.status, head, Body::ready(message)))
}

fn code_of(message: &[u8]) -> Option<i32> {
    #[derive(serde::Deserialize)]
    struct Failed {
        error: Failure,
    }
    #[derive(serde::Deserialize)]
    struct Failure {
        code: i32,
    }
    serde_json::from_slice::<Failed>(message).ok().map(|failed| failed.error.code)
}
