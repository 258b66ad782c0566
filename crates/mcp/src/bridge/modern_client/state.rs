//! C-82: the `requestState` of a parked call. To clients it is a text that they send back as it
//! was; to us, what comes back is anybody's text until it opens.

use kernel::encoding::{base64url, sha256};
use protocol::mcp::member;
use serde_json::Value;
use serde_json::value::RawValue;
use upstream::wire::json::Members;

use super::bridged_request::BridgedRequest;
use super::parked::Ticket;
use crate::access::Permit;

/// What a retry needs to find its call again. It opens for its own principal at its own server
/// only.
#[derive(Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct State {
    /// The replica that holds the call.
    pub(super) owner: String,
    /// The call's ticket there.
    pub(super) ticket: Ticket,
    /// Until when, in milliseconds.
    until: i64,
    /// Which request it was.
    request: String,
}

/// How long a call waits for its client, in seconds.
pub(super) const PATIENCE_SECONDS: u32 = 600;
/// Ours are far shorter unless the replica has a very long name.
const LONGEST: usize = 4096;

impl State {
    /// The sealed state of a call that is parked under `ticket`.
    pub(super) fn seal(asked: &BridgedRequest, ticket: Ticket) -> String {
        let shared = &asked.shared;
        let state = Self {
            owner: shared.own_name(),
            ticket,
            until: shared.trust.now().plus_seconds(PATIENCE_SECONDS.into()).as_millis(),
            request: digest(asked),
        };
        // Texts and numbers always become JSON.
        let plain = serde_json::to_vec(&state).unwrap_or_default();
        let place = place(&asked.permit);
        shared.sealing.key.seal(&plain, &place, &*shared.sealing.random)
    }

    /// Opens what a client sent with a retry, if it is ours for this principal, in time, and for
    /// this very request.
    pub(super) fn open(asked: &BridgedRequest, unverified: &str) -> Option<Self> {
        if unverified.len() > LONGEST {
            return None;
        }
        let place = place(&asked.permit);
        let plain = asked.shared.sealing.key.open(unverified, &place).ok()?;
        let state: Self = serde_json::from_slice(&plain).ok()?;
        let in_time = asked.shared.trust.now().as_millis() < state.until;
        (in_time && state.request == digest(asked)).then_some(state)
    }
}

fn place(permit: &Permit) -> String {
    format!("{}/parked call", permit.session_place())
}

/// A digest of method and parameters without what changes from try to try.
fn digest(asked: &BridgedRequest) -> String {
    let params = asked.params().unwrap_or("{}");
    let mut text = format!("{}\n", asked.method);
    let changes = [member::META, member::INPUT_RESPONSES, member::REQUEST_STATE];
    let mut kept: Vec<(String, &RawValue)> = Members::read(params)
        .map(|members| {
            let kept = members.iter().filter(|(name, _)| !changes.contains(name));
            kept.map(|(name, value)| (name.to_owned(), value)).collect()
        })
        .unwrap_or_default();
    kept.sort_by(|left, right| left.0.cmp(&right.0));
    for (name, value) in kept {
        text.push_str(&upstream::wire::json::quoted(&name));
        // The call goes on with the parameters that it began with, so that numbers beyond what
        // this reader tells apart do no harm.
        write_sorted(&serde_json::from_str(value.get()).unwrap_or_default(), &mut text);
    }
    base64url(&sha256(text.as_bytes()))
}

/// The same text however a client ordered the members and wherever it put white space.
fn write_sorted(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (name, value) in members {
                text.push_str(&upstream::wire::json::quoted(name));
                write_sorted(value, text);
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for value in values {
                write_sorted(value, text);
                text.push(',');
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn order_and_white_space_do_not_matter() {
        let sorted = |json: &str| {
            let mut text = String::new();
            write_sorted(&serde_json::from_str(json).unwrap(), &mut text);
            text
        };
        assert_eq!(
            sorted(r#"{"b":[1, {"d":2,"c":3}],"a":"x"}"#),
            sorted(r#"{"a":"\u0078","b":[1,{"c":3,"d":2}]}"#)
        );
        for (one, other) in [
            ("[[1],2]", "[[1,2]]"),
            ("[1,2]", "[12]"),
            (r#"{"a":1}"#, r#"["a",1]"#),
            ("\"1\"", "1"),
        ] {
            assert_ne!(sorted(one), sorted(other));
        }
    }
}
