//! `[[sign_in.provider]]`: what every kind has, and that each key is one of its kind.

use std::collections::BTreeSet;

use toml::Value;

use super::{Around, local, oidc, portal, saml};
use crate::config::reader::Reader;
use crate::config::settings::{AccountSettings, KindSettings, ProviderSettings};

/// The value of `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Oidc,
    Saml,
    Local,
    Portal,
}

/// A provider as far as it could be read.
pub(super) struct ReadProvider {
    pub(super) id: String,
    pub(super) domains: Vec<String>,
    pub(super) enabled: bool,
    settings: Option<ProviderSettings>,
    /// Where it is the local one.
    pub(super) accounts: Option<AccountSettings>,
}

/// What all kinds say of themselves before their own keys are read.
pub(super) struct Common<'a> {
    pub(super) id: &'a str,
    pub(super) domains: &'a [String],
}

/// Parts of our own paths, and the provider of the demo's people.
const RESERVED: [&str; 7] =
    ["callback", "signed-out", "acs", "metadata", "backchannel-logout", "sign-in", "demo"];

/// Every kind with its own keys.
const KINDS: [(&str, Kind, &[&str]); 4] = [
    ("oidc", Kind::Oidc, &oidc::KEYS),
    ("saml", Kind::Saml, &saml::KEYS),
    ("local", Kind::Local, &local::KEYS),
    ("portal", Kind::Portal, &portal::KEYS),
];

/// `None` only together with a filed problem.
pub(super) fn read(section: &Reader<'_>, around: &Around<'_>) -> Option<ReadProvider> {
    let id = id(section);
    let name = section.text("name", id.as_deref().unwrap_or_default());
    let kind = kind(section);
    let enabled = section.flag("enabled", true);
    let domains = domains(section);
    refuse_foreign_keys(section, kind);
    let common = Common { id: id.as_deref().unwrap_or("unknown"), domains: &domains };
    let mut accounts = None;
    let kind = match kind? {
        Kind::Oidc => oidc::read(section, &common, around).map(KindSettings::Oidc),
        Kind::Saml => saml::read(section, &common, around).map(KindSettings::Saml),
        Kind::Portal => portal::read(section, &common, around.needed).map(KindSettings::Portal),
        Kind::Local => {
            accounts = Some(local::read(section, &common));
            Some(KindSettings::Local)
        }
    };
    let id = id?;
    let settings =
        kind.map(|kind| ProviderSettings { id: id.clone(), name, domains: domains.clone(), kind });
    Some(ReadProvider { id, domains, enabled, settings, accounts })
}

impl ReadProvider {
    /// The provider, if people can sign in at it.
    pub(super) fn enabled(self) -> Option<ProviderSettings> {
        self.settings.filter(|_| self.enabled)
    }
}

/// What must not be there twice.
pub(super) fn check_together(section: &Reader<'_>, providers: &[ReadProvider]) {
    let (mut ids, mut domains) = (BTreeSet::new(), BTreeSet::new());
    for provider in providers {
        if !ids.insert(&provider.id) {
            let reason = format!("two providers have the id {}", provider.id);
            section.missing("provider", &reason, "Give each provider its own id");
        }
        // A disabled one may wait to take over from another.
        for domain in provider.domains.iter().filter(|_| provider.enabled) {
            if !domains.insert(domain) {
                let reason = format!("two providers have the domain {domain}");
                section.missing("provider", &reason, "Each domain belongs to one provider");
            }
        }
    }
    if providers.iter().filter(|provider| provider.accounts.is_some()).count() > 1 {
        section.missing(
            "provider",
            "there are two providers of kind local, and accounts belong to one",
            "Keep one of them",
        );
    }
}

fn id(section: &Reader<'_>) -> Option<String> {
    let fix = "Use 1 to 32 of a-z, 0-9 and -, beginning with a letter or digit, and none of the \
               reserved words";
    section.parsed("id", "", fix, |id| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let fits = (1..=32).contains(&id.len()) && id.bytes().all(plain) && !id.starts_with('-');
        match fits {
            false => Err("it cannot be an id in a URL"),
            true if RESERVED.contains(&id) => Err("the id is reserved"),
            true => Ok(id.to_owned()),
        }
    })
}

fn kind(section: &Reader<'_>) -> Option<Kind> {
    let fix = "Write oidc, saml, local or portal";
    section.parsed("kind", "", fix, |kind| {
        let found = KINDS.iter().find(|(name, _, _)| *name == kind);
        found.map(|(_, kind, _)| *kind).ok_or("there is no such kind")
    })
}

/// Small letters, because addresses are compared so.
fn domains(section: &Reader<'_>) -> Vec<String> {
    let mut domains = Vec::new();
    for given in section.list("domains", &[]) {
        let domain = given.to_ascii_lowercase();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        if domain.is_empty() || !domain.bytes().all(plain) || domain.starts_with('.') {
            section.problem(
                "domains",
                &Value::String(given),
                "it is not an e-mail domain",
                "Write what stands after the @, such as \"example.com\"",
            );
        } else if !domains.contains(&domain) {
            domains.push(domain);
        }
    }
    domains
}

/// A key of another kind is a mistake that deserves its own words: it was meant to do something.
/// Without a kind nobody can say whose keys these are.
fn refuse_foreign_keys(section: &Reader<'_>, own: Option<Kind>) {
    let all: BTreeSet<&str> = KINDS.iter().flat_map(|(_, _, keys)| *keys).copied().collect();
    let given = all.into_iter().filter(|key| section.has(key));
    let Some((own_name, _, own_keys)) = KINDS.iter().find(|(_, kind, _)| Some(*kind) == own) else {
        given.for_each(|key| section.known(key));
        return;
    };
    for key in given.filter(|key| !own_keys.contains(key)) {
        let owners = KINDS.iter().filter(|(_, _, keys)| keys.contains(&key));
        let owners: Vec<&str> = owners.map(|(name, _, _)| *name).collect();
        let owners = owners.join(" and ");
        let reason = format!("it is a key of kind {owners}, and this provider is {own_name}");
        section.misplaced(key, &reason, "Remove it, or correct kind");
    }
}

#[cfg(test)]
mod tests {
    use super::KINDS;
    use crate::config::REFERENCE;

    /// `redirect_uri` is known only to say that there is no such thing.
    #[test]
    fn the_reference_has_every_key() {
        for (kind, _, keys) in KINDS {
            for key in keys.iter().filter(|key| **key != "redirect_uri") {
                assert!(REFERENCE.contains(&format!("\n# {key} = ")), "{key} of {kind}");
            }
        }
    }
}
