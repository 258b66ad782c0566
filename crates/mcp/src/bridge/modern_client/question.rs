//! D-36: a legacy server's question to its client, in the words of `inputRequests`.

use protocol::jsonrpc::member::{METHOD, PARAMS};
use protocol::jsonrpc::{INVALID_PARAMS, METHOD_NOT_FOUND};
use protocol::mcp::{capability, member, method};
use serde_json::value::RawValue;
use upstream::wire::json::{Members, Object, quoted};

use super::declared::{Able, Skill};
use super::url::may_be_visited;

/// A question that the client was asked or is about to be asked.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// Its key in `inputRequests`.
    pub(super) key: String,
    /// The server's own id for it.
    pub(super) id: Box<RawValue>,
    /// The `InputRequest`, as JSON.
    pub(super) request: String,
}

/// What becomes of a question.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Answered without asking anybody.
    Ping,
    /// The client is asked this `InputRequest`.
    Ask(String),
    /// The server is told that it may not ask: code and sentence.
    Refuse(i32, &'static str),
}

/// Judges a question by what this client can be asked (C-80: only what the request declares).
pub(super) fn judge(method: &str, params: Option<&RawValue>, able: Able) -> Verdict {
    let Ok(params) = Members::of(params) else {
        return Verdict::Refuse(INVALID_PARAMS, "params must be an object");
    };
    match method {
        method::PING => Verdict::Ping,
        method::ELICITATION_CREATE => elicitation(&params, able),
        method::SAMPLING_CREATE_MESSAGE => sampling(&params, able),
        method::ROOTS_LIST if able.has(Skill::Roots) => Verdict::Ask(request(method, &params)),
        method::ROOTS_LIST => Verdict::Refuse(METHOD_NOT_FOUND, "the client has no roots"),
        _ => Verdict::Refuse(METHOD_NOT_FOUND, "Method not found"),
    }
}

fn elicitation(params: &Members<'_>, able: Able) -> Verdict {
    let skill = match params.text(member::MODE).as_deref() {
        None | Some(capability::FORM) => Skill::Form,
        Some(capability::URL) => Skill::Url,
        Some(_) => return Verdict::Refuse(INVALID_PARAMS, "this mode is not known"),
    };
    if !able.has(skill) {
        return Verdict::Refuse(INVALID_PARAMS, "the client declared no such elicitation");
    }
    if skill == Skill::Url && !params.text(member::URL).is_some_and(|url| may_be_visited(&url)) {
        return Verdict::Refuse(INVALID_PARAMS, "the url must be https");
    }
    Verdict::Ask(request(method::ELICITATION_CREATE, params))
}

fn sampling(params: &Members<'_>, able: Able) -> Verdict {
    let tools = params.get(member::TOOLS).is_some() || params.get(member::TOOL_CHOICE).is_some();
    if !able.has(Skill::Sampling) {
        return Verdict::Refuse(METHOD_NOT_FOUND, "the client does not support sampling");
    }
    if tools && !able.has(Skill::SamplingTools) {
        return Verdict::Refuse(INVALID_PARAMS, "the client does not support sampling with tools");
    }
    Verdict::Ask(request(method::SAMPLING_CREATE_MESSAGE, params))
}

/// A question without what only its own protocol needs: the id of an elicitation, which the retry
/// makes superfluous, tasks and progress.
pub(super) fn request(method: &str, params: &Members<'_>) -> String {
    let mut kept = Object::with_capacity(256);
    kept.members(params, |name| {
        ![member::ELICITATION_ID, member::TASK, member::META].contains(&name)
    });
    if let Ok(meta) = Members::of(params.get(member::META)) {
        let mut object = Object::with_capacity(64);
        object.members(&meta, |name| name != member::PROGRESS_TOKEN);
        let meta = object.finish();
        if meta != "{}" {
            kept.member(member::META, &meta);
        }
    }
    let kept = kept.finish();
    let mut request = Object::with_capacity(kept.len() + 64);
    request.member(METHOD, &quoted(method));
    if kept != "{}" || method != method::ROOTS_LIST {
        request.member(PARAMS, &kept);
    }
    request.finish()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn judged(method: &str, params: &str, capabilities: &str) -> Verdict {
        let params: &RawValue = serde_json::from_str(params).unwrap();
        judge(method, Some(params), Able::read(capabilities).unwrap())
    }

    /// C-80: a client is asked only what it declared.
    #[test]
    fn c_80_only_what_is_declared() {
        let asked = judged(
            "elicitation/create",
            r#"{"message":"?","requestedSchema":{"n":1.0},"_meta":{"progressToken":1}}"#,
            r#"{"elicitation":{}}"#,
        );
        let expected = concat!(
            r#"{"method":"elicitation/create","params":{"message":"?","#,
            r#""requestedSchema":{"n":1.0}}}"#
        );
        assert_eq!(asked, Verdict::Ask(expected.to_owned()));
        for (method, params, capabilities) in [
            ("elicitation/create", "{}", "{}"),
            ("elicitation/create", r#"{"mode":"url","url":"https://a"}"#, r#"{"elicitation":{}}"#),
            ("elicitation/create", r#"{"mode":"odd"}"#, r#"{"elicitation":{}}"#),
            ("sampling/createMessage", "{}", r#"{"elicitation":{}}"#),
            ("sampling/createMessage", r#"{"tools":[]}"#, r#"{"sampling":{}}"#),
            ("roots/list", "{}", "{}"),
            ("tools/list", "{}", r#"{"roots":{}}"#),
        ] {
            let verdict = judged(method, params, capabilities);
            assert!(matches!(verdict, Verdict::Refuse(..)), "{method} {params}");
        }
        let roots = judged("roots/list", "{}", r#"{"roots":{}}"#);
        assert_eq!(roots, Verdict::Ask(r#"{"method":"roots/list"}"#.to_owned()));
    }

    /// G-32: nobody is sent to a page that is not one.
    #[test]
    fn g_32_pages_are_on_the_web() {
        let able = r#"{"elicitation":{"url":{}}}"#;
        let url = |url| {
            let params = format!(r#"{{"mode":"url","url":"{url}","elicitationId":"e"}}"#);
            judged("elicitation/create", &params, able)
        };
        assert!(
            matches!(url("https://a.example/x"), Verdict::Ask(q) if !q.contains("elicitationId"))
        );
        assert!(matches!(url("javascript:alert(1)"), Verdict::Refuse(..)));
    }
}
