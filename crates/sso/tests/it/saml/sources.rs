//! Metadata of the provider: from a file and from an address.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use kernel::ManualClock;
use kernel::encoding::base64;
use sso::saml::{Config, MetadataSource, ServiceProvider, service_provider};
use sso::{ProviderError, Verdict};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::idp::{ENTITY_ID, Keys, NOW, SSO_URL, Sign, Signature, metadata, signed_metadata, swap};
use super::lab::{answer, clock, config, good, keys, pending};

const DAY: i64 = 86_400;
/// What pysaml2 7.5 signs with, unless it is told otherwise.
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";

fn from_xml(xml: String) -> Config {
    let mut config = config();
    config.idp_metadata = MetadataSource::Xml(xml);
    config
}

fn problem(config: Config) -> String {
    let made = service_provider(config, super::lab::http(), Arc::new(clock()));
    made.err().unwrap().to_string()
}

/// Without a key nothing could be checked, and the library would check nothing.
#[test]
fn sa_6_metadata_that_cannot_work_are_refused_at_the_start() {
    let usual = metadata(&[&keys().idp]);
    let expect = |part: &str, xml: String| {
        let error = problem(from_xml(xml));
        assert!(error.contains(part), "{error}");
    };
    expect("no signing certificate", metadata(&[]));
    expect("no signing certificate", swap(&usual, "use=\"signing\"", "use=\"encryption\""));
    expect("no SingleSignOnService", usual.replace("HTTP-Redirect", "HTTP-Artifact"));
    expect(
        "no SAML 2.0 identity provider",
        usual.replace("SAML:2.0:protocol", "SAML:1.1:protocol"),
    );
    expect("not an EntityDescriptor", "<x/>".to_owned());
    expect("document type", format!("<!DOCTYPE x>{usual}"));
    expect("empty", String::new());
    expect("not https", usual.replace(SSO_URL, "http://idp.example.com/sso"));
    expect("not https", usual.replace(SSO_URL, "javascript:alert(1)//"));
    expect("base64", swap(&usual, "<ds:X509Certificate>", "<ds:X509Certificate>!"));
    let small = openssl::rsa::Rsa::generate(1024).unwrap();
    let small = openssl::pkey::PKey::from_rsa(small).unwrap();
    expect("2048", metadata(&[&Keys::with(small, NOW - DAY, NOW + DAY)]));
    let mut pinned = from_xml(usual);
    pinned.idp_entity_id = Some("https://other.example".to_owned());
    assert!(problem(pinned).contains("entityID"));
}

/// What stands between the `X509Data` of two keys.
const BETWEEN_KEYS: &str = "</ds:KeyInfo></md:KeyDescriptor><md:KeyDescriptor use=\"signing\">\
                            <ds:KeyInfo>";

/// One certificate that cannot be used takes nothing from the good ones, and is named.
#[tokio::test]
async fn one_unusable_certificate_is_named_and_skipped() {
    let log = testkit::CapturedLog::start();
    let small = openssl::pkey::PKey::from_rsa(openssl::rsa::Rsa::generate(1024).unwrap()).unwrap();
    let small = Keys::with(small, NOW - DAY, NOW + DAY);
    let over = keys().stranger.certified(NOW - 9 * DAY, NOW - DAY);
    let good_one = &keys().idp;
    let usual = metadata(&[&keys().stranger, good_one]);
    let strange = keys().stranger.certificate_base64();
    let ed25519 = openssl::pkey::PKey::generate_ed25519().unwrap();
    let armoured = keys().stranger.certificate_pem();
    for (xml, id, problem) in [
        (metadata(&[&small, good_one]), "urn:small", "no. 1: an RSA key has less than 2048 bits"),
        (metadata(&[good_one, &over]), "urn:over", "expired or not valid yet"),
        (usual.replace(&strange, &armoured), "urn:armour", "PEM armour"),
        (
            // Both in one KeyInfo.
            usual.replace(&strange, "AAAA").replace(BETWEEN_KEYS, ""),
            "urn:together",
            "no. 1: a certificate cannot be read",
        ),
        (usual.replace(&strange, "AAAA"), "urn:junk", "a certificate cannot be read"),
        (usual.replace(&strange, "<!-- -->"), "urn:empty", "a certificate cannot be read"),
        (
            usual.replace(&strange, &self_signed(&ed25519)),
            "urn:ed25519",
            "a certificate's key is neither RSA nor EC",
        ),
    ] {
        let xml = xml.replace(ENTITY_ID, id);
        let provider = super::lab::provider(from_xml(xml));
        let by_good = answer()
            .signed(good_one, Sign::Both, &Signature::default(), |xml| xml.replace(ENTITY_ID, id));
        provider.finish(&pending(), &base64(by_good.as_bytes())).await.unwrap();
        let logged = log.text();
        let mut lines = logged.lines().filter(|line| line.contains("saml.certificate_skipped"));
        assert!(lines.any(|line| line.contains(id) && line.contains(problem)), "{id}");
        let findings = provider.examine().await;
        let named =
            |one: &&sso::Finding| one.what.contains(problem) || one.what.contains("has expired");
        assert!(findings.iter().any(|one| named(&one)), "{id}: {findings:?}");
    }
}

/// A certificate for a key that signs its own way, which no digest is chosen for.
fn self_signed(key: &openssl::pkey::PKey<openssl::pkey::Private>) -> String {
    let mut builder = openssl::x509::X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&openssl::asn1::Asn1Time::from_unix(NOW - DAY).unwrap()).unwrap();
    builder.set_not_after(&openssl::asn1::Asn1Time::from_unix(NOW + DAY).unwrap()).unwrap();
    builder.sign(key, openssl::hash::MessageDigest::null()).unwrap();
    base64(&builder.build().to_der().unwrap())
}

#[test]
fn a_federation_names_its_members() {
    let one = metadata(&[&keys().idp]);
    let two = one.replace(ENTITY_ID, "urn:two").replace("_metadata", "_two");
    let both = format!(
        "\u{feff}<!-- federation --><md:EntitiesDescriptor \
         xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{one}{two}</md:EntitiesDescriptor>"
    );
    let mut config = from_xml(both);
    assert!(problem(config.clone()).contains("2 providers"));
    config.idp_entity_id = Some(ENTITY_ID.to_owned());
    super::lab::provider(config);
}

/// SA-6: what an expired certificate means is the operator's to say.
#[tokio::test]
async fn sa_6_an_expired_certificate_counts_only_if_allowed() {
    let expired = keys().idp.certified(NOW - 20 * DAY, NOW - DAY);
    let mut config = from_xml(metadata(&[&expired]));
    assert!(problem(config.clone()).contains("expired or not valid yet"));
    config.allow_expired_certificates = true;
    super::lab::judge_with(config, &good(Sign::Response)).await.unwrap();
    let until = format!(" validUntil=\"{}\" entityID", super::idp::moment(NOW - 1));
    let mut config = from_xml(swap(&metadata(&[&keys().idp]), " entityID", &until));
    assert!(problem(config.clone()).contains("validUntil"));
    config.allow_expired_certificates = true;
    super::lab::provider(config);
    // One that ends while the process runs.
    let ending = keys().idp.certified(NOW - DAY, NOW + 60);
    let clock = clock();
    let config = from_xml(metadata(&[&ending]));
    let provider = service_provider(config, super::lab::http(), Arc::new(clock.clone())).unwrap();
    let answer = base64(good(Sign::Response).as_bytes());
    provider.finish(&pending(), &answer).await.unwrap();
    clock.advance_seconds(61);
    let error = provider.finish(&pending(), &answer).await.unwrap_err();
    assert!(matches!(error, ProviderError::Misconfigured(_)), "{error}");
}

/// T-SAML-29, with a file: both during the overlap, the old one not afterwards.
#[tokio::test]
async fn t_saml_29_two_certificates_during_a_roll_over() {
    let by_new = answer().signed(&keys().stranger, Sign::Both, &Signature::default(), |xml| xml);
    let by_old = good(Sign::Both);
    let overlap = from_xml(metadata(&[&keys().idp, &keys().stranger]));
    for answer in [&by_old, &by_new] {
        super::lab::judge_with(overlap.clone(), answer).await.unwrap();
    }
    let after = from_xml(metadata(&[&keys().stranger]));
    super::lab::judge_with(after.clone(), &by_new).await.unwrap();
    assert!(super::lab::judge_with(after, &by_old).await.is_err());
}

/// A server on this computer with one document, or with none.
struct Address {
    url: String,
    document: Arc<Mutex<Option<String>>>,
    asked: Arc<AtomicUsize>,
}

async fn address(document: Option<String>) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/metadata", listener.local_addr().unwrap());
    let document = Arc::new(Mutex::new(document));
    let asked = Arc::new(AtomicUsize::new(0));
    let (shared, count) = (Arc::clone(&document), Arc::clone(&asked));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            count.fetch_add(1, Ordering::SeqCst);
            let body = shared.lock().unwrap().clone();
            let status = if body.is_some() { "200 OK" } else { "503 Away" };
            let body = body.unwrap_or_default();
            let head = format!(
                "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all((head + &body).as_bytes()).await;
        }
    });
    Address { url, document, asked }
}

impl Address {
    fn serve(&self, document: Option<String>) {
        *self.document.lock().unwrap() = document;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn provider(&self, pin: Option<&Keys>) -> (Arc<dyn ServiceProvider>, ManualClock) {
        let clock = clock();
        let mut config = config();
        config.idp_metadata = MetadataSource::Url {
            url: self.url.clone(),
            pinned_certificate_pem: pin.map(Keys::certificate_pem),
            refresh_seconds: 3_600,
        };
        (service_provider(config, super::lab::http(), Arc::new(clock.clone())).unwrap(), clock)
    }
}

/// Bad weather: nobody can sign in until the address answers, and then everybody can, without a
/// restart. Later it may go away again.
#[tokio::test]
async fn metadata_come_when_they_can_and_stay() {
    let address = address(None).await;
    let (provider, clock) = address.provider(None);
    let answer = base64(good(Sign::Both).as_bytes());
    for _ in 0..3 {
        let error = provider.finish(&pending(), &answer).await.unwrap_err();
        assert!(matches!(error, ProviderError::Unavailable(_)), "{error}");
    }
    assert_eq!(address.asked(), 1);
    address.serve(Some(metadata(&[&keys().idp])));
    clock.advance_seconds(31);
    provider.finish(&pending(), &answer).await.unwrap();
    address.serve(None);
    clock.advance_seconds(100);
    provider.finish(&pending(), &answer).await.unwrap();
    assert_eq!(address.asked(), 2);
    // Old, and away: the last ones stay. The answer itself is too old by then.
    clock.advance_seconds(3_600);
    let error = provider.finish(&pending(), &answer).await.unwrap_err();
    assert!(matches!(error, ProviderError::Rejected(_)), "{error}");
    assert_eq!(address.asked(), 3);
}

/// T-SAML-29, with an address: a new key is learned when it is first used, and a stranger's makes
/// us ask only so often.
#[tokio::test]
async fn t_saml_29_a_new_key_is_learned_when_it_is_used() {
    let address = address(Some(metadata(&[&keys().idp]))).await;
    let (provider, clock) = address.provider(None);
    let old = base64(good(Sign::Both).as_bytes());
    let new = answer().signed(&keys().stranger, Sign::Both, &Signature::default(), |xml| xml);
    let new = base64(new.as_bytes());
    provider.finish(&pending(), &old).await.unwrap();
    clock.advance_seconds(31);
    for _ in 0..3 {
        assert!(provider.finish(&pending(), &new).await.is_err());
    }
    assert_eq!(address.asked(), 2);
    address.serve(Some(metadata(&[&keys().stranger])));
    clock.advance_seconds(31);
    provider.finish(&pending(), &new).await.unwrap();
    assert!(provider.finish(&pending(), &old).await.is_err());
    assert_eq!(address.asked(), 3);
}

/// SA-15: signed with the configured key, by the same provider as before, and over https.
#[tokio::test]
async fn sa_15_fetched_metadata_are_pinned() {
    let signer = &keys().stranger;
    let address = address(Some(metadata(&[&keys().idp]))).await;
    let (provider, clock) = address.provider(Some(signer));
    let answer = base64(good(Sign::Both).as_bytes());
    let wrong_key = signed_metadata(&[&keys().idp], &keys().idp);
    let genuine = signed_metadata(&[&keys().idp], signer);
    let changed = swap(&genuine, SSO_URL, "https://evil.example");
    for document in [metadata(&[&keys().idp]), wrong_key, changed] {
        address.serve(Some(document));
        clock.advance_seconds(31);
        assert!(provider.finish(&pending(), &answer).await.is_err());
    }
    address.serve(Some(genuine));
    clock.advance_seconds(31);
    provider.finish(&pending(), &answer).await.unwrap();
    // Another name at the same address is another provider.
    let (provider, clock) = address.provider(None);
    provider.finish(&pending(), &answer).await.unwrap();
    address.serve(Some(metadata(&[&keys().stranger]).replace(ENTITY_ID, "urn:other")));
    clock.advance_seconds(31);
    let foreign = answer_by_stranger();
    assert!(provider.finish(&pending(), &foreign).await.is_err());
    provider.finish(&pending(), &answer).await.unwrap();
    let mut config = config();
    for url in ["http://idp.example.com/metadata", "file:///etc/passwd", "x"] {
        config.idp_metadata = MetadataSource::Url {
            url: url.to_owned(),
            pinned_certificate_pem: None,
            refresh_seconds: 60,
        };
        assert!(problem(config.clone()).contains("https"));
    }
}

fn answer_by_stranger() -> String {
    let by_stranger =
        answer().signed(&keys().stranger, Sign::Both, &Signature::default(), |xml| xml);
    base64(by_stranger.as_bytes())
}

/// A document without an end is given up on.
#[tokio::test]
async fn metadata_have_a_largest_size() {
    let address = address(Some(" ".repeat(5 * 1024 * 1024))).await;
    let (provider, _) = address.provider(None);
    let error = provider.finish(&pending(), "").await.unwrap_err();
    assert!(error.to_string().contains("more than metadata can be"), "{error}");
}

#[tokio::test]
async fn doctor_says_what_there_is_and_what_is_wrong() {
    let report = async |config: Config| {
        let findings = super::lab::provider(config).examine().await;
        findings.into_iter().map(|one| (one.verdict, one.what)).collect::<Vec<_>>()
    };
    let good = report(config()).await;
    assert!(good.iter().all(|(verdict, _)| *verdict == Verdict::Pass), "{good:?}");
    for part in [super::lab::ACS_URL, super::lab::ENTITY_ID, ENTITY_ID, SSO_URL, "365 more days"] {
        assert!(good.iter().any(|(_, what)| what.contains(part)), "{part} in {good:?}");
    }
    let wants = swap(
        &metadata(&[&keys().idp]),
        "<md:IDPSSODescriptor",
        "<md:IDPSSODescriptor WantAuthnRequestsSigned=\"true\"",
    );
    let small = openssl::pkey::PKey::from_rsa(openssl::rsa::Rsa::generate(1024).unwrap()).unwrap();
    let small = Keys::with(small, NOW - DAY, NOW + DAY);
    let formats = swap(
        &metadata(&[&keys().idp]),
        "<md:SingleSignOnService",
        "<md:NameIDFormat> urn:mail </md:NameIDFormat><md:SingleSignOnService",
    );
    let sha1 = signed_metadata(&[&keys().idp], &keys().idp)
        .replace("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", SHA1);
    let ending = keys().idp.certified(NOW - DAY, NOW + 10 * DAY);
    let over = keys().stranger.certified(NOW - 9 * DAY, NOW - DAY);
    for (xml, verdict, part) in [
        (wants, Verdict::Failure, "WantAuthnRequestsSigned"),
        (metadata(&[&keys().idp, &small]), Verdict::Warning, "less than 2048 bits; it is skipped"),
        (sha1, Verdict::Warning, "signs its metadata with SHA-1"),
        (formats, Verdict::Warning, "name_id_format urn:persistent"),
        (metadata(&[&ending]), Verdict::Warning, "ends in 10 days"),
        (metadata(&[&keys().idp, &over]), Verdict::Failure, "has expired"),
    ] {
        let mut config = from_xml(xml);
        config.name_id_format = Some("urn:persistent".to_owned());
        let report = report(config).await;
        let found = report.iter().find(|(_, what)| what.contains(part));
        assert_eq!(found.map(|(verdict, _)| *verdict), Some(verdict), "{report:?}");
    }
    let address = address(None).await;
    let (provider, _) = address.provider(None);
    let findings = provider.examine().await;
    assert!(findings.iter().any(|one| one.verdict == Verdict::Failure && one.what.contains("503")));
}
