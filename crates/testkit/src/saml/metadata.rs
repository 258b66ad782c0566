//! What a provider says of itself.

use super::answer::Signature;
use super::keys::Keys;
use super::{ENTITY_ID, SSO_URL};

/// A provider's metadata with these certificates for signing.
pub fn metadata(certificates: &[&Keys]) -> String {
    let descriptors = certificates.iter().fold(String::new(), |all, keys| {
        all + &format!(
            r#"<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"#,
            keys.certificate_base64()
        )
    });
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" ID="_metadata" entityID="{ENTITY_ID}"><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{descriptors}<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{SSO_URL}"/><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{SSO_URL}/post"/></md:IDPSSODescriptor></md:EntityDescriptor>"#
    )
}

/// The same document, signed.
pub fn signed_metadata(certificates: &[&Keys], signer: &Keys) -> String {
    let signature = Signature::default().template("_metadata");
    let xml = metadata(certificates);
    signer.sign(&xml.replacen("<md:IDPSSO", &format!("{signature}<md:IDPSSO"), 1))
}
