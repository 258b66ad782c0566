//! `[sign_in]` and `[[user_type]]`.

use protocol::UserType;
use sso::demo_people;
use sso::people::People;
use sso::user_types::UserTypeRule;
use toml::Value;

use super::Loopback;
use crate::config::reader::Reader;
use crate::config::settings::SignInSettings;

pub(super) fn read(section: &Reader<'_>, loopback: Loopback) -> SignInSettings {
    let fixed = section.text("dev_fixed_user", "");
    let demo = section.flag("demo_people", false);
    refuse_providers(section);
    for (key, on) in [("dev_fixed_user", !fixed.is_empty()), ("demo_people", demo)] {
        if on && !(loopback.url && loopback.listen) {
            section.missing(
                key,
                "anybody could sign in as anybody; it is only for a try on one computer",
                "Remove it, or let both public_url and server.listen be loopback",
            );
        }
    }
    match (fixed.is_empty(), demo) {
        (true, true) => SignInSettings::DemoPeople,
        (true, false) => SignInSettings::Nobody,
        (false, false) => SignInSettings::FixedUser(fixed),
        (false, true) => {
            section.missing(
                "dev_fixed_user",
                "it cannot be combined with demo_people",
                "Keep one of the two",
            );
            SignInSettings::Nobody
        }
    }
}

/// Company providers come with a later version. Better a clear word than a server that nobody can
/// sign in to.
fn refuse_providers(section: &Reader<'_>) {
    section.sections("provider", |provider| {
        for key in ["id", "name", "kind", "issuer", "client_id", "metadata_file", "metadata_url"] {
            if provider.has(key) {
                provider.text(key, "");
            }
        }
        provider.missing(
            "kind",
            "company sign-in (OIDC, SAML, local accounts, portals) is not in this version",
            "Remove [[sign_in.provider]]; for a try on one computer set sign_in.demo_people = true",
        );
    });
}

pub(super) fn read_user_type(section: &Reader<'_>) -> UserTypeRule {
    let fix = "Write basic, process_manager or administrator";
    let user_type = section.parsed("type", "", fix, |name| {
        UserType::parse(name)
            .filter(|user_type| *user_type != UserType::Workload)
            .ok_or("there is no such user type")
    });
    let rule =
        UserTypeRule { user_type: user_type.unwrap_or(UserType::Basic), people: people(section) };
    if rule.people.is_nobody() {
        section.problem(
            "type",
            &Value::String(rule.user_type.as_str().to_owned()),
            "the rule matches nobody",
            "Add groups, organizations, users or emails to it",
        );
    }
    rule
}

fn people(section: &Reader<'_>) -> People {
    People {
        groups: section.list("groups", &[]),
        organizations: section.list("organizations", &[]),
        users: section.list("users", &[]),
        emails: section.list("emails", &[]),
        ..People::default()
    }
}

/// The rules that make the demo's people what they are.
pub(super) fn demo_rules() -> Vec<UserTypeRule> {
    demo_people::PEOPLE
        .iter()
        .map(|person| UserTypeRule {
            user_type: person.user_type,
            people: People { groups: vec![person.group.to_owned()], ..People::default() },
        })
        .collect()
}
