//! MCP's own words: revisions, headers, methods, members and error codes. A page of the specification
//! is named by its title; without a revision, every revision has it.

pub mod cache_scope;
pub mod capability;
pub mod member;
pub mod method;
pub mod result_type;

use std::borrow::Cow;

/// The stateless revision: each POST names it in a header and in `_meta`.
pub const MODERN_REVISION: &str = "2026-07-28";

/// The one revision that knows JSON-RPC batches.
pub const BATCHING_REVISION: &str = "2025-03-26";

/// The one revision with tasks in its core.
pub const TASKS_REVISION: &str = "2025-11-25";

/// The last revision with sessions, which is offered to servers of that generation.
pub const LAST_LEGACY_REVISION: &str = "2025-11-25";

/// The revisions with sessions, oldest first.
pub const LEGACY_REVISIONS: [&str; 4] =
    ["2024-11-05", BATCHING_REVISION, "2025-06-18", LAST_LEGACY_REVISION];

/// The last revision that does not know [`PROTOCOL_VERSION_HEADER`].
pub const LAST_REVISION_WITHOUT_HEADER: &str = "2025-03-26";

/// Where a request of [`MODERN_REVISION`] or later names its revision, inside `params._meta`.
pub const META_PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// Where such a request says what its client can do, inside `params._meta`.
pub const META_CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// Where such a request says which client it is from, inside `params._meta`.
pub const META_CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// Where a result says which server it is from, inside `_meta` (2026-07-28, "Base Protocol").
pub const META_SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// Where a request says how much of the log its client wants, inside `params._meta`: one of
/// [`LOG_LEVELS`] (2026-07-28, "Logging").
pub const META_LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// With what all keys begin that MCP keeps for itself, inside `_meta` ("Base Protocol").
pub const META_RESERVED: &str = "io.modelcontextprotocol/";
/// Where a notification names the subscription that it is for, inside `params._meta` (2026-07-28,
/// "Subscriptions").
pub const META_SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// The extension of [`MODERN_REVISION`] in which a call may outlive its answer as a task.
pub const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";
/// The key of 2025-11-25, inside `_meta`, that names the task a message belongs to.
pub const META_RELATED_TASK: &str = "io.modelcontextprotocol/related-task";
/// Where a request names the span that it belongs to (W3C Trace Context), inside `params._meta`; the
/// header has the same name.
pub const TRACEPARENT: &str = "traceparent";
/// Header: what tracers say of that span (W3C Trace Context).
pub const TRACESTATE: &str = "tracestate";
/// Header: what goes along with it through all programs (W3C Baggage).
pub const BAGGAGE: &str = "baggage";

/// Header: the protocol revision.
pub const PROTOCOL_VERSION_HEADER: &str = "mcp-protocol-version";
/// Header: the session of the 2025 revisions.
pub const SESSION_HEADER: &str = "mcp-session-id";
/// Header: the method, mirrored from the body.
pub const METHOD_HEADER: &str = "mcp-method";
/// Header: the tool, prompt or resource, mirrored from the body.
pub const NAME_HEADER: &str = "mcp-name";
/// First part of the headers that mirror single arguments.
pub const PARAM_HEADER_PREFIX: &str = "mcp-param-";
/// Where the schema of an argument names the rest of such a header (2026-07-28, "Custom Headers from
/// Tool Parameters").
pub const PARAM_HEADER_MARK: &str = "x-mcp-header";
/// Header: the last event that a client has, of a stream that it takes up again ("Streamable HTTP").
pub const LAST_EVENT_ID_HEADER: &str = "last-event-id";

/// The media type of one message ("Streamable HTTP").
pub const JSON: &str = "application/json";
/// The media type of a stream of messages ("Streamable HTTP").
pub const EVENT_STREAM: &str = "text/event-stream";
/// What a client says that it takes as an answer: either of them ("Streamable HTTP").
pub const JSON_OR_EVENT_STREAM: &str = "application/json, text/event-stream";
/// The media type of what an HTTP error says without a message.
pub const PLAIN: &str = "text/plain";
/// The event that says where messages are to be posted (2024-11-05, "Transports").
pub const ENDPOINT_EVENT: &str = "endpoint";

/// The client of a new session is ready.
pub const INITIALIZED: &str = "notifications/initialized";
/// The server changed its tools. Seen in a stream, it makes kept lists stale.
pub const TOOLS_LIST_CHANGED: &str = "notifications/tools/list_changed";
/// The server changed its prompts ("Prompts").
pub const PROMPTS_LIST_CHANGED: &str = "notifications/prompts/list_changed";
/// The server changed its resources ("Resources").
pub const RESOURCES_LIST_CHANGED: &str = "notifications/resources/list_changed";
/// A resource changed that somebody subscribed to ("Resources").
pub const RESOURCE_UPDATED: &str = "notifications/resources/updated";
/// Nobody waits for the answer to a request any more ("Cancellation").
pub const CANCELLED: &str = "notifications/cancelled";
/// How a request is getting on ("Progress").
pub const PROGRESS: &str = "notifications/progress";
/// A line of the server's log ("Logging").
pub const LOG_MESSAGE: &str = "notifications/message";
/// What a subscription will tell of (2026-07-28, "Subscriptions").
pub const SUBSCRIPTION_ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
/// The page that somebody was sent to is done with (2025-11-25, "Elicitation").
pub const ELICITATION_COMPLETE: &str = "notifications/elicitation/complete";
/// How a task is getting on (2025-11-25, "Tasks").
pub const TASK_STATUS: &str = "notifications/tasks/status";

/// How grave a line of the log can be, beginning with the least ("Logging").
pub const LOG_LEVELS: [&str; 8] =
    ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// 2026-07-28: the lowest of the codes that MCP keeps for itself ("Error Codes"). The highest is
/// [`HEADER_MISMATCH`].
pub const LOWEST_RESERVED: i32 = -32099;
/// 2026-07-28: a header does not agree with the body.
pub const HEADER_MISMATCH: i32 = -32020;
/// 2026-07-28: the client lacks a capability that the answer would need.
pub const MISSING_CAPABILITY: i32 = -32021;
/// 2026-07-28: the revision is not supported.
pub const UNSUPPORTED_VERSION: i32 = -32022;
/// Until 2025-11-25: there is no such resource.
pub const RESOURCE_NOT_FOUND: i32 = -32002;
/// 2025-11-25: somebody must visit a page first.
pub const URL_ELICITATION_REQUIRED: i32 = -32042;
/// Ours, outside the reserved range (2026-07-28, "Error Codes"): a grant of more scope is needed.
pub const INSUFFICIENT_SCOPE: i32 = -31403;
/// Ours: the session is unknown, has ended, or is somebody else's.
pub const SESSION_UNKNOWN: i32 = -31404;
/// Ours: too large, too many, or in a form that is not taken.
pub const NOT_TAKEN: i32 = -31413;
/// Ours: the upstream gave no usable answer.
pub const UPSTREAM_UNAVAILABLE: i32 = -31502;
/// Ours: access cannot be checked, or the upstream is away, at the moment.
pub const TEMPORARILY_UNAVAILABLE: i32 = -31503;
/// Ours: the upstream took too long.
pub const UPSTREAM_TIMEOUT: i32 = -31504;
/// Ours: the token ended while its answer was still streaming.
pub const ACCESS_ENDED: i32 = -31401;

/// What a request method needs, of all methods that pass. Anything else is unknown here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `initialize`: any valid token; the answer opens a session.
    Initialize,
    /// Any valid token.
    Open,
    /// `mcp:read`.
    Read,
    /// `subscriptions/listen`: `mcp:read`; the answer is a stream that stays.
    Listen,
    /// `tools/list`: any valid token; the answer is filtered.
    ListTools,
    /// `tools/call`: what the policy says of the tool.
    CallTool,
    /// About a task: what the policy says of the tool that began it.
    Task,
}

/// Which parameter the `Mcp-Name` header mirrors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mirrored {
    /// `params.name`.
    Name,
    /// `params.uri`.
    Uri,
    /// `params.taskId`.
    Task,
}

impl Method {
    /// The method with this name. `tasks/list` is not among them: a server that knows the sidecar
    /// and not the person would list everybody's tasks.
    pub fn of_request(name: &str) -> Option<Self> {
        Some(match name {
            method::TOOLS_CALL => Self::CallTool,
            method::TOOLS_LIST => Self::ListTools,
            method::INITIALIZE => Self::Initialize,
            method::PING | method::LOGGING_SET_LEVEL | method::SERVER_DISCOVER => Self::Open,
            method::PROMPTS_LIST
            | method::PROMPTS_GET
            | method::RESOURCES_LIST
            | method::RESOURCES_READ
            | method::RESOURCES_TEMPLATES_LIST
            | method::RESOURCES_SUBSCRIBE
            | method::RESOURCES_UNSUBSCRIBE
            | method::COMPLETION_COMPLETE => Self::Read,
            method::SUBSCRIPTIONS_LISTEN => Self::Listen,
            method::TASKS_GET
            | method::TASKS_RESULT
            | method::TASKS_UPDATE
            | method::TASKS_CANCEL => Self::Task,
            _ => return None,
        })
    }
}

impl Mirrored {
    /// The parameter that `Mcp-Name` mirrors for this method (2026-07-28, "Standard Request
    /// Headers"; for tasks the extension's own rule).
    pub fn by(name: &str) -> Option<Self> {
        match name {
            method::TOOLS_CALL | method::PROMPTS_GET => Some(Self::Name),
            method::RESOURCES_READ => Some(Self::Uri),
            method::TASKS_GET | method::TASKS_UPDATE | method::TASKS_CANCEL => Some(Self::Task),
            _ => None,
        }
    }
}

/// Whether this is the name of a notification.
pub fn is_notification(method: &str) -> bool {
    method.starts_with("notifications/")
}

/// Whether this is the name of a notification that a list changed, of tools or of anything else.
pub fn is_list_changed(method: &str) -> bool {
    method.ends_with("/list_changed")
}

/// Reads a mirrored header value: surrounding white space does not count, and text that does not
/// fit a header travels as `=?base64?…?=` around the base64 of its UTF-8 bytes.
///
/// `None` if the base64 is not base64 or not UTF-8.
pub fn decode_mirrored(value: &str) -> Option<Cow<'_, str>> {
    let value = value.trim_matches([' ', '\t']);
    let Some(encoded) = value.strip_prefix(ENCODED).and_then(|v| v.strip_suffix("?=")) else {
        return Some(Cow::Borrowed(value));
    };
    let bytes = kernel::encoding::from_any_base64(encoded)?;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Writes a value so that [`decode_mirrored`] reads it back: as it is where a header can carry it,
/// and otherwise as base64 between the marks, which it may not begin with by itself either.
pub fn encode_mirrored(value: &str) -> Cow<'_, str> {
    let carried = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let trimmed = value.starts_with(' ') || value.ends_with(' ');
    if carried && !trimmed && !value.starts_with(ENCODED) {
        return Cow::Borrowed(value);
    }
    let encoded = kernel::encoding::base64(value.as_bytes());
    Cow::Owned([ENCODED, &encoded, "?="].concat())
}

const ENCODED: &str = "=?base64?";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// C-14: what a header cannot carry, or what would be read as something else, is encoded.
    #[test]
    fn c_14_values_are_encoded_where_they_must_be() {
        for plain in ["", "us-west1", "a b", "=?other?=", "~!\"", "=?BASE64?YQ==?="] {
            assert_eq!(encode_mirrored(plain), plain);
        }
        assert_eq!(encode_mirrored("Grüße"), "=?base64?R3LDvMOfZQ==?=");
        assert_eq!(encode_mirrored("=?base64?YQ==?="), "=?base64?PT9iYXNlNjQ/WVE9PT89?=");
        for unsafe_value in [" a", "a ", "\ta", "a\tb", "a\r\nX: y", "\u{7f}", "日本"] {
            let encoded = encode_mirrored(unsafe_value);
            assert!(encoded.starts_with(ENCODED), "{unsafe_value:?}");
        }
    }

    proptest! {
        /// C-14: whatever is written is read back, and fits a header.
        #[test]
        fn c_14_every_value_comes_back(value in ".*|[ -~]*|(=\\?base64\\?)?[a-zA-Z0-9+/=?]*(\\?=)?") {
            let encoded = encode_mirrored(&value);
            prop_assert!(encoded.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            let decoded = decode_mirrored(&encoded);
            prop_assert_eq!(decoded.as_deref(), Some(&*value));
        }
    }

    /// C-14: the markers are exact, and what cannot be decoded is a failure.
    #[test]
    fn t_mcp_46_base64_sentinels() {
        let hello = "=?base64?R3LDvMOfZQ==?=";
        assert_eq!(decode_mirrored(hello).as_deref(), Some("Grüße"));
        assert_eq!(decode_mirrored(" \tlist_requests ").as_deref(), Some("list_requests"));
        assert_eq!(
            decode_mirrored("=?BASE64?R3LDvMOfZQ==?=").as_deref(),
            Some("=?BASE64?R3LDvMOfZQ==?=")
        );
        assert_eq!(decode_mirrored("=?base64?***?="), None);
        assert_eq!(decode_mirrored("=?base64?/w==?="), None);
    }
}
