//! What of a value is shown: everything but what may be a secret in a text that need not be one. A
//! URL may have a login and a query, a program's argument a token. And nothing of it hides or
//! reorders what stands around it.

use protocol::text::is_deceptive;
use toml::Value;

const HIDDEN: &str = "***";

/// What the name of an argument with a secret has in it. `--header` is mostly `Authorization`.
const SECRET_NAMES: [&str; 7] =
    ["token", "secret", "key", "passw", "credential", "authorization", "header"];

/// The value as TOML.
pub(super) fn shown(value: &Value) -> String {
    without_secrets(value).to_string()
}

fn without_secrets(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(in_url(text)),
        Value::Array(items) => match items.iter().map(Value::as_str).collect::<Option<Vec<_>>>() {
            Some(texts) => Value::Array(arguments(texts).map(Value::String).collect()),
            None => Value::Array(items.iter().map(without_secrets).collect()),
        },
        Value::Table(table) => {
            let entries = table.iter();
            Value::Table(
                entries.map(|(key, value)| (key.clone(), without_secrets(value))).collect(),
            )
        }
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {
            value.clone()
        }
    }
}

/// The text with characters that hide or reorder others written as TOML's escapes.
pub(super) fn visibly(text: String) -> String {
    if !text.chars().any(is_deceptive) {
        return text;
    }
    let escaped = |c| format!("\\U{:08X}", u32::from(c));
    let visible = |c| if is_deceptive(c) { escaped(c) } else { c.to_string() };
    text.chars().map(visible).collect()
}

/// The arguments of a program, `--token=***` and `--token ***`.
pub(super) fn arguments<'a>(
    given: impl IntoIterator<Item = &'a str>,
) -> impl Iterator<Item = String> {
    let mut announced = false;
    given.into_iter().map(move |argument| {
        let option = argument.starts_with('-');
        if std::mem::take(&mut announced) && !option {
            return HIDDEN.to_owned();
        }
        match argument.split_once('=') {
            Some((name, _)) if names_a_secret(name) => format!("{name}={HIDDEN}"),
            Some(_) => in_url(argument),
            None => {
                announced = option && names_a_secret(argument);
                in_url(argument)
            }
        }
    })
}

fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// A URL without its login and the values of its query; any other text as it is.
fn in_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (login, rest) = match end_of_login(rest) {
        Some(at) => (format!("{HIDDEN}@"), &rest[at + 1..]),
        None => (String::new(), rest),
    };
    let Some((before, query)) = rest.split_once('?') else {
        return format!("{scheme}://{login}{rest}");
    };
    let hidden = |parameter: &str| match parameter.split_once('=') {
        Some((name, _)) => format!("{name}={HIDDEN}"),
        None => HIDDEN.to_owned(),
    };
    let query = query.split('&').map(hidden).collect::<Vec<_>>().join("&");
    format!("{scheme}://{login}{before}?{query}")
}

/// Where the `@` before the host is. What looks like a host whose port is no number is a login that
/// its password cut off.
fn end_of_login(rest: &str) -> Option<usize> {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_cut = || {
        let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
        !authority.ends_with(']') && !port.bytes().all(|byte| byte.is_ascii_digit())
    };
    authority.rfind('@').or_else(|| rest.rfind('@').filter(|_| is_cut()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Login and query are hidden, and nothing else.
    #[test]
    fn a_url_is_shown_without_login_and_query() {
        for (url, seen) in [
            ("http://u:SECRET@a.example/mcp", "http://***@a.example/mcp"),
            ("http://SECRET@a.example", "http://***@a.example"),
            ("http://u:S/ECRET@a.example/mcp", "http://***@a.example/mcp"),
            ("http://a.example/?k=SECRET&SECRET", "http://a.example/?k=***&***"),
            ("http://a.example:80/@scope/x", "http://a.example:80/@scope/x"),
            ("http://[::1]/@scope", "http://[::1]/@scope"),
            ("somebody@example.com", "somebody@example.com"),
        ] {
            assert_eq!(in_url(url), seen);
        }
    }

    /// However the argument is written.
    #[test]
    fn arguments_are_shown_without_secrets() {
        let given = ["npx", "--token=S", "--api-key", "S", "API_KEY=S", "--port=1", "-v", "x"];
        let seen = ["npx", "--token=***", "--api-key", "***", "API_KEY=***", "--port=1", "-v", "x"];
        assert_eq!(arguments(given).collect::<Vec<_>>(), seen);
        let nested: Value = "{ a = [{ url = \"http://u:S@h/\" }] }".parse().expect("TOML");
        assert_eq!(shown(&nested), "{ a = [{ url = \"http://***@h/\" }] }");
    }
}
