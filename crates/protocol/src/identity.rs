//! Who a person is, as far as an identity provider can say: the one word that all ways to sign in
//! have in common.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What an identity provider said of a person who just signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The id of the provider in the configuration.
    pub provider: String,
    /// The provider's stable id of the person; never an e-mail address by itself (UP-3).
    pub external_id: String,
    /// A name to show.
    pub name: String,
    /// An e-mail address, if the provider gave one.
    pub email: Option<Email>,
    /// Group and role names, as far as the provider gave them.
    pub groups: Vec<String>,
    /// The organizations that the person belongs to, if the provider gave any.
    pub organizations: Vec<String>,
    /// Further claims that the operator's rules look at; no others are kept.
    pub attributes: Attributes,
}

/// Claims by name, each with all its values.
pub type Attributes = BTreeMap<String, Vec<String>>;

/// An e-mail address. People are never recognised by it (UP-3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// The address, to show.
    pub address: String,
    /// Whether a rule may rely on it: somebody with authority over its domain vouches for it.
    pub verified: bool,
}

impl Identity {
    /// The address, if a rule may rely on it.
    pub fn verified_email(&self) -> Option<&str> {
        self.email.as_ref().filter(|email| email.verified).map(|email| email.address.as_str())
    }
}

impl Email {
    /// The part after the last `@`, in lower case.
    pub fn domain(&self) -> Option<String> {
        self.address.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase())
    }
}
