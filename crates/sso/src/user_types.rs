//! Which kind of user a person is: the ordered `[[user_type]]` rules of the configuration.

use protocol::{Identity, UserType};

use crate::people::People;

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserTypeRule {
    /// What a match makes the person.
    pub user_type: UserType,
    /// Whom it matches.
    pub people: People,
}

/// The first matching rule decides; nobody matched is [`UserType::Basic`].
pub fn user_type_of(rules: &[UserTypeRule], subject: &str, identity: &Identity) -> UserType {
    let rule = rules.iter().find(|rule| rule.people.include(subject, identity));
    rule.map_or(UserType::Basic, |rule| rule.user_type)
}

#[cfg(test)]
mod tests {
    use protocol::identity::Email;

    use super::*;
    use crate::people::EmailRule;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    fn rule(user_type: UserType, groups: &[&str]) -> UserTypeRule {
        UserTypeRule {
            user_type,
            people: People {
                groups: texts(groups),
                users: texts(&["usr_boss"]),
                emails: vec![EmailRule {
                    address: "Boss@example.com".to_owned(),
                    provider: "corp".to_owned(),
                }],
                claims: [("grade".to_owned(), texts(&["e9"]))].into(),
                ..People::default()
            },
        }
    }

    fn in_groups(groups: &[&str]) -> Identity {
        Identity { groups: texts(groups), ..Identity::default() }
    }

    fn with_email(address: &str, verified: bool) -> Identity {
        let email = Some(Email { address: address.to_owned(), verified });
        Identity { provider: "corp".to_owned(), email, ..Identity::default() }
    }

    #[test]
    fn the_first_match_decides_and_nobody_is_basic() {
        let rules =
            [rule(UserType::Administrator, &["admins"]), rule(UserType::ProcessManager, &["pm"])];
        let of = |subject: &str, identity: &Identity| user_type_of(&rules, subject, identity);
        assert_eq!(of("usr_x", &in_groups(&["pm", "admins"])), UserType::Administrator);
        assert_eq!(of("usr_x", &in_groups(&["pm"])), UserType::ProcessManager);
        assert_eq!(of("usr_x", &in_groups(&["other"])), UserType::Basic);
        assert_eq!(of("usr_boss", &in_groups(&[])), UserType::Administrator);
        let graded = [("grade".to_owned(), texts(&["e1", "e9"]))].into();
        let graded = Identity { attributes: graded, ..Identity::default() };
        assert_eq!(of("usr_x", &graded), UserType::Administrator);
    }

    /// T-UP-06, UP-3: an address counts only if somebody vouches for it.
    #[test]
    fn t_up_06_an_unverified_address_makes_nobody_an_administrator() {
        let rules = [rule(UserType::Administrator, &[])];
        let of = |identity: &Identity| user_type_of(&rules, "usr_x", identity);
        assert_eq!(of(&with_email("boss@EXAMPLE.com", true)), UserType::Administrator);
        assert_eq!(of(&with_email("boss@example.com", false)), UserType::Basic);
    }

    /// A9: what another provider says of the address, verified or not, makes nobody an
    /// administrator.
    #[test]
    fn an_address_counts_only_from_its_own_provider() {
        let rules = [rule(UserType::Administrator, &[])];
        let boss = with_email("boss@example.com", true);
        assert_eq!(user_type_of(&rules, "usr_x", &boss), UserType::Administrator);
        let claimed = Identity { provider: "partner".to_owned(), ..boss };
        assert_eq!(user_type_of(&rules, "usr_x", &claimed), UserType::Basic);
    }

    /// A9: a rule that names a provider is about nobody else's people, whichever list they are in.
    #[test]
    fn a_rule_of_one_provider_is_about_its_people_only() {
        let mut rules = [rule(UserType::Administrator, &["admins"])];
        rules[0].people.provider = Some("corp".to_owned());
        let of = |provider: &str, subject: &str, identity: Identity| {
            let identity = Identity { provider: provider.to_owned(), ..identity };
            user_type_of(&rules, subject, &identity)
        };
        assert_eq!(of("corp", "usr_x", in_groups(&["admins"])), UserType::Administrator);
        let graded = [("grade".to_owned(), texts(&["e9"]))].into();
        let graded = Identity { attributes: graded, ..Identity::default() };
        for (subject, identity) in [
            ("usr_x", in_groups(&["admins"])),
            ("usr_boss", in_groups(&[])),
            ("usr_x", graded),
            ("usr_x", with_email("boss@example.com", true)),
        ] {
            assert_eq!(of("partner", subject, identity), UserType::Basic);
        }
    }
}
