//! A legacy server's notifications on account of one request.

use protocol::mcp::TOOLS_LIST_CHANGED;
use upstream::connection::ServerMessage;
use upstream::wire::json::{Members, Object};

use super::logging;
use super::running::Running;

/// What the client hears of a notification; `None` if nothing.
pub(super) fn of(running: &Running, method: &str, heard: &ServerMessage) -> Option<String> {
    match method {
        "notifications/progress" => {
            progress(heard, running.number, running.asked.progress.as_deref()?)
        }
        "notifications/message" => {
            logging::is_wanted(heard, running.asked.level).then(|| text(heard))?
        }
        // C-09: only what belongs to the request. What was subscribed to has its own stream, and
        // there nobody waits for the end of an elicitation: the retry is (D-38).
        TOOLS_LIST_CHANGED => {
            running.asked.server.tools.lists.forget();
            None
        }
        "notifications/prompts/list_changed"
        | "notifications/resources/list_changed"
        | "notifications/resources/updated"
        | "notifications/elicitation/complete"
        | "notifications/tasks/status"
        | "notifications/cancelled" => None,
        _ => text(heard),
    }
}

/// D-32: under the client's own token; news of anything else is not for this stream.
fn progress(heard: &ServerMessage, number: u64, token: &str) -> Option<String> {
    let message = heard.members().ok()?;
    let params = Members::of(message.get("params")).ok()?;
    params.get("progressToken").filter(|token| token.get() == number.to_string())?;
    let mut translated = Object::with_capacity(heard.text.len() + token.len());
    for (name, value) in params.iter() {
        translated.member(name, if name == "progressToken" { token } else { value.get() });
    }
    let mut object = Object::with_capacity(heard.text.len() + token.len());
    object.members(&message, |name| name != "params");
    object.member("params", &translated.finish());
    Some(object.finish())
}

fn text(heard: &ServerMessage) -> Option<String> {
    std::str::from_utf8(&heard.text).ok().map(str::to_owned)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// The client's token is restored as it was written.
    #[test]
    fn d_32_progress_under_the_clients_token() {
        let news = Bytes::from_static(
            br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":5,"progress":1.50}}"#,
        );
        let heard = ServerMessage::read(news).unwrap();
        let expected = concat!(
            r#"{"jsonrpc":"2.0","method":"notifications/progress","#,
            r#""params":{"progressToken":"a","progress":1.50}}"#
        );
        assert_eq!(progress(&heard, 5, "\"a\"").as_deref(), Some(expected));
        assert_eq!(progress(&heard, 6, "\"a\""), None, "somebody else's");
    }
}
