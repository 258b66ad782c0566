//! Answers to `initialize` that are not quite as MCP wants them. Most clients refuse a server for
//! one member of another type.

use std::borrow::Cow;

use bytes::Bytes;
use protocol::jsonrpc;
use protocol::mcp::member;
use protocol::splice::{self, Splice};
use serde_json::value::RawValue;

use crate::wire::json::{Members, NoObject, Object};

/// Members of the result that may be missing, but not null.
const OPTIONAL: [&str; 2] = [member::META, member::INSTRUCTIONS];

/// The same answer as every client can read it. `None` if it is that already, or no answer.
pub fn tidy(message: &[u8]) -> Option<Bytes> {
    let text = std::str::from_utf8(message).ok()?;
    let response: &RawValue = serde_json::from_str(text).ok()?;
    let result = splice::Members::of(response)?.get(jsonrpc::member::RESULT)?;
    let tidied = tidy_result(result.get()).ok()?;
    let Cow::Owned(tidied) = tidied else { return None };
    let mut spliced = Splice::of(text);
    spliced.replace(result, tidied);
    spliced.finish().map(Into::into)
}

/// The same for the result alone. Where languages have one word for an empty list and an empty
/// object, as PHP has, servers write `[]` for capabilities that say nothing more.
pub(crate) fn tidy_result(result: &str) -> Result<Cow<'_, str>, NoObject> {
    let members = Members::read(result)?;
    let mut object = Object::with_capacity(result.len());
    let mut odd = false;
    for (name, value) in members.iter() {
        match name {
            member::CAPABILITIES => {
                let capabilities = capabilities(value);
                odd |= matches!(capabilities, Cow::Owned(_));
                object.member(name, &capabilities);
            }
            _ if OPTIONAL.contains(&name) && value.get() == "null" => odd = true,
            _ => {
                object.member(name, value.get());
            }
        }
    }
    Ok(if odd { object.finish().into() } else { result.into() })
}

fn capabilities(value: &RawValue) -> Cow<'_, str> {
    let Ok(members) = Members::read(value.get()) else {
        return named(value).into();
    };
    let mut object = Object::with_capacity(value.get().len());
    let mut odd = false;
    for (name, value) in members.iter() {
        let says_nothing = value.get() == "null";
        let bare = value.get() == "true" || is_empty_list(value);
        odd |= says_nothing || bare;
        if !says_nothing {
            object.member(name, if bare { "{}" } else { value.get() });
        }
    }
    if odd { object.finish().into() } else { value.get().into() }
}

/// A list of names, as an object with a member for each.
fn named(value: &RawValue) -> String {
    let names: Vec<String> = serde_json::from_str(value.get()).unwrap_or_default();
    let mut object = Object::with_capacity(64);
    for name in names {
        object.member(&name, "{}");
    }
    object.finish()
}

fn is_empty_list(value: &RawValue) -> bool {
    serde_json::from_str::<[(); 0]>(value.get()).is_ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn capabilities_become_an_object() {
        for (odd, plain) in [
            ("[]", "{}"),
            ("null", "{}"),
            (r#"["tools","logging"]"#, r#"{"tools":{},"logging":{}}"#),
            (r#"{"tools":[ ],"logging":null,"prompts":true}"#, r#"{"tools":{},"prompts":{}}"#),
        ] {
            let result =
                format!(r#"{{"protocolVersion":"x","_meta":null,"capabilities":{odd},"n":1.0}}"#);
            let message = format!(r#"{{"id": 7, "result":{result}}}"#);
            let expected = format!(
                r#"{{"id": 7, "result":{{"protocolVersion":"x","capabilities":{plain},"n":1.0}}}}"#
            );
            assert_eq!(tidy(message.as_bytes()).unwrap(), expected, "{odd}");
        }
    }

    #[test]
    fn what_all_can_read_is_left_alone() {
        for fine in [
            r#"{"id":1,"result":{"capabilities":{"tools":{"listChanged":true},"x":[1]},"i":null}}"#,
            r#"{"id":1,"result":{}}"#,
            r#"{"id":1,"error":{}}"#,
            "[]",
            "",
        ] {
            assert_eq!(tidy(fine.as_bytes()), None, "{fine}");
        }
    }
}
