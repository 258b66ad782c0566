//! `kind = "saml"`.

mod mistakes;

use sso::claims::ClaimNames;
use sso::saml::{Config, DEFAULT_CLOCK_SKEW_SECONDS, MetadataSource, RequestBinding};

use super::Around;
use super::oidc::extra_ca;
use super::provider::Common;
use crate::config::reader::Reader;
use crate::config::settings::SamlSettings;

pub(super) const KEYS: [&str; 18] = [
    "metadata_file",
    "metadata_url",
    "metadata_certificate_file",
    "entity_id",
    "idp_entity_id",
    "attributes",
    "request_binding",
    "sign_requests",
    "key",
    "certificate_file",
    "want_assertions_signed",
    "name_id_format",
    "force_authn",
    "authn_contexts",
    "clock_skew_seconds",
    "metadata_refresh_seconds",
    "allow_expired_certificates",
    "extra_ca_file",
];

/// `None` together with a filed problem, or if nobody signs in in this process.
pub(super) fn read(
    section: &Reader<'_>,
    common: &Common<'_>,
    around: &Around<'_>,
) -> Option<Box<SamlSettings>> {
    let default_entity_id = around.url(&format!("/saml/{}", common.id));
    let binding = section.choice(
        "request_binding",
        &[("redirect", RequestBinding::Redirect), ("post", RequestBinding::Post)],
    );
    let source = metadata(section, around.needed);
    let config = Config {
        id: common.id.to_owned(),
        entity_id: section.optional_text("entity_id").unwrap_or(default_entity_id),
        acs_url: around.url(&format!("/saml/{}/acs", common.id)),
        // Stands in while the other mistakes are searched for.
        idp_metadata: source.clone().unwrap_or_else(|| MetadataSource::Xml(String::new())),
        idp_entity_id: section.optional_text("idp_entity_id"),
        attributes: attributes(section),
        kept_claims: Vec::new(),
        domains: common.domains.to_vec(),
        request_binding: binding.unwrap_or_default(),
        sign_requests: section.flag("sign_requests", false),
        key_pem: section.secret("key", around.needed),
        certificate_pem: section.file_text("certificate_file", around.needed),
        want_assertions_signed: section.flag("want_assertions_signed", false),
        name_id_format: section.optional_text("name_id_format"),
        force_authn: section.flag("force_authn", false),
        authn_contexts: section.list("authn_contexts", &[]),
        clock_skew_seconds: section.integer(
            "clock_skew_seconds",
            DEFAULT_CLOCK_SKEW_SECONDS,
            0..=300,
        ),
        allow_expired_certificates: section.flag("allow_expired_certificates", false),
    };
    let extra_ca = extra_ca(section, around.needed);
    if !around.needed {
        return None;
    }
    let good = mistakes::find(section, &config, source.is_some());
    good.then_some(())?;
    binding?;
    Some(Box::new(SamlSettings { config, extra_ca }))
}

/// Where the provider describes itself: exactly one of a file and an address.
fn metadata(section: &Reader<'_>, needed: bool) -> Option<MetadataSource> {
    let refresh_seconds = section.integer("metadata_refresh_seconds", 86_400, 60..=2_592_000);
    let url = section.optional_text("metadata_url");
    let in_file = !section.is_blank("metadata_file");
    let document = section.file_text("metadata_file", needed);
    let pin = section.file_text("metadata_certificate_file", needed);
    match (url, in_file) {
        (Some(url), false) => {
            Some(MetadataSource::Url { url, pinned_certificate_pem: pin, refresh_seconds })
        }
        (None, true) => {
            refuse_for_files(section);
            document.map(MetadataSource::Xml)
        }
        (Some(_), true) => {
            let reason = "there are both metadata_file and metadata_url";
            section.missing(
                "metadata_file",
                reason,
                "Keep one; an address follows new certificates",
            );
            None
        }
        (None, false) => {
            section.missing(
                "metadata_url",
                "the provider's metadata are missing",
                "Set metadata_url, or metadata_file to a saved copy",
            );
            None
        }
    }
}

/// A file is as trustworthy as the configuration beside it, and is read once.
fn refuse_for_files(section: &Reader<'_>) {
    for key in ["metadata_certificate_file", "metadata_refresh_seconds"] {
        if section.has(key) {
            let fix = "Remove it, or use metadata_url";
            section.misplaced(key, "it has no effect with metadata_file", fix);
        }
    }
}

fn attributes(section: &Reader<'_>) -> ClaimNames {
    section.section("attributes", |attributes| {
        let names = ClaimNames {
            user: attributes.text("user", "NameID"),
            name: attributes.text("name", "displayName"),
            email: attributes.text("email", "mail"),
            groups: attributes.text("groups", "groups"),
            organization: attributes.text("organization", ""),
        };
        if names.user.is_empty() {
            let fix = "Write NameID, or an attribute that never changes for a person";
            attributes.missing("user", "it is empty", fix);
        }
        names
    })
}
