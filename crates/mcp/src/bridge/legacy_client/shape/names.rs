//! Names, titles and icons of things.

use protocol::mcp::member;
use serde_json::value::RawValue;
use upstream::wire::json::{Members, Object};

use super::each;
use crate::bridge::legacy_client::revision::Revision;

/// Whether the revision knows this member: titles since 2025-06-18, icons since 2025-11-25.
pub(super) fn knows(revision: Revision, member: &str) -> bool {
    match member {
        member::TITLE => revision >= Revision::June2025,
        member::ICONS => revision >= Revision::November2025,
        _ => true,
    }
}

/// A resource, or a template of resources.
pub(super) fn plain(revision: Revision, members: &Members<'_>) -> String {
    let mut object = Object::with_capacity(256);
    object.members(members, |name| knows(revision, name));
    object.finish()
}

/// A prompt; its arguments have titles, too.
pub(super) fn prompt(revision: Revision, members: &Members<'_>) -> String {
    let mut object = Object::with_capacity(256);
    for (name, value) in members.iter().filter(|(name, _)| knows(revision, name)) {
        if name == member::ARGUMENTS {
            object.member(name, &each(value, |argument| plain(revision, argument)));
        } else {
            object.member(name, value.get());
        }
    }
    object.finish()
}

/// `serverInfo`. Descriptions and websites came with icons.
pub(crate) fn info(revision: Revision, info: &RawValue) -> Option<String> {
    let members = Members::read(info.get()).ok()?;
    let latest = revision >= Revision::November2025;
    let mut object = Object::with_capacity(info.get().len());
    object.members(&members, |name| {
        knows(revision, name)
            && (latest || !matches!(name, member::DESCRIPTION | member::WEBSITE_URL))
    });
    Some(object.finish())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// D-12: titles and icons only where they are known.
    #[test]
    fn d_12_titles_and_icons() {
        let text = r#"{"name":"p","title":"P","icons":[],"arguments":[{"name":"a","title":"A"}]}"#;
        let members = Members::read(text).unwrap();
        assert_eq!(prompt(Revision::November2025, &members), text);
        assert_eq!(
            prompt(Revision::June2025, &members),
            r#"{"name":"p","title":"P","arguments":[{"name":"a","title":"A"}]}"#
        );
        assert_eq!(
            prompt(Revision::March2025, &members),
            r#"{"name":"p","arguments":[{"name":"a"}]}"#
        );
        let server: &RawValue =
            serde_json::from_str(r#"{"name":"s","version":"1","description":"d"}"#).unwrap();
        assert_eq!(info(Revision::June2025, server).unwrap(), r#"{"name":"s","version":"1"}"#);
    }
}
