//! What may be posted to the assertion consumer URL, and the metadata beside it.

use std::time::Duration;

use kernel::encoding::base64;
use testkit::Answer;
use testkit::saml::swap;
use tokio::time::timeout;

use super::company::Company;
use crate::world::Plan;

const LAUGHS: &str = "<!DOCTYPE a [<!ENTITY l0 \"ha\"><!ENTITY l1 \"&l0;&l0;&l0;&l0;&l0;&l0;\">\
                      <!ENTITY l2 \"&l1;&l1;&l1;&l1;&l1;&l1;\"><!ENTITY l3 \"&l2;&l2;&l2;&l2;\">\
                      <!ENTITY x SYSTEM \"file:///etc/passwd\">]>";

/// An answer that must not take long.
async fn soon(answer: impl Future<Output = Answer>) -> Answer {
    timeout(Duration::from_secs(3), answer).await.expect("an answer soon")
}

/// T-SAML-15, SA-2, DS-1: documents that are meant to hurt are refused soon and use nothing up.
#[tokio::test]
async fn t_saml_15_hostile_documents_are_refused_and_use_nothing_up() {
    let company = Company::start(Plan::sqlite()).await;
    let person = company.world.person();
    let asked = company.leave(&person, &company.world.client().await.ask()).await;
    let before = company.world.dump().await;
    let with_doctype = |xml: String| LAUGHS.to_owned() + &swap(&xml, "alice-7", "&l3;&x;");
    let plain = testkit::saml::Answer {
        acs_url: asked.acs_url(),
        audience: asked.issuer(),
        request_id: asked.id(),
        now: 1_800_000_000,
    };
    let unsigned = plain.template().replace("@R@", "").replace("@A@", "");
    let long = |length: usize| base64(swap(&unsigned, "alice-7", &"a".repeat(length)).as_bytes());
    for hostile in [
        base64(with_doctype(unsigned.clone()).as_bytes()),
        base64("<a>".repeat(20_000).as_bytes()),
        base64(&[0xFF; 4096]),
        long(300 * 1024),
        "A".repeat(1024 * 1024),
        "%3Cnot base64%3E".to_owned(),
        base64(b"<?xml version=\"1.0\"?><?hurt me?><a/>"),
        String::new(),
    ] {
        let length = hostile.len();
        let answer = soon(company.post(&asked, &hostile)).await;
        answer.is_local_error();
        assert!(!answer.body.contains("root:"), "{length} bytes");
        company.is_only_on_record_since(&before).await;
    }
    let consent = company.arrive(&person, &asked, &company.vouches(&asked)).await;
    assert!(consent.has_button("decision"), "{}", consent.answer.body);
}

/// One sign-in may be answered any number of times, and each answer is a document to read and a
/// signature to check: a network brings so many in a minute, and others bring theirs meanwhile.
#[tokio::test]
async fn answers_from_one_network_are_limited() {
    for plan in [Plan::sqlite(), Plan::postgres()] {
        let company = Company::start(plan.oauth("authorizations_per_minute = 5")).await;
        let person = company.world.person();
        let asked = company.leave(&person, &company.world.client().await.ask()).await;
        for n in 0..8 {
            let answer = company.post(&asked, &base64(b"<a/>")).await;
            assert_eq!(answer.status == 429, n >= 5, "{n}: {}", answer.status);
        }
        let answer = company.post(&asked, &company.vouches(&asked)).await;
        assert_eq!(answer.status, 429);
        assert!(answer.header("retry-after").is_some());
    }
}

/// T-SAML-26, SA-12: the relay state is our handle or nothing; it is never a place to go to.
#[tokio::test]
async fn t_saml_26_the_relay_state_leads_nowhere() {
    let company = Company::start(Plan::sqlite()).await;
    let client = company.world.client().await;
    let person = company.world.person();
    let (asked, other) =
        (company.leave(&person, &client.ask()).await, company.leave(&person, &client.ask()).await);
    let response = company.vouches(&asked);
    let before = company.world.dump().await;
    let state = &asked.relay_state;
    for strange in [
        "https://evil.example/",
        "//evil.example",
        "/account",
        "javascript:alert(1)",
        &"x".repeat(1024),
        &format!("{state}{}", "x".repeat(1024)),
        &format!("{state}\r\nLocation: https://evil.example"),
        &format!("{state}&next=https://evil.example"),
        &other.relay_state,
    ] {
        let answer = company.post_with(&response, strange).await;
        answer.is_local_error();
        assert!(!answer.body.contains("evil"), "{}", answer.body);
        company.is_only_on_record_since(&before).await;
    }
    assert!(company.arrive(&person, &asked, &response).await.has_button("decision"));
}

/// A provider that loses the relay state is answered by the request that it names. That opens
/// nothing to anybody else: the answer must fit that request, and the browser must be the one that
/// left (T-CB-20).
#[tokio::test]
async fn a_lost_relay_state_is_found_by_the_request() {
    let log = testkit::CapturedLog::start();
    let company = Company::start(Plan::sqlite()).await;
    let world = &company.world;
    let (person, stranger, client) = (world.person(), world.person(), world.client().await);
    let asked = company.leave(&person, &client.ask()).await;
    let other = company.leave(&stranger, &client.ask()).await;
    let acs = world.at("/saml/corp/acs");
    let before = world.dump().await;

    // Nobody asked, or the wrapper names another sign-in than the signed assertion.
    let unasked = company.says(&asked, "_unasked", |xml| xml.replace(asked.id(), "_x"));
    world.post_form(&acs, &[("SAMLResponse", &unasked)]).await.is_local_error();
    assert!(log.text().contains("its InResponseTo names no request of ours"));
    company.is_only_on_record_since(&before).await;
    let rewrapped = company.says(&asked, "_rewrapped", |xml| swap(&xml, asked.id(), other.id()));
    world.post_form(&acs, &[("SAMLResponse", &rewrapped)]).await.is_local_error();
    company.is_only_on_record_since(&before).await;

    let response = company.vouches(&asked);
    let kept = world.post_form(&acs, &[("SAMLResponse", &response), ("RelayState", "")]).await;
    let back = company.way_back(&kept);
    assert!(back.ends_with(&format!("/sign-in/corp/callback?state={}", asked.relay_state)));
    world.post_form(&acs, &[("SAMLResponse", &response)]).await.is_local_error();
    assert!(person.visit(&back).await.has_button("decision"));

    // In the browser of somebody else it is the end of that sign-in, as with a relay state.
    let kept = world.post_form(&acs, &[("SAMLResponse", &company.vouches(&other))]).await;
    let back = company.way_back(&kept);
    let foreign = person.visit(&back).await;
    foreign.answer.is_local_error();
    assert!(!foreign.has_button("decision"), "{}", foreign.answer.body);
    assert!(!stranger.visit(&back).await.has_button("decision"));
}

/// SA-3's twin for forms: an answer comes once, in the body of a form.
#[tokio::test]
async fn an_answer_comes_once_and_in_a_form() {
    let company = Company::start(Plan::sqlite()).await;
    let world = &company.world;
    let person = world.person();
    let asked = company.leave(&person, &world.client().await.ask()).await;
    let (response, state) = (company.vouches(&asked), asked.relay_state.as_str());
    let acs = world.at("/saml/corp/acs");
    let fields = [("SAMLResponse", &*response), ("RelayState", state)];
    let before = world.dump().await;

    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    for method in ["GET", "HEAD", "PUT"] {
        assert_eq!(world.send(method, &format!("{acs}?{query}")).await.status, 405, "{method}");
    }
    let in_query = world.post_form(&format!("{acs}?{query}"), &[]).await;
    in_query.is_local_error();
    let split = format!("{acs}?RelayState={state}");
    world.post_form(&split, &fields[..1]).await.is_local_error();
    world.post_form(&split, &fields).await.is_local_error();

    for twice in [fields[0], fields[1], ("RelayState", "wg_up_x")] {
        let repeated = [fields.as_slice(), &[twice]].concat();
        let answer = world.post_form(&acs, &repeated).await;
        answer.is_local_error();
        assert_eq!(answer.status, 400, "{}", answer.body);
    }
    for kind in ["text/plain", "application/json", "multipart/form-data; boundary=x"] {
        world.post(&acs, kind, query.clone()).await.is_local_error();
    }
    world.is_unchanged_since(&before).await;
    assert!(company.arrive(&person, &asked, &response).await.has_button("decision"));
}

/// SA-15's other half: what the provider's administrator fetches from us.
#[tokio::test]
async fn the_metadata_are_a_public_document() {
    let company = Company::start(Plan::sqlite()).await;
    let world = &company.world;
    let metadata = world.get(&world.at("/saml/corp/metadata")).await;
    assert_eq!(metadata.status, 200);
    assert_eq!(metadata.header("content-type"), Some("application/samlmetadata+xml"));
    assert_eq!(metadata.header("x-content-type-options"), Some("nosniff"));
    assert!(metadata.header("set-cookie").is_none());
    for part in [
        format!("entityID=\"{}\"", world.at("/saml/corp")),
        format!("Location=\"{}\"", world.at("/saml/corp/acs")),
    ] {
        assert!(metadata.body.contains(&part), "{part} in {}", metadata.body);
    }
    let again = world.get(&world.at("/saml/corp/metadata")).await;
    assert_eq!(again.body, metadata.body);
}

/// UP-5: what is not configured is not there, and what was switched off takes no answers, not
/// even those that were asked for.
#[tokio::test]
async fn up_5_unknown_and_disabled_providers_take_nothing() {
    let company = Company::start(Plan::sqlite()).await;
    let world = &company.world;
    let person = world.person();
    let client = world.client().await;
    let (asked, kept) =
        (company.leave(&person, &client.ask()).await, company.leave(&person, &client.ask()).await);
    let response = company.vouches(&asked);
    let back = company.way_back(&company.post(&kept, &company.vouches(&kept)).await);
    let fields = [("SAMLResponse", &*response), ("RelayState", &*asked.relay_state)];
    for id in ["other", "CORP", "corp%2F", "..", "corp%00"] {
        let answer = world.post_form(&world.at(&format!("/saml/{id}/acs")), &fields).await;
        assert_eq!(answer.status, 404, "{id}: {}", answer.body);
        assert_eq!(world.get(&world.at(&format!("/saml/{id}/metadata"))).await.status, 404, "{id}");
    }

    let company = company.restart("enabled = false\n").await;
    let before = company.world.dump().await;
    assert_eq!(company.post(&asked, &response).await.status, 404);
    assert_eq!(company.again(&person).visit(&back).await.answer.status, 404);
    let metadata = company.world.at("/saml/corp/metadata");
    assert_eq!(company.world.get(&metadata).await.status, 404);
    company.world.is_unchanged_since(&before).await;
}
