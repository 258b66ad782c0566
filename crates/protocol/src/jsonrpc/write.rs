//! Messages of our own. What is already JSON goes in as it is.

use std::fmt::{Display, Write as _};

/// Writes a request. `id` and `params` are JSON.
pub fn request(id: impl Display, method: &str, params: Option<&str>) -> String {
    call(Some(&id), method, params)
}

/// Writes a notification. `params` is JSON.
pub fn notification(method: &str, params: Option<&str>) -> String {
    call(None, method, params)
}

/// Writes an answer. `id` and `value` are JSON; `outcome` is [`super::member::RESULT`] or
/// [`super::member::ERROR`].
pub fn response(id: &str, outcome: &str, value: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"{outcome}\":{value}}}")
}

fn call(id: Option<&dyn Display>, method: &str, params: Option<&str>) -> String {
    let mut text = String::with_capacity(params.map_or(0, str::len) + 64);
    text.push_str("{\"jsonrpc\":\"2.0\"");
    // Writing into a String cannot fail.
    if let Some(id) = id {
        let _ = write!(text, ",\"id\":{id}");
    }
    let _ = write!(text, ",\"method\":{}", serde_json::Value::from(method));
    if let Some(params) = params {
        let _ = write!(text, ",\"params\":{params}");
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_they_are_told_to_the_byte() {
        assert_eq!(
            request(7, "tools/call", Some(r#"{"n":1.0}"#)),
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"n":1.0}}"#
        );
        assert_eq!(notification("a\"b", None), r#"{"jsonrpc":"2.0","method":"a\"b"}"#);
        assert_eq!(response("\"x\"", "result", "{}"), r#"{"jsonrpc":"2.0","id":"x","result":{}}"#);
    }
}
