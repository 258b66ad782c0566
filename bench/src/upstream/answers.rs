//! Answers that are complete but for the request's id.

use bytes::Bytes;

use crate::tool;

/// Everything that the server ever answers.
pub(super) struct Answers {
    pub(super) initialize: Ready,
    /// The same of a server from which news can come.
    pub(super) newsy_initialize: Ready,
    pub(super) discover: Ready,
    /// As a server of either generation would say it.
    pub(super) plain: Common,
    /// With what 2026-07-28 wants in each result.
    pub(super) modern: Common,
    pub(super) big_list: Ready,
    pub(super) large: Ready,
    pub(super) huge: Ready,
    /// To a subscription.
    pub(super) nothing: Ready,
}

/// What servers of all generations answer.
pub(super) struct Common {
    pub(super) list: Ready,
    pub(super) small: Ready,
}

/// One result.
pub(super) struct Ready {
    result: Bytes,
}

const CAPABILITIES: &str = r#"{"tools":{"listChanged":true},"resources":{"subscribe":true}}"#;
const COMPLETE: &str = r#""resultType":"complete","#;
/// MCP 2026-07-28, "Caching": lists say how long they may be kept, and by whom.
const NEVER_KEPT: &str = r#""ttlMs":0,"cacheScope":"private","#;

impl Answers {
    pub(super) fn new() -> Self {
        let discover = format!(
            r#"{{{COMPLETE}"ttlMs":3600000,"cacheScope":"public","supportedVersions":["2026-07-28"],"capabilities":{CAPABILITIES}}}"#
        );
        Self {
            initialize: Ready::of(initialize(r#"{"tools":{}}"#)),
            newsy_initialize: Ready::of(initialize(CAPABILITIES)),
            discover: Ready::of(discover),
            plain: Common {
                list: Ready::of(list("", tool::FEW)),
                small: Ready::of(text("", tool::SMALL_TEXT)),
            },
            modern: Common {
                list: Ready::of(list(&format!("{COMPLETE}{NEVER_KEPT}"), tool::FEW)),
                small: Ready::of(text(COMPLETE, tool::SMALL_TEXT)),
            },
            big_list: Ready::of(list("", tool::MANY)),
            large: Ready::of(text("", tool::LARGE_TEXT)),
            huge: Ready::of(text("", tool::HUGE_TEXT)),
            nothing: Ready::of("{}".to_owned()),
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
        Self { result: result.into() }
    }

    pub(super) fn for_id(&self, id: &str) -> Bytes {
        let mut message = Vec::with_capacity(self.result.len() + id.len() + 40);
        message.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
        message.extend_from_slice(id.as_bytes());
        message.extend_from_slice(br#","result":"#);
        message.extend_from_slice(&self.result);
        message.push(b'}');
        message.into()
    }

    /// The same in parts, none of which is a copy of the result: for results so large that the
    /// copy would be what is measured.
    pub(super) fn parts_for_id(&self, id: &str) -> [Bytes; 3] {
        let before = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"#);
        [before.into(), self.result.clone(), Bytes::from_static(b"}")]
    }
}

fn initialize(capabilities: &str) -> String {
    format!(
        r#"{{"protocolVersion":"2025-11-25","capabilities":{capabilities},"serverInfo":{{"name":"bench","version":"1"}}}}"#
    )
}

fn text(first: &str, length: usize) -> String {
    let text = "x".repeat(length);
    format!(r#"{{{first}"content":[{{"type":"text","text":"{text}"}}]}}"#)
}

/// Tools as large as real ones are: 0.4 KB each.
fn list(first: &str, count: usize) -> String {
    let tools: Vec<String> = (0..count).map(tool_number).collect();
    format!(r#"{{{first}"tools":[{}]}}"#, tools.join(","))
}

fn tool_number(number: usize) -> String {
    let name = match number {
        0 => tool::SMALL.to_owned(),
        1 => tool::LARGE.to_owned(),
        2 => tool::PROGRESS.to_owned(),
        3 => tool::SLOW.to_owned(),
        4 => tool::HUGE.to_owned(),
        _ => format!("tool_{number:04}"),
    };
    format!(
        r#"{{"name":"{name}","title":"Tool number {number}","description":"Finds the records that fit all given conditions, newest first, and returns a page of them.","inputSchema":{{"type":"object","properties":{{"query":{{"type":"string"}},"limit":{{"type":"integer","minimum":1}}}},"required":["query"]}},"annotations":{{"readOnlyHint":true}}}}"#
    )
}
