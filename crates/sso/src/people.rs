//! Which people a rule of the configuration is about.

use protocol::Identity;
use protocol::identity::Attributes;

/// People, described by what their provider says of them. Somebody for whom any of the lists has
/// an entry is one of them; empty lists describe nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// The provider whose people they are; `None` for anybody's.
    pub provider: Option<String>,
    /// Group names.
    pub groups: Vec<String>,
    /// Organizations.
    pub organizations: Vec<String>,
    /// Subject ids.
    pub users: Vec<String>,
    /// E-mail addresses. Only verified ones count (UP-3).
    pub emails: Vec<EmailRule>,
    /// Further claims, each with the values that count.
    pub claims: Attributes,
}

/// An e-mail address with the one provider whose word about it counts: another provider may verify
/// addresses of domains that are not its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailRule {
    /// The address, compared without regard to case.
    pub address: String,
    /// The provider that owns its domain, or that the rule names.
    pub provider: String,
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
        let elsewhere = |provider: &String| *provider != identity.provider;
        if self.provider.as_ref().is_some_and(elsewhere) {
            return false;
        }
        any_of(&self.groups, &identity.groups)
            || any_of(&self.organizations, &identity.organizations)
            || self.users.iter().any(|user| user == subject)
            || self.emails.iter().any(|rule| rule.fits(identity))
            || self.claims.iter().any(|(name, wanted)| {
                identity.attributes.get(name).is_some_and(|values| any_of(wanted, values))
            })
    }

    /// Whether every provider can say of its people that they are some of them. Ids of people are
    /// ours, and an address has its own provider.
    pub fn takes_anybodys_word(&self) -> bool {
        let named = [self.groups.is_empty(), self.organizations.is_empty(), self.claims.is_empty()];
        self.provider.is_none() && named.contains(&false)
    }

    /// Whether somebody of this provider can be one of them by a group.
    pub fn look_at_groups_of(&self, provider: &str) -> bool {
        !self.groups.is_empty() && self.provider.as_ref().is_none_or(|named| named == provider)
    }

    /// Whether nobody can be one of them: a provider alone describes nobody.
    pub fn is_nobody(&self) -> bool {
        *self == Self { provider: self.provider.clone(), ..Self::default() }
    }
}

impl EmailRule {
    fn fits(&self, identity: &Identity) -> bool {
        let verified = identity.verified_email();
        self.provider == identity.provider
            && verified.is_some_and(|address| address.eq_ignore_ascii_case(&self.address))
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
