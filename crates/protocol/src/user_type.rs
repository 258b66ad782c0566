//! What kind of user somebody is, and what that allows at most.

use serde::{Deserialize, Serialize};

use crate::scope::{Scope, Scopes};

/// The kind of user, decided at sign-in. The serialized form is the token's `user_type` claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserType {
    /// An ordinary employee.
    Basic,
    /// Somebody who runs processes.
    ProcessManager,
    /// Somebody who administers the application.
    Administrator,
    /// No person: a service that holds a key or uses client credentials.
    Workload,
}

impl UserType {
    /// The scopes that this kind of user can hold at most. This is the one table of them.
    ///
    /// A workload holds what the operator assigned to it, so nothing is taken away here.
    pub const fn allows(self) -> Scopes {
        match self {
            Self::Basic => Scopes::of(&[Scope::Read, Scope::Write]),
            Self::ProcessManager => Scopes::of(&[Scope::Read, Scope::Write, Scope::ProcessAdmin]),
            Self::Administrator | Self::Workload => Scopes::ALL,
        }
    }

    /// The name in configuration, storage and tokens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::ProcessManager => "process_manager",
            Self::Administrator => "administrator",
            Self::Workload => "workload",
        }
    }

    /// The user type with this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Basic, Self::ProcessManager, Self::Administrator, Self::Workload]
            .into_iter()
            .find(|user_type| user_type.as_str() == name)
    }
}
