//! People: who they are for us, and their browser sign-ins.

use kernel::id::Kind;
use kernel::secret::Purpose;
use kernel::{Hashed, Id, Timestamp};
use protocol::UserType;

/// Marks the id of a [`Subject`].
#[derive(Clone, Copy, Debug)]
pub enum SubjectKind {}

impl Kind for SubjectKind {
    const PREFIX: &'static str = "usr_";
}

/// The identifier of a person here: the `sub` of tokens.
pub type SubjectId = Id<SubjectKind>;

/// What an identity provider said of a person who just signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The id of the provider in the configuration.
    pub provider: String,
    /// The provider's stable id of the person; never an e-mail address.
    pub external_id: String,
    /// A name to show.
    pub name: String,
    /// An e-mail address to show, if there is one.
    pub email: Option<String>,
    /// Group names, as far as the provider gave them.
    pub groups: Vec<String>,
}

/// A person, known by the pair of provider and external id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The id.
    pub id: SubjectId,
    /// What the provider last said.
    pub identity: Identity,
    /// What kind of user the person was found to be at the last sign-in.
    pub user_type: UserType,
    /// When an administrator disabled the person, if ever.
    pub disabled_at: Option<Timestamp>,
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
}

/// The purpose of a session cookie.
#[derive(Clone, Copy, Debug)]
pub enum SessionSecret {}

impl Purpose for SessionSecret {
    const PREFIX: &'static str = "wg_se_";
}
