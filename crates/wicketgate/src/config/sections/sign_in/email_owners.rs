//! Which provider's word counts about an e-mail address in a rule.
//!
//! A provider may verify addresses of domains that are not its own. So an address counts only from
//! the provider that has its domain in `domains`, or from the one that the rule itself names.

use std::collections::{BTreeMap, BTreeSet};

use protocol::identity::Email;

use super::provider::ReadProvider;

/// The providers, and who owns which domain.
#[derive(Debug, Default)]
pub(in crate::config::sections) struct EmailOwners {
    providers: BTreeSet<String>,
    by_domain: BTreeMap<String, String>,
    /// Whether rules decide in this process; a sidecar alone need not know any provider.
    pub(in crate::config::sections) decide_here: bool,
}

impl EmailOwners {
    pub(super) fn of(providers: &[ReadProvider]) -> Self {
        let mut owners = Self::default();
        for provider in providers {
            owners.providers.insert(provider.id.clone());
            // A disabled one may wait to take over from another.
            for domain in provider.domains.iter().filter(|_| provider.enabled) {
                owners.by_domain.insert(domain.clone(), provider.id.clone());
            }
        }
        owners
    }

    /// Everybody is this one person.
    pub(super) fn only(provider: &str, address: &str) -> Self {
        let domain = domain(address).map(|domain| (domain, provider.to_owned()));
        Self {
            providers: BTreeSet::from([provider.to_owned()]),
            by_domain: domain.into_iter().collect(),
            decide_here: false,
        }
    }

    /// Whether there is a provider with this id.
    pub(in crate::config::sections) fn knows(&self, provider: &str) -> bool {
        self.providers.contains(provider)
    }

    /// The provider that has this address's domain.
    pub(in crate::config::sections) fn owner(&self, address: &str) -> Option<&str> {
        self.by_domain.get(&domain(address)?).map(String::as_str)
    }
}

fn domain(address: &str) -> Option<String> {
    Email { address: address.to_owned(), verified: false }.domain()
}
