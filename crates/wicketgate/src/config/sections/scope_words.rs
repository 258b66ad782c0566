//! `scope_titles` and `scope_texts` of `[[mcp.server]]`: what people read about its scopes.

use std::collections::BTreeMap;

use pages::ScopeWords;
use protocol::Scope;
use protocol::text::{is_blank, is_deceptive};
use toml::Value;

use super::upstream::SCOPE_NAMES;
use crate::config::reader::Reader;

/// Characters of a title, which stands on a line of its own.
const LONGEST_TITLE: usize = 80;
/// Characters of the text below it.
const LONGEST_TEXT: usize = 300;

/// The operator's words. What is wrong is a filed problem, and our own words take its place.
pub(super) fn read(section: &Reader<'_>) -> ScopeWords {
    ScopeWords {
        titles: by_scope(section, "scope_titles", LONGEST_TITLE),
        sentences: by_scope(section, "scope_texts", LONGEST_TEXT),
    }
}

fn by_scope(section: &Reader<'_>, key: &str, longest: usize) -> BTreeMap<Scope, String> {
    let mut words = BTreeMap::new();
    for (name, text) in section.texts_by_name(key) {
        let problem = |reason: &str, fix: &str| {
            let value = Value::String(text.clone());
            section.problem(&format!("{key}.{name}"), &value, reason, fix);
        };
        let Some(scope) = Scope::parse(&name) else {
            problem(&format!("there is no scope {name}"), SCOPE_NAMES);
            continue;
        };
        match line(&text, longest) {
            Ok(line) => drop(words.insert(scope, line)),
            Err((reason, fix)) => problem(&reason, &fix),
        }
    }
    words
}

/// A person decides by these words, so nothing in them may hide or reorder what stands there. The
/// error is the reason and the fix.
fn line(text: &str, longest: usize) -> Result<String, (String, String)> {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mistake = |reason: &str, fix: &str| Err((reason.to_owned(), fix.to_owned()));
    if folded.chars().any(is_deceptive) {
        return mistake("it has characters that hide or reorder others", "Write it without them");
    }
    if is_blank(&folded) {
        let fix = "Write words that people can read, or remove it for our own";
        return mistake("there is nothing to see in it", fix);
    }
    match folded.chars().count() {
        length if length > longest => mistake(
            &format!("it has {length} characters"),
            &format!("Write a line of at most {longest} characters"),
        ),
        _ => Ok(folded),
    }
}
