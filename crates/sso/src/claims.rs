//! Reading what providers say of people: values of any shape become short, printable texts.
//!
//! What rules compare is compared as it came: a value that is trimmed or folded could become one
//! that gives rights. Nothing a provider sends is trusted to be small or printable. A value that is
//! neither is left out and the log says so; that can only take rights away, because rules name what
//! gives them. Two things are refused aloud: an id that identifies nobody, and more values than are
//! looked at, because a rule may name one of the others.

use std::collections::HashSet;
use std::fmt::Display;

use protocol::identity::Email;
use serde_json::{Map, Value};

use crate::provider::ProviderError;

/// Claims by name, as JSON.
pub type Claims = Map<String, Value>;

/// The names under which a provider says the usual things. A dot descends into an object, unless
/// the whole name is a claim itself (`https://example.com/groups`). Empty for "does not say it".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimNames {
    /// The stable id of the person.
    pub user: String,
    /// The name to show.
    pub name: String,
    /// The e-mail address.
    pub email: String,
    /// Groups or roles.
    pub groups: String,
    /// The organization, or several.
    pub organization: String,
}

/// What a provider itself says about whether an address is the person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vouched {
    /// `true`, as a boolean.
    Yes,
    /// `false`, or a value that is no boolean (T-UP-06).
    No,
    /// Nothing, as is usual outside OpenID Connect.
    NotSaid,
}

/// Whose claim a value is, for the log and for errors.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The provider's id.
    pub provider: &'a str,
    /// The claim's name.
    pub claim: &'a str,
}

/// Bytes of a person's id, of an address and of a name.
const MAX_VALUE_BYTES: usize = 255;

/// Bytes of one value of a list: directories name groups by their whole path.
pub const MAX_LISTED_BYTES: usize = 1024;

/// Values of one claim. Directories know people in a thousand groups, but not in ten thousand.
const MAX_VALUES: usize = 5_000;

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            user: "sub".to_owned(),
            name: "name".to_owned(),
            email: "email".to_owned(),
            groups: "groups".to_owned(),
            organization: String::new(),
        }
    }
}

/// The claim at this path, if there is one and it is not `null`.
pub fn at<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    let found = claims.get(path).or_else(|| {
        let (first, rest) = path.split_once('.')?;
        at(claims.get(first)?.as_object()?, rest)
    });
    found.filter(|value| !value.is_null())
}

/// All texts of a claim: of a list its items, of an object the names of its members (some
/// providers send roles and organizations that way) whose values do not say no, else the one value.
///
/// # Errors
///
/// [`ProviderError::Incomplete`] for more than 5,000 values.
pub fn texts(source: Source<'_>, value: &Value) -> Result<Vec<String>, ProviderError> {
    match value {
        Value::Array(items) => listed(source, items.iter().map(|item| scalar(item).ok_or(item))),
        Value::Object(members) => {
            let held = members.iter().filter(|(_, value)| is_held(value));
            listed(source, held.map(|(name, _)| Ok::<_, &Value>(name.clone())))
        }
        single => listed(source, [scalar(single).ok_or(single)].into_iter()),
    }
}

/// Whether a member of an object says that the person has what it names: `{"admins": false}` does
/// not.
fn is_held(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(held) => *held,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => {
            let text = text.trim();
            !["", "0", "false", "no"].iter().any(|no| text.eq_ignore_ascii_case(no))
        }
        // An empty one still names an organization: Keycloak writes {"acme": {}}.
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// The only text of a claim.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) if items.len() == 1 => text(&items[0]),
        Value::Array(_) | Value::Object(_) => None,
        single => scalar(single).and_then(short),
    }
}

/// The value, unless it is empty, long or unprintable.
pub fn short(unverified: String) -> Option<String> {
    is_plain(&unverified, MAX_VALUE_BYTES).then_some(unverified)
}

/// The values of a claim as they came, each once; an `Err` is one that is no text. Blank ones mean
/// nothing. Long and unprintable ones are left out, and the log says so.
///
/// # Errors
///
/// [`ProviderError::Incomplete`] for more than 5,000 values.
pub fn listed<E: Display>(
    source: Source<'_>,
    unverified: impl Iterator<Item = Result<String, E>>,
) -> Result<Vec<String>, ProviderError> {
    let (mut kept, mut seen) = (Vec::new(), HashSet::new());
    let mut left_out = Vec::new();
    for value in unverified {
        match value {
            Ok(value) if value.trim().is_empty() || seen.contains(&value) => {}
            Ok(value) if is_plain(&value, MAX_LISTED_BYTES) => {
                seen.insert(value.clone());
                kept.push(value);
            }
            Ok(value) => left_out.push(value),
            Err(value) => left_out.push(value.to_string()),
        }
        if kept.len() > MAX_VALUES {
            return Err(too_many(source));
        }
    }
    if let Some(first) = left_out.first() {
        let Source { provider, claim } = source;
        let (left_out, first) = (left_out.len(), one_line(first, 120));
        tracing::warn!(
            provider,
            claim,
            left_out,
            first,
            "values of a claim were left out: not text, unprintable, or over {MAX_LISTED_BYTES} bytes"
        );
    }
    Ok(kept)
}

fn too_many(source: Source<'_>) -> ProviderError {
    let claim = source.claim;
    ProviderError::Incomplete(format!(
        "{claim} has more than {MAX_VALUES} values, and rules may name any of them; let the \
         provider send only those that they do name"
    ))
}

/// The person's id at the provider, taken as it is: ids are compared byte by byte, so nothing may
/// be trimmed or folded here.
///
/// # Errors
///
/// [`ProviderError::Incomplete`] if it is empty, longer than 255 bytes or has control characters.
pub fn external_id(claim: &str, unverified: String) -> Result<String, ProviderError> {
    let problem = match unverified.as_str() {
        "" => "came empty",
        value if is_plain(value, MAX_VALUE_BYTES) => return Ok(unverified),
        _ => "must be 1 to 255 bytes of printable text",
    };
    Err(ProviderError::Incomplete(format!("{claim} identifies the person and {problem}")))
}

/// An address, and whether a rule may rely on it (UP-3).
///
/// The provider may vouch for it by saying so. Where it says nothing, it counts only for the
/// `domains` that the operator gave to this provider; where it says no, it does not count. What is
/// no address is left out, and the log says so.
pub fn email(
    source: Source<'_>,
    unverified: String,
    vouched: Vouched,
    domains: &[String],
) -> Option<Email> {
    if !is_address(&unverified) {
        let Source { provider, claim } = source;
        tracing::warn!(provider, claim, "the provider's e-mail address is not one");
        return None;
    }
    let mut email = Email { address: unverified, verified: false };
    let ours = |domain: String| domains.iter().any(|one| one.eq_ignore_ascii_case(&domain));
    email.verified = match vouched {
        Vouched::Yes => true,
        Vouched::No => false,
        Vouched::NotSaid => email.domain().is_some_and(ours),
    };
    Some(email)
}

fn is_address(text: &str) -> bool {
    let has_both_parts = text.split_once('@').is_some_and(|(user, domain)| {
        !user.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    has_both_parts && is_plain(text, MAX_VALUE_BYTES) && !text.contains(char::is_whitespace)
}

/// Foreign words as one printable line of at most `limit` characters, for a log.
pub fn one_line(unverified: &str, limit: usize) -> String {
    let printable = unverified.chars().map(|c| if is_odd(c) { ' ' } else { c });
    printable.take(limit).collect::<String>().trim().to_owned()
}

impl Vouched {
    /// What `email_verified` says (OpenID Connect Core §5.1: a boolean).
    pub fn read(value: Option<&Value>) -> Self {
        match value {
            None => Self::NotSaid,
            Some(Value::Bool(true)) => Self::Yes,
            Some(_) => Self::No,
        }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn is_plain(value: &str, max_bytes: usize) -> bool {
    !value.is_empty() && value.len() <= max_bytes && !value.contains(is_odd)
}

/// Control characters, and those that change the direction of the text around them.
fn is_odd(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    const SOURCE: Source<'static> = Source { provider: "corp", claim: "groups" };

    fn found(claims: &Value, path: &str) -> Vec<String> {
        let value = at(claims.as_object().unwrap(), path);
        value.map(|value| texts(SOURCE, value).unwrap()).unwrap_or_default()
    }

    #[test]
    fn groups_come_in_every_shape() {
        assert_eq!(found(&json!({"groups": ["a", "b", "a"]}), "groups"), ["a", "b"]);
        assert_eq!(found(&json!({"groups": "a"}), "groups"), ["a"]);
        assert_eq!(found(&json!({"groups": [7, "b", null, {"x": 1}]}), "groups"), ["7", "b"]);
        let nested = json!({"realm_access": {"roles": ["a"]}, "resource.x": {"y": "b"}});
        assert_eq!(found(&nested, "realm_access.roles"), ["a"]);
        assert_eq!(
            found(&json!({"https://x.example/groups": ["a"]}), "https://x.example/groups"),
            ["a"]
        );
        assert_eq!(found(&json!({"roles": {"admin": {"1": "x"}}}), "roles"), ["admin"]);
        for nothing in [json!({}), json!({"groups": null}), json!({"groups": []})] {
            assert!(found(&nothing, "groups").is_empty(), "{nothing}");
        }
        assert!(found(&json!({"a": "text"}), "a.b").is_empty());
    }

    /// A role that is denied is not held.
    #[test]
    fn a_role_that_says_no_gives_nothing() {
        for no in [
            json!(false),
            json!(null),
            json!(0),
            json!(0.0),
            json!(""),
            json!(" "),
            json!("false"),
            json!("No"),
            json!("0"),
        ] {
            assert!(found(&json!({"groups": {"admins": no}}), "groups").is_empty(), "{no}");
        }
        for yes in [json!(true), json!(1), json!("x"), json!({}), json!([]), json!({"id": 7})] {
            assert_eq!(found(&json!({"groups": {"admins": yes}}), "groups"), ["admins"], "{yes}");
        }
        let mixed = json!({"realm": {"roles": {"a": true, "b": false, "c": {}}}});
        assert_eq!(found(&mixed, "realm.roles"), ["a", "c"]);
    }

    #[test]
    fn odd_values_are_left_out() {
        let long = "x".repeat(MAX_LISTED_BYTES + 1);
        let odd = json!(["", " ", "a\nb", long, "ok", "right\u{202e}left"]);
        assert_eq!(texts(SOURCE, &odd).unwrap(), ["ok"]);
    }

    /// A12: a rule for `admins` is about that name and no other.
    #[test]
    fn values_are_taken_as_they_came() {
        let near = [" admins", "admins ", "\u{a0}admins", "Admins", "a\u{308}"];
        assert_eq!(texts(SOURCE, &json!(near)).unwrap(), near);
        assert_eq!(texts(SOURCE, &json!({" admins": {}})).unwrap(), [" admins"]);
        assert_eq!(text(&json!(" x ")).unwrap(), " x ");
    }

    /// Rights are not lost without a word: a distinguished name fits, and of too many values none
    /// is left out quietly.
    #[test]
    fn long_names_fit_and_too_many_are_refused_aloud() {
        let name = format!("CN=admins,{},DC=example", "OU=unit,".repeat(60));
        assert!(name.len() > 255, "{}", name.len());
        assert_eq!(texts(SOURCE, &json!([name])).unwrap(), [name]);
        let many = |count: usize| texts(SOURCE, &json!((0..count).collect::<Vec<_>>()));
        assert_eq!(many(MAX_VALUES).unwrap().len(), MAX_VALUES);
        let error = many(MAX_VALUES + 1).unwrap_err();
        assert!(matches!(&error, ProviderError::Incomplete(text) if text.contains("groups")));
    }

    #[test]
    fn an_id_is_taken_as_it_is_or_refused() {
        assert_eq!(external_id("sub", " A b".to_owned()).unwrap(), " A b");
        for bad in [String::new(), "x".repeat(256), "a\0b".to_owned()] {
            assert!(matches!(external_id("sub", bad), Err(ProviderError::Incomplete(_))));
        }
    }

    /// T-UP-06, UP-3.
    #[test]
    fn t_up_06_an_address_is_verified_only_by_true_or_by_the_operator() {
        let verified = |said: Option<Value>, domains: &[&str]| {
            let domains: Vec<_> = domains.iter().map(ToString::to_string).collect();
            let said = Vouched::read(said.as_ref());
            email(SOURCE, "a@Example.com".to_owned(), said, &domains).unwrap().verified
        };
        assert!(verified(Some(json!(true)), &[]));
        assert!(verified(None, &["example.COM"]));
        assert!(!verified(None, &[]));
        assert!(!verified(None, &["ample.com", "sub.example.com"]));
        for no in
            [json!(false), json!("true"), json!("false"), json!(1), json!(null), json!([true])]
        {
            assert!(!verified(Some(no.clone()), &["example.com"]), "{no}");
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c.example", " a@b.c", "a@b.example\r\nx"] {
            assert_eq!(email(SOURCE, bad.to_owned(), Vouched::Yes, &[]), None, "{bad:?}");
        }
    }

    #[test]
    fn foreign_words_become_one_line() {
        assert_eq!(one_line("a\r\n\x1b[31mb\u{2028}c", 20), "a   [31mb c");
        assert_eq!(one_line("äöü", 2), "äö");
    }
}
