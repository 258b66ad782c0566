//! People: who they are for us, and their browser sign-ins.

use kernel::encoding::sha256_base64url;
use kernel::id::Kind;
use kernel::secret::Purpose;
use kernel::{Hashed, Id, Timestamp};
pub use protocol::Identity;
use protocol::UserType;

/// Marks the id of a [`Subject`].
#[derive(Clone, Copy, Debug)]
pub enum SubjectKind {}

impl Kind for SubjectKind {
    const PREFIX: &'static str = "usr_";
}

/// The identifier of a person here: the `sub` of tokens.
pub type SubjectId = Id<SubjectKind>;

/// A person, known by the pair of provider and external id; or a machine (see [`MACHINES`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The id.
    pub id: SubjectId,
    /// What the provider last said.
    pub identity: Identity,
    /// The organization that the person chose last. It need not be among the person's
    /// organizations any more: see [`Subject::acting_for`].
    pub organization: Option<String>,
    /// What kind of user the person was found to be at the last sign-in.
    pub user_type: UserType,
    /// When an administrator disabled the person, if ever.
    pub disabled_at: Option<Timestamp>,
}

/// The provider of machines: clients that act for themselves (RFC 6749 §4.4). Such a client is a
/// subject of its own, whose id is the client's id; no provider that signs people in can have this
/// id, in which there may be no dot.
pub const MACHINES: &str = "oauth.client";

/// For which organization a person acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acting<'a> {
    /// For none: the provider named no organization.
    Nobody,
    /// For this one.
    Organization(&'a str),
    /// The person belongs to several and has to choose one of them.
    MustChoose(&'a [String]),
}

/// A browser sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The hash of the cookie's value.
    pub hash: Hashed<SessionSecret>,
    /// Who signed in.
    pub subject: SubjectId,
    /// When the person proved who they are.
    pub authenticated_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// The provider's own session, by which the provider can end this one.
    pub upstream_session: Option<Hashed<UpstreamSession>>,
    /// What the provider wants to see at logout, sealed.
    pub logout_hint_sealed: Option<String>,
}

/// The purpose of a session cookie.
#[derive(Clone, Copy, Debug)]
pub enum SessionSecret {}

impl Purpose for SessionSecret {
    const PREFIX: &'static str = "wg_se_";
}

/// What a hashed session id of a provider is for. The ids are made by providers, so they have no
/// form of ours: see [`hash_upstream_session`].
#[derive(Clone, Copy, Debug)]
pub enum UpstreamSession {}

/// The stored form of a provider's session id (`sid`, `SessionIndex`). It means something together
/// with its provider only.
pub fn hash_upstream_session(id: &str) -> Hashed<UpstreamSession> {
    Hashed::from_stored(sha256_base64url(id.as_bytes()))
}

impl Subject {
    /// For which organization the person acts: the only one, or of several the one that was
    /// chosen, as long as the provider still names it.
    pub fn acting_for(&self) -> Acting<'_> {
        match self.identity.organizations.as_slice() {
            [] => Acting::Nobody,
            [only] => Acting::Organization(only),
            several => match self.organization.as_deref() {
                Some(chosen) if self.belongs_to(chosen) => Acting::Organization(chosen),
                _ => Acting::MustChoose(several),
            },
        }
    }

    /// Whether the provider named this organization at the last sign-in.
    pub fn belongs_to(&self, organization: &str) -> bool {
        self.identity.organizations.iter().any(|own| own == organization)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(organizations: &[&str], chosen: Option<&str>) -> Subject {
        Subject {
            id: Id::from_stored("usr_ada"),
            identity: Identity {
                organizations: organizations.iter().copied().map(str::to_owned).collect(),
                ..Identity::default()
            },
            organization: chosen.map(str::to_owned),
            user_type: UserType::Basic,
            disabled_at: None,
        }
    }

    #[test]
    fn a_person_without_organizations_acts_for_nobody_whatever_was_chosen() {
        assert_eq!(person(&[], None).acting_for(), Acting::Nobody);
        assert_eq!(person(&[], Some("acme")).acting_for(), Acting::Nobody);
    }

    #[test]
    fn the_only_organization_needs_no_choice() {
        assert_eq!(person(&["acme"], None).acting_for(), Acting::Organization("acme"));
        let left = person(&["acme"], Some("globex"));
        assert_eq!(left.acting_for(), Acting::Organization("acme"));
    }

    #[test]
    fn of_several_the_chosen_one_counts_while_the_provider_names_it() {
        let several = ["acme".to_owned(), "globex".to_owned()];
        let both = ["acme", "globex"];
        assert_eq!(person(&both, Some("globex")).acting_for(), Acting::Organization("globex"));
        for chosen in [None, Some("initech"), Some("Acme"), Some("")] {
            assert_eq!(person(&both, chosen).acting_for(), Acting::MustChoose(&several));
        }
    }
}
