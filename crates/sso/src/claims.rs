//! Reading what providers say of people: values of any shape become short, clean texts.
//!
//! Nothing a provider sends is trusted to be small or printable. A value that is neither is left
//! out, which can only take rights away, because rules name what gives them; only the person's id
//! is refused aloud, because without it nobody knows who signed in.

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

/// Bytes of a person's id, of an address, and of each other value.
const MAX_VALUE_BYTES: usize = 255;

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
/// providers send roles and organizations that way), else the one value.
pub fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => clean(items.iter().filter_map(scalar)),
        Value::Object(members) => clean(members.keys().cloned()),
        single => clean(scalar(single).into_iter()),
    }
}

/// The only text of a claim.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) if items.len() == 1 => text(&items[0]),
        Value::Array(_) | Value::Object(_) => None,
        single => clean(scalar(single).into_iter()).pop(),
    }
}

/// Leaves out what is empty, long, unprintable or there already, and trims the rest.
pub fn clean(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    values
        .map(|value| value.trim().to_owned())
        .filter(|value| is_plain(value) && seen.insert(value.clone()))
        .take(MAX_VALUES)
        .collect()
}

/// The person's id at the provider, taken as it is: ids are compared byte by byte, so nothing may
/// be trimmed or folded here.
///
/// # Errors
///
/// [`ProviderError::Incomplete`] if it is empty, longer than 255 bytes or has control characters.
pub fn external_id(claim: &str, unverified: String) -> Result<String, ProviderError> {
    if is_plain(&unverified) {
        Ok(unverified)
    } else {
        let problem = "must be 1 to 255 bytes of printable text";
        Err(ProviderError::Incomplete(format!("{claim} identifies the person and {problem}")))
    }
}

/// An address, and whether a rule may rely on it (UP-3).
///
/// The provider may vouch for it by saying so. Where it says nothing, it counts only for the
/// `domains` that the operator gave to this provider; where it says no, it does not count.
pub fn email(address: &str, vouched: Vouched, domains: &[String]) -> Option<Email> {
    let address = address.trim();
    let has_both_parts = address.split_once('@').is_some_and(|(user, domain)| {
        !user.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    if !has_both_parts || !is_plain(address) || address.contains(char::is_whitespace) {
        return None;
    }
    let mut email = Email { address: address.to_owned(), verified: false };
    let ours = |domain: String| domains.iter().any(|one| one.eq_ignore_ascii_case(&domain));
    email.verified = match vouched {
        Vouched::Yes => true,
        Vouched::No => false,
        Vouched::NotSaid => email.domain().is_some_and(ours),
    };
    Some(email)
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

fn is_plain(value: &str) -> bool {
    !value.is_empty() && value.len() <= MAX_VALUE_BYTES && !value.contains(is_odd)
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

    fn found(claims: &Value, path: &str) -> Vec<String> {
        at(claims.as_object().unwrap(), path).map(texts).unwrap_or_default()
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

    #[test]
    fn odd_values_are_left_out() {
        let long = "x".repeat(256);
        let odd = json!(["", " ", "a\nb", long, "ok", "right\u{202e}left"]);
        assert_eq!(texts(&odd), ["ok"]);
        assert_eq!(texts(&json!((0..6000).collect::<Vec<_>>())).len(), 5_000);
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
            email("a@Example.com", Vouched::read(said.as_ref()), &domains).unwrap().verified
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
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c.example", "a@b.example\r\nx"] {
            assert_eq!(email(bad, Vouched::Yes, &[]), None, "{bad:?}");
        }
    }

    #[test]
    fn foreign_words_become_one_line() {
        assert_eq!(one_line("a\r\n\x1b[31mb\u{2028}c", 20), "a   [31mb c");
        assert_eq!(one_line("äöü", 2), "äö");
    }
}
