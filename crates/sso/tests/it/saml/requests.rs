//! Our own requests and metadata.

use std::io::Read as _;

use flate2::read::DeflateDecoder;
use kernel::encoding::{base64, from_any_base64, sha256_base64url};
use kernel::{OsRandom, Redacted, SecureRandom};
use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use samael::crypto::{Crypto, CryptoProvider as _};
use sso::Go;
use sso::saml::{Config, Pending, RequestBinding, service_provider};
use url::Url;

use super::idp::{ECDSA_SHA256, Keys, NOW, RSA_SHA256, SSO_URL, attribute};
use super::lab::{ACS_URL, ENTITY_ID, REQUEST_ID, clock, config, keys, provider};

async fn start(config: Config) -> (Go, Pending) {
    provider(config).begin("wg_up_handle", &OsRandom::new()).await.unwrap()
}

fn query(go: &Go) -> (String, Vec<(String, String)>) {
    let Go::Redirect(url) = go else { panic!("not a redirect") };
    let query = url.split_once('?').unwrap().1.to_owned();
    let pairs = Url::parse(url).unwrap().query_pairs().into_owned().collect();
    (query, pairs)
}

fn inflated(value: &str) -> String {
    let mut xml = String::new();
    let bytes = from_any_base64(value).unwrap();
    DeflateDecoder::new(bytes.as_slice()).read_to_string(&mut xml).unwrap();
    xml
}

/// SA-14: an id of 128 random bits, and everything that was configured.
#[tokio::test]
async fn sa_14_a_redirect_says_what_was_configured() {
    let mut config = config();
    config.force_authn = true;
    config.authn_contexts = vec!["urn:a&b".to_owned()];
    config.name_id_format = Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned());
    let (go, pending) = start(config.clone()).await;
    let (_, pairs) = query(&go);
    let names: Vec<_> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["SAMLRequest", "RelayState"]);
    assert_eq!(pairs[1].1, "wg_up_handle");
    let xml = inflated(&pairs[0].1);
    assert_eq!(attribute(&xml, "ID"), pending.request_id);
    let (random, hash) = pending.request_id.split_once('.').unwrap();
    assert_eq!((random.len(), hash), (33, sha256_base64url(b"wg_up_handle").as_str()));
    assert!(pending.request_id.starts_with('_'));
    assert_eq!(pending.requested_at_millis, NOW * 1000);
    assert_eq!(attribute(&xml, "Destination"), SSO_URL);
    assert_eq!(attribute(&xml, "AssertionConsumerServiceURL"), ACS_URL);
    for part in [
        "ForceAuthn=\"true\"",
        &format!("<saml:Issuer>{ENTITY_ID}</saml:Issuer>"),
        "nameid-format:persistent\" AllowCreate=\"true\"",
        "<saml:AuthnContextClassRef>urn:a&amp;b</saml:AuthnContextClassRef>",
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }
    assert_ne!(start(config).await.1.request_id, pending.request_id);
}

/// SAML core §3.4.1.1 and erratum E14: `LemonLDAP::NG` 2.16 sends an empty name where the element is
/// missing; a transient name is always made anew.
#[tokio::test]
async fn a_request_always_has_a_name_id_policy() {
    let persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    let transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
    let (p, t) = (format!(" Format=\"{persistent}\""), format!(" Format=\"{transient}\""));
    for (format, attributes) in [
        (None, " AllowCreate=\"true\"".to_owned()),
        (Some(persistent), format!("{p} AllowCreate=\"true\"")),
        (Some(transient), t),
    ] {
        let mut config = config();
        config.name_id_format = format.map(ToOwned::to_owned);
        let xml = inflated(&query(&start(config).await.0).1[0].1);
        let policy =
            format!("</saml:Issuer><samlp:NameIDPolicy{attributes}/></samlp:AuthnRequest>");
        assert!(xml.ends_with(&policy), "{xml}");
    }
}

struct Fixed;

impl SecureRandom for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0xab);
    }
}

#[tokio::test]
async fn sa_14_the_id_is_all_the_chance_there_is() {
    let (_, pending) = provider(config()).begin("x", &Fixed).await.unwrap();
    let named = sha256_base64url(b"x");
    assert_eq!(pending.request_id, format!("_{}.{named}", "ab".repeat(16)));
}

/// An answer names its sign-in by the request that it answers, whatever else is in it.
#[tokio::test]
async fn an_answer_without_a_relay_state_names_its_request() {
    let party = provider(config());
    let (_, pending) = party.begin("wg_up_handle", &OsRandom::new()).await.unwrap();
    let named = |xml: &str| party.relay_state_hash(&base64(xml.as_bytes()));
    let to = |id: &str| super::lab::good(super::idp::Sign::Both).replace(REQUEST_ID, id);
    let expected = Some(sha256_base64url(b"wg_up_handle"));
    assert_eq!(named(&to(&pending.request_id)), expected);
    assert_eq!(named(&format!("<?xml version=\"1.0\"?>\n{}", to(&pending.request_id))), expected);
    let mangled = pending.request_id.replace('.', "");
    let long = format!("{}x", pending.request_id);
    for other in ["", "_x", "_x.y", &mangled, &long, &"x".repeat(100_000)] {
        assert_eq!(named(&to(other)), None, "{other}");
    }
    for junk in ["", "<", "<!DOCTYPE x><x/>", "<!-- --><x/>", "text", "<x InResponseTo='&e;'/>"] {
        assert_eq!(named(junk), None, "{junk}");
    }
    assert_eq!(party.relay_state_hash("%"), None);
}

/// SA-14: the signature is over the query exactly as it is sent, up to itself.
#[tokio::test]
async fn sa_14_a_signed_redirect_verifies_over_the_exact_query() {
    let ec = Keys::ec(NOW);
    for (own, algorithm) in [(&keys().ours, RSA_SHA256), (&ec, ECDSA_SHA256)] {
        let mut config = config();
        config.sign_requests = true;
        config.key_pem = Some(Redacted::new(own.key_pem()));
        config.certificate_pem = Some(own.certificate_pem());
        let (query, pairs) = query(&start(config).await.0);
        let names: Vec<_> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["SAMLRequest", "RelayState", "SigAlg", "Signature"]);
        assert_eq!(pairs[2].1, algorithm);
        let signed = query.split_once("&Signature=").unwrap().0;
        let mut verifier = Verifier::new(MessageDigest::sha256(), own.key()).unwrap();
        let signature = from_any_base64(&pairs[3].1).unwrap();
        assert!(verifier.verify_oneshot(&signature, signed.as_bytes()).unwrap());
        let mut verifier = Verifier::new(MessageDigest::sha256(), own.key()).unwrap();
        let other = signed.replace("wg_up_handle", "wg_up_other");
        assert!(!verifier.verify_oneshot(&signature, other.as_bytes()).unwrap());
    }
}

#[tokio::test]
async fn sa_14_a_signed_form_verifies() {
    let mut config = config();
    config.sign_requests = true;
    config.request_binding = RequestBinding::Post;
    let (go, pending) = start(config.clone()).await;
    let Go::Post { url, fields } = go else { panic!("not a form") };
    assert_eq!(url, format!("{SSO_URL}/post"));
    assert_eq!(fields[1], ("RelayState", "wg_up_handle".to_owned()));
    let xml = String::from_utf8(from_any_base64(&fields[0].1).unwrap()).unwrap();
    assert!(xml.contains(&format!("URI=\"#{}\"", pending.request_id)));
    let der = from_any_base64(&keys().ours.certificate_base64()).unwrap().into();
    Crypto::verify_signed_xml(&xml, &der, Some("ID")).unwrap();
    let changed = xml.replace(ENTITY_ID, "https://evil.example");
    assert!(Crypto::verify_signed_xml(&changed, &der, Some("ID")).is_err());
    config.sign_requests = false;
    let Go::Post { fields, .. } = start(config).await.0 else { panic!("not a form") };
    let xml = String::from_utf8(from_any_base64(&fields[0].1).unwrap()).unwrap();
    assert!(!xml.contains("Signature"));
}

/// T-SAML-26, SA-12: it is an opaque handle, bounded, and never where anybody is sent.
#[tokio::test]
async fn t_saml_26_a_relay_state_is_short_and_leads_nowhere() {
    let provider = provider(config());
    let random = OsRandom::new();
    for bad in ["", &"x".repeat(81), &"x".repeat(1024)] {
        assert!(provider.begin(bad, &random).await.is_err());
    }
    provider.begin(&"x".repeat(80), &random).await.unwrap();
    let (go, _) = provider.begin("https://evil.example/?a=b&c", &random).await.unwrap();
    let (query, pairs) = query(&go);
    assert!(query.ends_with("RelayState=https%3A%2F%2Fevil.example%2F%3Fa%3Db%26c"));
    assert_eq!(pairs.len(), 2);
    let Go::Redirect(url) = go else { panic!("not a redirect") };
    assert!(url.starts_with(&format!("{SSO_URL}?")));
}

/// T-SAML-27: answers come by POST only. A deflated one, bomb or not, is not base64 of XML, and
/// nothing that arrives is ever inflated.
#[tokio::test]
async fn t_saml_27_deflated_answers_are_not_read() {
    use std::io::Write as _;
    let bomb = vec![b' '; 64 * 1024 * 1024];
    for content in [bomb.as_slice(), super::lab::good(super::idp::Sign::Both).as_bytes()] {
        let best = flate2::Compression::best();
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), best);
        encoder.write_all(content).unwrap();
        let deflated = kernel::encoding::base64(&encoder.finish().unwrap());
        let error = provider(config()).finish(&super::lab::pending(), &deflated).await;
        assert!(error.is_err());
        let signed = format!("{deflated}&SigAlg={RSA_SHA256}&Signature=AAAA");
        assert!(provider(config()).finish(&super::lab::pending(), &signed).await.is_err());
    }
}

#[test]
fn our_metadata_say_what_a_provider_needs() {
    let mut config = config();
    config.sign_requests = true;
    config.entity_id = "urn:gate&\"<x>".to_owned();
    config.name_id_format = Some("urn:format".to_owned());
    let xml = provider(config.clone()).metadata();
    assert_eq!(xml, provider(config.clone()).metadata());
    for part in [
        "entityID=\"urn:gate&amp;&quot;&lt;x&gt;\"",
        "AuthnRequestsSigned=\"true\"",
        "WantAssertionsSigned=\"false\"",
        "use=\"signing\"",
        "use=\"encryption\"",
        &keys().ours.certificate_base64(),
        "<md:NameIDFormat>urn:format</md:NameIDFormat>",
        "Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\"",
        ACS_URL,
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }
    let read: samael::metadata::EntityDescriptor = xml.parse().unwrap();
    assert_eq!(read.entity_id.as_deref(), Some("urn:gate&\"<x>"));
    assert_eq!(
        read.sp_sso_descriptors.unwrap()[0].assertion_consumer_services[0].location,
        ACS_URL
    );
    (config.key_pem, config.certificate_pem, config.sign_requests) = (None, None, false);
    config.want_assertions_signed = true;
    let xml = provider(config).metadata();
    assert!(!xml.contains("KeyDescriptor") && xml.contains("WantAssertionsSigned=\"true\""));
}

#[test]
fn a_configuration_that_cannot_work_says_why() {
    let wrong = |change: &dyn Fn(&mut Config)| {
        let mut config = config();
        change(&mut config);
        let made = service_provider(config, super::lab::http(), std::sync::Arc::new(clock()));
        made.err().unwrap().to_string()
    };
    let expect = |part: &str, error: String| assert!(error.contains(part), "{error}");
    expect("ACS URL", wrong(&|config| config.acs_url = "http://gate.example.com/acs".to_owned()));
    expect("entity ID", wrong(&|config| config.entity_id = String::new()));
    expect("clock skew", wrong(&|config| config.clock_skew_seconds = 301));
    expect("attributes.user", wrong(&|config| config.attributes.user = String::new()));
    expect("needs its certificate", wrong(&|config| config.certificate_pem = None));
    expect("needs its key", wrong(&|config| config.key_pem = None));
    expect(
        "does not belong",
        wrong(&|config| {
            config.certificate_pem = Some(keys().stranger.certificate_pem());
        }),
    );
    expect("not a private key", wrong(&|config| config.key_pem = Some(Redacted::new("x"))));
    expect(
        "sign_requests needs",
        wrong(&|config| {
            (config.key_pem, config.certificate_pem, config.sign_requests) = (None, None, true);
        }),
    );
    assert!(!format!("{:?}", config()).contains("PRIVATE KEY"));
}
