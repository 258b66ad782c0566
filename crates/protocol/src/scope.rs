//! Scopes: the four that this product knows, and sets of them.
//!
//! Scopes are flat: none implies another. What a user type may hold is [`crate::UserType::allows`].

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One permission that a person can grant to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Scope {
    /// `mcp:read`: look at things.
    Read = 0b0001,
    /// `mcp:write`: create and change things in the person's name.
    Write = 0b0010,
    /// `mcp:process_admin`: run processes.
    ProcessAdmin = 0b0100,
    /// `mcp:admin`: administer people and settings.
    Admin = 0b1000,
}

/// A set of [`Scope`]s. Displays as the space-separated list of RFC 6749 §3.3, in a fixed order.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

/// A requested scope string, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedScopes {
    /// The scopes that this product knows.
    pub known: Scopes,
    /// Whether `offline_access` was among them. It changes nothing and is never an error.
    pub offline_access: bool,
    /// Whether anything else was asked for that is no scope of OpenID Connect either. It is not
    /// granted, and that is said in the response.
    pub unknown: bool,
}

/// The string breaks the grammar of RFC 6749 §3.3 or is unreasonably long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scope must be a list of at most 64 tokens of visible ASCII, separated by single spaces")]
pub struct MalformedScope;

/// The scope that asks for a refresh token. Listed in the authorization server's metadata, never
/// in a challenge or in the protected resource's metadata (MCP authorization, "Refresh Tokens").
pub const OFFLINE_ACCESS: &str = "offline_access";

/// OpenID Connect Core §5.4. Clients that know no scope of ours ask for these by habit; here they
/// mean nothing, so such a request is one without scopes.
const IDENTITY_SCOPES: [&str; 5] = ["openid", "profile", "email", "address", "phone"];

const MAX_LENGTH: usize = 2048;
const MAX_TOKENS: usize = 64;

impl Scope {
    /// Every scope, from the least to the most privileged.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::ProcessAdmin, Self::Admin];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "mcp:read",
            Self::Write => "mcp:write",
            Self::ProcessAdmin => "mcp:process_admin",
            Self::Admin => "mcp:admin",
        }
    }

    /// The scope with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Scopes {
    /// No scope.
    pub const NONE: Self = Self(0);
    /// All four.
    pub const ALL: Self = Self(0b1111);
    /// `mcp:read` alone: what is left when nothing else is configured or ticked.
    pub const READ: Self = Self(Scope::Read as u8);

    /// The set of these scopes.
    pub const fn of(scopes: &[Scope]) -> Self {
        let mut bits = 0;
        let mut next = 0;
        while next < scopes.len() {
            bits |= scopes[next] as u8;
            next += 1;
        }
        Self(bits)
    }

    /// Whether `scope` is in the set.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope as u8 != 0
    }

    /// Whether every scope of `other` is in the set.
    pub const fn contains_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The scopes that are in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The scopes that are in either set.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set with one more scope.
    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | scope as u8)
    }

    /// The scopes in the set, from the least to the most privileged.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }

    /// A small number that identifies the set, for use as a cache key.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Reads a list that must consist of known scopes, as in configuration or storage.
    ///
    /// # Errors
    ///
    /// The first name that is no scope.
    pub fn parse_known(list: &str) -> Result<Self, String> {
        list.split_ascii_whitespace().try_fold(Self::NONE, |set, name| {
            Scope::parse(name).map(|scope| set.with(scope)).ok_or_else(|| name.to_owned())
        })
    }

    /// Reads a `scope` parameter (RFC 6749 §3.3). Unknown names are noted, not refused: clients
    /// add `openid`, `offline_access` and others of their own accord (OA-3, CL-10).
    pub fn parse_requested(unverified: &str) -> Result<RequestedScopes, MalformedScope> {
        // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ).
        let grammatical =
            unverified.bytes().all(|b| matches!(b, b' ' | 0x21 | 0x23..=0x5B | 0x5D..=0x7E));
        let tokens = unverified.split(' ').filter(|token| !token.is_empty());
        if !grammatical || unverified.len() > MAX_LENGTH || tokens.clone().count() > MAX_TOKENS {
            return Err(MalformedScope);
        }
        let mut requested =
            RequestedScopes { known: Self::NONE, offline_access: false, unknown: false };
        for token in tokens {
            match Scope::parse(token) {
                Some(scope) => requested.known = requested.known.with(scope),
                None if token == OFFLINE_ACCESS => requested.offline_access = true,
                None if IDENTITY_SCOPES.contains(&token) => {}
                None => requested.unknown = true,
            }
        }
        Ok(requested)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        scopes.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, scope) in self.iter().enumerate() {
            if position > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{self}]")
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads a token's `scope` claim. Names that are not ours grant nothing.
impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = String::deserialize(deserializer)?;
        Ok(list.split_ascii_whitespace().filter_map(Scope::parse).collect())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// T-AZ-24: quotes, backslashes, control characters and floods are malformed.
    #[test]
    fn t_az_24_malformed_scope_strings_are_refused() {
        for bad in ["mcp:read \"x\"", "a\\b", "a\tb", "a\nb", "é"] {
            assert_eq!(Scopes::parse_requested(bad), Err(MalformedScope), "{bad:?}");
        }
        assert!(Scopes::parse_requested(&"a ".repeat(65)).is_err());
        assert!(Scopes::parse_requested(&"a".repeat(2049)).is_err());
    }

    /// A request for an identity alone asks for nothing of ours: it is no error.
    #[test]
    fn scopes_of_openid_connect_ask_for_nothing() {
        let nothing = Scopes::parse_requested("").unwrap();
        for habit in ["openid", "profile", "email", "email openid  profile", "openid phone address"]
        {
            assert_eq!(Scopes::parse_requested(habit), Ok(nothing.clone()), "{habit}");
        }
        assert!(Scopes::parse_requested("openid groups").unwrap().unknown);
        assert!(Scopes::parse_requested("OpenID").unwrap().unknown);
    }

    #[test]
    fn unknown_scopes_are_noted_and_known_ones_kept() {
        let requested = Scopes::parse_requested("read mcp:write offline_access mcp:read").unwrap();
        assert_eq!(requested.known.to_string(), "mcp:read mcp:write");
        assert!(requested.offline_access && requested.unknown);
    }

    #[test]
    fn sets_intersect() {
        let asked = Scopes::parse_known("mcp:write mcp:admin").unwrap();
        let ceiling = Scopes::parse_known("mcp:read mcp:write").unwrap();
        assert_eq!(asked.and(ceiling).to_string(), "mcp:write");
        assert_eq!(Scopes::parse_known("mcp:read mcp:everything"), Err("mcp:everything".into()));
    }
}
