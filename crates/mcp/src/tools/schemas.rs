//! What the tools of a server say of headers that mirror their arguments.
//!
//! MCP 2026-07-28, "Custom Headers from Tool Parameters": a tool may mark an argument with
//! `x-mcp-header`, and a client then repeats its value in a header `Mcp-Param-…`. Whoever reads the
//! body must compare the two, and for that must know the tool's schema. It is learned from every
//! list that passes.

mod declared;
mod mirrored;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use kernel::Timestamp;
use protocol::jsonrpc::Params;
use protocol::mcp::PARAM_HEADER_PREFIX;
use serde_json::value::RawValue;
use upstream::Upstream;
use upstream::connection::Caller;

pub(crate) use declared::ParamHeader;
use declared::declared;
pub(crate) use mirrored::check;
pub(crate) use mirrored::generate;

use crate::tools::listing::list_modern;
use crate::tools::lists::by_tool::ByTool;
use crate::tools::lists::filter::schemas_of;

/// A call waits no longer than this for a list.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// The schemas of one server, as far as headers go.
pub(crate) struct Schemas {
    tools: ByTool<Known>,
    /// Held by the one request that asks the server for its tools.
    asking: tokio::sync::Mutex<()>,
    asked: Mutex<Option<Timestamp>>,
}

/// What is known of one tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It was in no list so far.
    Unknown,
    /// It breaks the rules for its headers, so that no client can use it as it stands.
    Unusable,
    /// These arguments have headers; mostly none.
    Headers(Arc<[ParamHeader]>),
}

impl Default for Schemas {
    fn default() -> Self {
        Self {
            tools: ByTool::new(Known::weight),
            asking: tokio::sync::Mutex::default(),
            asked: Mutex::default(),
        }
    }
}

impl Known {
    /// How many bytes it takes.
    fn weight(&self) -> usize {
        let headers = match self {
            Self::Headers(headers) => &headers[..],
            Self::Unknown | Self::Unusable => &[],
        };
        size_of::<Self>() + headers.iter().map(ParamHeader::weight).sum::<usize>()
    }
}

impl Schemas {
    /// Remembers what a result of `tools/list` says, the whole of it, before it is filtered.
    pub(crate) fn learn(&self, tools_list_result: &RawValue) {
        let tools = schemas_of(tools_list_result).into_iter();
        self.tools.learn(tools.map(|(tool, schema)| {
            (tool.into_owned().into_boxed_str(), schema.map_or_else(none, declared))
        }));
    }

    /// The tools changed, or the server contradicts what is known.
    pub(crate) fn forget(&self) {
        self.tools.forget();
    }

    /// What is known of `tool`.
    pub(crate) fn headers_of(&self, tool: &str) -> Known {
        self.tools.get(tool).unwrap_or(Known::Unknown)
    }

    /// Learns the server's tools as they are now, unless that was done less than `every_seconds` ago.
    /// Requests that come meanwhile wait for the same answer, and none for longer than five seconds.
    pub(crate) async fn refresh(
        &self,
        upstream: &Arc<Upstream>,
        caller: &Caller,
        now: Timestamp,
        every_seconds: i64,
    ) {
        let _one = self.asking.lock().await;
        if self.asked().is_some_and(|asked| now < asked.plus_seconds(every_seconds)) {
            return;
        }
        *self.asked() = Some(now);
        let listing = list_modern(upstream, caller, |page| self.learn(page));
        match tokio::time::timeout(TIME_LIMIT, listing).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(server.name = %upstream.name, %error, "mcp.schemas.not_listed");
            }
            Err(_) => tracing::warn!(server.name = %upstream.name, "mcp.schemas.timeout"),
        }
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Option<Timestamp>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the headers agree with the arguments, as far as is known (C-17: what is not known passes).
///
/// # Errors
///
/// How they disagree.
pub(crate) fn agree(
    known: &Known,
    params: &Params<'_>,
    sent: &HeaderMap,
) -> Result<(), &'static str> {
    match known {
        Known::Headers(headers) => check(headers, params.arguments, sent),
        Known::Unknown | Known::Unusable => Ok(()),
    }
}

/// Whether a request has headers that mirror arguments.
pub(crate) fn mirrors_parameters(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name.as_str().starts_with(PARAM_HEADER_PREFIX))
}

/// A tool that marks no argument.
fn none() -> Known {
    Known::Headers(Arc::default())
}

#[cfg(test)]
mod tests;
