//! What the service provider itself finds wrong, told at the right key.

use sso::saml::Config;

use crate::config::reader::Reader;

/// Whether the configuration is good. Each mistake is filed and mended in a copy, so that the next
/// one is found as well.
#[cfg(feature = "saml")]
pub(super) fn find(section: &Reader<'_>, config: &Config, has_metadata: bool) -> bool {
    use std::sync::Arc;

    use kernel::SystemClock;
    use sso::saml::{ConfigError, service_provider};

    let mut mended = config.clone();
    if mended.attributes.user.is_empty() {
        "NameID".clone_into(&mut mended.attributes.user);
    }
    let Ok(http) = net::outbound::client(1) else {
        section.missing("kind", "TLS cannot be set up", "This is not your configuration's fault");
        return false;
    };
    let mut good = true;
    // Our own names, then the key, then the metadata: each is looked at once the others are good.
    for _ in 0..3 {
        let Err(error) = service_provider(mended.clone(), http.clone(), Arc::new(SystemClock))
        else {
            break;
        };
        let about_metadata = matches!(error, ConfigError::Metadata(_) | ConfigError::Pin(_));
        if !about_metadata || has_metadata {
            file(section, config, &error);
        }
        good = false;
        match error {
            ConfigError::Ours(_) => "https://sp.invalid".clone_into(&mut mended.entity_id),
            ConfigError::Key(_) => {
                (mended.key_pem, mended.certificate_pem) = (None, None);
                mended.sign_requests = false;
            }
            ConfigError::Metadata(_) | ConfigError::Pin(_) => break,
        }
    }
    good && has_metadata
}

/// Without the feature there is nothing that could read a certificate.
#[cfg(not(feature = "saml"))]
pub(super) fn find(section: &Reader<'_>, _: &Config, _: bool) -> bool {
    section.problem(
        "kind",
        &toml::Value::String("saml".to_owned()),
        "this build has no SAML",
        "Use the container image, or build with `cargo build --release -p wicketgate --features \
         saml` (it needs the development packages of libxmlsec1 and OpenSSL, and libclang)",
    );
    false
}

#[cfg(feature = "saml")]
fn file(section: &Reader<'_>, config: &Config, error: &sso::saml::ConfigError) {
    use sso::saml::ConfigError;

    let has_key = section.has("key");
    let (key, fix) = match error {
        ConfigError::Ours(_) => ("entity_id", "Leave it empty to use our own URL"),
        ConfigError::Key(_) if has_key && config.certificate_pem.is_none() => {
            ("certificate_file", "Name the file with the certificate of `key`")
        }
        ConfigError::Key(_) if has_key => {
            ("key", "Set `key` and certificate_file to one pair: a private key and its certificate")
        }
        ConfigError::Key(_) if config.certificate_pem.is_some() => {
            ("certificate_file", "Set `key` to its private key, or remove it")
        }
        ConfigError::Key(_) => ("sign_requests", "Set `key` and certificate_file"),
        ConfigError::Metadata(_) if !section.is_blank("metadata_url") => {
            ("metadata_url", "Copy the address from the provider's console")
        }
        ConfigError::Metadata(_) => (
            "metadata_file",
            "Get the document anew from the provider; for a certificate that the provider never \
             renews there is allow_expired_certificates",
        ),
        ConfigError::Pin(_) => {
            ("metadata_certificate_file", "Name the certificate that signs the metadata, in PEM")
        }
    };
    section.missing(key, &error.to_string(), fix);
}
