//! What a user name can be.

/// The name in the one form in which it is kept and looked up, or why it cannot be one.
pub(super) fn folded(given: &str) -> anyhow::Result<String> {
    let name = given.trim().to_lowercase();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_@+".contains(c);
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    anyhow::ensure!(
        (1..=64).contains(&name.len()) && begins && name.chars().all(allowed),
        "{given:?} is not a user name: use 1 to 64 of a-z, 0-9 and . - _ @ +, beginning with a letter \
         or digit"
    );
    Ok(name)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::folded;

    #[test]
    fn one_form_for_each_name() {
        for (given, name) in [("Ada", "ada"), (" a.b-c_d+e@example.com ", "a.b-c_d+e@example.com")]
        {
            assert_eq!(folded(given).unwrap(), name);
        }
        for bad in ["", " ", "-ada", "a b", "ädä", "a\u{0}", "\u{202e}ada", &"a".repeat(65)] {
            assert!(folded(bad).is_err(), "{bad:?}");
        }
    }
}
