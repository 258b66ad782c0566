//! Which kind of user a person is: the ordered `[[user_type]]` rules of the configuration.

use protocol::UserType;

/// One rule. It matches a person for whom any of its lists has an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserTypeRule {
    /// What a match makes the person.
    pub user_type: UserType,
    /// Group names.
    pub groups: Vec<String>,
    /// Subject ids.
    pub users: Vec<String>,
    /// E-mail addresses, compared without regard to case.
    pub emails: Vec<String>,
}

/// The first matching rule decides; nobody matched is [`UserType::Basic`].
pub fn user_type_of(
    rules: &[UserTypeRule],
    subject: &str,
    email: Option<&str>,
    groups: &[String],
) -> UserType {
    let matches = |rule: &&UserTypeRule| {
        rule.groups.iter().any(|group| groups.contains(group))
            || rule.users.iter().any(|user| user == subject)
            || email.is_some_and(|mine| rule.emails.iter().any(|e| e.eq_ignore_ascii_case(mine)))
    };
    rules.iter().find(matches).map_or(UserType::Basic, |rule| rule.user_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(user_type: UserType, groups: &[&str]) -> UserTypeRule {
        UserTypeRule {
            user_type,
            groups: groups.iter().map(ToString::to_string).collect(),
            users: vec!["usr_boss".into()],
            emails: vec!["Boss@example.com".into()],
        }
    }

    #[test]
    fn the_first_match_decides_and_nobody_is_basic() {
        let rules =
            [rule(UserType::Administrator, &["admins"]), rule(UserType::ProcessManager, &["pm"])];
        let of = |subject, email, groups: &[&str]| {
            let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
            user_type_of(&rules, subject, email, &groups)
        };
        assert_eq!(of("usr_x", None, &["pm", "admins"]), UserType::Administrator);
        assert_eq!(of("usr_x", None, &["pm"]), UserType::ProcessManager);
        assert_eq!(of("usr_boss", None, &[]), UserType::Administrator);
        assert_eq!(of("usr_x", Some("boss@EXAMPLE.com"), &[]), UserType::Administrator);
        assert_eq!(of("usr_x", Some("x@example.com"), &["other"]), UserType::Basic);
    }
}
