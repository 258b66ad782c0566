//! Our own metadata, for the operator to hand to the provider.

use quick_xml::escape::escape;

use super::names::{ENCRYPTION, METADATA, POST_BINDING, PROTOCOL, SIGNATURE};
use super::own_key::OwnKey;
use crate::saml::Config;

/// What encrypted assertions may use; the first is the best.
const ENCRYPTION_METHODS: [&str; 5] = [
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
    "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
];

/// The document. Nothing in it depends on the time.
pub(super) fn document(config: &Config, key: Option<&OwnKey>) -> String {
    let format = config
        .name_id_format
        .as_deref()
        .map(|format| format!("    <md:NameIDFormat>{}</md:NameIDFormat>\n", escape(format)));
    format!(
        concat!(
            r#"<?xml version="1.0" encoding="UTF-8"?>"#,
            "\n",
            r#"<md:EntityDescriptor xmlns:md="{md}" xmlns:ds="{ds}" xmlns:xenc="{xenc}" "#,
            r#"entityID="{entity_id}">"#,
            "\n  ",
            r#"<md:SPSSODescriptor AuthnRequestsSigned="{signed}" "#,
            r#"WantAssertionsSigned="{want_signed}" protocolSupportEnumeration="{protocol}">"#,
            "\n{keys}{format}    ",
            r#"<md:AssertionConsumerService Binding="{post}" Location="{acs}" "#,
            r#"index="0" isDefault="true"/>"#,
            "\n  </md:SPSSODescriptor>\n</md:EntityDescriptor>\n"
        ),
        md = METADATA,
        ds = SIGNATURE,
        xenc = ENCRYPTION,
        entity_id = escape(config.entity_id.as_str()),
        signed = config.sign_requests,
        want_signed = config.want_assertions_signed,
        protocol = PROTOCOL,
        keys = key.map(keys).unwrap_or_default(),
        format = format.unwrap_or_default(),
        post = POST_BINDING,
        acs = escape(config.acs_url.as_str()),
    )
}

fn keys(key: &OwnKey) -> String {
    let mut all = descriptor(key, "signing", "");
    if key.for_decrypting().is_some() {
        let method = |uri: &&str| format!("      <md:EncryptionMethod Algorithm=\"{uri}\"/>\n");
        let methods: String = ENCRYPTION_METHODS.iter().map(method).collect();
        all.push_str(&descriptor(key, "encryption", &methods));
    }
    all
}

fn descriptor(key: &OwnKey, purpose: &str, methods: &str) -> String {
    format!(
        concat!(
            "    <md:KeyDescriptor use=\"{purpose}\">\n",
            "      <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}",
            "</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\n",
            "{methods}    </md:KeyDescriptor>\n"
        ),
        purpose = purpose,
        certificate = key.certificate().base64(),
        methods = methods,
    )
}
