//! Output schemas that the SDKs of the 2025 revisions can compile. They fetch nothing, and their
//! patterns are ECMAScript's (JSON Schema, "Regular Expressions"); Python's and Rust's differ.

use regress::{Flags, Regex};
use serde_json::Value;
use serde_json::value::RawValue;

/// Longer patterns are taken for ones that cannot be compiled.
const LONGEST_PATTERN: usize = 4096;
/// Here stands data and no schema, whatever it looks like.
const DATA: [&str; 4] = ["const", "default", "enum", "examples"];

/// Whether such a client can compile a schema.
pub(super) fn compiles(schema: &RawValue) -> bool {
    let schema: Result<Value, _> = serde_json::from_str(schema.get());
    schema.is_ok_and(|schema| is_good(&schema))
}

fn is_good(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => members.iter().all(|(name, value)| {
            DATA.contains(&&**name) || is_good_member(name, value) && is_good(value)
        }),
        Value::Array(all) => all.iter().all(is_good),
        _ => true,
    }
}

fn is_good_member(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("pattern", Value::String(pattern)) => is_pattern(pattern),
        ("patternProperties", Value::Object(all)) => all.keys().all(|pattern| is_pattern(pattern)),
        ("$ref" | "$dynamicRef", Value::String(place)) => place.starts_with('#'),
        _ => true,
    }
}

fn is_pattern(pattern: &str) -> bool {
    let flags = Flags { unicode: true, ..Flags::default() };
    pattern.len() <= LONGEST_PATTERN && Regex::with_flags(pattern, flags).is_ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn compiles_text(schema: &str) -> bool {
        compiles(serde_json::from_str(schema).unwrap())
    }

    #[test]
    fn patterns_are_ecmascript() {
        for good in [
            r#"{"type":"object"}"#,
            r#"{"properties":{"x":{"pattern":"^[a-z]+$"},"pattern":{"type":"string"}}}"#,
            r#"{"pattern":"(?<year>\\d{4})\\p{L}"}"#,
            r#"{"patternProperties":{"^x-":{}}}"#,
            r#"{"enum":[{"pattern":"("}],"default":{"$ref":"https://x"}}"#,
            "true",
        ] {
            assert!(compiles_text(good), "{good}");
        }
        for odd in [
            r#"{"pattern":"(?i)abc"}"#,
            r#"{"properties":{"x":{"anyOf":[{"pattern":"(?P<year>\\d+)"}]}}}"#,
            r#"{"pattern":"^\\A\\Z$"}"#,
            r#"{"pattern":"("}"#,
            r#"{"patternProperties":{"[":{}}}"#,
        ] {
            assert!(!compiles_text(odd), "{odd}");
        }
        assert!(!compiles_text(&format!(r#"{{"pattern":"{}"}}"#, "a".repeat(5000))));
    }

    #[test]
    fn nothing_is_fetched() {
        assert!(compiles_text(r##"{"$ref":"#/$defs/x","$defs":{"x":{}}}"##));
        for outside in ["https://schemas.example/x", "other.json#/x", "/x"] {
            assert!(!compiles_text(&format!(r#"{{"items":{{"$ref":"{outside}"}}}}"#)), "{outside}");
        }
    }
}
