#![expect(clippy::unwrap_used, reason = "tests")]

use http::HeaderValue;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::tools::schemas::declared::Kind;

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

fn known(schema: &Value) -> Known {
    let schemas = Schemas::default();
    schemas.learn(&raw(&json!({ "tools": [{ "name": "t", "inputSchema": schema }] })));
    schemas.headers_of("t")
}

fn headers(schema: &Value) -> Arc<[ParamHeader]> {
    match known(schema) {
        Known::Headers(headers) => headers,
        other => panic!("{other:?}"),
    }
}

/// C-15: marks are found at any depth below `properties`, in any order of members.
#[test]
fn c_15_marks_are_found() {
    let schema = json!({ "type": "object", "properties": {
        "region": { "x-mcp-header": "Region", "type": "string" },
        "plain": { "type": "string", "default": { "x-mcp-header": "no schema" } },
        "x-mcp-header": { "type": "string" },
        "where": { "type": "object", "properties": {
            "floor": { "type": "integer", "x-mcp-header": "Floor_1" },
            "open": { "x-mcp-header": "OPEN", "type": "boolean" },
        } },
    } });
    let found = headers(&schema);
    let mut found: Vec<_> = found
        .iter()
        .map(|h| (h.name.as_str(), h.path.iter().map(|k| &**k).collect::<Vec<_>>(), h.kind))
        .collect();
    found.sort_unstable_by_key(|(name, ..)| *name);
    assert_eq!(
        found,
        [
            ("mcp-param-floor_1", vec!["where", "floor"], Kind::Integer),
            ("mcp-param-open", vec!["where", "open"], Kind::Boolean),
            ("mcp-param-region", vec!["region"], Kind::String),
        ]
    );
    assert!(headers(&json!({ "type": "object" })).is_empty());
}

/// C-15: what breaks the rules makes the whole tool unusable.
#[test]
fn c_15_broken_marks() {
    let marked = |mark: Value| json!({ "type": "string", "x-mcp-header": mark });
    let property = |schema: Value| json!({ "properties": { "a": schema } });
    for broken in [
        property(marked(json!(""))),
        property(marked(json!("not a token"))),
        property(marked(json!("Grüße"))),
        property(marked(json!("a:b"))),
        property(marked(json!(7))),
        property(json!({ "type": "number", "x-mcp-header": "A" })),
        property(json!({ "type": "object", "x-mcp-header": "A" })),
        property(json!({ "type": ["string", "null"], "x-mcp-header": "A" })),
        property(json!({ "x-mcp-header": "A" })),
        property(json!({ "$ref": "#/$defs/a", "x-mcp-header": "A" })),
        json!({ "properties": { "a": marked(json!("A")), "b": marked(json!("a")) } }),
        json!({ "x-mcp-header": "A", "type": "string" }),
        json!({ "$defs": { "a": marked(json!("A")) } }),
        json!({ "anyOf": [{ "properties": { "a": marked(json!("A")) } }] }),
        property(json!({ "type": "array", "items": marked(json!("A")) })),
        property(json!({ "if": marked(json!("A")) })),
        json!({ "additionalProperties": marked(json!("A")) }),
    ] {
        assert_eq!(known(&broken), Known::Unusable, "{broken}");
    }
    let many = (0..65).map(|n| (format!("p{n}"), marked(json!(format!("H{n}")))));
    let many = json!({ "properties": many.collect::<serde_json::Map<_, _>>() });
    assert_eq!(known(&many), Known::Unusable);
    let path_of = |length| json!({ "properties": { "a".repeat(length): marked(json!("A")) } });
    assert_ne!(known(&path_of(4096)), Known::Unusable);
    assert_eq!(known(&path_of(4097)), Known::Unusable, "each mark would keep it");
}

#[test]
fn what_is_known_changes_and_is_bounded() {
    let schemas = Schemas::default();
    let list = |mark: &str| {
        let schema = json!({ "properties": { "a": { "type": "string", "x-mcp-header": mark } } });
        raw(&json!({ "tools": [{ "name": "t", "inputSchema": schema }, { "name": "bare" }, {}] }))
    };
    assert_eq!(schemas.headers_of("t"), Known::Unknown);
    schemas.learn(&list("A"));
    schemas.learn(&list("B"));
    let Known::Headers(headers) = schemas.headers_of("t") else { panic!("unknown") };
    assert_eq!(headers[0].name, "mcp-param-b");
    assert_eq!(schemas.headers_of("bare"), none());
    schemas.forget();
    assert_eq!(schemas.headers_of("t"), Known::Unknown);
    for part in 0..3 {
        let tools = (0..4000).map(|n| json!({ "name": format!("t{part}-{n}") }));
        schemas.learn(&raw(&json!({ "tools": tools.collect::<Vec<_>>() })));
    }
    assert_eq!(schemas.headers_of("t2-3999"), none());
    assert_eq!(schemas.headers_of("t0-0"), Known::Unknown);
}

fn three() -> Arc<[ParamHeader]> {
    headers(&json!({ "properties": {
        "s": { "type": "string", "x-mcp-header": "S" },
        "o": { "properties": { "i": { "type": "integer", "x-mcp-header": "I" } } },
        "b": { "type": "boolean", "x-mcp-header": "B" },
    } }))
}

fn verdict(arguments: &str, sent: &[(&'static str, &str)]) -> bool {
    let arguments: Box<RawValue> = serde_json::from_str(arguments).unwrap();
    let mut map = HeaderMap::new();
    for (name, value) in sent {
        map.append(*name, HeaderValue::from_str(value).unwrap());
    }
    check(&three(), Some(&arguments), &map).is_ok()
}

/// C-16, C-17: what agrees and what does not.
#[test]
fn c_16_headers_and_arguments() {
    const S: &str = "mcp-param-s";
    const I: &str = "mcp-param-i";
    const B: &str = "mcp-param-b";
    for (arguments, sent) in [
        ("{}", &[][..]),
        ("null", &[]),
        (r#"{"s":null,"o":{"i":null}}"#, &[]),
        (r#"{"o":7}"#, &[]),
        (r#"{"s":"x"}"#, &[(S, "x")]),
        (r#"{"s":"x"}"#, &[(S, " x\t"), ("mcp-param-other", "y")]),
        (r#"{"s":""}"#, &[(S, "")]),
        (r#"{"s":"Gr\u00fc\u00dfe"}"#, &[(S, "=?base64?R3LDvMOfZQ==?=")]),
        (r#"{"o":{"i":42}}"#, &[(I, "42")]),
        (r#"{"o":{"i":42.0}}"#, &[(I, "42")]),
        (r#"{"o":{"i":4.2e1}}"#, &[(I, "42.0")]),
        (r#"{"o":{"i":-0}}"#, &[(I, "0")]),
        (r#"{"o":{"i":9007199254740991}}"#, &[(I, "9007199254740991")]),
        (r#"{"b":true}"#, &[(B, "true")]),
    ] {
        assert!(verdict(arguments, sent), "{arguments} {sent:?}");
    }
    for (arguments, sent) in [
        (r#"{"s":"x"}"#, &[][..]),
        ("{}", &[(S, "x")]),
        (r#"{"s":null}"#, &[(S, "")]),
        (r#"{"s":"x"}"#, &[(S, "X")]),
        (r#"{"s":"x"}"#, &[(S, "x"), (S, "x")]),
        (r#"{"s":"x"}"#, &[(S, "=?base64?***?=")]),
        (r#"{"s":"x","s":"x"}"#, &[(S, "x")]),
        (r#"{"o":{"i":42}}"#, &[(I, "43")]),
        (r#"{"o":{"i":42.5}}"#, &[(I, "42.5")]),
        (r#"{"o":{"i":42}}"#, &[(I, "nan")]),
        (r#"{"o":{"i":9007199254740993}}"#, &[(I, "9007199254740992")]),
        (r#"{"b":true}"#, &[(B, "True")]),
        (r#"{"b":true}"#, &[(B, "1")]),
        (r#"{"s":["x"]}"#, &[(S, "x")]),
    ] {
        assert!(!verdict(arguments, sent), "{arguments} {sent:?}");
    }
}

proptest! {
    /// D-51: the headers that are made for a call are those that are accepted with it.
    #[test]
    fn d_51_what_is_made_is_accepted(
        s in prop::option::of(".*"),
        i in prop::option::of(-9_007_199_254_740_991i64..=9_007_199_254_740_991),
        b in prop::option::of(any::<bool>()),
        other in ".*",
    ) {
        let headers = three();
        let arguments = raw(&json!({ "s": s, "o": { "i": i }, "b": b, "other": other }));
        let made: HeaderMap = generate(&headers, Some(&arguments)).into_iter().collect();
        let expected = usize::from(s.is_some()) + usize::from(i.is_some()) + usize::from(b.is_some());
        prop_assert_eq!(made.len(), expected);
        prop_assert_eq!(check(&headers, Some(&arguments), &made), Ok(()));
    }

    /// Nothing that a server says in a schema breaks anything.
    #[test]
    fn schemas_never_panic(text in "[\\[\\]{}\":,a-c0-2 ]{0,40}") {
        if let Ok(schema) = serde_json::from_str::<Value>(&text) {
            known(&json!({ "properties": { "x-mcp-header": "A", "q": schema } }));
        }
    }
}
