//! What the server says, with the client's own ids in it again.

use http::StatusCode;
use protocol::jsonrpc::member::{CODE, ID, PARAMS, RESULT};
use protocol::jsonrpc::{INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR};
use protocol::mcp::{
    CANCELLED, HEADER_MISMATCH, LOG_MESSAGE, META_SUBSCRIPTION_ID, MISSING_CAPABILITY, PROGRESS,
    UNSUPPORTED_VERSION, member,
};
use serde_json::value::RawValue;
use upstream::connection::{ConnectionError, Kind, Outcome, ServerMessage};
use upstream::wire::json::Members;

use super::rewritten_request::{RewrittenRequest, replaced};
use crate::bridge::Crossing;
use crate::passthrough::answer::listening_ended;
use crate::passthrough::front::ClientMessage;

/// Puts the client's ids back.
pub(super) struct Restoring {
    /// As it was written.
    id: String,
    progress_token: Option<String>,
    wants_log: bool,
    listening: bool,
}

impl Restoring {
    pub(super) fn of(call: &Crossing<'_>, asked: &RewrittenRequest, listening: bool) -> Self {
        Self {
            id: call.id.unwrap_or("null").to_owned(),
            progress_token: asked.progress_token.clone(),
            wants_log: asked.wants_log,
            listening,
        }
    }

    /// The same message for the client; `None` for what it must not get.
    pub(super) fn restore(
        &self,
        heard: &ServerMessage,
    ) -> Result<Option<ClientMessage>, ConnectionError> {
        match &heard.kind {
            Kind::Answer => self.answer(heard).map(Some),
            // C-09: a modern client is asked nothing.
            Kind::Question { .. } => Ok(None),
            Kind::Notification { method } => match (&**method, &self.progress_token) {
                (PROGRESS, Some(token)) => Self::notification(heard, |params| {
                    Ok(replaced(params, member::PROGRESS_TOKEN, token))
                }),
                (PROGRESS, None) => Ok(None),
                // C-91: only whoever opted in gets log messages.
                (LOG_MESSAGE, _) if !self.wants_log => Ok(None),
                (CANCELLED, _) => Ok(self.listening.then(|| self.complete())),
                _ => Self::notification(heard, |params| self.with_subscription(params)),
            },
        }
    }

    fn answer(&self, heard: &ServerMessage) -> Result<ClientMessage, ConnectionError> {
        let message = heard.members()?;
        let (status, text) = match heard.outcome()? {
            Outcome::Error(error) => (status(error), replaced(&message, ID, &self.id)),
            Outcome::Result(result) if self.listening => {
                let result = Members::read(result.get()).map_err(|_| ConnectionError::Garbled)?;
                let result = self.with_subscription(&result)?;
                let message = replaced(&message, ID, &self.id);
                let message = Members::read(&message).map_err(|_| ConnectionError::Garbled)?;
                (StatusCode::OK, replaced(&message, RESULT, &result))
            }
            Outcome::Result(_) => (StatusCode::OK, replaced(&message, ID, &self.id)),
        };
        Ok(ClientMessage::answer(text, status))
    }

    fn notification(
        heard: &ServerMessage,
        restore: impl FnOnce(&Members<'_>) -> Result<String, ConnectionError>,
    ) -> Result<Option<ClientMessage>, ConnectionError> {
        let message = heard.members()?;
        let params = Members::of(message.get(PARAMS)).map_err(|_| ConnectionError::Garbled)?;
        Ok(Some(ClientMessage::before(replaced(&message, PARAMS, &restore(&params)?))))
    }

    /// C-71: the subscription's id is that of the request, of the same JSON type.
    fn with_subscription(&self, holder: &Members<'_>) -> Result<String, ConnectionError> {
        let meta = Members::of(holder.get(member::META)).map_err(|_| ConnectionError::Garbled)?;
        Ok(replaced(holder, member::META, &replaced(&meta, META_SUBSCRIPTION_ID, &self.id)))
    }

    /// C-72: over stdio a server ends a subscription by cancelling it; over HTTP it answers.
    fn complete(&self) -> ClientMessage {
        ClientMessage::answer(listening_ended(&self.id), StatusCode::OK)
    }
}

/// C-42: the HTTP status that goes with a JSON-RPC error.
fn status(error: &RawValue) -> StatusCode {
    let code = Members::read(error.get()).ok().and_then(|error| error.get(CODE));
    let code = code.and_then(|code| serde_json::from_str::<i32>(code.get()).ok());
    match code {
        Some(METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
        Some(
            PARSE_ERROR | INVALID_REQUEST | HEADER_MISMATCH | MISSING_CAPABILITY
            | UNSUPPORTED_VERSION,
        ) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn restored(restoring: &Restoring, text: &'static str) -> Option<(String, bool, u16)> {
        let heard = ServerMessage::read(Bytes::from_static(text.as_bytes())).unwrap();
        let said = restoring.restore(&heard).unwrap()?;
        Some((String::from_utf8(said.text.to_vec()).unwrap(), said.last, said.status.as_u16()))
    }

    fn restoring(listening: bool) -> Restoring {
        let progress_token = Some("\"mine\"".to_owned());
        Restoring { id: "\"a\"".to_owned(), progress_token, wants_log: false, listening }
    }

    #[test]
    fn ids_and_tokens_come_back() {
        let call = restoring(false);
        let text = r#"{"jsonrpc":"2.0","id":3,"result":{"x":1.0,"_meta":{"a":2}}}"#;
        let back = r#"{"jsonrpc":"2.0","id":"a","result":{"x":1.0,"_meta":{"a":2}}}"#;
        assert_eq!(restored(&call, text).unwrap(), (back.to_owned(), true, 200));
        let text =
            r#"{"method":"notifications/progress","params":{"progressToken":3,"progress":1}}"#;
        let (text, last, _) = restored(&call, text).unwrap();
        assert!(text.contains(r#""progressToken":"mine","progress":1"#) && !last);
        assert!(restored(&call, r#"{"id":1,"method":"sampling/createMessage"}"#).is_none());
        assert!(restored(&call, r#"{"method":"notifications/message","params":{}}"#).is_none());
        for (code, status) in [(-32601, 404), (-32021, 400), (-32602, 200), (-1, 200)] {
            let text = format!("{{\"id\":3,\"error\":{{\"code\":{code},\"message\":\"\"}}}}");
            let (_, _, got) = restored(&call, text.leak()).unwrap();
            assert_eq!(got, status, "{code}");
        }
    }

    /// C-71, C-72.
    #[test]
    fn c_71_subscriptions_keep_their_id() {
        let listen = restoring(true);
        let text = r#"{"method":"notifications/resources/updated","params":{"uri":"x:y","_meta":{"io.modelcontextprotocol/subscriptionId":3}}}"#;
        let (text, ..) = restored(&listen, text).unwrap();
        assert!(text.contains(r#""io.modelcontextprotocol/subscriptionId":"a""#), "{text}");
        let text = r#"{"id":3,"result":{"_meta":{"io.modelcontextprotocol/subscriptionId":3}}}"#;
        let (text, last, _) = restored(&listen, text).unwrap();
        assert!(last && text.starts_with(r#"{"id":"a","#) && text.contains(r#"Id":"a"}"#));
        let text = r#"{"method":"notifications/cancelled","params":{"requestId":3}}"#;
        assert!(restored(&listen, text).unwrap().1);
    }
}
