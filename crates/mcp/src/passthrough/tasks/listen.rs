//! `subscriptions/listen` that names tasks.

use protocol::jsonrpc::Params;
use protocol::splice::Splice;
use upstream::wire::Era;

use crate::passthrough::answer::StreamKind;
use crate::passthrough::tasks::answer::{About, Naming, pass, unknown_task};
use crate::policy::judge::JudgedRequest;
use crate::reply::{Answer, Refused};
use crate::request::Call;
use crate::tools::tasks::Task;
use crate::tools::tasks::ids::subscribed;

/// Opens a stream. News of a task are for whoever may use its tool, so each task is judged.
pub(crate) async fn answer(
    call: &Call<'_>,
    params: &Params<'_>,
    judged: &JudgedRequest<'_>,
    standing: StreamKind,
) -> Answer {
    let named = params.notifications.map(subscribed).unwrap_or_default();
    if named.is_empty() {
        return call.relay(judged, judged.body().clone(), standing).await;
    }
    let text = std::str::from_utf8(judged.body()).map_err(|_| unknown_task(call))?;
    let mut splice = Splice::of(text);
    let mut tasks = Vec::with_capacity(named.len());
    for id in named {
        let task = opened(call, id.get())?;
        splice.replace(id, serde_json::Value::from(&*task.upstream).to_string());
        tasks.push(task);
    }
    let body = splice.finish().ok_or_else(|| unknown_task(call))?;
    let accepted = call.accept(call.stand(judged, body.into()).await?)?;
    pass(call, Naming::of(call, About::tasks(tasks)), accepted, standing).await
}

fn opened(call: &Call<'_>, id: &str) -> Result<Task, Refused> {
    let handle: String = serde_json::from_str(id).map_err(|_| unknown_task(call))?;
    let task =
        call.server.tools.tasks.open(call.permit, &handle).ok_or_else(|| unknown_task(call))?;
    let (outcome, _) = call.server.judge(call.permit, Era::Modern).follow(&task.tool);
    let denied = |denial| call.server.denied(&denial, call.permit, Era::Modern, call.id);
    outcome.map(|()| task).map_err(denied)
}
