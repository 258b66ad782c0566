//! Asks a server for its tools, in the name of the caller whose call cannot be judged without.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use protocol::jsonrpc::Params;
use protocol::mcp::{METHOD_HEADER, MODERN_REVISION, PROTOCOL_VERSION_HEADER};
use serde_json::json;
use serde_json::value::RawValue;

use crate::outbound::Probe;
use crate::passthrough::answer::{Accepted, Form};
use crate::request::Call;
use crate::tools::lists::filter::{Message, read};
use crate::upstream::wire::reader::Reader;

/// A call waits no longer than this for a list.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// How often one server is asked at most, whatever clients send, in seconds.
const ASK_EVERY_SECONDS: i64 = 10;
/// How many pages of a list are read.
const MAX_PAGES: usize = 20;

/// Learns the server's tools as they are now, unless that was done a moment ago. Requests that
/// come meanwhile wait for the same answer.
pub(super) async fn refresh(call: &Call<'_>, params: &Params<'_>) {
    let schemas = &call.server.tools.schemas;
    let _one = schemas.asking.lock().await;
    let now = call.shared.trust.now();
    let recent = schemas.asked().is_some_and(|asked| now < asked.plus_seconds(ASK_EVERY_SECONDS));
    if recent {
        return;
    }
    *schemas.asked() = Some(now);
    let version = params.protocol_version.as_deref().unwrap_or(MODERN_REVISION);
    if tokio::time::timeout(TIME_LIMIT, pages(call, version)).await.is_err() {
        tracing::warn!(server.name = %call.server.name, "mcp.schemas.timeout");
    }
}

/// Reads page after page and learns from each. `None` if one cannot be had.
async fn pages(call: &Call<'_>, version: &str) -> Option<()> {
    let headers = headers(version)?;
    let asking = Call { method: Method::POST, headers: &headers, id: None, session: None, ..*call };
    let mut cursor = None;
    for _ in 0..MAX_PAGES {
        let message = page(&asking, version, cursor.as_deref()).await?;
        let Ok(Message::Result(result)) = read(&message) else {
            return None;
        };
        call.server.tools.schemas.learn(result);
        cursor = next_cursor(result);
        if cursor.is_none() {
            return Some(());
        }
    }
    None
}

async fn page(asking: &Call<'_>, version: &str, cursor: Option<&str>) -> Option<Vec<u8>> {
    let mut params = json!({ "_meta": {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "wicketgate", "version": "1" },
    } });
    if let Some(cursor) = cursor {
        params["cursor"] = cursor.into();
    }
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params });
    let response = asking.send(Probe::Tools, body.to_string().into()).await.ok()?;
    let Accepted { status, form, body, .. } = asking.accept(response).ok()?;
    match (status, form) {
        (StatusCode::OK, Form::Json) => asking.collect(body).await.ok().map(Into::into),
        (StatusCode::OK, Form::Events) => {
            first_response(Reader::new(body, asking.shared.limits.list_bytes)).await
        }
        _ => None,
    }
}

async fn first_response(mut reader: Reader) -> Option<Vec<u8>> {
    while let Some(event) = reader.next().await.ok()? {
        let message = event.message();
        if let Some(message) = message.filter(|m| !matches!(read(m), Ok(Message::Other))) {
            return Some(message);
        }
    }
    None
}

fn headers(version: &str) -> Option<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    let name = HeaderName::from_static(PROTOCOL_VERSION_HEADER);
    headers.insert(name, HeaderValue::from_str(version).ok()?);
    headers.insert(METHOD_HEADER, HeaderValue::from_static("tools/list"));
    Some(headers)
}

fn next_cursor(result: &RawValue) -> Option<String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Page {
        next_cursor: Option<String>,
    }
    serde_json::from_str::<Page>(result.get()).ok()?.next_cursor
}
