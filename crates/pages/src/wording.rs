//! What scopes and user types mean, in the words that people decide by.

use protocol::{Scope, UserType};

/// A permission as a short title and the sentence below it.
pub(crate) struct Wording {
    pub(crate) title: &'static str,
    pub(crate) sentence: &'static str,
}

pub(crate) const fn of_scope(scope: Scope) -> Wording {
    match scope {
        Scope::Read => Wording {
            title: "Look at things",
            sentence: "See what you can see yourself. Changes nothing.",
        },
        Scope::Write => Wording {
            title: "Create and change things",
            sentence: "Add and change things as you, as if you had done it yourself.",
        },
        Scope::ProcessAdmin => Wording {
            title: "Manage things",
            sentence: "Use the tools meant for managers, in your name.",
        },
        Scope::Admin => Wording {
            title: "Administer people and settings",
            sentence: "Change settings, and what other people may do. \
                       Tick this only if you need it now.",
        },
    }
}

pub(crate) const fn of_user_type(user_type: UserType) -> Wording {
    match user_type {
        UserType::Basic => Wording {
            title: "Basic user",
            sentence: "Can look at things, and create and change them.",
        },
        UserType::ProcessManager => {
            Wording { title: "Manager", sentence: "Can also use the tools meant for managers." }
        }
        UserType::Administrator => Wording {
            title: "Administrator",
            sentence: "Can do everything, people and settings included.",
        },
        UserType::Workload => {
            Wording { title: "Service", sentence: "Can do what the operator has set." }
        }
    }
}
