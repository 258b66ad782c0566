//! Whom an answer names: empty, transient, of another kind than the one asked for.

use sso::ProviderError;

use super::idp::{Sign, swap};
use super::lab::{config, good, judge, judge_with, signed};

/// `LemonLDAP::NG` 2.16 answers a request without a `NameIDPolicy` so.
#[tokio::test]
async fn an_empty_name_is_called_empty() {
    let empty = signed(Sign::Both, |xml| swap(&xml, ">alice-7</saml:NameID>", "/>"));
    let error = judge(&empty).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ProviderError::Incomplete(_)), "{text}");
    assert!(text.contains("sent an empty NameID") && text.contains("name_id_format"), "{text}");
    let mut by_attribute = config();
    by_attribute.attributes.user = "displayName".to_owned();
    let blank = signed(Sign::Both, |xml| swap(&xml, ">Alice &amp; Co<", "> <"));
    let error = judge_with(by_attribute, &blank).await.unwrap_err();
    assert!(error.to_string().contains("displayName identifies the person and came empty"));
}

/// SA-16: `SimpleSAMLphp` 1.19 answers a format that it cannot make with one of its own. The person
/// is let in, and the log says that they will be somebody else once that is mended.
#[tokio::test]
async fn sa_16_a_format_that_was_not_asked_for_is_noticed() {
    let log = testkit::CapturedLog::start();
    let noticed = async |id: &str, format: Option<&str>| {
        let mut config = config();
        config.id = id.to_owned();
        config.name_id_format = format.map(ToOwned::to_owned);
        judge_with(config, &good(Sign::Both)).await.unwrap();
        let logged = log.text();
        let mut lines = logged.lines().filter(|line| line.contains("another_name_id_format"));
        lines.any(|line| line.contains(id) && line.contains("nameid-format:persistent"))
    };
    assert!(noticed("corp-1", Some("urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos")).await);
    let unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    assert!(!noticed("corp-2", Some(unspecified)).await);
    let persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    assert!(!noticed("corp-3", Some(persistent)).await);
    assert!(!noticed("corp-4", None).await);
}

/// SA-16: format, qualifiers and provider belong to a name.
#[tokio::test]
async fn sa_16_a_name_is_more_than_its_value() {
    let persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    let start = format!("<saml:NameID Format=\"{persistent}\">");
    let id_of = async |to: &str| {
        let xml = signed(Sign::Assertion, |xml| swap(&xml, &start, to));
        judge(&xml).await.unwrap().signed_in.identity.external_id
    };
    let usual = id_of(&start).await;
    let email = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
    assert_ne!(usual, id_of(&format!("<saml:NameID Format=\"{email}\">")).await);
    assert_ne!(usual, id_of("<saml:NameID>").await);
    let qualified = |name: &str, value: &str| {
        format!("<saml:NameID Format=\"{persistent}\" {name}=\"{value}\">")
    };
    assert_ne!(usual, id_of(&qualified("NameQualifier", "urn:other")).await);
    assert_ne!(usual, id_of(&qualified("SPNameQualifier", "urn:other")).await);
    // Spelling out what is meant anyway makes nobody another person.
    assert_eq!(usual, id_of(&qualified("NameQualifier", super::idp::ENTITY_ID)).await);
    assert_eq!(usual, id_of(&qualified("SPNameQualifier", super::lab::ENTITY_ID)).await);
    assert_ne!(usual, "alice-7");
}

/// SA-16: a transient name identifies nobody, but an attribute may.
#[tokio::test]
async fn sa_16_a_transient_name_is_no_account_key() {
    let transient = signed(Sign::Assertion, |xml| {
        swap(&xml, "nameid-format:persistent", "nameid-format:transient")
    });
    let error = judge(&transient).await.unwrap_err();
    assert!(matches!(&error, ProviderError::Incomplete(what) if what.contains("transient")));
    let mut by_attribute = config();
    by_attribute.attributes.user = "mail".to_owned();
    let friendly = judge_with(by_attribute.clone(), &transient).await.unwrap();
    by_attribute.attributes.user = "groups".to_owned();
    let error = judge_with(by_attribute.clone(), &transient).await.unwrap_err();
    assert!(error.to_string().contains("2 values"), "{error}");
    by_attribute.attributes.user = "nowhere".to_owned();
    assert!(judge_with(by_attribute.clone(), &transient).await.is_err());
    by_attribute.attributes.user = "urn:oid:0.9.2342.19200300.100.1.3".to_owned();
    let by_name = judge_with(by_attribute, &transient).await.unwrap();
    let id = |accepted: &sso::saml::Assertion| accepted.signed_in.identity.external_id.clone();
    assert_ne!(id(&friendly), id(&by_name));
}

/// SAML 2.0 core §2.7.3.1: what calls itself friendly like another attribute adds nothing to it.
#[tokio::test]
async fn a_friendly_name_does_not_add_to_another_attribute() {
    let also = |value: &str| {
        format!(
            "<saml:AttributeStatement><saml:Attribute Name=\"nickname\" FriendlyName=\"groups\">\
             <saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>"
        )
    };
    let answer =
        signed(Sign::Assertion, |xml| swap(&xml, "<saml:AttributeStatement>", &also("owners")));
    let accepted = judge(&answer).await.unwrap();
    assert_eq!(accepted.signed_in.identity.groups, ["staff", "admins"]);
}
