//! What the tools of a server say of headers that mirror their arguments.
//!
//! MCP 2026-07-28, "Custom Headers from Tool Parameters": a tool may mark an argument with
//! `x-mcp-header`, and a client then repeats its value in a header `Mcp-Param-…`. Whoever reads the
//! body must compare the two, and for that must know the tool's schema. It is learned from every
//! list that passes.

mod declared;
mod fetch;
mod mirrored;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use http::{HeaderMap, StatusCode};
use kernel::Timestamp;
use protocol::jsonrpc::Params;
use protocol::mcp::{HEADER_MISMATCH, PARAM_HEADER_PREFIX};
use serde_json::value::RawValue;

pub(crate) use declared::ParamHeader;
use declared::declared;
pub(crate) use mirrored::check;
pub(crate) use mirrored::generate;

use crate::forward::Call;
use crate::lists::filter::schemas_of;
use crate::reply::Refused;

/// The schemas of one server, as far as headers go.
#[derive(Default)]
pub(crate) struct Schemas {
    tools: ArcSwap<HashMap<Box<str>, Known>>,
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

/// How many tools of one server are remembered.
const MAX_TOOLS: usize = 10_000;

impl Schemas {
    /// Remembers what a result of `tools/list` says, the whole of it, before it is filtered.
    pub(crate) fn learn(&self, tools_list_result: &RawValue) {
        let known = self.tools.load();
        let mut news = Vec::new();
        for (tool, schema) in schemas_of(tools_list_result) {
            let headers = schema.map_or_else(none, declared);
            if known.get(&*tool) != Some(&headers) {
                news.push((tool.into_owned().into_boxed_str(), headers));
            }
        }
        if news.is_empty() {
            return;
        }
        let mut merged = HashMap::clone(&known);
        if merged.len() + news.len() > MAX_TOOLS {
            merged.clear();
        }
        merged.extend(news.into_iter().take(MAX_TOOLS));
        self.tools.store(Arc::new(merged));
    }

    /// The tools changed, or the server contradicts what is known.
    pub(crate) fn forget(&self) {
        self.tools.store(Arc::default());
    }

    /// What is known of `tool`.
    pub(crate) fn headers_of(&self, tool: &str) -> Known {
        self.tools.load().get(tool).cloned().unwrap_or(Known::Unknown)
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
    let schemas = &call.server.schemas;
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
