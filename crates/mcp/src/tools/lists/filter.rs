//! Filters one answer to `tools/list`, byte for byte outside what is taken away.

use std::borrow::Cow;

use bytes::Bytes;
use protocol::jsonrpc::member::{ERROR, ID, METHOD, RESULT};
use protocol::mcp::{cache_scope, member};
use serde_json::value::RawValue;
use upstream::wire::ambiguity;
use upstream::wire::ambiguity::Ambiguous;
use upstream::wire::json::{Members, Object, quoted, whole_number};

use crate::policy::Hints;
use crate::tools::lists::dropped::Dropped;
use crate::tools::lists::tidy::{Reader, Tidied, tidy};

/// A filtered result.
#[derive(Debug, Default)]
pub(crate) struct Filtered {
    /// The `result` member, ready to be sent.
    pub(crate) result: Bytes,
    /// `ttlMs` of the upstream.
    pub(crate) ttl_millis: Option<u64>,
    /// Whether the upstream said `cacheScope: public`.
    pub(crate) public: bool,
    /// What the tools say of themselves, those that were taken away included.
    pub(crate) hints: Vec<(String, Hints)>,
    /// Tools that nobody can read.
    pub(crate) dropped: Vec<Dropped>,
    /// A tool that was made readable, and what was left out of it; of several the last.
    pub(crate) tidied: Option<(String, Vec<&'static str>)>,
}

/// What one message is, as far as filtering goes.
pub(crate) enum Message<'a> {
    /// A response with a result.
    Result(&'a RawValue),
    /// A response with an error.
    Error,
    /// Not a response.
    Other,
}

impl From<Ambiguous> for Unfilterable {
    fn from(Ambiguous: Ambiguous) -> Self {
        Self
    }
}

/// The answer cannot be understood, so it cannot be filtered and must not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unfilterable;

/// One tool of a list: the parts that decide, and the rest untouched.
pub(crate) struct Tool<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) title: Option<Cow<'a, str>>,
    pub(crate) hints: Hints,
}

#[derive(serde::Deserialize)]
struct RawTool<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    title: Option<&'a RawValue>,
    #[serde(borrow, default)]
    annotations: Option<&'a RawValue>,
}

#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Annotations<'a> {
    #[serde(borrow)]
    read_only_hint: Option<&'a RawValue>,
    #[serde(borrow)]
    destructive_hint: Option<&'a RawValue>,
}

#[derive(serde::Deserialize)]
struct Identified<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

/// Whether a response has the id of this request, however it is written: a number may have become a
/// text on its way. Only an error may be
/// without: the server could not read which request it refuses (JSON-RPC 2.0 §5).
pub(crate) fn answers(message: &[u8], id: Option<&str>) -> bool {
    let Ok(Identified { id: given }) = serde_json::from_slice(message) else {
        return false;
    };
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    match (given.map(RawValue::get).filter(|id| *id != "null"), id) {
        (Some(given), Some(id)) => {
            let same_number = || whole_number(given).is_some_and(|it| Some(it) == whole_number(id));
            given == id || value(given) == value(id) || same_number()
        }
        (None, _) => matches!(read(message), Ok(Message::Error)),
        (Some(_), None) => false,
    }
}

/// What kind of message this is. Only one object is a message, and one whose members no two
/// readers take for different things.
pub(crate) fn read(message: &[u8]) -> Result<Message<'_>, Unfilterable> {
    let text = std::str::from_utf8(message).map_err(|_| Unfilterable)?;
    let members = Members::read(text).map_err(|_| Unfilterable)?;
    ambiguity::none(&members, &[RESULT, ERROR, ID, METHOD])?;
    let given = |name| members.get(name).filter(|value| value.get() != "null");
    match (given(RESULT), given(ERROR), members.get(METHOD)) {
        (Some(result), None, None) => Ok(Message::Result(result)),
        (None, Some(_), None) => Ok(Message::Error),
        (None, None, _) => Ok(Message::Other),
        _ => Err(Unfilterable),
    }
}

/// Keeps the tools for which `keep` says so, in their order and in their own bytes. All other
/// members of the result stay. A modern result becomes private, whatever the upstream said,
/// because it now depends on who asks (MCP 2026-07-28, "Caching").
pub(crate) fn filter(
    result: &RawValue,
    reader: Reader,
    keep: impl Fn(&str, Hints) -> bool,
) -> Result<Filtered, Unfilterable> {
    let members = Members::read(result.get()).map_err(|_| Unfilterable)?;
    ambiguity::none(&members, &[member::TOOLS])?;
    let modern_members = [member::RESULT_TYPE, member::TTL_MS, member::CACHE_SCOPE];
    let modern = members.iter().any(|(name, _)| modern_members.contains(&name));
    let mut filtered = Filtered::default();
    let mut object = Object::with_capacity(result.get().len() + 32);
    for (name, value) in members.iter() {
        match name {
            member::TOOLS => {
                object.member(name, &filtered.tools(value, reader, &keep)?);
            }
            // Neither says anything, and there are clients that want an object or nothing.
            member::META if value.get() == "null" => {}
            member::CACHE_SCOPE => filtered.public = value.get() == quoted(cache_scope::PUBLIC),
            member::TTL_MS => {
                // Something that is no number of milliseconds is not kept at all.
                filtered.ttl_millis = Some(value.get().parse().unwrap_or(0));
                object.member(name, value.get());
            }
            _ => {
                object.member(name, value.get());
            }
        }
    }
    if modern {
        object.member(member::CACHE_SCOPE, &quoted(cache_scope::PRIVATE));
    }
    filtered.result = object.finish().into();
    Ok(filtered)
}

/// Whether a result has a `tools` member. What only some readers would take for one is no answer.
pub(crate) fn is_list(result: &RawValue) -> Result<bool, Unfilterable> {
    let Ok(members) = Members::read(result.get()) else { return Ok(false) };
    ambiguity::none(&members, &[member::TOOLS])?;
    Ok(members.get(member::TOOLS).is_some())
}

/// The tools in the `tools` member of a result.
pub(crate) fn tools_of(result: &RawValue) -> Result<Vec<Tool<'_>>, Unfilterable> {
    let members = Members::read(result.get()).map_err(|_| Unfilterable)?;
    let list = members.get(member::TOOLS).ok_or(Unfilterable)?;
    Ok(raw_tools(list)?.into_iter().filter_map(|tool| Tool::read(tool.get())).collect())
}

/// The names and input schemas of the tools in a result, as far as they can be read.
pub(crate) fn schemas_of(result: &RawValue) -> Vec<(Cow<'_, str>, Option<&RawValue>)> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Described<'a> {
        #[serde(borrow)]
        name: Cow<'a, str>,
        #[serde(borrow, default)]
        input_schema: Option<&'a RawValue>,
    }
    #[derive(serde::Deserialize)]
    struct List<'a> {
        #[serde(borrow)]
        tools: Vec<&'a RawValue>,
    }
    let list: Option<List<'_>> = serde_json::from_str(result.get()).ok();
    let tools = list.map(|list| list.tools).unwrap_or_default().into_iter();
    let described = tools.filter_map(|tool| serde_json::from_str::<Described<'_>>(tool.get()).ok());
    described.map(|tool| (tool.name, tool.input_schema)).collect()
}

/// What the list holds. Some servers write an empty list as null.
fn raw_tools(list: &RawValue) -> Result<Vec<&RawValue>, Unfilterable> {
    let tools: Option<Vec<&RawValue>> =
        serde_json::from_str(list.get()).map_err(|_| Unfilterable)?;
    Ok(tools.unwrap_or_default())
}

impl Filtered {
    /// The tools that are kept. One of which nothing can be decided is dropped.
    fn tools(
        &mut self,
        list: &RawValue,
        reader: Reader,
        keep: &impl Fn(&str, Hints) -> bool,
    ) -> Result<String, Unfilterable> {
        let mut kept = String::with_capacity(list.get().len());
        kept.push('[');
        for raw in raw_tools(list)? {
            let Some(tool) = Tool::read(raw.get()) else {
                self.dropped.push(Dropped::because(raw.get()));
                continue;
            };
            if keep(&tool.name, tool.hints) {
                let Tidied { text, odd } = tidy(raw.get(), reader);
                if kept.len() > 1 {
                    kept.push(',');
                }
                kept.push_str(&text);
                if !odd.is_empty() {
                    self.tidied = Some((tool.name.to_string(), odd));
                }
            }
            self.hints.push((tool.name.into_owned(), tool.hints));
        }
        kept.push(']');
        Ok(kept)
    }
}

impl<'a> Tool<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let tool: RawTool<'a> = serde_json::from_str(text).ok()?;
        ambiguity::none(&Members::read(text).ok()?, &[member::NAME]).ok()?;
        let annotations = tool.annotations.filter(|value| value.get().starts_with('{'));
        let annotations = match annotations {
            Some(value) => serde_json::from_str(value.get()).ok()?,
            None => Annotations::default(),
        };
        let says = |hint: Option<&RawValue>, truth| hint.is_some_and(|hint| hint.get() == truth);
        let hints = Hints {
            read_only: says(annotations.read_only_hint, "true"),
            harmless: says(annotations.destructive_hint, "false"),
        };
        let title = tool.title.and_then(|title| serde_json::from_str(title.get()).ok());
        Some(Self { name: tool.name, title, hints })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn filter_text(result: &str, kept: &str) -> Filtered {
        let raw: &RawValue = serde_json::from_str(result).unwrap();
        filter(raw, Reader::Legacy, |tool, _| tool.starts_with(kept)).unwrap()
    }

    #[test]
    fn kept_tools_keep_their_bytes_and_order() {
        let result = concat!(
            r#"{"nextCursor":"","tools":[{"name":"get_b","x":12345678901234567890123 },"#,
            r#"{"name":"drop"},{"z":1.0,"name":"get\u005fa"}, {"noname":1}],"vendor":{"k": 1e2}}"#
        );
        let filtered = filter_text(result, "get_");
        let expected = concat!(
            r#"{"nextCursor":"","tools":[{"name":"get_b","x":12345678901234567890123 },"#,
            r#"{"z":1.0,"name":"get\u005fa"}],"vendor":{"k": 1e2}}"#
        );
        assert_eq!(filtered.result, expected);
        assert_eq!((filtered.ttl_millis, filtered.public), (None, false));
    }

    /// E-02: what is filtered is private.
    #[test]
    fn modern_results_become_private() {
        let result = r#"{"resultType":"complete","tools":[],"cacheScope":"public","ttlMs":1500}"#;
        let filtered = filter_text(result, "");
        let expected =
            r#"{"resultType":"complete","tools":[],"ttlMs":1500,"cacheScope":"private"}"#;
        assert_eq!(filtered.result, expected);
        assert_eq!((filtered.ttl_millis, filtered.public), (Some(1500), true));
        let odd = filter_text(r#"{"resultType":"complete","tools":[],"ttlMs":-1}"#, "");
        assert_eq!((odd.ttl_millis, odd.public), (Some(0), false));
    }

    #[test]
    fn ids_are_compared_by_value() {
        let result = |id: &str| format!(r#"{{"id":{id},"result":{{}}}}"#).into_bytes();
        for (given, id) in
            [("7", "7"), (r#""\u00e9""#, "\"é\""), ("18446744073709551615", "18446744073709551615")]
                .into_iter()
                .chain([("\"7\"", "7"), ("7.0", "7"), ("7", "\"7\"")])
        {
            assert!(answers(&result(given), Some(id)), "{given}");
        }
        for (given, id) in
            [("8", "7"), ("\"8\"", "7"), ("\"07\"", "7"), ("null", "7"), ("[7]", "7")]
        {
            assert!(!answers(&result(given), Some(id)), "{given}");
        }
        assert!(!answers(br#"{"id":7,"id":8,"result":{}}"#, Some("7")));
        assert!(!answers(br#"{"result":{}}"#, Some("7")));
        assert!(!answers(&result("7"), None));
        assert!(answers(br#"{"id":null,"error":{}}"#, Some("7")));
        assert!(!answers(br#"{"id":8,"error":{}}"#, Some("7")));
    }

    #[test]
    fn what_cannot_be_read_does_not_pass() {
        let raw: &RawValue = serde_json::from_str(r#"{"tools":{"name":"a"}}"#).unwrap();
        assert!(filter(raw, Reader::Legacy, |_, _| true).is_err());
        let raw: &RawValue = serde_json::from_str("[1]").unwrap();
        assert!(filter(raw, Reader::Legacy, |_, _| true).is_err());
        assert!(read(br#"{"result":{},"error":{}}"#).is_err());
        assert!(read(br#"[{"result":{}}]"#).is_err());
        assert!(read(br#"[{"id":7,"result":{"tools":[]}},null]"#).is_err());
        assert!(read(br#"{"id":7,"method":"ping","result":{"tools":[]}}"#).is_err());
        assert!(read(br#"{"id":7,"Result":{"tools":[]}}"#).is_err());
        assert!(matches!(read(br#"{"id":7,"result":{},"error":null}"#), Ok(Message::Result(_))));
    }

    /// Readers that ignore the case of names see no tool that was not judged.
    #[test]
    fn names_that_some_readers_take_for_another_do_not_pass() {
        for result in
            [r#"{"Tools":[{"name":"x"}]}"#, "{\"tool\u{17f}\":[]}", r#"{"tools":[],"tools":[]}"#]
        {
            let raw: &RawValue = serde_json::from_str(result).unwrap();
            assert_eq!(is_list(raw), Err(Unfilterable), "{result}");
            assert!(filter(raw, Reader::Legacy, |_, _| true).is_err(), "{result}");
        }
        let two_names = r#"{"tools":[{"name":"get_x","Name":"admin_x"}]}"#;
        assert_eq!(filter_text(two_names, "get_").result, r#"{"tools":[]}"#);
    }

    /// Item 16: one odd tool costs nobody the others.
    #[test]
    fn odd_tools_cost_nobody_the_others() {
        let odd = concat!(
            r#"{"_meta":null,"tools":[{"name":"get_a","annotations":7,"title":null},"#,
            r#"{"name":8},"get_b",{"name":"get_c","Name":"x"},{"name":"get_d"}]}"#
        );
        let filtered = filter_text(odd, "get_");
        let expected = r#"{"tools":[{"name":"get_a"},{"name":"get_d"}]}"#;
        assert_eq!(filtered.result, expected);
        let reasons: Vec<_> = filtered.dropped.iter().map(|tool| tool.reason).collect();
        assert_eq!(reasons.len(), 3, "{reasons:?}");
        assert_eq!(filtered.tidied, Some(("get_a".to_owned(), vec!["annotations", "title"])));
        assert_eq!(filter_text(r#"{"tools":null}"#, "").result, r#"{"tools":[]}"#);
    }

    /// Hints of another type say nothing, so they open nothing; two of a name are one too many.
    #[test]
    fn odd_annotations_are_no_hints() {
        for odd in [
            r#"{"readOnlyHint":"true","destructiveHint":0}"#,
            r#"{"readOnlyHint":1}"#,
            "[true]",
            "null",
            "true",
        ] {
            let tool = format!(r#"{{"name":"get_a","annotations":{odd}}}"#);
            assert_eq!(Tool::read(&tool).unwrap().hints, Hints::default(), "{odd}");
        }
        let two = r#"{"name":"a","annotations":{"readOnlyHint":false,"readOnlyHint":true}}"#;
        assert!(Tool::read(two).is_none());
    }
}
