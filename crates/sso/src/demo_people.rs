//! Three invented people for the demo, for development and for tests.
//!
//! Anybody can be any of them with one click. The configuration therefore refuses them unless both
//! the public URL and the listener are loopback.

use crate::Identity;
use protocol::UserType;

/// The provider id of the invented people.
pub const PROVIDER: &str = "demo";

/// One of the invented people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoPerson {
    /// The value of the sign-in button.
    pub key: &'static str,
    /// A name to show.
    pub name: &'static str,
    /// What kind of user this is.
    pub user_type: UserType,
    /// The one group that says so.
    pub group: &'static str,
}

/// The three.
pub const PEOPLE: [DemoPerson; 3] = [
    DemoPerson {
        key: "basic",
        name: "Nadia Farouk",
        user_type: UserType::Basic,
        group: "demo-employees",
    },
    DemoPerson {
        key: "manager",
        name: "Tomás Herrera",
        user_type: UserType::ProcessManager,
        group: "demo-process-managers",
    },
    DemoPerson {
        key: "admin",
        name: "Ingrid Solberg",
        user_type: UserType::Administrator,
        group: "demo-administrators",
    },
];

/// The person with this key.
pub fn find(key: &str) -> Option<DemoPerson> {
    PEOPLE.into_iter().find(|person| person.key == key)
}

impl DemoPerson {
    /// What a provider would say of this person.
    pub fn identity(&self) -> Identity {
        Identity {
            provider: PROVIDER.to_owned(),
            external_id: self.key.to_owned(),
            name: self.name.to_owned(),
            groups: vec![self.group.to_owned()],
            ..Identity::default()
        }
    }
}
