//! A legacy server's notifications on account of one request.

use protocol::jsonrpc::member::PARAMS;
use protocol::mcp::{
    CANCELLED, ELICITATION_COMPLETE, LOG_MESSAGE, PROGRESS, PROMPTS_LIST_CHANGED, RESOURCE_UPDATED,
    RESOURCES_LIST_CHANGED, TASK_STATUS, TOOLS_LIST_CHANGED, member,
};
use upstream::connection::ServerMessage;
use upstream::wire::json::{Members, Object};

use super::logging;
use super::running::Running;

/// What the client hears of a notification; `None` if nothing.
pub(super) fn of(running: &Running, method: &str, heard: &ServerMessage) -> Option<String> {
    match method {
        PROGRESS => progress(heard, running.number, running.asked.progress.as_deref()?),
        LOG_MESSAGE => logging::is_wanted(heard, running.asked.level).then(|| text(heard))?,
        // C-09: only what belongs to the request. What was subscribed to has its own stream, and
        // there nobody waits for the end of an elicitation: the retry is (D-38).
        TOOLS_LIST_CHANGED => {
            running.asked.server.tools.lists.forget();
            None
        }
        PROMPTS_LIST_CHANGED
        | RESOURCES_LIST_CHANGED
        | RESOURCE_UPDATED
        | ELICITATION_COMPLETE
        | TASK_STATUS
        | CANCELLED => None,
        _ => text(heard),
    }
}

/// D-32: under the client's own token; news of anything else is not for this stream.
fn progress(heard: &ServerMessage, number: u64, token: &str) -> Option<String> {
    let message = heard.members().ok()?;
    let params = Members::of(message.get(PARAMS)).ok()?;
    params.get(member::PROGRESS_TOKEN).filter(|token| token.get() == number.to_string())?;
    let mut translated = Object::with_capacity(heard.text.len() + token.len());
    for (name, value) in params.iter() {
        translated.member(name, if name == member::PROGRESS_TOKEN { token } else { value.get() });
    }
    let mut object = Object::with_capacity(heard.text.len() + token.len());
    object.members(&message, |name| name != PARAMS);
    object.member(PARAMS, &translated.finish());
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
