//! Blocks of content, in results of tools and in prompts.

use protocol::mcp::member;
use upstream::wire::json::{Members, Object, quoted};

use super::names::{knows, plain};
use crate::bridge::legacy_client::revision::Revision;

/// A block that the client's revision knows. Links to resources came with 2025-06-18 and sound
/// with 2025-03-26; before, a text stands in their place, so that the model knows of them.
pub(super) fn block(revision: Revision, members: &Members<'_>) -> String {
    match members.text(member::TYPE).as_deref() {
        Some("resource_link") if revision < Revision::June2025 => text(&link(members)),
        Some("audio") if revision < Revision::March2025 => text(&sound(members)),
        _ => plain(revision, members),
    }
}

/// A message of a prompt, which holds one block.
pub(super) fn message(revision: Revision, members: &Members<'_>) -> String {
    let mut object = Object::with_capacity(256);
    for (name, value) in members.iter().filter(|(name, _)| knows(revision, name)) {
        match (name, Members::read(value.get())) {
            (member::CONTENT, Ok(content)) => object.member(name, &block(revision, &content)),
            _ => object.member(name, value.get()),
        };
    }
    object.finish()
}

/// A block of text.
pub(super) fn text(text: &str) -> String {
    let mut block = Object::with_capacity(text.len() + 32);
    block.member(member::TYPE, &quoted(member::TEXT)).member(member::TEXT, &quoted(text));
    block.finish()
}

fn link(members: &Members<'_>) -> String {
    let name =
        members.text(member::TITLE).or_else(|| members.text(member::NAME)).unwrap_or_default();
    let uri = members.text(member::URI).unwrap_or_default();
    match members.text(member::DESCRIPTION) {
        Some(description) => format!("{name}: {uri}\n{description}"),
        None => format!("{name}: {uri}"),
    }
}

fn sound(members: &Members<'_>) -> String {
    let kind = members.text(member::MIME_TYPE).unwrap_or_else(|| "audio".to_owned());
    format!("({kind}: this client's protocol revision has no sound)")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// D-12, D-59: links and sound become text where they are not known.
    #[test]
    fn d_59_blocks_for_older_clients() {
        let link = r#"{"type":"resource_link","uri":"a:b","name":"n","icons":[]}"#;
        let members = Members::read(link).unwrap();
        assert_eq!(block(Revision::November2025, &members), link);
        assert_eq!(
            block(Revision::June2025, &members),
            r#"{"type":"resource_link","uri":"a:b","name":"n"}"#
        );
        assert_eq!(block(Revision::March2025, &members), r#"{"type":"text","text":"n: a:b"}"#);
        let audio = r#"{"type":"audio","data":"AA==","mimeType":"audio/wav"}"#;
        let members = Members::read(audio).unwrap();
        assert_eq!(block(Revision::March2025, &members), audio);
        assert!(block(Revision::November2024, &members).contains("audio/wav"));
        assert!(!block(Revision::November2024, &members).contains("AA=="));
        let prompt = format!(r#"{{"role":"user","content":{link}}}"#);
        let prompt = message(Revision::March2025, &Members::read(&prompt).unwrap());
        assert_eq!(prompt, r#"{"role":"user","content":{"type":"text","text":"n: a:b"}}"#);
    }
}
