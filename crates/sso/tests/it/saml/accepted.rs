//! What is accepted, and who it makes of the person.

use std::sync::Arc;

use kernel::Timestamp;
use kernel::encoding::base64;
use sso::ProviderError;
use sso::saml::{Pending, RequestBinding, service_provider};

use super::idp::{
    AES128_CBC, AES128_GCM, AES256_CBC, AES256_GCM, NOW, OAEP, OAEP_SHA256, Sign, Signature,
    assertion_of, encrypted, moment, swap,
};
use super::lab::{answer, clock, config, good, judge, judge_with, keys, pending, signed};

#[tokio::test]
async fn sa_4_a_signed_response_a_signed_assertion_and_both() {
    for sign in [Sign::Response, Sign::Assertion, Sign::Both] {
        let accepted = judge(&good(sign)).await.unwrap();
        let identity = &accepted.signed_in.identity;
        assert_eq!(identity.provider, "corp");
        assert_eq!(identity.name, "Alice & Co");
        assert_eq!(identity.groups, ["staff", "admins"]);
        let email = identity.email.as_ref().unwrap();
        assert_eq!((email.address.as_str(), email.verified), ("alice@example.com", false));
        let upstream = &accepted.signed_in.upstream;
        assert_eq!(upstream.id.as_deref(), Some("_session1"));
        assert_eq!(upstream.ends_at, Some(Timestamp::from_millis((NOW + 28_800) * 1000)));
        assert_eq!(accepted.expires_at, Timestamp::from_millis((NOW + 300 + 120) * 1000));
    }
}

/// SA-8: an unsigned response may lack its `Destination`; the signed assertion has `Recipient`.
#[tokio::test]
async fn sa_8_an_unsigned_response_needs_no_destination() {
    let without = signed(Sign::Assertion, |xml| {
        swap(&xml, &format!(" Destination=\"{}\"", super::lab::ACS_URL), "")
    });
    let accepted = judge(&without).await.unwrap();
    let usual = judge(&good(Sign::Assertion)).await.unwrap();
    assert_eq!(accepted.signed_in.identity.external_id, usual.signed_in.identity.external_id);
}

/// `LemonLDAP::NG` 2.16 as it comes: confirmed for 20 hours, good for 24. Its id is kept for as long
/// as anybody could send it again.
#[tokio::test]
async fn an_assertion_that_is_good_for_a_day() {
    const DAY: i64 = 86_400;
    let until = |seconds: i64| format!("NotOnOrAfter=\"{}\"", moment(NOW + seconds));
    let long = signed(Sign::Both, |xml| {
        let xml = swap(&xml, &format!(" {}", until(300)), &format!(" {}", until(20 * 3_600)));
        let xml = swap(&xml, &format!(" {}", until(300)), &format!(" {}", until(DAY)));
        swap(&xml, &until(28_800), &until(2 * DAY))
    });
    let accepted = judge(&long).await.unwrap();
    assert_eq!(accepted.expires_at, Timestamp::from_millis((NOW + DAY + 120) * 1000));
    let late = clock();
    let provider = service_provider(config(), super::lab::http(), Arc::new(late.clone())).unwrap();
    let answer = base64(long.as_bytes());
    late.advance_seconds(20 * 3_600 + 119);
    let again = provider.finish(&pending(), &answer).await.unwrap();
    assert_eq!(again.one_time_id, accepted.one_time_id);
    late.advance_seconds(1);
    assert!(provider.finish(&pending(), &answer).await.is_err());
}

/// Formatting, an XML declaration, prefixes kept by `InclusiveNamespaces`, other parties' key info.
#[tokio::test]
async fn answers_look_different_from_provider_to_provider() {
    let pretty = signed(Sign::Both, |xml| xml.replace("><saml:", ">\n  <saml:"));
    judge(&pretty).await.unwrap();
    let windows =
        format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n{}", good(Sign::Assertion));
    judge(&windows).await.unwrap();
    let transforms = format!(
        r#"<ds:Transform Algorithm="{}"/><ds:Transform Algorithm="{exclusive}"><ec:InclusiveNamespaces xmlns:ec="{exclusive}" PrefixList="xs xsi"/></ds:Transform>"#,
        super::idp::ENVELOPED,
        exclusive = super::idp::EXCLUSIVE,
    );
    let signature = Signature { transforms, ..Signature::default() };
    let xml = answer().signed(&keys().idp, Sign::Assertion, &signature, |xml| xml);
    judge(&xml).await.unwrap();
    let info = "</ds:SignatureValue><ds:KeyInfo><ds:KeyName>k</ds:KeyName></ds:KeyInfo>";
    judge(&swap(&good(Sign::Response), "</ds:SignatureValue>", info)).await.unwrap();
    let wrapped = base64(good(Sign::Response).as_bytes());
    let lines: Vec<_> = wrapped.as_bytes().chunks(76).map(String::from_utf8_lossy).collect();
    let provider = super::lab::provider(config());
    provider.finish(&pending(), &lines.join("\r\n")).await.unwrap();
}

/// SA-13. The first is what `SimpleSAMLphp` 1.19 does.
#[tokio::test]
async fn sa_13_encrypted_assertions_in_a_signed_response() {
    for content in [AES128_CBC, AES256_CBC, AES128_GCM, AES256_GCM] {
        let xml = signed(Sign::Response, |xml| {
            encrypted(&xml.replace("@A@", ""), &keys().ours, content, OAEP)
        });
        let accepted = judge(&xml).await.unwrap();
        assert_eq!(accepted.signed_in.identity.name, "Alice & Co", "{content}");
    }
    let both = signed(Sign::Response, |xml| {
        let assertion = assertion_of(&xml).to_owned();
        let template = assertion.replace("@A@", &Signature::default().template("_assertion"));
        let xml = swap(&xml, &assertion, &keys().idp.sign(&template));
        encrypted(&xml, &keys().ours, AES128_CBC, OAEP)
    });
    judge(&both).await.unwrap();
    let mut without_key = config();
    (without_key.key_pem, without_key.certificate_pem) = (None, None);
    let error = judge_with(without_key, &both).await.unwrap_err();
    assert!(matches!(error, ProviderError::Misconfigured(_)), "{error}");
}

/// XML Encryption 1.1 §5.5.2: the newer RSA-OAEP names the hash of its mask, too.
#[tokio::test]
async fn sa_13_rsa_oaep_with_sha_256_throughout() {
    for content in [AES128_CBC, AES256_GCM] {
        let xml = signed(Sign::Response, |xml| {
            encrypted(&xml.replace("@A@", ""), &keys().ours, content, OAEP_SHA256)
        });
        let accepted = judge(&xml).await.unwrap();
        assert_eq!(accepted.signed_in.identity.name, "Alice & Co", "{content}");
    }
}

#[tokio::test]
async fn want_assertions_signed_asks_for_a_signature_on_the_assertion() {
    let mut strict = config();
    strict.want_assertions_signed = true;
    judge_with(strict.clone(), &good(Sign::Both)).await.unwrap();
    judge_with(strict.clone(), &good(Sign::Assertion)).await.unwrap();
    assert!(judge_with(strict.clone(), &good(Sign::Response)).await.is_err());
    let inside = signed(Sign::Response, |xml| {
        encrypted(&xml.replace("@A@", ""), &keys().ours, AES128_GCM, OAEP)
    });
    assert!(judge_with(strict, &inside).await.is_err());
}

/// T-SAML-24: the id is the assertion's, whatever is around it, and another one's is another.
#[tokio::test]
async fn t_saml_24_every_copy_of_an_assertion_has_the_same_one_time_id() {
    let signed_assertion = good(Sign::Assertion);
    let first = judge(&signed_assertion).await.unwrap();
    // Another process, another wrapper: the response is not signed, so anybody can change it.
    let again = judge(&swap(&signed_assertion, "\"_response\"", "\"_again\"")).await.unwrap();
    assert_eq!(first.one_time_id, again.one_time_id);
    assert_eq!(first.expires_at, again.expires_at);
    let other = signed(Sign::Assertion, |xml| swap(&xml, "\"_assertion\"", "\"_other\""));
    assert_ne!(first.one_time_id, judge(&other).await.unwrap().one_time_id);
    // From `expires_at` on nobody could send it again, so that is how long the id is kept.
    let late = clock();
    let provider = service_provider(config(), super::lab::http(), Arc::new(late.clone())).unwrap();
    let answer = base64(signed_assertion.as_bytes());
    late.advance_seconds(419);
    provider.finish(&pending(), &answer).await.unwrap();
    late.advance_seconds(1);
    assert!(provider.finish(&pending(), &answer).await.is_err());
}

/// T-SAML-20: the same answer in another browser belongs to another request.
#[tokio::test]
async fn t_saml_20_the_answer_to_one_browser_is_none_to_another() {
    let other = Pending { request_id: "_ffff".to_owned(), ..pending() };
    let provider = super::lab::provider(config());
    let answer = base64(good(Sign::Both).as_bytes());
    assert!(provider.finish(&other, &answer).await.is_err());
    assert!(
        provider.finish(&Pending { request_id: String::new(), ..other }, &answer).await.is_err()
    );
}

/// T-SAML-25, UP-7: a refusal is reported as one, in words made harmless.
#[tokio::test]
async fn t_saml_25_a_refusal_is_no_assertion() {
    let refusal = signed(Sign::Nothing, |xml| {
        let without = swap(&xml, assertion_of(&xml), "");
        swap(
            &without,
            "Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>",
            "Value=\"urn:oasis:names:tc:SAML:2.0:status:Responder\"><samlp:StatusCode \
             Value=\"urn:oasis:names:tc:SAML:2.0:status:AuthnFailed\"/></samlp:StatusCode>\
             <samlp:StatusMessage>wrong\r\npassword\u{202e}</samlp:StatusMessage>",
        )
    });
    let Err(ProviderError::Refused { code, detail }) = judge(&refusal).await else {
        panic!("not refused");
    };
    assert_eq!((code.as_str(), detail.as_str()), ("AuthnFailed", "wrong password"));
}

/// T-SAML-30, UP-3: an address counts only for the domains that the operator gave.
#[tokio::test]
async fn t_saml_30_a_provider_vouches_only_for_its_own_domains() {
    let verified = async |domains: &[&str]| {
        let mut config = config();
        config.domains = domains.iter().map(ToString::to_string).collect();
        let accepted = judge_with(config, &good(Sign::Response)).await.unwrap();
        let identity = accepted.signed_in.identity;
        assert!(!identity.external_id.contains("alice@example.com"));
        identity.email.unwrap().verified
    };
    assert!(verified(&["example.com"]).await);
    assert!(!verified(&["other.example", "le.com", "alice@example.com"]).await);
    assert!(!verified(&[]).await);
}

#[tokio::test]
async fn the_subject_can_be_the_address_and_other_attributes_can_be_kept() {
    let mut config = config();
    config.attributes.email = "NameID".to_owned();
    config.attributes.name = String::new();
    config.attributes.organization = "groups".to_owned();
    config.kept_claims = vec!["displayName".to_owned(), "nowhere".to_owned()];
    let xml = signed(Sign::Assertion, |xml| swap(&xml, "alice-7", "alice@corp.example"));
    let identity = judge_with(config, &xml).await.unwrap().signed_in.identity;
    assert_eq!(identity.email.unwrap().address, "alice@corp.example");
    assert_eq!(identity.name, "alice@corp.example");
    assert_eq!(identity.organizations, ["staff", "admins"]);
    assert_eq!(identity.attributes.len(), 1);
    assert_eq!(identity.attributes["displayName"], ["Alice & Co"]);
}

/// SA-14: an unsigned request can be changed on its way, so what it asked for is checked.
#[tokio::test]
async fn sa_14_a_fresh_sign_in_and_its_way_are_looked_for() {
    let mut forced = config();
    forced.force_authn = true;
    judge_with(forced.clone(), &good(Sign::Both)).await.unwrap();
    let stale = signed(Sign::Both, |xml| {
        let instant = format!("AuthnInstant=\"{}\"", moment(NOW));
        swap(&xml, &instant, &format!("AuthnInstant=\"{}\"", moment(NOW - 3_600)))
    });
    judge(&stale).await.unwrap();
    assert!(judge_with(forced, &stale).await.is_err());
    let mut ways = config();
    ways.authn_contexts = vec!["urn:mfa".to_owned()];
    assert!(judge_with(ways.clone(), &good(Sign::Both)).await.is_err());
    let password = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
    let strong = signed(Sign::Both, |xml| swap(&xml, password, "urn:mfa"));
    judge_with(ways, &strong).await.unwrap();
}

/// The clocks may differ by what the configuration says, and by no second more.
#[tokio::test]
async fn clocks_may_differ_as_configured() {
    let late = signed(Sign::Both, |xml| {
        let until = format!("NotOnOrAfter=\"{}\"", moment(NOW + 300));
        let at = format!("NotOnOrAfter=\"{}\"", moment(NOW - 119));
        xml.replace(&format!(" {until}"), &format!(" {at}"))
    });
    judge(&late).await.unwrap();
    let mut exact = config();
    exact.clock_skew_seconds = 0;
    assert!(judge_with(exact.clone(), &late).await.is_err());
    judge_with(exact, &good(Sign::Both)).await.unwrap();
}

/// Entra ID sends a link in place of more than 150 groups. Nobody is let in without the groups
/// that make an administrator of them.
#[tokio::test]
async fn groups_behind_a_link_are_refused_aloud() {
    let link = "Name=\"http://schemas.microsoft.com/claims/groups.link\"";
    let with_link = |xml: String| {
        let (before, rest) = xml.split_once("<saml:Attribute Name=\"groups\"").unwrap();
        let after = rest.split_once("</saml:Attribute>").unwrap().1;
        format!(
            "{before}<saml:Attribute {link}><saml:AttributeValue>https://graph.example/v1\
             </saml:AttributeValue></saml:Attribute>{after}"
        )
    };
    let error = judge(&signed(Sign::Assertion, with_link)).await.unwrap_err();
    assert!(matches!(&error, ProviderError::Incomplete(what) if what.contains("group_overage")));
    // Somebody whose rules look at no groups loses nothing.
    let mut no_groups = config();
    no_groups.attributes.groups = String::new();
    judge_with(no_groups, &signed(Sign::Assertion, with_link)).await.unwrap();
}

/// A12: XML laid out for reading has white space around values; nothing else is taken away.
#[tokio::test]
async fn only_the_white_space_of_xml_is_taken_away() {
    let value = |text: &str| format!("<saml:AttributeValue>{text}</saml:AttributeValue>");
    let laid_out = signed(Sign::Assertion, |xml| {
        let xml = swap(&xml, &value("staff"), &value("\n\t staff\r\n "));
        let xml = swap(&xml, &value("admins"), &value("\u{a0}admins\u{2003}"));
        swap(&xml, ">alice-7<", ">\n  alice-7\n<")
    });
    let identity = judge(&laid_out).await.unwrap().signed_in.identity;
    assert_eq!(identity.groups, ["staff", "\u{a0}admins\u{2003}"]);
    let usual = judge(&good(Sign::Assertion)).await.unwrap().signed_in.identity;
    assert_eq!(identity.external_id, usual.external_id);
}

/// A15: an assertion has hundreds of attributes at most.
#[tokio::test]
async fn attributes_have_a_largest_number() {
    let with = |count: usize| {
        signed(Sign::Assertion, |xml| {
            let some = "<saml:Attribute Name=\"x\"/>".repeat(count);
            swap(&xml, "</saml:AttributeStatement>", &format!("{some}</saml:AttributeStatement>"))
        })
    };
    judge(&with(400)).await.unwrap();
    let error = judge(&with(501)).await.unwrap_err();
    assert!(error.to_string().contains("more than 500 attributes"), "{error}");
}

/// Five thousand groups are a large directory, and no attack.
#[tokio::test]
async fn many_groups_fit() {
    let groups = (0..2_000).fold(String::new(), |all, n| {
        all + &format!("<saml:AttributeValue>group-{n}</saml:AttributeValue>")
    });
    let xml = signed(Sign::Assertion, |xml| {
        swap(&xml, "<saml:AttributeValue>staff</saml:AttributeValue>", &groups)
    });
    let identity = judge(&xml).await.unwrap().signed_in.identity;
    assert_eq!(identity.groups.len(), 2_001);
    let mut post = config();
    post.request_binding = RequestBinding::Post;
    judge_with(post, &xml).await.unwrap();
}
