//! `server/discover`, answered from memory once it was answered. A client whose question fails or
//! takes long silently goes on in an older revision, so once the answer is known nothing that is
//! the matter with the server delays it: it is asked anew beside the requests.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use protocol::jsonrpc::{self, Message};
use protocol::mcp::method::SERVER_DISCOVER;
use protocol::mcp::{EVENT_STREAM, METHOD_HEADER, MODERN_REVISION, cache_scope, member};
use upstream::wire::Era;
use upstream::wire::json::Members;
use upstream::wire::splitter::Splitter;

use crate::config::Limits;
use crate::endpoint::message::{Admitted, carry_out};
use crate::passthrough::lists::answer::message;
use crate::policy::judge::JudgedRequest;
use crate::reply;
use crate::reply::Answer;
use crate::reply::body::Body;
use crate::reply::in_flight::InFlight;
use crate::tools::discoveries::Discovery;
use crate::tools::lists::filter;
use crate::tools::lists::filter::answers;

/// How many may ask at once: in all, and of each principal.
const IN_ALL: usize = 512;
const OF_EACH: usize = 8;
/// How large an answer may be that is remembered.
const LARGEST: usize = 16 << 10;
/// How long an answer is fresh, in seconds: at least, if the server does not say, and at most.
const LEAST: i64 = 5;
const USUAL: i64 = 60;
const MOST: i64 = 3_600;
/// How long the answer that is read here may take to arrive.
const READING: Duration = Duration::from_secs(10);

/// Whether a message asks what is answered from memory.
pub(crate) fn is_asked(era: Era, message: &Message<'_>) -> bool {
    let Message::Request { method, params, .. } = message else { return false };
    let version = params.protocol_version.as_deref();
    era == Era::Modern && method == SERVER_DISCOVER && version == Some(MODERN_REVISION)
}

/// Whether a request says that it asks it. Its body has to say the same, or it is refused.
pub(crate) fn is_announced(parts: &Parts) -> bool {
    parts.headers.get(METHOD_HEADER).is_some_and(|method| method == SERVER_DISCOVER)
}

/// What counts such requests. They take no place from others and need none of theirs: a client that
/// is told to wait goes on in an older revision.
pub(crate) fn in_flight(limits: &Limits) -> Arc<InFlight> {
    InFlight::new(&Limits {
        requests: IN_ALL,
        requests_per_principal: OF_EACH,
        // Their bodies are small, and what is larger is soon too much.
        body_bytes: 1,
        ..limits.clone()
    })
}

/// Answers it.
pub(crate) async fn answer(admitted: &Admitted<'_>, judged: JudgedRequest<'_>) -> Answer {
    let id = judged.message().id().map(serde_json::value::RawValue::get);
    let known = admitted.server.endpoint.tools.discoveries.find(admitted.permit.principal());
    let Some(known) = known else {
        return ask(admitted, judged).await;
    };
    if known.fresh_until <= admitted.shared.trust.now() {
        renew(admitted, judged.body().clone());
    }
    Ok(reply::json(StatusCode::OK, message(id, &known.result).into()))
}

/// Asks the server, and remembers what it says.
async fn ask(admitted: &Admitted<'_>, judged: JudgedRequest<'_>) -> Answer {
    let id = judged.message().id().map(serde_json::value::RawValue::get);
    let answer = carry_out(admitted, Era::Modern, judged);
    let response =
        admitted.server.endpoint.upstream.opening(SERVER_DISCOVER, Box::pin(answer)).await?;
    Ok(remembering(admitted, id, response).await)
}

/// Asks beside the requests, unless somebody does already.
fn renew(admitted: &Admitted<'_>, body: Bytes) {
    let server = Arc::clone(admitted.server);
    if !server.endpoint.tools.discoveries.begin_renewal() {
        return;
    }
    let (shared, permit) = (Arc::clone(admitted.shared), Arc::clone(&admitted.permit));
    let (method, headers) = (admitted.method.clone(), admitted.headers.clone());
    tokio::spawn(async move {
        let record = shared.no_record(&server.endpoint);
        let (shared, server, record, headers) = (&shared, &server, &record, &headers);
        let admitted = Admitted { shared, server, permit, method, headers, record };
        if let Ok(jsonrpc::Body::One(asked)) = jsonrpc::Body::read(&body) {
            let answer =
                async { ask(&admitted, admitted.judge(Era::Modern, &asked, body.clone())?).await };
            let status =
                answer.await.map_or_else(|refused| refused.status(), |found| found.status());
            forget_if_gone(&admitted, status);
        }
        server.endpoint.tools.discoveries.renewed();
    });
}

/// A server that says that it does not know the question is not what it was.
fn forget_if_gone(admitted: &Admitted<'_>, status: StatusCode) {
    if matches!(status, StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND) {
        admitted.server.endpoint.tools.discoveries.forget(admitted.permit.principal());
    }
}

/// The same response, once the answer in it was read.
async fn remembering(
    admitted: &Admitted<'_>,
    id: Option<&str>,
    response: Response<Body>,
) -> Response<Body> {
    let kind = response.headers().get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let events = kind.starts_with(EVENT_STREAM.as_bytes());
    if response.status() != StatusCode::OK {
        return response;
    }
    let (parts, mut body) = response.into_parts();
    let mut read = Vec::new();
    let reading = read_answer(&mut body, &mut read, events);
    if let Ok(Some(message)) = tokio::time::timeout(READING, reading).await {
        learn(admitted, id, &message);
    }
    let read = stream::iter(read).map(|bytes| Ok(Frame::data(bytes)));
    let rest = read.chain(http_body_util::BodyStream::new(body));
    Response::from_parts(parts, Body::streamed(Box::pin(StreamBody::new(rest))))
}

/// Reads on until the answer is there, as far as one can be remembered. All that was read is in
/// `read`.
async fn read_answer(body: &mut Body, read: &mut Vec<Bytes>, events: bool) -> Option<Vec<u8>> {
    let (mut splitter, mut whole) = (Splitter::default(), Vec::new());
    let mut length = 0;
    while length <= LARGEST {
        let Some(frame) = body.frame().await else { break };
        let bytes = frame.ok()?.into_data().ok()?;
        length += bytes.len();
        read.push(bytes.clone());
        if !events {
            whole.extend_from_slice(&bytes);
            continue;
        }
        splitter.push(&bytes);
        while let Some(event) = splitter.next_event() {
            let message = event.message();
            let is_result =
                |text: &Vec<u8>| matches!(filter::read(text), Ok(filter::Message::Result(_)));
            if message.as_ref().is_some_and(is_result) {
                return message;
            }
        }
    }
    (!events && length <= LARGEST).then_some(whole)
}

fn learn(admitted: &Admitted<'_>, id: Option<&str>, message: &[u8]) {
    let Ok(filter::Message::Result(result)) = filter::read(message) else { return };
    let Ok(members) = Members::read(result.get()) else { return };
    if !answers(message, id) || members.get(member::SUPPORTED_VERSIONS).is_none() {
        return;
    }
    let millis = members.get(member::TTL_MS).and_then(|ttl| ttl.get().parse::<i64>().ok());
    let seconds = millis.map_or(USUAL, |millis| millis / 1000).clamp(LEAST, MOST);
    let public = members.text(member::CACHE_SCOPE).as_deref() == Some(cache_scope::PUBLIC);
    let owner = (!public).then(|| *admitted.permit.principal());
    let result = Bytes::copy_from_slice(result.get().as_bytes());
    let fresh_until = admitted.shared.trust.now().plus_seconds(seconds);
    let discoveries = &admitted.server.endpoint.tools.discoveries;
    discoveries.keep(owner, Discovery { result, fresh_until });
}
