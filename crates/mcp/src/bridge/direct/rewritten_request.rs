//! The client's request, with ids of ours in it.

use protocol::jsonrpc::member::{ID, METHOD, PARAMS};
use protocol::mcp::{META_LOG_LEVEL, member};
use upstream::connection::{ConnectionError, Question};
use upstream::wire::json::{Members, Object};

/// A request as it goes to the server, and what of the client's own must come back.
pub(super) struct RewrittenRequest {
    pub(super) question: Question,
    /// The client's progress token as it was written.
    pub(super) progress_token: Option<String>,
    /// Whether the client opted in to log messages (C-91).
    pub(super) wants_log: bool,
}

impl RewrittenRequest {
    /// Replaces the id, and the progress token if there is one; everything else stays as written.
    pub(super) fn read(body: &[u8], id: u64) -> Result<Self, ConnectionError> {
        let body = std::str::from_utf8(body).map_err(|_| ConnectionError::Garbled)?;
        let message = Members::read(body).map_err(|_| ConnectionError::Garbled)?;
        let params = Members::of(message.get(PARAMS)).map_err(|_| ConnectionError::Garbled)?;
        let meta = Members::of(params.get(member::META)).map_err(|_| ConnectionError::Garbled)?;
        let progress_token = meta.get(member::PROGRESS_TOKEN).map(|token| token.get().to_owned());
        let method = message.text(METHOD).ok_or(ConnectionError::Garbled)?;
        let our_id = id.to_string();
        let mut text = Object::with_capacity(body.len() + 16);
        for (name, value) in message.iter() {
            match name {
                ID => text.member(name, &our_id),
                PARAMS if progress_token.is_some() => {
                    text.member(name, &with_token(&params, &meta, &our_id))
                }
                _ => text.member(name, value.get()),
            };
        }
        let text = text.finish();
        let question = Question { id, method: method.into(), text, mirrors: Vec::new() };
        Ok(Self { question, progress_token, wants_log: meta.get(META_LOG_LEVEL).is_some() })
    }
}

fn with_token(params: &Members<'_>, meta: &Members<'_>, token: &str) -> String {
    replaced(params, member::META, &replaced(meta, member::PROGRESS_TOKEN, token))
}

/// The object with another value for one of its members.
pub(super) fn replaced(members: &Members<'_>, member: &str, with: &str) -> String {
    let mut object = Object::with_capacity(256);
    for (name, value) in members.iter() {
        object.member(name, if name == member { with } else { value.get() });
    }
    object.finish()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// C-34: the id and the token are ours, and nothing else changes.
    #[test]
    fn c_34_ids_are_ours() {
        let body = br#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"x",
            "arguments":{"n":1.00},"_meta":{"progressToken":"a","x.y/z":1e2}}}"#;
        let asked = RewrittenRequest::read(body, 9).unwrap();
        assert_eq!(asked.progress_token.as_deref(), Some("\"a\""));
        assert_eq!(
            asked.question.text,
            r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"x","arguments":{"n":1.00},"_meta":{"progressToken":9,"x.y/z":1e2}}}"#
        );
        let plain =
            RewrittenRequest::read(br#"{"id":1,"method":"m","params":{"_meta":{}, "a":[ ]}}"#, 2);
        let plain = plain.unwrap();
        assert_eq!(plain.question.text, r#"{"id":2,"method":"m","params":{"_meta":{}, "a":[ ]}}"#);
        assert!(plain.progress_token.is_none() && !plain.wants_log);
    }
}
