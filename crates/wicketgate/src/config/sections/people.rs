//! `[[user_type]]`, and `access` of `[[mcp.server]]`: which people a rule is about.

use protocol::UserType;
use sso::demo_people;
use sso::people::{Access, People};
use sso::user_types::UserTypeRule;
use toml::Value;

use crate::config::reader::Reader;

const LISTS: &str = "groups, organizations, users, emails or claims";

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
            &format!("Add {LISTS} to it"),
        );
    }
    rule
}

/// Who may use a server. `None` only together with a filed problem.
pub(super) fn read_access(section: &Reader<'_>) -> Option<Access> {
    let restricted = section.choice("access", &[("open", false), ("restricted", true)]);
    let allowed = section.has("allow");
    let people = section.section("allow", people);
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

fn people(section: &Reader<'_>) -> People {
    People {
        groups: section.list("groups", &[]),
        organizations: section.list("organizations", &[]),
        users: section.list("users", &[]),
        emails: section.list("emails", &[]),
        claims: section.lists_by_name("claims"),
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
