//! JSON-RPC 2.0 messages as MCP carries them over HTTP, read just far enough to judge them.
//!
//! The body that was judged is forwarded as it is, so what is read here must be what any upstream
//! reads. Whatever two parsers could understand differently is refused: a known member twice, a
//! known member in other letter case, an array where an object belongs, anything after the end.

mod key;
pub mod member;
mod message;
mod write;

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::value::RawValue;

use message::Draft;
pub use write::{notification, request, response};

/// What one HTTP body holds.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a box would be an allocation for each request")]
pub enum Body<'a> {
    /// One message.
    One(Message<'a>),
    /// A batch, which only MCP 2025-03-26 knows.
    Batch(Vec<Element<'a>>),
}

/// One message of a batch.
#[derive(Debug)]
pub struct Element<'a> {
    /// The message as it was written.
    pub text: &'a str,
    /// What it says.
    pub message: Message<'a>,
}

/// One JSON-RPC message, borrowed from the body.
#[derive(Debug)]
pub enum Message<'a> {
    /// A request, which wants an answer.
    Request {
        /// The id exactly as it was written.
        id: &'a RawValue,
        /// The method.
        method: Cow<'a, str>,
        /// What of the parameters decides anything.
        params: Params<'a>,
    },
    /// A notification, which wants none.
    Notification {
        /// The method.
        method: Cow<'a, str>,
        /// What of the parameters decides anything.
        params: Params<'a>,
    },
    /// The client's answer to a request of the server.
    Answer,
}

/// The parameters that decide about a message; all others pass unread. Those that are kept as they
/// were written cost nothing until somebody reads them.
#[derive(Debug, Default)]
pub struct Params<'a> {
    /// `name`: the tool or prompt.
    pub name: Option<Cow<'a, str>>,
    /// `uri`: the resource.
    pub uri: Option<Cow<'a, str>>,
    /// `cursor`: the page of a list.
    pub cursor: Option<Cow<'a, str>>,
    /// `_meta["io.modelcontextprotocol/protocolVersion"]`.
    pub protocol_version: Option<Cow<'a, str>>,
    /// `_meta["io.modelcontextprotocol/clientCapabilities"]` as it was written.
    pub client_capabilities: Option<&'a RawValue>,
    /// `arguments` of a tool or prompt as they were written.
    pub arguments: Option<&'a RawValue>,
    /// `task`: the wish of MCP 2025-11-25 that the call outlives its answer.
    pub task: Option<&'a RawValue>,
    /// `taskId` as it was written.
    pub task_id: Option<&'a RawValue>,
    /// `notifications`: what `subscriptions/listen` wants to hear of.
    pub notifications: Option<&'a RawValue>,
    /// `_meta.traceparent`, where it is a text; decides nothing.
    pub traceparent: Option<Cow<'a, str>>,
}

/// Why a body is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unreadable {
    /// The JSON-RPC error code: [`PARSE_ERROR`] or [`INVALID_REQUEST`].
    pub code: i32,
    /// What is wrong and what to do. Never holds request data.
    pub reason: &'static str,
    /// The id of the request as it was written, where one can be read.
    pub id: Option<String>,
}

/// The text is not JSON.
pub const PARSE_ERROR: i32 = -32700;
/// The JSON is not a message that may be sent here.
pub const INVALID_REQUEST: i32 = -32600;
/// There is no such method.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// There is no such tool, or the parameters do not fit.
pub const INVALID_PARAMS: i32 = -32602;
/// Something went wrong inside.
pub const INTERNAL_ERROR: i32 = -32603;

/// How deep arrays and objects may nest.
const MAX_DEPTH: usize = 128;
/// How many messages one batch may hold.
const MAX_BATCH: usize = 100;

impl<'a> Body<'a> {
    /// Reads a request body. Its size was limited before.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Unreadable::parse("the body must be UTF-8 without a byte order mark"))?;
        if !within_depth(bytes) {
            return Err(Unreadable::invalid("arrays and objects nest too deeply", text));
        }
        if text.trim_ascii_start().starts_with('[') { read_batch(text) } else { read_one(text) }
    }
}

impl Params<'_> {
    /// `taskId`, if it is a string.
    pub fn task_id(&self) -> Option<String> {
        serde_json::from_str(self.task_id?.get()).ok()
    }
}

impl Message<'_> {
    /// The method; `None` for an answer.
    pub fn method(&self) -> Option<&str> {
        match self {
            Self::Request { method, .. } | Self::Notification { method, .. } => Some(method),
            Self::Answer => None,
        }
    }

    /// The id of a request as it was written.
    pub fn id(&self) -> Option<&RawValue> {
        match self {
            Self::Request { id, .. } => Some(id),
            _ => None,
        }
    }
}

impl Unreadable {
    fn parse(reason: &'static str) -> Self {
        Self { code: PARSE_ERROR, reason, id: None }
    }

    fn invalid(reason: &'static str, text: &str) -> Self {
        Self { code: INVALID_REQUEST, reason, id: message::stray_id(text) }
    }
}

fn read_one(text: &str) -> Result<Body<'_>, Unreadable> {
    Ok(Body::One(read_message(text)?))
}

fn read_batch(text: &str) -> Result<Body<'_>, Unreadable> {
    let elements: Vec<&RawValue> = serde_json::from_str(text)
        .map_err(|_| Unreadable::parse("the body is not JSON; send one JSON-RPC message"))?;
    if elements.is_empty() || elements.len() > MAX_BATCH {
        return Err(Unreadable {
            code: INVALID_REQUEST,
            reason: "a batch holds 1 to 100 messages",
            id: None,
        });
    }
    elements
        .into_iter()
        .map(|element| read_element(element.get()))
        .map(|read| read.map_err(|error| Unreadable { id: None, ..error }))
        .collect::<Result<_, _>>()
        .map(Body::Batch)
}

fn read_element(text: &str) -> Result<Element<'_>, Unreadable> {
    Ok(Element { text, message: read_message(text)? })
}

fn read_message(text: &str) -> Result<Message<'_>, Unreadable> {
    let draft: Draft<'_> = serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            Unreadable::invalid(key::reason_of(&error), text)
        } else {
            Unreadable::parse("the body is not JSON; send one JSON-RPC message")
        }
    })?;
    draft.finish().map_err(|reason| Unreadable::invalid(reason, text))
}

/// Whether nothing nests deeper than an ordinary recursive parser would follow.
fn within_depth(bytes: &[u8]) -> bool {
    // Most bodies do not open so many, wherever they stand. Counting compiles to vector instructions.
    let opens = |byte: &&u8| matches!(byte, b'{' | b'[');
    if bytes.iter().filter(opens).count() <= MAX_DEPTH {
        return true;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return false;
        }
    }
    true
}

/// A JSON-RPC error response. `id` is the request's id as it was written; without one it is null.
pub fn error_response(
    id: Option<&str>,
    code: i32,
    message: &str,
    data: Option<&serde_json::Value>,
) -> String {
    let message = serde_json::Value::from(message);
    let id = id.unwrap_or("null");
    let mut text = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":{message}"
    );
    if let Some(data) = data {
        // Writing into a String cannot fail.
        let _ = write!(text, ",\"data\":{data}");
    }
    text.push_str("}}");
    text
}

#[cfg(test)]
mod tests;
