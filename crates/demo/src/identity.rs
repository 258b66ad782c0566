//! Who calls, as the gateway says it in request headers.
//!
//! Nothing here decides whether the headers may be believed; `gate` does that first.

use http::HeaderMap;

use crate::records::people::UserType;

/// The request headers through which the gateway speaks.
pub mod header {
    /// The credential that the gateway and this server share.
    pub const KEY: &str = "x-wicketgate-key";
    /// The person's stable, opaque subject id. Without it the caller is anonymous.
    pub const SUBJECT: &str = "x-wicketgate-subject";
    /// The person's display name, percent-encoded UTF-8.
    pub const NAME: &str = "x-wicketgate-name";
    /// `basic`, `process_manager`, `administrator` or `workload`. Missing means `basic`.
    pub const USER_TYPE: &str = "x-wicketgate-user-type";
    /// The scopes of the token, separated by spaces.
    pub const SCOPES: &str = "x-wicketgate-scopes";
    /// The id of the client that the person uses.
    pub const CLIENT: &str = "x-wicketgate-client";
    /// Binds the subject to one of the seeded people: `basic`, `manager` or `admin`.
    pub const USERNAME: &str = "x-wicketgate-username";
}

const MAX_LENGTH: usize = 512;

/// The caller of one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Nobody was named: a basic user without a past.
    Anonymous,
    /// A person or workload that the gateway has verified.
    Verified(Verified),
}

/// What the gateway says about a verified caller.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    /// The stable, opaque id.
    pub(crate) subject: String,
    /// The display name.
    pub(crate) name: Option<String>,
    /// The kind of user.
    pub(crate) user_type: UserType,
    /// The scopes of the token.
    pub(crate) scopes: Vec<String>,
    /// The client in use.
    pub(crate) client: Option<String>,
    /// The seeded person that this subject is.
    pub(crate) username: Option<String>,
}

/// The identity headers contradict themselves or cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IdentityError {
    #[error("the header {0} appears more than once; send it once")]
    Repeated(&'static str),
    #[error("the header {0} must be 1 to {MAX_LENGTH} visible ASCII characters")]
    Unreadable(&'static str),
    #[error("the header {0} is not percent-encoded UTF-8")]
    Encoding(&'static str),
    #[error(
        "the header {} must be basic, process_manager, administrator or workload",
        header::USER_TYPE
    )]
    UserType,
    #[error("the header {0} needs {subject} beside it", subject = header::SUBJECT)]
    WithoutSubject(&'static str),
}

impl Identity {
    /// Reads the identity headers. Nothing that is unclear is guessed: a repeated or unreadable
    /// header is an error, and a user type without a subject is one too.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Self, IdentityError> {
        let Some(subject) = single(headers, header::SUBJECT)? else {
            let orphan = [header::NAME, header::USER_TYPE, header::SCOPES, header::USERNAME]
                .into_iter()
                .find(|name| headers.contains_key(*name));
            return orphan.map_or(Ok(Self::Anonymous), |o| Err(IdentityError::WithoutSubject(o)));
        };
        let user_type = match single(headers, header::USER_TYPE)? {
            Some(name) => UserType::parse(name).ok_or(IdentityError::UserType)?,
            None => UserType::Basic,
        };
        let name = single(headers, header::NAME)?
            .map(|name| percent_decode(name).ok_or(IdentityError::Encoding(header::NAME)))
            .transpose()?;
        let scopes = single_or_empty(headers, header::SCOPES)?;
        Ok(Self::Verified(Verified {
            subject: subject.to_owned(),
            name: name.filter(|name| !name.trim().is_empty()),
            user_type,
            scopes: scopes.split_ascii_whitespace().map(str::to_owned).collect(),
            client: single(headers, header::CLIENT)?.map(str::to_owned),
            username: single(headers, header::USERNAME)?.map(str::to_owned),
        }))
    }
}

/// The only value of a header, which must be readable and not empty.
fn single<'h>(
    headers: &'h HeaderMap,
    name: &'static str,
) -> Result<Option<&'h str>, IdentityError> {
    match single_or_empty(headers, name)? {
        "" if headers.contains_key(name) => Err(IdentityError::Unreadable(name)),
        "" => Ok(None),
        value => Ok(Some(value)),
    }
}

/// The only value of a header; a missing one counts as empty.
fn single_or_empty<'h>(
    headers: &'h HeaderMap,
    name: &'static str,
) -> Result<&'h str, IdentityError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok("");
    };
    if values.next().is_some() {
        return Err(IdentityError::Repeated(name));
    }
    let text = value.to_str().map_err(|_| IdentityError::Unreadable(name))?;
    if text.len() > MAX_LENGTH { Err(IdentityError::Unreadable(name)) } else { Ok(text) }
}

/// RFC 3986 §2.1: each octet outside the allowed set is a `%` and two hexadecimal digits.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            // `from_str_radix` would take a sign, too.
            digits.bytes().all(|b| b.is_ascii_hexdigit()).then_some(())?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = tail.get(2..)?;
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn no_headers_mean_nobody_in_particular() {
        assert_eq!(Identity::from_headers(&HeaderMap::new()), Ok(Identity::Anonymous));
    }

    #[test]
    fn a_name_arrives_in_any_script() {
        let map = headers(&[(header::SUBJECT, "s-1"), (header::NAME, "Tom%C3%A1s%20Herrera")]);
        let Ok(Identity::Verified(verified)) = Identity::from_headers(&map) else {
            panic!("a subject names somebody");
        };
        assert_eq!(verified.name.unwrap(), "Tomás Herrera");
        assert_eq!(verified.user_type, UserType::Basic);
    }

    #[test]
    fn what_is_unclear_is_refused() {
        let cases = [
            (vec![(header::SUBJECT, "a"), (header::SUBJECT, "b")], "more than once"),
            (vec![(header::SUBJECT, "")], "visible ASCII"),
            (vec![(header::SUBJECT, "a"), (header::USER_TYPE, "root")], "must be basic"),
            (vec![(header::SUBJECT, "a"), (header::NAME, "%C3")], "percent-encoded"),
            (vec![(header::SUBJECT, "a"), (header::NAME, "%+1x")], "percent-encoded"),
            (vec![(header::SUBJECT, "a"), (header::NAME, "50%")], "percent-encoded"),
            (vec![(header::USER_TYPE, "administrator")], "needs x-wicketgate-subject"),
        ];
        for (pairs, expected) in cases {
            let error = Identity::from_headers(&headers(&pairs)).unwrap_err().to_string();
            assert!(error.contains(expected), "{pairs:?}: {error}");
        }
    }
}
