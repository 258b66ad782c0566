//! Notifications, in both directions.

use bytes::Bytes;
use http::StatusCode;
use protocol::jsonrpc::member::PARAMS;
use protocol::jsonrpc::notification;
use protocol::mcp::{CANCELLED, LOG_MESSAGE, PROGRESS, member};
use serde_json::value::RawValue;
use upstream::connection::ServerMessage;
use upstream::wire::json::{Members, Object};

use super::asker::Original;
use super::client_session::ClientSession;
use super::subscribe::at_home_too;
use super::{running, visits};
use crate::bridge::Crossing;
use crate::reply;
use crate::reply::Answer;

/// What a client says unasked (D-50, D-56). The upstream knows nothing of sessions, so only
/// a cancellation does anything; all are accepted.
pub(super) async fn take(
    call: &Crossing<'_>,
    seat: &ClientSession,
    method: &str,
    body: Bytes,
) -> Answer {
    if method == CANCELLED
        && let Some(id) = cancelled_id(&body)
        && !running::cancel(call.state, seat, &id)
    {
        // A request runs where it arrived, and the session's home knows where that is.
        at_home_too(call, seat, body.clone()).await;
        visits::tell_visitors(call, seat, body).await;
    }
    let mut accepted = reply::empty(StatusCode::ACCEPTED);
    visits::welcome(call, seat, &mut accepted);
    Ok(accepted)
}

/// The id as it was written; JSON has one way to write a number of an id, and few use another.
fn cancelled_id(body: &[u8]) -> Option<String> {
    let members = Members::read(std::str::from_utf8(body).ok()?).ok()?;
    let params = Members::of(members.get(PARAMS)).ok()?;
    params.get(member::REQUEST_ID).map(|id| id.get().to_owned())
}

/// How a request was sent on.
#[derive(Clone, Copy)]
pub(super) struct Sent {
    pub(super) id: u64,
    /// Whether it asked for log messages.
    pub(super) wants_logs: bool,
}

/// What a server says on account of a request, for its client. `None` for what the client did not
/// ask for.
pub(super) fn of_request(
    heard: &ServerMessage,
    method: &str,
    original: &Original,
    sent: Sent,
) -> Option<String> {
    let params = heard.params()?;
    match method {
        PROGRESS => {
            let token = original.progress_token.as_ref()?;
            let members = Members::read(params.get()).ok()?;
            let ours = members.get(member::PROGRESS_TOKEN)?.get() == sent.id.to_string();
            let told = || with_token(&members, token, params.get().len());
            ours.then(|| notification(method, Some(&told())))
        }
        // C-91: a server sends these only if the request asked for them.
        LOG_MESSAGE if sent.wants_logs => Some(notification(method, Some(params.get()))),
        _ => None,
    }
}

fn with_token(members: &Members<'_>, token: &RawValue, size: usize) -> String {
    let mut object = Object::with_capacity(size + token.get().len());
    object.member(member::PROGRESS_TOKEN, token.get());
    object.members(members, |name| name != member::PROGRESS_TOKEN);
    object.finish()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn original(token: Option<&str>) -> Original {
        Original {
            id: Some("1".into()),
            method: "tools/call".into(),
            params: None,
            name: None,
            progress_token: token.map(|token| serde_json::from_str(token).unwrap()),
        }
    }

    const SENT: Sent = Sent { id: 9, wants_logs: false };

    /// C-90: the client's own token comes back, as it was written, and nobody else's news.
    #[test]
    fn c_90_the_clients_token_is_restored() {
        let heard = ServerMessage::read(Bytes::from_static(
            br#"{"method":"notifications/progress","params":{"progress":1.0,"progressToken":9}}"#,
        ))
        .unwrap();
        let told = of_request(&heard, "notifications/progress", &original(Some("\"t\"")), SENT);
        assert!(told.unwrap().ends_with(r#""params":{"progressToken":"t","progress":1.0}}"#));
        let other = of_request(
            &heard,
            "notifications/progress",
            &original(Some("\"t\"")),
            Sent { id: 8, ..SENT },
        );
        assert!(other.is_none());
        assert!(of_request(&heard, "notifications/progress", &original(None), SENT).is_none());
    }
}
