//! `kind = "portal"`.

use kernel::Redacted;
use sso::portal::{Portal, PortalConfigError, PortalKey};
use toml::Value;

use super::provider::Common;
use crate::config::reader::Reader;
use crate::config::settings::PortalSettings;

pub(super) const KEYS: [&str; 3] = ["url", "algorithm", "key"];

#[derive(Clone, Copy)]
enum PortalAlgorithm {
    Hs256,
    Es256,
}

/// `None` together with a filed problem, or if nobody signs in in this process.
pub(super) fn read(
    section: &Reader<'_>,
    common: &Common<'_>,
    needed: bool,
) -> Option<PortalSettings> {
    let url = section.text("url", "");
    let algorithm = section.choice(
        "algorithm",
        &[("HS256", PortalAlgorithm::Hs256), ("ES256", PortalAlgorithm::Es256)],
    );
    if section.is_blank("key") {
        section.missing(
            "key",
            "it is missing; the portal's tokens are verified with it",
            "Set { env = \"PORTAL_KEY\" }: for HS256 the output of `wicketgate secret generate`, \
             for ES256 the portal's public key in PEM",
        );
    }
    let key = section.secret("key", needed);
    if !needed {
        return None;
    }
    check_url(section, common, &url);
    let key = key?;
    let key = match algorithm? {
        PortalAlgorithm::Hs256 => PortalKey::Hs256(key),
        PortalAlgorithm::Es256 => PortalKey::Es256(key.reveal().to_owned()),
    };
    check_key(section, common, &key);
    Some(PortalSettings { url, key })
}

fn check_url(section: &Reader<'_>, common: &Common<'_>, url: &str) {
    let some_key = PortalKey::Hs256(Redacted::new("0".repeat(32)));
    if let Err(error) = Portal::new(common.id.to_owned(), url, &some_key, Vec::new()) {
        let fix = "Write the portal's address to which people are sent";
        section.problem("url", &Value::String(url.to_owned()), &error.to_string(), fix);
    }
}

fn check_key(section: &Reader<'_>, common: &Common<'_>, key: &PortalKey) {
    let some_url = "https://portal.invalid/";
    let fix = match Portal::new(common.id.to_owned(), some_url, key, Vec::new()) {
        Ok(_) | Err(PortalConfigError::BadUrl) => return,
        Err(error @ PortalConfigError::ShortKey(_)) => (error, "Use a longer one on both sides"),
        Err(error @ PortalConfigError::BadKey) => {
            (error, "Write the public key, or algorithm = \"HS256\" for a shared secret")
        }
    };
    section.missing("key", &fix.0.to_string(), fix.1);
}
