//! What a server may advertise of its tasks.

use bytes::Bytes;
use protocol::jsonrpc::member::RESULT;
use protocol::mcp::{capability, member};
use protocol::splice::{Members, Splice};
use serde_json::value::RawValue;

use crate::tools::tasks::ids::could_name;

/// The answer to `initialize` without the promise of `tasks/list`, which is not served: a server
/// that knows the sidecar's credential and not the person would list everybody's tasks (E-20).
/// `None` if it makes no such promise.
pub(crate) fn without_list(message: &[u8]) -> Option<Bytes> {
    if !could_name(message) {
        return None;
    }
    let text = std::str::from_utf8(message).ok()?;
    let message: &RawValue = serde_json::from_str(text).ok()?;
    let result = Members::of(message)?.get(RESULT)?;
    let capabilities = Members::of(result)?.get(member::CAPABILITIES)?;
    let written = Members::of(capabilities)?.get(capability::TASKS)?;
    let tasks = Members::of(written)?;
    tasks.get(capability::LIST)?;
    let mut splice = Splice::of(text);
    splice.replace(written, tasks.without(capability::LIST));
    splice.finish().map(Into::into)
}
