//! What the tools of a server say of headers that mirror their arguments.
//!
//! MCP 2026-07-28, "Custom Headers from Tool Parameters": a tool may mark an argument with
//! `x-mcp-header`, and a client then repeats its value in a header `Mcp-Param-…`. Whoever reads the
//! body must compare the two, and for that must know the tool's schema. It is learned from every
//! list that passes.

mod declared;
mod fetch;
mod mirrored;

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, StatusCode};
use kernel::Timestamp;
use protocol::jsonrpc::Params;
use protocol::mcp::{HEADER_MISMATCH, PARAM_HEADER_PREFIX};
use serde_json::value::RawValue;

pub(crate) use declared::ParamHeader;
use declared::declared;
pub(crate) use mirrored::check;
pub(crate) use mirrored::generate;

use crate::reply::Refused;
use crate::request::Call;
use crate::tools::lists::by_tool::ByTool;
use crate::tools::lists::filter::schemas_of;

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

    fn asked(&self) -> std::sync::MutexGuard<'_, Option<Timestamp>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Compares the headers of a modern `tools/call` with its arguments (C-16, C-17).
///
/// What is known may be older than what the client knows, so before a call is refused, or passed
/// although it has such headers, the server is asked once what it says now. If it cannot be asked,
/// a call of an unknown tool passes: the server compares, too.
pub(crate) async fn validate(call: &Call<'_>, params: &Params<'_>) -> Result<(), Refused> {
    let tool = params.name.as_deref().unwrap_or_default();
    let schemas = &call.server.tools.schemas;
    let known = schemas.headers_of(tool);
    match known {
        Known::Unknown if mirrors_parameters(call.headers) => {}
        Known::Unknown => return Ok(()),
        known if agrees(&known, params, call.headers).is_ok() => return Ok(()),
        _ => {}
    }
    fetch::refresh(call, params).await;
    agrees(&schemas.headers_of(tool), params, call.headers)
        .map_err(|reason| call.fault(StatusCode::BAD_REQUEST, HEADER_MISMATCH, reason))
}

fn agrees(known: &Known, params: &Params<'_>, sent: &HeaderMap) -> Result<(), &'static str> {
    match known {
        Known::Headers(headers) => check(headers, params.arguments, sent),
        // C-17: what is not known passes.
        Known::Unknown | Known::Unusable => Ok(()),
    }
}

fn mirrors_parameters(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name.as_str().starts_with(PARAM_HEADER_PREFIX))
}

/// A tool that marks no argument.
fn none() -> Known {
    Known::Headers(Arc::default())
}

#[cfg(test)]
mod tests;
