//! Whether two readings of the configuration say the same, section by section. Only digests are
//! kept, because secrets are part of what is compared.

use std::collections::{BTreeMap, BTreeSet};

use kernel::encoding::sha256;
use toml::{Table, Value};

/// Digests of secrets, by the keys that they were looked up for.
pub(super) type SecretDigests = Vec<(String, [u8; 32])>;

/// What every section of one reading comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint(BTreeMap<String, Vec<u8>>);

/// What SIGHUP reads again, and the parts of other sections that the servers are made of.
const READ_AGAIN: [&str; 3] = ["mcp.server", "mcp.allowed_scopes", "mcp.diagnostic_log_level"];

impl Fingerprint {
    /// The fingerprint of this document, and of the secrets that it has in files, by their keys.
    pub(super) fn of(root: &Table, secrets: SecretDigests) -> Self {
        let mut all = Self::default();
        all.add("", root);
        for (key, digest) in secrets {
            all.note(&key, &digest);
        }
        all
    }

    /// The sections that differ and take effect with the next start only.
    #[must_use]
    pub fn restart_needed_for(&self, other: &Self) -> Vec<String> {
        let keys: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        let differ = keys.into_iter().filter(|key| self.0.get(*key) != other.0.get(*key));
        differ.cloned().collect()
    }

    fn add(&mut self, path: &str, table: &Table) {
        for (key, value) in table {
            let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match value {
                _ if READ_AGAIN.contains(&full.as_str()) => {}
                Value::Table(inner) => self.add(&full, inner),
                _ => self.note(&full, &sha256(value.to_string().as_bytes())),
            }
        }
    }

    /// The digest of a key counts for the section that it stands in.
    fn note(&mut self, key: &str, digest: &[u8]) {
        if READ_AGAIN.iter().any(|again| key.starts_with(again)) {
            return;
        }
        let section = key.rsplit_once('.').map_or(key, |(section, _)| section);
        let known = self.0.entry(section.to_owned()).or_default();
        known.extend([key.as_bytes(), digest].concat());
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn read(text: &str, secret: &str) -> Fingerprint {
        let secrets = ["oauth.bridge_secret", "mcp.server[0].upstream_auth.value"]
            .map(|key| (key.to_owned(), sha256(secret.as_bytes())));
        Fingerprint::of(&text.parse().unwrap(), secrets.to_vec())
    }

    const TEXT: &str = r#"
        public_url = "https://a.example"
        [oauth]
        bridge_secret = { file = "bridge" }
        [[oauth.client]]
        id = "one"
        [mcp]
        allowed_scopes = "mcp:read"
        max_body_bytes = 2000
        [mcp.authority]
        url = "https://b.example"
        [[mcp.server]]
        name = "hr"
    "#;

    #[test]
    fn sections_that_differ_are_named() {
        let before = read(TEXT, "secret");
        let after = |from: &str, to: &str| {
            before.restart_needed_for(&read(&TEXT.replace(from, to), "secret"))
        };
        assert!(after("", "").is_empty());
        assert!(after("\"hr\"", "\"crm\"").is_empty() && after("mcp:read", "x").is_empty());
        assert_eq!(after("a.example", "c.example"), ["public_url"]);
        assert_eq!(after("\"one\"", "\"two\""), ["oauth"]);
        assert_eq!(after("2000", "3000"), ["mcp"]);
        assert_eq!(after("b.example", "c.example"), ["mcp.authority"]);
        assert_eq!(after("[oauth]", "[telemetry]\nx = 1\n[oauth]"), ["telemetry"]);
        assert_eq!(before.restart_needed_for(&read(TEXT, "another")), ["oauth"]);
    }

    /// Whoever finds it in memory or in a log learns no secret.
    #[test]
    fn nothing_can_be_read_off() {
        let secret = TEXT.replace("2000", "\"a-canary\"");
        let bytes: Vec<u8> = read(&secret, "a-canary").0.into_values().flatten().collect();
        assert!(!String::from_utf8_lossy(&bytes).contains("canary"));
    }
}
