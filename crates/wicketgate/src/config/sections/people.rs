//! `[[user_type]]`, and `access` of `[[mcp.server]]`: which people a rule is about.

use protocol::UserType;
use sso::demo_people;
use sso::people::{Access, EmailRule, People};
use sso::user_types::UserTypeRule;
use toml::Value;

use super::sign_in::EmailOwners;
use crate::config::reader::Reader;

const LISTS: &str = "groups, organizations, users, emails or claims";

pub(super) fn read_user_type(section: &Reader<'_>, owners: &EmailOwners) -> UserTypeRule {
    let fix = "Write basic, process_manager or administrator";
    let user_type = section.parsed("type", "", fix, |name| {
        UserType::parse(name)
            .filter(|user_type| *user_type != UserType::Workload)
            .ok_or("there is no such user type")
    });
    let people = people(section, owners);
    let rule = UserTypeRule { user_type: user_type.unwrap_or(UserType::Basic), people };
    if rule.people.is_nobody() {
        section.problem(
            "type",
            &Value::String(rule.user_type.as_str().to_owned()),
            "the rule matches nobody",
            &format!("Add {LISTS} to it"),
        );
    }
    rule
}

/// Who may use a server. `None` only together with a filed problem.
pub(super) fn read_access(section: &Reader<'_>, owners: &EmailOwners) -> Option<Access> {
    let restricted = section.choice("access", &[("open", false), ("restricted", true)]);
    let allowed = section.has("allow");
    let people = section.section("allow", |section| people(section, owners));
    match restricted? {
        true if people.is_nobody() => {
            section.missing(
                "allow",
                "the server is restricted to nobody",
                &format!("Write allow = {{ groups = [\"…\"] }}; it takes {LISTS}"),
            );
            None
        }
        true => Some(Access::Restricted(people)),
        // Whoever writes a list of people does not mean everyone.
        false if allowed => {
            section.missing(
                "allow",
                "it has no effect while access is open",
                "Set access = \"restricted\", or remove the list",
            );
            None
        }
        false => Some(Access::Open),
    }
}

fn people(section: &Reader<'_>, owners: &EmailOwners) -> People {
    let provider = provider(section, owners);
    let emails = section.list("emails", &[]).into_iter();
    let emails = emails.map(|address| email(section, owners, provider.as_deref(), address));
    let emails = emails.collect();
    People {
        emails,
        provider,
        groups: section.list("groups", &[]),
        organizations: section.list("organizations", &[]),
        users: section.list("users", &[]),
        claims: section.lists_by_name("claims"),
    }
}

/// The provider that the rule is about, if it names one that exists.
fn provider(section: &Reader<'_>, owners: &EmailOwners) -> Option<String> {
    let named = section.text("provider", "");
    if named.is_empty() {
        return None;
    }
    if owners.decide_here && !owners.knows(&named) {
        section.problem(
            "provider",
            &Value::String(named.clone()),
            "there is no [[sign_in.provider]] with this id",
            "Write the id of one that is configured, or remove the key",
        );
    }
    Some(named)
}

/// An address with the provider whose word about it counts. Nobody's word counts where a problem
/// is filed, or where rules do not decide.
fn email(
    section: &Reader<'_>,
    owners: &EmailOwners,
    named: Option<&str>,
    address: String,
) -> EmailRule {
    let provider = named.or_else(|| owners.owner(&address)).map(str::to_owned);
    if provider.is_none() && owners.decide_here {
        section.problem(
            "emails",
            &Value::String(address.clone()),
            "no provider can vouch for this address, so the rule would never match",
            "Add its domain to domains of the [[sign_in.provider]] that owns it, or write \
             provider = \"its id\" into this rule",
        );
    }
    EmailRule { address, provider: provider.unwrap_or_default() }
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
