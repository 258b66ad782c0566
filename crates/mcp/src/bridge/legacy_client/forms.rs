//! The three things that a server may ask of a client, in both generations' words.

use protocol::jsonrpc::member::{METHOD, PARAMS};
use protocol::jsonrpc::notification;
use protocol::mcp::{ELICITATION_COMPLETE, capability, member, method};
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use upstream::connection::ConnectionError;
use upstream::wire::json::{Members, Object, quoted};
use url::Url;

use super::answers::Given;
use super::revision::Revision;
use crate::passthrough::front::ClientMessage;
use crate::reply::failure::{Failure, Unusable};

/// One input request (C-80).
#[derive(Debug)]
pub(super) struct Form {
    kind: Kind,
    params: Option<Box<RawValue>>,
    revision: Revision,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `elicitation/create` with a form.
    Form,
    /// `elicitation/create` with a page to visit.
    Url,
    Sampling,
    Roots,
}

/// The pages that the client was sent to.
#[derive(Default)]
pub(super) struct Told(Vec<Box<str>>);

/// Reads an input request. C-80: only what was declared may be asked.
pub(super) fn read(
    request: &RawValue,
    declared: &str,
    revision: Revision,
) -> Result<Form, Failure> {
    let members = Members::read(request.get()).map_err(|_| ConnectionError::Garbled)?;
    let params = members.get(PARAMS);
    let inner = Members::of(params).map_err(|_| ConnectionError::Garbled)?;
    let kind = match members.text(METHOD).as_deref() {
        Some(method::ELICITATION_CREATE) => match inner.text(member::MODE).as_deref() {
            Some(capability::URL) => Kind::Url,
            _ => Kind::Form,
        },
        Some(method::SAMPLING_CREATE_MESSAGE) => Kind::Sampling,
        Some(method::ROOTS_LIST) => Kind::Roots,
        _ => return Err(Failure::CannotBeAsked),
    };
    if !kind.is_in(declared) {
        return Err(Failure::CannotBeAsked);
    }
    if kind == Kind::Url && !inner.text(member::URL).is_some_and(|url| leads_to_the_web(&url)) {
        return Err(Unusable::Page.into());
    }
    Ok(Form { kind, params: params.map(RawValue::to_owned), revision })
}

/// G-32: never `javascript:` and the like, which some clients would open.
fn leads_to_the_web(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
}

impl Kind {
    fn is_in(self, declared: &str) -> bool {
        let path: &[&str] = match self {
            Self::Form => &[capability::ELICITATION, capability::FORM],
            Self::Url => &[capability::ELICITATION, capability::URL],
            Self::Sampling => &[capability::SAMPLING],
            Self::Roots => &[capability::ROOTS],
        };
        let mut text = Some(declared);
        for name in path {
            let inner = text.and_then(|text| Members::read(text).ok());
            text = inner.and_then(|members| members.get(name)).map(RawValue::get);
        }
        text.is_some()
    }
}

impl Form {
    pub(super) fn method(&self) -> &'static str {
        match self.kind {
            Kind::Form | Kind::Url => method::ELICITATION_CREATE,
            Kind::Sampling => method::SAMPLING_CREATE_MESSAGE,
            Kind::Roots => method::ROOTS_LIST,
        }
    }

    /// The parameters for the client's revision. A page to visit gets an id, under which the
    /// client hears later that it is done with (D-54).
    pub(super) fn params(&mut self, told: &mut Told, new_id: impl FnOnce() -> Box<str>) -> String {
        let old = Members::of(self.params.as_deref()).ok();
        let mut object = Object::with_capacity(256);
        let latest = self.revision >= Revision::November2025;
        let keep = |name: &str| match self.kind {
            // Before URLs there was one mode, which had no name.
            Kind::Form => name != member::TASK && (latest || name != member::MODE),
            Kind::Url => !matches!(name, member::TASK | member::ELICITATION_ID),
            Kind::Sampling => {
                name != member::TASK
                    && (latest || !matches!(name, member::TOOLS | member::TOOL_CHOICE))
            }
            Kind::Roots => name == member::META,
        };
        if let Some(old) = &old {
            object.members(old, keep);
        }
        if self.kind == Kind::Url {
            let id = new_id();
            object.member(member::ELICITATION_ID, &quoted(&id));
            told.0.push(id);
        }
        object.finish()
    }

    /// What the client said, for the upstream. A form that a client could not show, or that
    /// nobody filled in in time, was cancelled; there is no such word for the other two.
    pub(super) fn response(&self, given: Given) -> Result<String, Failure> {
        match (given, self.kind) {
            (Given::Result(result), _) => Ok(result.get().to_owned()),
            (Given::Error, Kind::Form | Kind::Url) => {
                let mut cancelled = Object::with_capacity(32);
                cancelled.member(member::ACTION, &quoted("cancel"));
                Ok(cancelled.finish())
            }
            (Given::Error, Kind::Sampling | Kind::Roots) => Err(Failure::NotAnswered),
            // A decision that nobody made is never told.
            (Given::Gone, _) => Err(Failure::Stopping),
        }
    }
}

impl Told {
    /// D-54: the request is over, and so is whatever the client was sent away for.
    pub(super) async fn complete(self, tell: &mpsc::Sender<ClientMessage>) {
        for id in self.0 {
            let mut params = Object::with_capacity(64);
            params.member(member::ELICITATION_ID, &quoted(&id));
            let text = notification(ELICITATION_COMPLETE, Some(&params.finish()));
            let _ = tell.send(ClientMessage::before(text)).await;
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const ALL: &str = r#"{"elicitation":{"form":{},"url":{}},"sampling":{},"roots":{}}"#;

    fn form(text: &str, declared: &str, revision: Revision) -> Result<Form, Failure> {
        read(serde_json::from_str(text).unwrap(), declared, revision)
    }

    fn params(text: &str, revision: Revision) -> String {
        let mut form = form(text, ALL, revision).unwrap();
        form.params(&mut Told::default(), || "e1".into())
    }

    /// D-53: each kind in the words of the client's revision, values untouched.
    #[test]
    fn d_53_questions_in_older_words() {
        let elicit = r#"{"method":"elicitation/create","params":{"mode":"form","message":"?",
            "requestedSchema":{"n":1.0}}}"#;
        assert_eq!(
            params(elicit, Revision::June2025),
            r#"{"message":"?","requestedSchema":{"n":1.0}}"#
        );
        assert!(params(elicit, Revision::November2025).contains(r#""mode":"form""#));
        let sample = r#"{"method":"sampling/createMessage","params":{"maxTokens":5,"tools":[]}}"#;
        assert_eq!(params(sample, Revision::June2025), r#"{"maxTokens":5}"#);
        assert_eq!(params(r#"{"method":"roots/list"}"#, Revision::March2025), "{}");
    }

    /// D-54: the sidecar mints the id. G-32: only pages of the web.
    #[test]
    fn d_54_pages_get_an_id() {
        let page = |url: &str| {
            format!(
                r#"{{"method":"elicitation/create","params":{{"mode":"url","message":"?","url":"{url}","elicitationId":"x"}}}}"#
            )
        };
        let good = page("https://a.example/");
        assert!(params(&good, Revision::November2025).ends_with(r#","elicitationId":"e1"}"#));
        for bad in ["javascript:alert(1)", "file:///etc/passwd", "x"] {
            assert!(form(&page(bad), ALL, Revision::November2025).is_err(), "{bad}");
        }
        let forms_only = r#"{"elicitation":{"form":{}}}"#;
        assert!(form(&good, forms_only, Revision::November2025).is_err());
    }

    /// C-80: nothing that was not declared.
    #[test]
    fn c_80_only_what_was_declared() {
        for method in ["elicitation/create", "sampling/createMessage", "roots/list", "tools/call"] {
            let text = format!(r#"{{"method":"{method}","params":{{}}}}"#);
            let error = form(&text, "{}", Revision::November2025).unwrap_err();
            assert_eq!(error.row().code, protocol::jsonrpc::INVALID_REQUEST);
        }
    }

    #[test]
    fn d_53_no_answer_is_a_cancelled_form() {
        let elicit = r#"{"method":"elicitation/create","params":{}}"#;
        let elicit = form(elicit, ALL, Revision::June2025).unwrap();
        assert_eq!(elicit.response(Given::Error).unwrap(), r#"{"action":"cancel"}"#);
        let roots = form(r#"{"method":"roots/list"}"#, ALL, Revision::June2025).unwrap();
        assert!(roots.response(Given::Error).is_err());
    }
}
