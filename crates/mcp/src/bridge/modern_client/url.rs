//! D-38: pages that somebody must visit before a legacy server carries out a call.

use http::StatusCode;
use protocol::jsonrpc::member::{DATA, RESULT};
use protocol::jsonrpc::{error_response, response};
use protocol::mcp::{MISSING_CAPABILITY, capability, member, method, result_type};
use serde_json::value::RawValue;
use upstream::wire::json::{Members, Object, quoted};
use url::{Host, Url};

use super::bridged_request::BridgedRequest;
use super::declared::Skill;
use super::question;
use crate::passthrough::front::ClientMessage;
use crate::reply::failure::Unusable;

/// More pages than anybody would visit for one call.
const MOST_PAGES: usize = 16;

/// The answer to error -32042: the client is asked to have the pages visited, and then to send
/// its request again. Nothing waits meanwhile, so there is no `requestState`.
pub(super) fn answer(asked: &BridgedRequest, error: &Members<'_>) -> ClientMessage {
    if !asked.able.has(Skill::Url) {
        let data = serde_json::json!({ member::REQUIRED_CAPABILITIES: { capability::ELICITATION: { member::URL: {} } } });
        let message =
            "this call needs a client that can open a page for its user (URL elicitation)";
        let text = error_response(Some(&asked.id), MISSING_CAPABILITY, message, Some(&data));
        return ClientMessage::answer(text, StatusCode::BAD_REQUEST);
    }
    let Some(requests) = pages(error.get(DATA)) else {
        return ClientMessage::failure(Unusable::Page.into(), Some(&asked.id));
    };
    let mut result = Object::with_capacity(requests.len() + 64);
    result
        .member(member::RESULT_TYPE, &quoted(result_type::INPUT_REQUIRED))
        .member(member::INPUT_REQUESTS, &requests);
    let text = response(&asked.id, RESULT, &result.finish());
    ClientMessage::answer(text, StatusCode::OK)
}

/// `inputRequests` for the pages in the error's `data`; `None` unless each of them is fit.
fn pages(data: Option<&RawValue>) -> Option<String> {
    let data = Members::read(data?.get()).ok()?;
    let elicitations: Vec<&RawValue> =
        serde_json::from_str(data.get(member::ELICITATIONS)?.get()).ok()?;
    if elicitations.is_empty() || elicitations.len() > MOST_PAGES {
        return None;
    }
    let mut requests = Object::with_capacity(256);
    for (number, elicitation) in (1..).zip(elicitations) {
        let params = Members::read(elicitation.get()).ok()?;
        params.text(member::MODE).filter(|mode| mode == capability::URL)?;
        params.text(member::URL).filter(|url| may_be_visited(url))?;
        let request = question::request(method::ELICITATION_CREATE, &params);
        requests.member(&format!("page{number}"), &request);
    }
    Some(requests.finish())
}

/// G-32: a page of the web, and one without encryption only on the visitor's own machine.
pub(super) fn may_be_visited(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let own_machine = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => true,
        "http" => own_machine,
        _ => false,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// G-32.
    #[test]
    fn g_32_where_nobody_is_sent() {
        for good in
            ["https://a.example/x?y", "http://127.0.0.1:8/x", "http://localhost/", "http://[::1]/"]
        {
            assert!(may_be_visited(good), "{good}");
        }
        for bad in ["http://a.example/", "javascript:alert(1)", "file:///etc", "data:x,", "x", ""] {
            assert!(!may_be_visited(bad), "{bad}");
        }
    }

    /// D-38: all pages or none, without their old ids.
    #[test]
    fn d_38_pages_become_requests() {
        let data = |pages: &str| {
            let raw: Box<RawValue> =
                serde_json::from_str(&format!(r#"{{"elicitations":[{pages}]}}"#)).unwrap();
            super::pages(Some(&raw))
        };
        let page = r#"{"mode":"url","url":"https://a","message":"go","elicitationId":"e"}"#;
        let expected = concat!(
            r#"{"page1":{"method":"elicitation/create","params":"#,
            r#"{"mode":"url","url":"https://a","message":"go"}}}"#
        );
        assert_eq!(data(page).unwrap(), expected);
        assert_eq!(data(""), None);
        assert_eq!(data(&format!("{page},{{\"mode\":\"form\"}}")), None);
        assert_eq!(data(&vec![page; MOST_PAGES + 1].join(",")), None);
    }
}
