//! The requests that are measured, and what a right answer to each is.

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::template::MARKER;
use crate::tool;

/// A request, and how it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) what: What,
    pub(crate) era: Era,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// `tools/call` of the tool with this name.
    Call(&'static str),
    /// `tools/list` of the server with few tools.
    List,
    /// `tools/list` of the server with many.
    BigList,
}

/// The protocol revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    /// 2025-11-25, in a session.
    Sessions,
    /// 2026-07-28, stateless.
    Stateless,
}

/// What each stateless request says of its client.
pub(crate) const STATELESS_META: &str = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}"#;

impl Ask {
    /// In a 2025-11-25 session.
    pub(crate) const fn in_session(what: What) -> Self {
        Self { what, era: Era::Sessions }
    }

    /// As a stateless 2026-07-28 request.
    pub(crate) const fn stateless(what: What) -> Self {
        Self { what, era: Era::Stateless }
    }

    /// The body, with the marker for the id.
    pub(crate) fn body(self) -> String {
        let (method, params) = match self.what {
            What::Call(tool) => (
                "tools/call",
                format!(r#""name":"{tool}","arguments":{{"query":"overdue","limit":20}},"#),
            ),
            What::List | What::BigList => ("tools/list", String::new()),
        };
        let meta = match self.era {
            Era::Sessions => format!(r#""progressToken":{MARKER}"#),
            Era::Stateless if self.has_progress() => {
                format!(r#""progressToken":{MARKER},{STATELESS_META}"#)
            }
            Era::Stateless => STATELESS_META.to_owned(),
        };
        format!(
            r#"{{"jsonrpc":"2.0","id":{MARKER},"method":"{method}","params":{{{params}"_meta":{{{meta}}}}}}}"#
        )
    }

    fn has_progress(self) -> bool {
        matches!(self.what, What::Call(tool::PROGRESS | tool::SLOW))
    }

    /// The headers that MCP wants beside the body.
    pub(crate) fn headers(self, session: Option<&str>) -> String {
        match (self.era, session) {
            (Era::Sessions, session) => {
                let id = session.map(|id| format!("Mcp-Session-Id: {id}\r\n"));
                format!("MCP-Protocol-Version: 2025-11-25\r\n{}", id.unwrap_or_default())
            }
            (Era::Stateless, _) => {
                let mirrored = match self.what {
                    What::Call(tool) => format!("Mcp-Method: tools/call\r\nMcp-Name: {tool}\r\n"),
                    What::List | What::BigList => "Mcp-Method: tools/list\r\n".to_owned(),
                };
                format!("MCP-Protocol-Version: 2026-07-28\r\n{mirrored}")
            }
        }
    }

    /// Reads the answer to the marked request as a client would. Later answers only have to be
    /// the same bytes with another id.
    pub(crate) fn check(self, body: &[u8]) -> anyhow::Result<()> {
        let messages = messages(body)?;
        let (last, before) = messages.split_last().context("an empty answer")?;
        ensure!(last["id"] == MARKER, "an answer to another request");
        match self.what {
            What::Call(tool::PROGRESS | tool::SLOW) => {
                let steps: Vec<_> = before.iter().map(|m| &m["params"]["progress"]).collect();
                let wanted: Vec<_> = (1..=tool::EVENTS).map(Value::from).collect();
                ensure!(
                    steps.iter().copied().eq(wanted.iter()),
                    "progress events are missing: {steps:?}"
                );
            }
            What::Call(tool) => {
                let wanted = match tool {
                    tool::LARGE => tool::LARGE_TEXT,
                    tool::HUGE => tool::HUGE_TEXT,
                    _ => tool::SMALL_TEXT,
                };
                let text = last["result"]["content"][0]["text"].as_str();
                ensure!(
                    text.is_some_and(|text| text.len() == wanted),
                    "the text is not the tool's: {:.300}",
                    last.to_string()
                );
            }
            What::List => tools(last, tool::FEW)?,
            What::BigList => tools(last, tool::MANY)?,
        }
        Ok(())
    }
}

fn tools(message: &Value, wanted: usize) -> anyhow::Result<()> {
    let tools = message["result"]["tools"].as_array();
    let count = tools.map_or(0, Vec::len);
    ensure!(count == wanted, "{count} tools instead of {wanted}: {:.300}", message.to_string());
    Ok(())
}

/// The messages of an answer, whether it is JSON or a stream of events.
fn messages(body: &[u8]) -> anyhow::Result<Vec<Value>> {
    let text = std::str::from_utf8(body)?;
    if text.starts_with('{') {
        return Ok(vec![serde_json::from_str(text)?]);
    }
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|message| Ok(serde_json::from_str(message)?)).collect()
}
