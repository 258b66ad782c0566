//! Headers that mirror single arguments of a tool call (D-51, C-15).

use http::{HeaderMap, HeaderName, HeaderValue};
use kernel::Timestamp;
use protocol::mcp::{PARAM_HEADER_PREFIX, encode_mirrored};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::asker::{Asker, Mirrors, Original};
use crate::json::{Members, quoted};
use crate::links::{Heard, Outcome};

/// Which arguments of which tools have headers. Whoever lists tools teaches it.
#[derive(Default)]
pub(super) struct Schemas {
    tools: Mutex<HashMap<String, Arc<[ParamHeader]>>>,
    /// When they were last asked for because a tool was unknown.
    listed: tokio::sync::Mutex<Option<Timestamp>>,
}

/// One argument that has a header.
struct ParamHeader {
    name: HeaderName,
    path: Vec<String>,
}

const MAX_TOOLS: usize = 10_000;
const MAX_PAGES: usize = 50;
const MAX_DEPTH: usize = 8;
/// A tool that nobody knows makes us ask no more often than this.
const ASK_EVERY_SECONDS: i64 = 5;

/// The headers for a request; the tools are asked for once if this one is unknown.
pub(super) async fn of(asker: &Asker, original: &Original) -> Mirrors {
    let Some(tool) = original.name.as_deref().filter(|_| &*original.method == "tools/call") else {
        return Vec::new();
    };
    let schemas = &asker.server.legacy_clients.schemas;
    if schemas.headers_of(tool).is_none() {
        fetch(asker, ASK_EVERY_SECONDS).await;
    }
    generate(asker, original, tool)
}

/// The same after the tools were asked for anew (C-20).
pub(super) async fn again(asker: &Asker, original: &Original) -> Mirrors {
    fetch(asker, 0).await;
    generate(asker, original, original.name.as_deref().unwrap_or_default())
}

fn generate(asker: &Asker, original: &Original, tool: &str) -> Mirrors {
    let headers = asker.server.legacy_clients.schemas.headers_of(tool);
    let params = Members::of(original.params.as_deref()).ok();
    let arguments = params.and_then(|params| params.get("arguments"));
    let mut mirrors = HeaderMap::new();
    for header in headers.iter().flat_map(|headers| headers.iter()) {
        let value = arguments.and_then(|arguments| at(arguments, &header.path));
        if let Some(value) = value.and_then(mirrored) {
            mirrors.insert(header.name.clone(), value);
        }
    }
    mirrors.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Lists all tools for their schemas alone; nobody is shown the list.
async fn fetch(asker: &Asker, every_seconds: i64) {
    let schemas = &asker.server.legacy_clients.schemas;
    let now = asker.shared.trust.now();
    let mut listed = schemas.listed.lock().await;
    if every_seconds > 0 && listed.is_some_and(|at| now < at.plus_seconds(every_seconds)) {
        return;
    }
    *listed = Some(now);
    let mut cursor: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let params = cursor.map_or_else(
            || "{}".to_owned(),
            |cursor| format!("{{\"cursor\":{}}}", quoted(&cursor)),
        );
        let question = asker.question("tools/list", &params, Vec::new());
        let Ok(exchange) = asker.ask(question).await else { return };
        // A server that cannot list its tools now will say of the call what is wrong.
        let Ok(answer) = exchange.answer().await else { return };
        let Ok(Outcome::Result(result)) = answer.outcome() else { return };
        schemas.learn(result);
        let members = Members::read(result.get()).ok();
        cursor = members.and_then(|members| members.text("nextCursor"));
        if cursor.is_none() {
            return;
        }
    }
}

impl Schemas {
    /// Remembers what an answer to `tools/list` says.
    pub(super) fn learn_from(&self, message: &[u8]) {
        let heard = Heard::read(message.to_vec().into());
        if let Ok(heard) = &heard
            && let Ok(Outcome::Result(result)) = heard.outcome()
        {
            self.learn(result);
        }
    }

    fn learn(&self, result: &RawValue) {
        let tools = Members::read(result.get()).ok().and_then(|members| members.get("tools"));
        let tools: Vec<&RawValue> =
            tools.and_then(|tools| serde_json::from_str(tools.get()).ok()).unwrap_or_default();
        let mut known = self.lock();
        for tool in tools.iter().filter_map(|tool| Members::read(tool.get()).ok()) {
            let Some(name) = tool.text("name") else { continue };
            let mut headers = Vec::new();
            if let Some(schema) = tool.get("inputSchema") {
                declared(schema, &mut Vec::new(), &mut headers);
            }
            if known.len() >= MAX_TOOLS && !known.contains_key(&name) {
                known.clear();
            }
            known.insert(name, headers.into());
        }
    }

    /// `None` if the tool was in no list so far.
    fn headers_of(&self, tool: &str) -> Option<Arc<[ParamHeader]>> {
        self.lock().get(tool).cloned()
    }

    /// The server's tools changed.
    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<[ParamHeader]>>> {
        self.tools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// C-15: headers stand on properties, and on properties of those.
fn declared(schema: &RawValue, path: &mut Vec<String>, headers: &mut Vec<ParamHeader>) {
    let properties = Members::read(schema.get()).ok().and_then(|schema| schema.get("properties"));
    let Ok(properties) = Members::of(properties) else { return };
    for (name, property) in properties.iter() {
        path.push(name.to_owned());
        let header = Members::read(property.get()).ok().and_then(|p| p.text("x-mcp-header"));
        let header = header.map(|header| format!("{PARAM_HEADER_PREFIX}{header}").to_lowercase());
        if let Some(name) = header.and_then(|header| HeaderName::try_from(header).ok()) {
            headers.push(ParamHeader { name, path: path.clone() });
        }
        if path.len() < MAX_DEPTH {
            declared(property, path, headers);
        }
        path.pop();
    }
}

fn at<'a>(arguments: &'a RawValue, path: &[String]) -> Option<&'a RawValue> {
    path.iter().try_fold(arguments, |value, name| Members::read(value.get()).ok()?.get(name))
}

/// C-16: nothing for null, texts without their quotes, everything else as it is written.
fn mirrored(value: &RawValue) -> Option<HeaderValue> {
    let text = match value.get().as_bytes().first()? {
        b'"' => serde_json::from_str(value.get()).ok()?,
        b'n' | b'{' | b'[' => return None,
        _ => value.get().to_owned(),
    };
    HeaderValue::from_str(&encode_mirrored(&text)).ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// C-15, C-16: nested properties, and values as headers carry them.
    #[test]
    fn c_15_headers_of_a_tool() {
        let schemas = Schemas::default();
        schemas.learn_from(
            br#"{"id":1,"result":{"tools":[{"name":"t","inputSchema":{"properties":{"region":
               {"x-mcp-header":"Region"},"in":{"properties":{"n":{"x-mcp-header":"N"}}}}}}]}}"#,
        );
        let headers = schemas.headers_of("t").unwrap();
        assert!(schemas.headers_of("other").is_none());
        let names: Vec<&str> = headers.iter().map(|header| header.name.as_str()).collect();
        assert_eq!(names, ["mcp-param-region", "mcp-param-n"]);
        let arguments: &RawValue = serde_json::from_str(r#"{"in":{"n":42}}"#).unwrap();
        assert_eq!(at(arguments, &headers[1].path).unwrap().get(), "42");
        assert!(at(arguments, &headers[0].path).is_none());
        let value = |text: &'static str| mirrored(serde_json::from_str(text).unwrap());
        assert_eq!(value("\"Gr\\u00fc\"").unwrap(), "=?base64?R3LDvA==?=");
        assert_eq!(value("true").unwrap(), "true");
        assert!(value("null").is_none());
    }
}
