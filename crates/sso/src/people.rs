//! Which people a rule of the configuration is about.

use protocol::Identity;
use protocol::identity::Attributes;

/// People, described by what their provider says of them. Somebody for whom any of the lists has
/// an entry is one of them; empty lists describe nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// Group names.
    pub groups: Vec<String>,
    /// Organizations.
    pub organizations: Vec<String>,
    /// Subject ids.
    pub users: Vec<String>,
    /// E-mail addresses, compared without regard to case. Only verified ones count (UP-3).
    pub emails: Vec<String>,
    /// Further claims, each with the values that count.
    pub claims: Attributes,
}

/// Who may use a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Everyone who can sign in.
    #[default]
    Open,
    /// Only these.
    Restricted(People),
}

impl People {
    /// Whether this person is one of them.
    pub fn include(&self, subject: &str, identity: &Identity) -> bool {
        any_of(&self.groups, &identity.groups)
            || any_of(&self.organizations, &identity.organizations)
            || self.users.iter().any(|user| user == subject)
            || identity.verified_email().is_some_and(|address| self.has_email(address))
            || self.claims.iter().any(|(name, wanted)| {
                identity.attributes.get(name).is_some_and(|values| any_of(wanted, values))
            })
    }

    /// Whether nobody can be one of them.
    pub fn is_nobody(&self) -> bool {
        *self == Self::default()
    }

    fn has_email(&self, address: &str) -> bool {
        self.emails.iter().any(|email| email.eq_ignore_ascii_case(address))
    }
}

impl Access {
    /// Whether this person may use the server.
    pub fn admits(&self, subject: &str, identity: &Identity) -> bool {
        match self {
            Self::Open => true,
            Self::Restricted(people) => people.include(subject, identity),
        }
    }
}

fn any_of(wanted: &[String], values: &[String]) -> bool {
    wanted.iter().any(|value| values.contains(value))
}
