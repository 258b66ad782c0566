//! Answers that are complete but for the request's id.

use bytes::Bytes;

use crate::tool;

/// Everything that the server ever answers.
pub(super) struct Answers {
    pub(super) initialize: Ready,
    pub(super) list: Ready,
    pub(super) big_list: Ready,
    pub(super) small: Ready,
    pub(super) large: Ready,
}

/// One result.
pub(super) struct Ready {
    result: String,
}

impl Answers {
    pub(super) fn new() -> Self {
        let initialize = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bench","version":"1"}}"#;
        Self {
            initialize: Ready::of(initialize.to_owned()),
            list: Ready::of(list(tool::FEW)),
            big_list: Ready::of(list(tool::MANY)),
            small: Ready::of(text(tool::SMALL_TEXT)),
            large: Ready::of(text(tool::LARGE_TEXT)),
        }
    }
}

/// The error for every method that is not among them.
pub(super) fn unknown(id: &str) -> Bytes {
    let error = r#"{"code":-32601,"message":"Method not found"}"#;
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#).into()
}

impl Ready {
    fn of(result: String) -> Self {
        Self { result }
    }

    pub(super) fn for_id(&self, id: &str) -> Bytes {
        let mut message = Vec::with_capacity(self.result.len() + id.len() + 40);
        message.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
        message.extend_from_slice(id.as_bytes());
        message.extend_from_slice(br#","result":"#);
        message.extend_from_slice(self.result.as_bytes());
        message.push(b'}');
        message.into()
    }
}

fn text(length: usize) -> String {
    let text = "x".repeat(length);
    format!(r#"{{"content":[{{"type":"text","text":"{text}"}}]}}"#)
}

/// Tools as large as real ones are: 0.4 KB each.
fn list(count: usize) -> String {
    let tools: Vec<String> = (0..count).map(tool_number).collect();
    format!(r#"{{"tools":[{}]}}"#, tools.join(","))
}

fn tool_number(number: usize) -> String {
    let name = match number {
        0 => tool::SMALL.to_owned(),
        1 => tool::LARGE.to_owned(),
        2 => tool::PROGRESS.to_owned(),
        3 => tool::SLOW.to_owned(),
        _ => format!("tool_{number:04}"),
    };
    format!(
        r#"{{"name":"{name}","title":"Tool number {number}","description":"Finds the records that fit all given conditions, newest first, and returns a page of them.","inputSchema":{{"type":"object","properties":{{"query":{{"type":"string"}},"limit":{{"type":"integer","minimum":1}}}},"required":["query"]}},"annotations":{{"readOnlyHint":true}}}}"#
    )
}
