//! What `doctor` says of a SAML provider.

use kernel::Timestamp;

use super::certificate::Certificate;
use super::idp_metadata::IdpMetadata;
use super::names::UNSPECIFIED_FORMAT;
use super::own_key::OwnKey;
use crate::claims::one_line;
use crate::provider::Finding;
use crate::saml::{Config, MetadataSource};

/// Days before the end of a certificate from which on it is worth a warning.
const WARNING_DAYS: i64 = 30;

/// What can be said without the provider: what to register there.
pub(super) fn ours(config: &Config, key: Option<&OwnKey>, now: Timestamp) -> Vec<Finding> {
    let mut findings = vec![Finding::pass(format!(
        "register at the provider: entity ID {}, ACS URL {} (HTTP-POST)",
        config.entity_id, config.acs_url
    ))];
    if let Some(key) = key {
        let days = key.certificate().days_left(now);
        findings.push(if days < 0 {
            Finding::warning(
                format!("our own certificate expired {} days ago", -days),
                "make a new one for the same key and register it at the provider",
            )
        } else {
            Finding::pass(format!("our own certificate is good for {days} more days"))
        });
    }
    findings
}

/// What the provider's metadata say.
pub(super) fn theirs(metadata: &IdpMetadata, config: &Config, now: Timestamp) -> Vec<Finding> {
    let allow_expired = config.allow_expired_certificates;
    let mut findings = vec![Finding::pass(format!("the provider is {}", metadata.entity_id))];
    findings.push(match metadata.is_fit(config.request_binding, now, allow_expired) {
        Ok(()) => {
            let url = metadata.sso_url(config.request_binding).unwrap_or_default();
            Finding::pass(format!("people are sent to {url}"))
        }
        Err(flaw) => Finding::failure(
            format!("the provider's metadata: {flaw}"),
            "ask the provider's administrator for new metadata, with the service and the \
             certificate that are in use",
        ),
    });
    findings.extend(metadata.certificates.iter().map(|one| certificate(one, allow_expired, now)));
    findings.extend(metadata.skipped.iter().map(|problem| {
        Finding::warning(
            format!("{problem}; it is skipped"),
            "answers signed with that key are refused; ask the provider's administrator for new \
             metadata",
        )
    }));
    findings.extend(signs_with_sha1(metadata));
    findings.extend(another_format(metadata, config));
    findings.extend(unsigned_requests(metadata, config));
    findings.extend(unpinned(config));
    findings
}

fn certificate(certificate: &Certificate, allow_expired: bool, now: Timestamp) -> Finding {
    let (name, days) = (certificate.fingerprint(), certificate.days_left(now));
    let fix = "ask the provider's administrator for new metadata before it ends";
    let late = "ask the provider's administrator for new metadata with the certificate in use; if it \
                is never renewed there, set allow_expired_certificates = true";
    match days {
        ..0 if allow_expired => Finding::warning(
            format!(
                "signing certificate {name} has expired, which allow_expired_certificates permits"
            ),
            late,
        ),
        ..0 => Finding::failure(format!("signing certificate {name} has expired"), late),
        0..WARNING_DAYS => {
            Finding::warning(format!("signing certificate {name} ends in {days} days"), fix)
        }
        _ if !certificate.is_current(now) => {
            Finding::warning(format!("signing certificate {name} is not valid yet"), "wait for it")
        }
        _ => Finding::pass(format!("signing certificate {name} is good for {days} more days")),
    }
}

fn signs_with_sha1(metadata: &IdpMetadata) -> Option<Finding> {
    metadata.is_signed_with_sha1.then(|| {
        Finding::warning(
            "the provider signs its metadata with SHA-1; answers signed so are refused",
            "have the provider sign with SHA-256 (pysaml2 and SATOSA: signing_algorithm and \
             digest_algorithm)",
        )
    })
}

/// SA-16: the format is part of who somebody is.
fn another_format(metadata: &IdpMetadata, config: &Config) -> Option<Finding> {
    let offered = &metadata.name_id_formats;
    let asked = config.name_id_format.as_ref().filter(|asked| *asked != UNSPECIFIED_FORMAT)?;
    (!offered.is_empty() && !offered.contains(asked)).then(|| {
        let offered = one_line(&offered.join(", "), 300);
        Finding::warning(
            format!("the provider does not list name_id_format {asked}, but {offered}"),
            "some providers then send another kind without a word, and people become other \
             persons when that is mended; ask for a kind that is listed",
        )
    })
}

fn unsigned_requests(metadata: &IdpMetadata, config: &Config) -> Option<Finding> {
    let missing = metadata.want_requests_signed && !config.sign_requests;
    missing.then(|| {
        Finding::failure(
            "the provider wants signed requests (WantAuthnRequestsSigned), and ours are not",
            "set sign_requests = true with a key and its certificate",
        )
    })
}

fn unpinned(config: &Config) -> Option<Finding> {
    let from_address = matches!(config.idp_metadata, MetadataSource::Url { .. });
    (from_address && config.idp_entity_id.is_none()).then(|| {
        Finding::warning(
            "the provider's entity ID is taken from whatever the metadata address says",
            "set idp_entity_id",
        )
    })
}
