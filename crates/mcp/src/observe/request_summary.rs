//! What one message asked for, as far as it may be told: never its arguments (G-41).

use std::borrow::Cow;

use protocol::jsonrpc::{Message, Params};
use protocol::mcp::{Method, is_notification, method};
use upstream::wire::Era;

use super::Verdict;

/// One message and what was decided about it.
#[derive(Debug)]
pub(crate) struct RequestSummary {
    /// A method that is known, or a piece of what stood there.
    pub(crate) method: Cow<'static, str>,
    /// The id as it was written.
    pub(crate) id: Option<Box<str>>,
    /// The tool, prompt or resource.
    pub(crate) name: Option<Box<str>>,
    pub(crate) era: Era,
    pub(crate) verdict: Verdict,
}

/// How much of a name is told.
const MAX_NAME: usize = 128;
/// How much of an id or of an unknown method is told.
const MAX_WORD: usize = 64;

/// The methods whose calls go into the record, and the other ones that are known.
const METHODS: [&str; 16] = [
    method::TOOLS_CALL,
    method::PROMPTS_GET,
    method::RESOURCES_READ,
    method::TOOLS_LIST,
    method::INITIALIZE,
    method::PING,
    method::LOGGING_SET_LEVEL,
    method::SERVER_DISCOVER,
    method::PROMPTS_LIST,
    method::RESOURCES_LIST,
    method::RESOURCES_TEMPLATES_LIST,
    method::RESOURCES_SUBSCRIBE,
    method::RESOURCES_UNSUBSCRIBE,
    method::COMPLETION_COMPLETE,
    method::SUBSCRIPTIONS_LISTEN,
    "notification",
];

impl RequestSummary {
    pub(crate) fn of(message: &Message<'_>, era: Era, verdict: Verdict) -> Self {
        let method = message.method().map_or(Cow::Borrowed("answer"), method);
        let id = message.id().map(|id| clipped(id.get(), MAX_WORD));
        Self { name: name(message), method, id, era, verdict }
    }

    /// Whether letting it through goes into the record.
    pub(crate) fn is_a_call(&self) -> bool {
        METHODS[..3].contains(&self.method.as_ref())
    }

    /// The method as a label, of which there are only so many.
    pub(crate) fn label(&self) -> &'static str {
        match &self.method {
            Cow::Borrowed(known) => known,
            Cow::Owned(_) => "other",
        }
    }
}

fn method(given: &str) -> Cow<'static, str> {
    if Method::of_request(given).is_none() && is_notification(given) {
        return Cow::Borrowed("notification");
    }
    METHODS
        .into_iter()
        .find(|known| *known == given)
        .map_or_else(|| Cow::Owned(clipped(given, MAX_WORD).into_string()), Cow::Borrowed)
}

fn name(message: &Message<'_>) -> Option<Box<str>> {
    let (Message::Request { params, .. } | Message::Notification { params, .. }) = message else {
        return None;
    };
    let Params { name, uri, .. } = params;
    let uri = || uri.as_deref().map(without_query);
    name.as_deref().or_else(uri).map(|name| clipped(name, MAX_NAME))
}

/// What comes after the path of a resource may be as telling as arguments.
fn without_query(uri: &str) -> &str {
    uri.split(['?', '#']).next().unwrap_or_default()
}

/// The beginning of a text that others chose.
fn clipped(text: &str, most: usize) -> Box<str> {
    if text.len() <= most {
        return text.into();
    }
    let end = text.floor_char_boundary(most);
    format!("{}…", &text[..end]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_between_characters() {
        assert_eq!(&*clipped("short", 64), "short");
        assert_eq!(&*clipped("ääää", 3), "ä…");
        assert_eq!(without_query("demo://x/1?token=secret#y"), "demo://x/1");
    }

    /// Every method that may pass has a label of its own, so that no other is made of requests.
    #[test]
    fn known_methods_have_labels() {
        let passing = METHODS.iter().filter(|method| Method::of_request(method).is_some());
        assert_eq!(passing.count(), METHODS.len() - 1);
        assert!(matches!(method("tools/call"), Cow::Borrowed("tools/call")));
        assert!(matches!(method("notifications/x"), Cow::Borrowed("notification")));
        assert!(matches!(method("tools/Call"), Cow::Owned(_)));
    }
}
