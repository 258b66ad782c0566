//! One message from an upstream.

use bytes::Bytes;
use protocol::jsonrpc::member::{ENVELOPE, ERROR, ID, METHOD, PARAMS, RESULT};
use serde_json::value::RawValue;

use super::ConnectionError;
use crate::wire::ambiguity;
use crate::wire::json::{Members, Object, whole_number, without_mark};

/// A message with what routes it; the rest is read when it is needed.
#[derive(Clone, Debug)]
pub struct ServerMessage {
    /// The message as it came. It is one JSON object in UTF-8.
    pub text: Bytes,
    /// What kind of message it is.
    pub kind: Kind,
}

/// What kind of message it is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A response. Its id is the request's.
    Answer,
    /// It wants no answer.
    Notification {
        /// What it is about.
        method: Box<str>,
    },
    /// A request of the server's.
    Question {
        /// The id under which it is to be answered, as it was written.
        id: Box<RawValue>,
        /// What is asked.
        method: Box<str>,
    },
}

/// What a response says.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// What the request came to.
    Result(&'a RawValue),
    /// The JSON-RPC error.
    Error(&'a RawValue),
}

impl ServerMessage {
    /// Reads a message of any kind.
    pub fn read(text: Bytes) -> Result<Self, ConnectionError> {
        let mut text = without_mark(text);
        let (kind, plain) = {
            let members = members(&text)?;
            // Some clients would take a look-alike of a member for the member itself, and a result
            // under an earlier id for the answer to that request.
            ambiguity::none(&members, &ENVELOPE).map_err(|_| ConnectionError::Garbled)?;
            let has = |name| members.get(name).is_some();
            // Some servers write the members that do not apply as null.
            let says = |name| members.get(name).is_some_and(|value| value.get() != "null");
            let kind = match (members.get(METHOD), members.get(ID)) {
                (None, Some(_)) if says(RESULT) != says(ERROR) => Kind::Answer,
                (None, Some(_)) if has(RESULT) && !has(ERROR) => Kind::Answer,
                // JSON-RPC: an error about a message whose id could not be read has a null id.
                (None, None) if says(ERROR) && !says(RESULT) => Kind::Answer,
                // Nothing is a request and a response at once, whichever of the two a client sees.
                (Some(_), id) if !says(RESULT) && !says(ERROR) => {
                    let method: Box<str> =
                        members.text(METHOD).ok_or(ConnectionError::Garbled)?.into();
                    match id {
                        Some(id) => Kind::Question { id: id.to_owned(), method },
                        None => Kind::Notification { method },
                    }
                }
                _ => return Err(ConnectionError::Garbled),
            };
            let padded = matches!(kind, Kind::Answer) && has(RESULT) && has(ERROR);
            (kind, padded.then(|| without_nulls(&members)))
        };
        if let Some(plain) = plain {
            text = plain.into();
        }
        Ok(Self { text, kind })
    }

    /// Whose answer a text would be that is none: whoever asked can hear of it at once.
    pub(crate) fn meant_for(text: &[u8]) -> Option<u64> {
        let members = members(text).ok()?;
        if members.get(METHOD).is_some() {
            return None;
        }
        whole_number(members.get(ID)?.get())
    }

    /// The members of the message.
    pub fn members(&self) -> Result<Members<'_>, ConnectionError> {
        members(&self.text)
    }

    /// The id as it was written; `None` for a notification and for an answer to nobody.
    pub fn id(&self) -> Option<&RawValue> {
        self.members().ok()?.get(ID).filter(|id| id.get() != "null")
    }

    /// Whether it is an answer that says what went wrong.
    pub fn is_error(&self) -> bool {
        matches!(self.outcome(), Ok(Outcome::Error(_)))
    }

    /// `params` of a notification or question.
    pub fn params(&self) -> Option<&RawValue> {
        self.members().ok()?.get(PARAMS)
    }

    /// What an answer says.
    pub fn outcome(&self) -> Result<Outcome<'_>, ConnectionError> {
        let members = self.members()?;
        match (members.get(RESULT), members.get(ERROR)) {
            (Some(result), None) => Ok(Outcome::Result(result)),
            (None, Some(error)) => Ok(Outcome::Error(error)),
            _ => Err(ConnectionError::Garbled),
        }
    }
}

/// An answer without the member that does not apply, which clients would take for a second outcome.
fn without_nulls(members: &Members<'_>) -> String {
    let mut answer = Object::with_capacity(256);
    for (name, value) in members.iter() {
        if !(matches!(name, RESULT | ERROR) && value.get() == "null") {
            answer.member(name, value.get());
        }
    }
    answer.finish()
}

fn members(text: &[u8]) -> Result<Members<'_>, ConnectionError> {
    let text = std::str::from_utf8(text).map_err(|_| ConnectionError::Garbled)?;
    Members::read(text).map_err(|_| ConnectionError::Garbled)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_messages() {
        let kind = |text: &'static str| {
            ServerMessage::read(Bytes::from_static(text.as_bytes())).map(|h| h.kind)
        };
        assert!(matches!(kind(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), Ok(Kind::Answer)));
        assert!(matches!(kind(r#"{"id":null,"error":{"code":1}}"#), Ok(Kind::Answer)));
        let question = kind(r#"{"id":"a","method":"ping"}"#).unwrap();
        assert!(
            matches!(question, Kind::Question { id, method } if id.get() == "\"a\"" && &*method == "ping")
        );
        assert!(matches!(kind(r#"{"method":"notifications/x"}"#), Ok(Kind::Notification { .. })));
        let padded = kind(r#"{"id":1,"method":"ping","result":null,"error":null}"#);
        assert!(matches!(padded, Ok(Kind::Question { .. })));
        assert!(matches!(kind(r#"{"id":1,"result":null}"#), Ok(Kind::Answer)));
        for garbled in [
            r#"{"id":1}"#,
            r#"{"id":1,"result":null,"error":null}"#,
            r#"{"result":{}}"#,
            r#"{"error":null}"#,
            r#"{"id":1,"result":1,"error":2}"#,
            "[]",
            "1",
            r#"{"method":7}"#,
            "{",
            r#"{"id":1,"method":"ping","result":{}}"#,
            // A14: nothing that a lenient reader takes for another answer.
            r#"{"id":1,"ID":2,"result":{}}"#,
            r#"{"Id":2,"id":1,"result":{}}"#,
            r#"{"id":1,"id\u0000":2,"result":{}}"#,
            r#"{"id":1,"result":{},"Result":{}}"#,
            r#"{"id":1,"result":{},"result":{}}"#,
            r#"{"method":"notifications/x","ID":2}"#,
            r#"{"method":"notifications/x","RESULT":{}}"#,
        ] {
            assert_eq!(kind(garbled).unwrap_err(), ConnectionError::Garbled, "{garbled}");
        }
    }

    /// Some libraries write every member that they know.
    #[test]
    fn an_outcome_beside_a_null_is_read_alone() {
        let read =
            |text: &'static str| ServerMessage::read(Bytes::from_static(text.as_bytes())).unwrap();
        let result = read("\u{feff}{\"id\":1,\"result\":{ },\"error\":null,\"x\":null}");
        assert_eq!(result.text, r#"{"id":1,"result":{ },"x":null}"#);
        assert!(matches!(result.outcome(), Ok(Outcome::Result(_))));
        let error = read(r#"{"id":1,"result":null,"error":{"code":1}}"#);
        assert_eq!(error.text, r#"{"id":1,"error":{"code":1}}"#);
        assert!(matches!(error.outcome(), Ok(Outcome::Error(_))));
    }
}
