//! The era of a message, and the agreement of its headers with its body.
//!
//! Decisions are made on the body alone. Headers that mirror it are compared all the same,
//! because the upstream, or anything between, may look at those instead.

use http::HeaderMap;
use protocol::jsonrpc::{Element, INVALID_PARAMS, INVALID_REQUEST, Message, Params};
use protocol::mcp::{
    HEADER_MISMATCH, LEGACY_REVISIONS, METHOD_HEADER, MODERN_REVISION, Mirrored, NAME_HEADER,
    PROTOCOL_VERSION_HEADER, decode_mirrored,
};
use upstream::wire::Era;

/// Headers and body do not fit together. All of these are HTTP 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) code: i32,
    pub(crate) reason: Reason,
}

/// What is wrong and what to do.
type Reason = &'static str;

/// Tells the era of `message` and checks the headers that mirror it.
pub(crate) fn check(message: &Message<'_>, headers: &HeaderMap) -> Result<Era, Mismatch> {
    let era = match single(headers, PROTOCOL_VERSION_HEADER) {
        Ok(version) => era(message, version)?,
        // A repeated header is refused, in the form of the era that the body names.
        Err(reason) => return Err(mismatch(era(message, None).unwrap_or(Era::Modern), reason)),
    };
    mirrors_agree(message, headers, era).map_err(|reason| mismatch(era, reason))?;
    Ok(era)
}

fn mirrors_agree(message: &Message<'_>, headers: &HeaderMap, era: Era) -> Result<(), Reason> {
    method_agrees(message, single(headers, METHOD_HEADER)?, era)?;
    name_agrees(message, single(headers, NAME_HEADER)?, era)
}

/// Checks what may stand beside a batch, which is always legacy: nothing that mirrors a body.
pub(crate) fn check_batch(batch: &[Element<'_>], headers: &HeaderMap) -> Result<(), Mismatch> {
    let modern = batch.iter().any(|element| {
        params(&element.message).is_some_and(|params| params.protocol_version.is_some())
    });
    let mirrored = headers.contains_key(METHOD_HEADER) || headers.contains_key(NAME_HEADER);
    if modern || mirrored {
        return Err(legacy_fault("send these messages one by one"));
    }
    Ok(())
}

/// The value of a header that may stand once, without surrounding white space.
pub(crate) fn single<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Reason> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(|value| value.to_str()), values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(value)), None) => Ok(Some(value.trim_matches([' ', '\t']))),
        _ => Err("send each MCP header once, in visible ASCII"),
    }
}

/// The era is chosen by how the client opens: a revision in `_meta` is modern, anything else is
/// not, but a header that names a modern revision must not be without it.
fn era(message: &Message<'_>, header: Option<&str>) -> Result<Era, Mismatch> {
    let meta = params(message).and_then(|params| params.protocol_version.as_deref());
    let modern_header = header.is_some_and(is_modern);
    match (meta, message) {
        (Some(meta), _) if header == Some(meta) => Ok(Era::Modern),
        (Some(_), _) => Err(Mismatch {
            code: HEADER_MISMATCH,
            reason: "MCP-Protocol-Version must be sent and equal the revision in params._meta",
        }),
        (None, Message::Request { .. }) if modern_header => Err(Mismatch {
            code: INVALID_PARAMS,
            reason: "params._meta must name io.modelcontextprotocol/protocolVersion",
        }),
        // No client notification is defined over modern HTTP; one without `_meta` passes.
        (None, Message::Notification { .. }) if modern_header => Ok(Era::Modern),
        (None, Message::Answer) if modern_header => {
            Err(legacy_fault("this protocol revision has no requests from servers to answer"))
        }
        (None, _) => match header {
            Some(version) if !LEGACY_REVISIONS.contains(&version) => Err(legacy_fault(
                "this MCP-Protocol-Version is not known; use 2026-07-28, 2025-11-25, 2025-06-18 \
                 or 2025-03-26",
            )),
            _ => Ok(Era::Legacy),
        },
    }
}

/// Whether this is a revision that we speak.
pub(crate) fn is_known(version: &str) -> bool {
    version == MODERN_REVISION || LEGACY_REVISIONS.contains(&version)
}

/// Revisions are dates, so they sort as text.
fn is_modern(version: &str) -> bool {
    version.len() == MODERN_REVISION.len() && version >= MODERN_REVISION
}

fn method_agrees(message: &Message<'_>, header: Option<&str>, era: Era) -> Result<(), Reason> {
    let required = era == Era::Modern && matches!(message, Message::Request { .. });
    match header {
        None if required => Err("send Mcp-Method with the method of the body"),
        Some(header) if message.method() != Some(header) => {
            Err("Mcp-Method must equal the method of the body")
        }
        _ => Ok(()),
    }
}

fn name_agrees(message: &Message<'_>, header: Option<&str>, era: Era) -> Result<(), Reason> {
    let mirrored = message.method().and_then(Mirrored::by);
    let Some(header) = header else {
        let required = era == Era::Modern && mirrored.is_some();
        let help = "send Mcp-Name with the tool, prompt, resource or task of the body";
        return if required { Err(help) } else { Ok(()) };
    };
    let claimed = decode_mirrored(header).ok_or("Mcp-Name is not decodable")?;
    let params = params(message);
    let name = params.and_then(|params| params.name.as_deref());
    let uri = params.and_then(|params| params.uri.as_deref());
    let task = params.and_then(Params::task_id);
    let actual = match mirrored {
        Some(Mirrored::Name) => name,
        Some(Mirrored::Uri) => uri,
        Some(Mirrored::Task) => task.as_deref(),
        None => name.or(uri),
    };
    if actual == Some(&*claimed) {
        Ok(())
    } else {
        Err("Mcp-Name must equal the tool, prompt, resource or task of the body")
    }
}

fn params<'m, 'a>(message: &'m Message<'a>) -> Option<&'m Params<'a>> {
    match message {
        Message::Request { params, .. } | Message::Notification { params, .. } => Some(params),
        Message::Answer => None,
    }
}

fn legacy_fault(reason: Reason) -> Mismatch {
    Mismatch { code: INVALID_REQUEST, reason }
}

/// A client takes -32020 as the sign of a modern server, so only modern messages get it.
fn mismatch(era: Era, reason: Reason) -> Mismatch {
    let code = match era {
        Era::Modern => HEADER_MISMATCH,
        Era::Legacy => INVALID_REQUEST,
    };
    Mismatch { code, reason }
}

#[cfg(test)]
mod tests;
