//! Quoting for the three places that a server's name and URL are put into: a query, a shell
//! command and a TOML file.

use std::fmt::Write as _;

use kernel::encoding::base64;
use serde::Serialize;

/// Percent-encodes as ECMAScript's `encodeURIComponent` does, which is what the programs that
/// read these links undo.
pub(super) fn percent(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// `value` as compact JSON.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// `value` as JSON on several lines, for a settings file.
pub(super) fn pretty_json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// `value` as JSON in base64, standard alphabet and padded, ready for a query.
pub(super) fn base64_json(value: &impl Serialize) -> String {
    percent(&base64(json(value).as_bytes()))
}

/// `word` as one word of a POSIX shell: bare where nothing in it is special, else in single
/// quotes. What people paste into a terminal must not be able to run anything else.
pub(super) fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// `key` as a TOML key: bare where that is allowed, else as a basic string, whose escapes are
/// those of JSON.
pub(super) fn toml_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { json(&key) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_agrees_with_ecmascript() {
        assert_eq!(percent("a-_.!~*'()Z9"), "a-_.!~*'()Z9");
        assert_eq!(percent(r#"{"a":"b c"}+/=&é"#), "%7B%22a%22%3A%22b%20c%22%7D%2B%2F%3D%26%C3%A9");
    }

    #[test]
    fn shell_words_cannot_break_out() {
        assert_eq!(shell_word("https://gw.example.com/mcp"), "https://gw.example.com/mcp");
        assert_eq!(shell_word("https://h/$(rm x);`y`"), "'https://h/$(rm x);`y`'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word("a\nb"), "'a\nb'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn toml_keys_are_quoted_where_needed() {
        assert_eq!(toml_key("gw-1"), "gw-1");
        assert_eq!(toml_key("gw.x\"]"), r#""gw.x\"]""#);
    }
}
