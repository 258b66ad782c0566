//! Calls that may begin a task, requests about tasks, and what else names them.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use protocol::jsonrpc::Params;
use protocol::mcp::{NAME_HEADER, TASKS_EXTENSION, capability, encode_mirrored};
use protocol::splice::{Members, Splice};
use upstream::wire::events::Event;
use upstream::wire::reader::Reader;
use upstream::wire::{BodyError, Era, broke_off};

use crate::access::Permit;
use crate::passthrough::answer::{Accepted, Form, StreamKind, respond};
use crate::passthrough::headers;
use crate::passthrough::stream::strays::{Stray, Watch};
use crate::policy::judge::{Denial, JudgedRequest};
use crate::reply::body::Body;
use crate::reply::failure::Unusable;
use crate::reply::{Answer, Refused};
use crate::request::{Call, Endpoint};
use crate::tools::tasks::Task;
use crate::tools::tasks::ids::{Place, Unchangeable, could_name, exchanged};

/// Whose messages name tasks, and which of them can be told without looking anywhere.
pub(crate) struct Naming {
    server: Arc<Endpoint>,
    permit: Arc<Permit>,
    about: About,
}

/// What the request was about, to which the messages belong.
pub(crate) enum About {
    /// A call of this tool, which may begin a task.
    Call(String),
    /// These tasks: their handles by the server's own ids. A client may name thousands, and so may
    /// each message of the server.
    Tasks(HashMap<String, Arc<str>>),
    /// Nothing in particular.
    Anything,
}

impl About {
    /// Of a task that is named twice, the first handle counts.
    pub(super) fn tasks(tasks: impl IntoIterator<Item = Task>) -> Self {
        let mut handles = HashMap::new();
        for Task { upstream, handle, .. } in tasks {
            handles.entry(upstream).or_insert(handle);
        }
        Self::Tasks(handles)
    }
}

/// Whether the answer to a call can begin a task. A client of 2025-11-25 asks for one; one of
/// 2026-07-28 says that it knows the extension, and a server gives no other client a task (E-19).
pub(crate) fn may_begin(era: Era, params: &Params<'_>) -> bool {
    match era {
        Era::Legacy => params.task.is_some_and(|task| task.get() != "null"),
        Era::Modern => {
            let capabilities = params.client_capabilities.and_then(Members::of);
            let extensions = capabilities.and_then(|known| known.get(capability::EXTENSIONS));
            let extensions = extensions.and_then(Members::of);
            extensions.is_some_and(|known| known.get(TASKS_EXTENSION).is_some())
        }
    }
}

/// Answers a request about a task that was opened and judged before.
pub(crate) async fn answer(
    call: &Call<'_>,
    params: &Params<'_>,
    judged: &JudgedRequest<'_>,
) -> Answer {
    let Some(task) = call.server.tools.tasks.named(call.permit, params) else {
        return Err(unknown_task(call));
    };
    let body = restored(call, params, &task, judged.body())?;
    let headers = restored_headers(call, &task)?;
    let asking = Call {
        headers: &headers,
        method: call.method.clone(),
        session: call.session.clone(),
        ..*call
    };
    let accepted = asking.accept(asking.send(judged, body).await?)?;
    let naming = Naming::of(call, About::tasks([task]));
    pass(call, naming, accepted, StreamKind::Answer).await
}

/// What everybody gets for a task that does not exist, or is not theirs (E-19).
pub(crate) fn unknown_task(call: &Call<'_>) -> Refused {
    call.server.denied(&Denial::UnknownTask, call.permit, Era::Legacy, call.id)
}

/// Passes an answer with the ids of tasks exchanged.
pub(crate) async fn pass(
    call: &Call<'_>,
    naming: Naming,
    accepted: Accepted,
    standing: StreamKind,
) -> Answer {
    match accepted.form {
        Form::Json => {
            let head = headers::to_client(call, &accepted.upstream_headers);
            let message = call.collect_watched(accepted.body).await?;
            let Ok(changed) = naming.outward(&message) else {
                return Err(call.refused(Unusable::Task));
            };
            let body = changed.map_or_else(|| Body::ready(message), Body::ready);
            Ok(respond(accepted.status, head, body))
        }
        Form::Events => Ok(pass_events(call, naming, accepted, standing)),
        Form::Plain => Ok(call.pass(accepted, standing)),
    }
}

/// Passes a stream with the ids of tasks exchanged in its events.
fn pass_events(
    call: &Call<'_>,
    naming: Naming,
    accepted: Accepted,
    standing: StreamKind,
) -> Response<Body> {
    let mut head = headers::to_client(call, &accepted.upstream_headers);
    headers::for_events(&mut head);
    let reader = Reader::new(accepted.body, call.shared.limits.list_bytes);
    let watch = Watch::of(call, Form::Events);
    let events = stream::try_unfold((reader, naming, watch), |reading| async {
        let (mut reader, naming, mut watch) = reading;
        let Some(event) = reader.next().await? else {
            return Ok(None);
        };
        watch
            .look(&event.raw)
            .map_err(|Stray| broke_off("a list of tools that was not asked for"))?;
        let bytes = naming.event(&event)?;
        Ok::<_, BodyError>(Some((Frame::data(bytes), (reader, naming, watch))))
    });
    let body = call.guard(StreamBody::new(Box::pin(events)), standing);
    respond(accepted.status, head, body)
}

/// The same message of a client with the server's own ids, where it belongs to a task: the answer
/// to a question that the server asked during one (MCP 2025-11-25, "Related Task Metadata").
pub(crate) fn inward(call: &Call<'_>, body: Bytes) -> Result<Bytes, Refused> {
    let handles = &call.server.tools.tasks;
    let open = |_, id: &str| handles.open(call.permit, id).map(|task| task.upstream.into());
    match exchanged(&body, open) {
        Ok(None) => Ok(body),
        Ok(Some(changed)) => Ok(changed.into()),
        Err(Unchangeable) => Err(unknown_task(call)),
    }
}

impl Naming {
    pub(crate) fn of(call: &Call<'_>, about: About) -> Self {
        Self { server: Arc::clone(call.server), permit: Arc::clone(call.permit), about }
    }

    /// A message of the server with the ids that its client knows; `None` if nothing changes.
    fn outward(&self, message: &[u8]) -> Result<Option<Bytes>, Unchangeable> {
        exchanged(message, |place, id| self.handle(place, id)).map(|text| text.map(Into::into))
    }

    /// The same of a message inside a stream.
    pub(crate) fn named(&self, message: &[u8]) -> Result<Option<Bytes>, BodyError> {
        self.outward(message).map_err(|Unchangeable| broke_off("a task that cannot be read"))
    }

    fn event(&self, event: &Event) -> Result<Bytes, BodyError> {
        let Some(message) = event.message() else {
            return Ok(event.beside_messages());
        };
        let named = if could_name(&event.raw) { self.named(&message)? } else { None };
        Ok(named.map_or_else(|| event.unchanged(&message), |named| event.with_message(&named)))
    }

    fn handle(&self, place: Place, id: &str) -> Option<Arc<str>> {
        let handles = &self.server.tools.tasks;
        match &self.about {
            // Whatever was known under this id before: this tool's scope is what it needs now.
            About::Call(tool) if place == Place::Begun => {
                return Some(handles.seal(&self.permit, tool, id));
            }
            About::Tasks(handles) => {
                if let Some(handle) = handles.get(id) {
                    return Some(Arc::clone(handle));
                }
            }
            About::Call(_) | About::Anything => {}
        }
        handles.known(&self.permit, id)
    }
}

/// The body with the server's own id.
fn restored(
    call: &Call<'_>,
    params: &Params<'_>,
    task: &Task,
    body: &[u8],
) -> Result<Bytes, Refused> {
    let text = std::str::from_utf8(body).map_err(|_| unknown_task(call))?;
    let mut splice = Splice::of(text);
    if let Some(id) = params.task_id {
        splice.replace(id, serde_json::Value::from(&*task.upstream).to_string());
    }
    splice.finish().map(Into::into).ok_or_else(|| unknown_task(call))
}

/// C-12: `Mcp-Name` says what the body says, so it changes with it.
fn restored_headers(call: &Call<'_>, task: &Task) -> Result<HeaderMap, Refused> {
    let mut headers = call.headers.clone();
    if headers.contains_key(NAME_HEADER) {
        let value = HeaderValue::from_str(&encode_mirrored(&task.upstream));
        headers.insert(NAME_HEADER, value.map_err(|_| unknown_task(call))?);
    }
    Ok(headers)
}
