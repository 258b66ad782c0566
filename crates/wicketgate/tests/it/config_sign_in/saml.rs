//! Providers of kind `saml`, in builds that know them.

use wicketgate::config::KindSettings;

use super::{SAML, only_mistake, providers};

#[test]
fn names_are_below_the_issuer() {
    let found = providers(SAML);
    let KindSettings::Saml(saml) = &found[0].kind else { panic!("{found:?}") };
    let below = "https://mcp.example.com/wfgen/saml/old";
    assert_eq!(saml.config.entity_id, below);
    assert_eq!(saml.config.acs_url, format!("{below}/acs"));
    let named = providers(&format!("{SAML}entity_id = \"urn:example:wicketgate\"\n"));
    let KindSettings::Saml(saml) = &named[0].kind else { panic!("{named:?}") };
    assert_eq!(saml.config.entity_id, "urn:example:wicketgate");
}

/// A certificate that ended is found before anybody signs in, unless it is allowed.
#[test]
fn an_expired_certificate_is_found() {
    let expired = SAML.replace("idp-good", "idp-expired");
    only_mistake(&expired, "sign_in.provider[0].metadata_file");
    providers(&format!("{expired}allow_expired_certificates = true\n"));
}

#[test]
fn each_mistake_is_told_at_its_key() {
    let at = |key: &str| format!("sign_in.provider[0].{key}");
    for (line, wrong, key) in [
        ("idp-good.xml", "none.xml", "metadata_file"),
        ("idp-good.xml", "../main.rs", "metadata_file"),
        ("metadata_file = \"idp-good.xml\"", "", "metadata_url"),
        ("metadata_file = \"idp-good.xml\"", "metadata_url = \"http://i.example\"", "metadata_url"),
    ] {
        only_mistake(&SAML.replace(line, wrong), &at(key));
    }
    for (line, key) in [
        ("metadata_url = \"https://idp.example.com/metadata\"", "metadata_file"),
        ("metadata_certificate_file = \"idp-good.xml\"", "metadata_certificate_file"),
        ("metadata_refresh_seconds = 3600", "metadata_refresh_seconds"),
        ("idp_entity_id = \"https://other.example.com\"", "metadata_file"),
        ("attributes = { user = \"\" }", "attributes.user"),
        ("attributes = { users = \"x\" }", "attributes.users"),
        ("request_binding = \"post\"", "metadata_file"),
        ("request_binding = \"artifact\"", "request_binding"),
        ("sign_requests = true", "sign_requests"),
        ("key = { env = \"SECRET\" }", "certificate_file"),
        ("clock_skew_seconds = 400", "clock_skew_seconds"),
        ("client_id = \"x\"", "client_id"),
        ("claims = { user = \"sub\" }", "claims"),
    ] {
        only_mistake(&format!("{SAML}{line}\n"), &at(key));
    }
}
