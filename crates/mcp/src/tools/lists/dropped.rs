//! Tools that are in no client's list because nobody can tell what they are. What cannot be listed
//! cannot be called either: its name may mean one tool to us and another to its server.

use std::collections::HashSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use kernel::encoding::sha256;
use protocol::mcp::member;
use upstream::wire::ambiguity::reads_as;
use upstream::wire::json::Members;

/// One such tool.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dropped {
    pub(crate) reason: &'static str,
    /// Everything that some reader takes for its name.
    pub(crate) names: Vec<String>,
}

/// The names of those in the lists of one server, as far as they were seen. The server chooses how
/// long names are, so their digests stand for them.
#[derive(Default)]
pub(crate) struct DroppedNames(ArcSwap<HashSet<[u8; 32]>>);

/// How many are remembered.
const MOST: usize = 10_000;

impl Dropped {
    /// Why this tool cannot be read.
    pub(super) fn because(tool: &str) -> Self {
        let Ok(members) = Members::read(tool) else {
            return Self { reason: "it is not an object", names: Vec::new() };
        };
        let names = members.iter().filter(|(name, _)| reads_as(name, member::NAME));
        let names: Vec<String> =
            names.filter_map(|(_, value)| serde_json::from_str(value.get()).ok()).collect();
        let reason = match names.len() {
            0 => "its name is not text",
            _ => "its members can be read in more than one way",
        };
        Self { reason, names }
    }
}

impl DroppedNames {
    /// Whether a tool of this name was left out of the last list that it would be in.
    pub(crate) fn contains(&self, tool: &str) -> bool {
        let known = self.0.load();
        !known.is_empty() && known.contains(&sha256(tool.as_bytes()))
    }

    /// Takes in one list, or one page of it. A name that is there twice, once to be read and once
    /// not, stays out. If there is no room beside what is known, only the list is known from now on.
    pub(crate) fn learn<'n>(&self, listed: impl Iterator<Item = &'n str>, dropped: &[Dropped]) {
        let known = self.0.load();
        if known.is_empty() && dropped.is_empty() {
            return;
        }
        let mut names = HashSet::clone(&known);
        for name in listed {
            names.remove(&sha256(name.as_bytes()));
        }
        let new = dropped.iter().flat_map(|tool| &tool.names).map(|name| sha256(name.as_bytes()));
        let new: HashSet<_> = new.take(MOST).collect();
        if names.len() + new.len() > MOST {
            names.clear();
        }
        names.extend(new);
        if names != **known {
            self.0.store(Arc::new(names));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_out_until_it_can_be_read() {
        let dropped = DroppedNames::default();
        let odd = Dropped::because(r#"{"name":"get_x","NAME":"admin_x"}"#);
        dropped.learn(["get_x", "get_y"].into_iter(), &[odd]);
        assert!(dropped.contains("get_x") && dropped.contains("admin_x"));
        assert!(!dropped.contains("get_y"));
        dropped.learn(["get_x"].into_iter(), &[]);
        assert!(!dropped.contains("get_x") && dropped.contains("admin_x"));
    }

    /// Whatever a server names, so much is remembered and no more.
    #[test]
    fn names_are_bounded() {
        let dropped = DroppedNames::default();
        for list in 0..3 {
            let odd = |number| Dropped::because(&format!(r#"{{"Name":"{list}-{number}"}}"#));
            let list: Vec<_> = (0..MOST * 2 / 3).map(odd).collect();
            dropped.learn(std::iter::empty(), &list);
        }
        assert_eq!(dropped.0.load().len(), MOST * 2 / 3);
        assert!(dropped.contains("2-7") && !dropped.contains("0-7"));
    }

    #[test]
    fn each_reason_is_named() {
        let reason = |tool| Dropped::because(tool).reason;
        assert_eq!(reason("7"), "it is not an object");
        assert_eq!(reason(r#"{"title":"x"}"#), "its name is not text");
        assert_eq!(reason(r#"{"name":7}"#), "its name is not text");
        let twice = Dropped::because(r#"{"name":"a","name":"b"}"#);
        assert_eq!(twice.names, ["a", "b"]);
        assert_eq!(twice.reason, "its members can be read in more than one way");
    }
}
