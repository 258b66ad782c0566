//! `[sign_in]`: the invented people, or `[[sign_in.provider]]`.

mod email_owners;
mod local;
mod oidc;
mod portal;
mod provider;
mod saml;

use super::Loopback;
use crate::config::reader::Reader;
use crate::config::settings::{AccountSettings, FIXED_USER_PROVIDER, SignInSettings};
use crate::config::urls::PublicUrl;
pub(super) use email_owners::EmailOwners;
pub(super) use oidc::extra_ca;
use provider::ReadProvider;
use sso::demo_people;

/// What `[sign_in]` says.
pub(super) struct SignInSection {
    /// How people sign in.
    pub(super) way: SignInSettings,
    /// Local accounts, if there is a provider for them.
    pub(super) accounts: Option<AccountSettings>,
    /// Whose word about an e-mail address counts.
    pub(super) owners: EmailOwners,
}

/// What the section has to know of its surroundings.
pub(super) struct Around<'a> {
    /// What only this computer reaches.
    pub(super) loopback: Loopback,
    /// Our issuer, below which every URL is; `None` if it has a problem of its own.
    pub(super) issuer: Option<&'a PublicUrl>,
    /// Whether this process signs people in, so that secrets and files have to be there.
    pub(super) needed: bool,
}

impl Around<'_> {
    /// An absolute URL below the issuer.
    fn url(&self, path: &str) -> String {
        // Only looked at while other mistakes are searched for: without an issuer nothing starts.
        let issuer = self.issuer.map_or("https://issuer.invalid", PublicUrl::as_str);
        format!("{issuer}{path}")
    }
}

pub(super) fn read(section: &Reader<'_>, around: &Around<'_>) -> SignInSection {
    let fixed = section.text("dev_fixed_user", "");
    let demo = section.flag("demo_people", false);
    let loopback = around.loopback;
    for (key, on) in [("dev_fixed_user", !fixed.is_empty()), ("demo_people", demo)] {
        if on && !(loopback.url && loopback.listen) {
            section.missing(
                key,
                "anybody could sign in as anybody: this is only for trying things out on one computer",
                "Remove it, or let both public_url and server.listen be loopback",
            );
        }
    }
    let providers =
        section.sections("provider", |section| provider::read(section, around)).into_iter();
    let providers: Vec<_> = providers.flatten().collect();
    provider::check_together(section, &providers);
    refuse_mixtures(section, &fixed, demo);
    let accounts = providers.iter().find_map(|provider| provider.accounts.clone());
    let mut owners = match (demo, fixed.is_empty()) {
        (true, _) => EmailOwners::only(demo_people::PROVIDER, ""),
        (false, false) => EmailOwners::only(FIXED_USER_PROVIDER, &fixed),
        (false, true) => EmailOwners::of(&providers),
    };
    let enabled = providers.into_iter().filter_map(ReadProvider::enabled).collect::<Vec<_>>();
    let way = match (enabled.is_empty(), demo, fixed.is_empty()) {
        (false, _, _) => SignInSettings::Providers(enabled),
        (true, true, _) => SignInSettings::DemoPeople,
        (true, false, false) => SignInSettings::FixedUser(fixed),
        (true, false, true) => SignInSettings::Nobody,
    };
    owners.decide_here = around.needed;
    SignInSection { way, accounts, owners }
}

/// Somebody whom nobody asks for a password has no place beside people who were asked.
fn refuse_mixtures(section: &Reader<'_>, fixed: &str, demo: bool) {
    if demo && !fixed.is_empty() {
        section.missing(
            "dev_fixed_user",
            "it cannot be combined with demo_people",
            "Keep one of the two",
        );
    }
    if section.has("provider") && (demo || !fixed.is_empty()) {
        section.missing(
            "provider",
            "providers cannot be combined with demo_people or dev_fixed_user",
            "Remove demo_people and dev_fixed_user, or the [[sign_in.provider]] sections",
        );
    }
}
