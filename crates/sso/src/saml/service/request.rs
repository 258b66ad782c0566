//! Our request: an `AuthnRequest`, by redirect or by POST.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use kernel::encoding::{base64, sha256_base64url};
use kernel::{SecureRandom, Timestamp};
use quick_xml::escape::escape;
use url::form_urlencoded::byte_serialize;

use super::names::{
    ASSERTION, ENVELOPED, EXCLUSIVE_C14N, POST_BINDING, PROTOCOL, SHA256, SIGNATURE,
    TRANSIENT_FORMAT,
};
use super::own_key::{CannotSign, OwnKey};
use super::time;
use crate::provider::Go;
use crate::saml::{Config, RequestBinding};

/// A fresh request id: 128 random bits (SA-14) and a hash of the relay state, as a name that XML
/// allows. The answer repeats it, so it leads back here where the relay state itself was lost.
pub(super) fn fresh_id(relay_state: &str, random: &dyn SecureRandom) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    format!("_{}.{}", super::hexadecimal(&bytes), sha256_base64url(relay_state.as_bytes()))
}

/// The hash in a request id, if it could be one of ours.
pub(super) fn relay_state_hash(unverified_id: &str) -> Option<&str> {
    let (_, hash) = unverified_id.split_once('.')?;
    let is_ours = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (hash.len() == 43 && hash.bytes().all(is_ours)).then_some(hash)
}

/// A request on its way.
pub(super) struct Request<'a> {
    pub(super) config: &'a Config,
    pub(super) id: &'a str,
    pub(super) now: Timestamp,
    /// The provider's endpoint for the configured binding.
    pub(super) sso_url: &'a str,
    pub(super) relay_state: &'a str,
    /// The key, if requests are signed.
    pub(super) key: Option<&'a OwnKey>,
}

impl Request<'_> {
    /// Where the browser goes with it.
    pub(super) fn go(&self) -> Result<Go, CannotSign> {
        match self.config.request_binding {
            RequestBinding::Redirect => self.redirect(),
            RequestBinding::Post => self.post(),
        }
    }

    /// SAML bindings §3.4.4.1: deflated, and signed over the query string exactly as it is sent.
    fn redirect(&self) -> Result<Go, CannotSign> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        let deflated = encoder.write_all(self.xml("").as_bytes()).and_then(|()| encoder.finish());
        let deflated = deflated.map_err(|_| CannotSign)?;
        let mut query = format!(
            "SAMLRequest={}&RelayState={}",
            encoded(&base64(&deflated)),
            encoded(self.relay_state)
        );
        if let Some(key) = self.key {
            query = format!("{query}&SigAlg={}", encoded(key.algorithm()));
            let signature = key.sign(query.as_bytes())?;
            query = format!("{query}&Signature={}", encoded(&base64(&signature)));
        }
        let separator = if self.sso_url.contains('?') { '&' } else { '?' };
        Ok(Go::Redirect(format!("{}{separator}{query}", self.sso_url)))
    }

    /// SAML bindings §3.5.4: in a form, with the signature inside.
    fn post(&self) -> Result<Go, CannotSign> {
        let xml = match self.key {
            Some(key) => key.sign_xml(&self.xml(&empty_signature(self.id, key)))?,
            None => self.xml(""),
        };
        let fields = vec![
            ("SAMLRequest", base64(xml.as_bytes())),
            ("RelayState", self.relay_state.to_owned()),
        ];
        Ok(Go::Post { url: self.sso_url.to_owned(), fields })
    }

    fn xml(&self, signature: &str) -> String {
        let config = self.config;
        let force = if config.force_authn { r#" ForceAuthn="true""# } else { "" };
        format!(
            concat!(
                r#"<samlp:AuthnRequest xmlns:samlp="{samlp}" xmlns:saml="{saml}" ID="{id}" "#,
                r#"Version="2.0" IssueInstant="{now}" Destination="{to}"{force} "#,
                r#"ProtocolBinding="{binding}" AssertionConsumerServiceURL="{acs}">"#,
                "<saml:Issuer>{issuer}</saml:Issuer>{signature}{policy}{contexts}",
                "</samlp:AuthnRequest>"
            ),
            samlp = PROTOCOL,
            saml = ASSERTION,
            id = self.id,
            now = time::format(self.now),
            to = escape(self.sso_url),
            force = force,
            binding = POST_BINDING,
            acs = escape(config.acs_url.as_str()),
            issuer = escape(config.entity_id.as_str()),
            signature = signature,
            policy = name_id_policy(config.name_id_format.as_deref()),
            contexts = contexts(&config.authn_contexts),
        )
    }
}

/// SAML core §3.4.1.1. Without any such element `LemonLDAP::NG` 2.16 answers with an empty name. A
/// transient one is always created, so the permission has no place beside it (SAML erratum E14).
fn name_id_policy(format: Option<&str>) -> String {
    let named = |format| format!(r#" Format="{}""#, escape(format));
    let may_create = if format == Some(TRANSIENT_FORMAT) { "" } else { r#" AllowCreate="true""# };
    format!("<samlp:NameIDPolicy{}{may_create}/>", format.map(named).unwrap_or_default())
}

fn contexts(wanted: &[String]) -> String {
    if wanted.is_empty() {
        return String::new();
    }
    let class = |context: &String| {
        format!(
            "<saml:AuthnContextClassRef>{}</saml:AuthnContextClassRef>",
            escape(context.as_str())
        )
    };
    let classes: String = wanted.iter().map(class).collect();
    format!(
        r#"<samlp:RequestedAuthnContext Comparison="exact">{classes}</samlp:RequestedAuthnContext>"#
    )
}

/// What the signature library fills in.
fn empty_signature(id: &str, key: &OwnKey) -> String {
    format!(
        concat!(
            r#"<ds:Signature xmlns:ds="{ds}"><ds:SignedInfo>"#,
            r#"<ds:CanonicalizationMethod Algorithm="{c14n}"/>"#,
            r##"<ds:SignatureMethod Algorithm="{algorithm}"/><ds:Reference URI="#{id}">"##,
            r#"<ds:Transforms><ds:Transform Algorithm="{enveloped}"/>"#,
            r#"<ds:Transform Algorithm="{c14n}"/></ds:Transforms>"#,
            r#"<ds:DigestMethod Algorithm="{sha256}"/><ds:DigestValue/>"#,
            "</ds:Reference></ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data>",
            "<ds:X509Certificate>{certificate}</ds:X509Certificate>",
            "</ds:X509Data></ds:KeyInfo></ds:Signature>"
        ),
        ds = SIGNATURE,
        c14n = EXCLUSIVE_C14N,
        algorithm = key.algorithm(),
        id = id,
        enveloped = ENVELOPED,
        sha256 = SHA256,
        certificate = key.certificate().base64(),
    )
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}
