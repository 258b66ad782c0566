//! A legacy request as a modern server wants it (D-51).

use serde_json::value::RawValue;

use super::asker::{Asker, Mirrors, Original, mirrors_of};
use protocol::mcp::{
    META_CLIENT_CAPABILITIES, META_CLIENT_INFO, META_LOG_LEVEL, META_PROTOCOL_VERSION,
    META_RESERVED, MODERN_REVISION, member,
};
use upstream::connection::Question;
use upstream::connection::legacy::question;
use upstream::wire::json::{Members, NoObject, Object, quoted};

/// `params._meta` of a modern request. Capabilities count for this one request only (C-31), so
/// they are said each time.
pub(super) struct Meta<'m> {
    pub(super) asker: &'m Asker,
    pub(super) level: Option<&'static str>,
    /// Our own token.
    pub(super) progress: Option<u64>,
    /// What the client sent.
    pub(super) old: Option<&'m RawValue>,
}

/// What comes back with a retry.
#[derive(Default)]
pub(super) struct Returned {
    /// `inputResponses`, as JSON.
    pub(super) responses: Option<String>,
    /// `requestState`, exactly as it came.
    pub(super) state: Option<Box<RawValue>>,
}

/// The request for the upstream, under a new id. Progress is asked for under that id.
pub(super) fn compose(
    asker: &Asker,
    original: &Original,
    returned: &Returned,
    param_headers: Mirrors,
) -> Result<Question, NoObject> {
    let id = asker.server.upstream.next_id();
    let params = Members::of(original.params.as_deref())?;
    let meta = Meta {
        asker,
        level: asker.log_level(),
        progress: original.progress_token.as_ref().map(|_| id),
        old: params.get(member::META),
    };
    let size = original.params.as_ref().map_or(0, |params| params.get().len());
    let mut object = Object::with_capacity(size + 512);
    // Tasks are not bridged (D-61), and no legacy client has anything to return.
    object.members(&params, |name| {
        !matches!(
            name,
            member::META | member::TASK | member::INPUT_RESPONSES | member::REQUEST_STATE
        )
    });
    if let Some(responses) = &returned.responses {
        object.member(member::INPUT_RESPONSES, responses);
    }
    if let Some(state) = &returned.state {
        object.member(member::REQUEST_STATE, state.get());
    }
    object.member(member::META, &meta.to_json());
    let mut question = question(id, &original.method, Some(&object.finish()));
    question.mirrors = mirrors_of(&original.method, original.name.as_deref());
    question.mirrors.extend(param_headers);
    Ok(question)
}

/// An object with `_meta` besides.
pub(super) fn with_meta(params: &str, meta: &str) -> String {
    let mut object = Object::with_capacity(params.len() + meta.len() + 16);
    if let Ok(params) = Members::read(params) {
        object.members(&params, |name| name != member::META);
    }
    object.member(member::META, meta);
    object.finish()
}

impl Meta<'_> {
    pub(super) fn to_json(&self) -> String {
        let mut object = Object::with_capacity(512);
        if let Ok(old) = Members::of(self.old) {
            // What is the protocol's own is no business of a legacy client.
            object.members(&old, |name| {
                !name.starts_with(META_RESERVED) && name != member::PROGRESS_TOKEN
            });
        }
        object.member(META_PROTOCOL_VERSION, &quoted(MODERN_REVISION));
        object.member(META_CLIENT_INFO, &self.asker.seat.facts.client_info);
        object.member(META_CLIENT_CAPABILITIES, &self.asker.declared);
        if let Some(level) = self.level {
            object.member(META_LOG_LEVEL, &quoted(level));
        }
        if let Some(token) = self.progress {
            object.member(member::PROGRESS_TOKEN, &token.to_string());
        }
        object.finish()
    }
}
