//! What scopes and user types mean, in the words that people decide by.

use std::collections::BTreeMap;

use protocol::{Scope, UserType};

/// What the operator calls the scopes of one server. Where it says nothing, our own words hold,
/// which fit any server (O12).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeWords {
    /// Short titles, as in "Look at things".
    pub titles: BTreeMap<Scope, String>,
    /// The sentences below them.
    pub sentences: BTreeMap<Scope, String>,
}

/// A permission as a short title and the sentence below it.
pub(crate) struct Wording<'a> {
    pub(crate) title: &'a str,
    pub(crate) sentence: &'a str,
}

impl ScopeWords {
    /// Our own words for every scope.
    pub const NEUTRAL: &'static Self =
        &Self { titles: BTreeMap::new(), sentences: BTreeMap::new() };

    pub(crate) fn of(&self, scope: Scope) -> Wording<'_> {
        let neutral = of_scope(scope);
        Wording {
            title: self.titles.get(&scope).map_or(neutral.title, String::as_str),
            sentence: self.sentences.get(&scope).map_or(neutral.sentence, String::as_str),
        }
    }
}

const fn of_scope(scope: Scope) -> Wording<'static> {
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

pub(crate) const fn of_user_type(user_type: UserType) -> Wording<'static> {
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
