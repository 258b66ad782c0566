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
            sentence: "See the lists, details and search results that you can see. \
                       This changes nothing.",
        },
        Scope::Write => Wording {
            title: "Create and change things",
            sentence: "Add and change things in your name, as if you had done it yourself.",
        },
        Scope::ProcessAdmin => Wording {
            title: "Manage processes",
            sentence: "Start, pause and resume processes, and decide who takes part in them.",
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
            sentence: "May look at things, and create and change them.",
        },
        UserType::ProcessManager => Wording {
            title: "Process manager",
            sentence: "May also manage processes and who takes part.",
        },
        UserType::Administrator => Wording {
            title: "Administrator",
            sentence: "May do everything, people and settings included.",
        },
        UserType::Workload => {
            Wording { title: "Service", sentence: "May do what the operator assigned to it." }
        }
    }
}
