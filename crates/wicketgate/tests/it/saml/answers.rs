//! Answers that are not the answer to this request of this browser.

use reqwest::header::HeaderMap;
use testkit::saml::{AuthnRequest, swap};
use testkit::{CapturedLog, Engine, Form};

use super::company::{ADMINISTRATORS, Company, refusal};
use crate::world::Plan;

fn without_request(asked: &AuthnRequest) -> impl Fn(String) -> String {
    let named = format!(" InResponseTo=\"{}\"", asked.id());
    move |xml| xml.replace(&named, "")
}

/// T-SAML-20: an answer that names no request, an unknown one, or that of another tab or browser.
#[tokio::test]
async fn t_saml_20_an_answer_fits_one_request_only() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let company = Company::start(Plan::on(engine)).await;
        let client = company.world.client().await;
        let (person, stranger) = (company.world.person(), company.world.person());
        let asked = company.leave(&person, &client.ask()).await;
        let other_tab = company.leave(&person, &client.ask()).await;
        let other_browser = company.leave(&stranger, &client.ask()).await;
        let before = company.world.dump().await;
        let unknown = |xml: String| xml.replace(asked.id(), "_0123456789abcdef0123456789abcdef");
        for response in [
            company.says(&asked, "_none", without_request(&asked)),
            company.says(&asked, "_unknown", unknown),
            company.vouches(&other_tab),
            company.vouches(&other_browser),
        ] {
            let answer = company.post(&asked, &response).await;
            answer.is_local_error();
            assert_eq!(answer.status, 403, "{}", answer.body);
            company.is_only_on_record_since(&before).await;
        }
        let consent = company.arrive(&person, &asked, &company.vouches(&asked)).await;
        assert!(consent.has_button("decision"), "{}", consent.answer.body);
    }
}

/// T-SAML-20: a request is answered once. The first answer stays, and when the browser has
/// fetched it there is nothing left to answer.
#[tokio::test]
async fn t_saml_20_a_request_is_answered_once() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let company = Company::with(Plan::on(engine), "", ADMINISTRATORS).await;
        let client = company.world.client().await;
        let person = company.world.person();
        let asked = company.leave(&person, &client.ask()).await;
        let back = company.way_back(&company.post(&asked, &company.vouches(&asked)).await);
        let before = company.world.dump().await;
        let somebody_else =
            |xml: String| swap(&swap(&xml, "alice-7", "mallory"), "Alice &amp; Co", "Mallory");
        let second = company.says(&asked, "_second", somebody_else);
        assert_eq!(company.post(&asked, &second).await.status, 400);
        company.world.is_unchanged_since(&before).await;
        let consent = person.visit(&back).await;
        assert!(consent.answer.body.contains("Alice"), "{}", consent.answer.body);
        assert!(!consent.answer.body.contains("Mallory"), "{}", consent.answer.body);
        let before = company.world.dump().await;
        assert_eq!(company.post(&asked, &second).await.status, 400);
        company.world.is_unchanged_since(&before).await;
    }
}

/// T-SAML-21, SA-11: an answer that nobody asked for completes no authorization that waits.
#[tokio::test]
async fn t_saml_21_an_unsolicited_answer_does_nothing() {
    let company = Company::start(Plan::sqlite()).await;
    let client = company.world.client().await;
    let person = company.world.person();
    let asked = company.leave(&person, &client.ask()).await;
    let unsolicited = company.says(&asked, "_unsolicited", without_request(&asked));
    let acs = company.world.at("/saml/corp/acs");
    let before = company.world.dump().await;
    for response in [unsolicited.as_str(), company.vouches(&asked).as_str()] {
        for state in ["x", "wg_up_", &asked.relay_state.replace("wg_up_", "wg_tx_")] {
            company.post_with(response, state).await.is_local_error();
        }
        let unknown = format!("wg_up_{}", testkit::random());
        company.post_with(response, &unknown).await.is_local_error();
    }
    company.post(&asked, &unsolicited).await.is_local_error();
    // Without a relay state nothing says whose it is; an answer that was asked for says it itself.
    company.world.post_form(&acs, &[("SAMLResponse", &unsolicited)]).await.is_local_error();
    company.post_with(&unsolicited, "").await.is_local_error();
    company.is_only_on_record_since(&before).await;
    assert_eq!(before.count("OAUTH_CODE"), 0);
    // Nor from the browser that waits, with its cookies.
    let page = person.visit(&client.ask().url()).await;
    let form = Form {
        action: acs,
        fields: vec![("SAMLResponse".to_owned(), unsolicited)],
        ..Form::default()
    };
    person.submit(&page, form, None, HeaderMap::new()).await.answer.is_local_error();
    let page = person.visit(&client.ask().url()).await;
    assert!(page.has_button("provider"), "nobody is signed in: {}", page.answer.body);
    let consent = company.arrive(&person, &asked, &company.vouches(&asked)).await;
    assert!(consent.has_button("decision"));
}

/// T-SAML-25, UP-7: a failed sign-in is a page and a line in the log with the provider's reason,
/// whatever else is in the answer. Trying again there works.
#[tokio::test]
async fn t_saml_25_a_failed_sign_in_is_none() {
    let log = CapturedLog::start();
    let company = Company::start(Plan::sqlite()).await;
    let client = company.world.client().await;
    let person = company.world.person();
    let asked = company.leave(&person, &client.ask()).await;
    let before = company.world.dump().await;
    let with_assertion = company.says(&asked, "_failed", |xml| refusal(&xml, "AuthnFailed"));
    for response in [with_assertion, company.refuses(&asked, "AuthnFailed")] {
        let page = company.post(&asked, &response).await;
        page.is_local_error();
        assert_eq!(page.status, 403);
        assert!(page.body.contains("The sign-in was refused"), "{}", page.body);
        assert!(!page.body.contains("Mallory") && !page.body.contains("onload"), "{}", page.body);
        let log = log.text();
        let line = log.lines().rfind(|line| line.contains("sign-in at a provider failed"));
        let line = line.expect("a line in the log");
        for part in ["AuthnFailed", "provider=\"corp\"", "by Mallory"] {
            assert!(line.contains(part), "{part} in {line}");
        }
        let (_, reference) = line.split_once("reference=").expect("a reference");
        let reference = reference.split(' ').next().expect("a reference");
        assert!(page.body.contains(reference), "{reference} in {}", page.body);
    }
    // A10: on record, once for the sign-in and not once for each answer that anybody makes up.
    let after = company.world.dump().await;
    before.equals_but(&after, &["OAUTH_AUDIT", "OAUTH_REPLAY"]);
    assert_eq!(after.count_with("OAUTH_AUDIT", "upstream.rejected"), 1);
    let consent = company.arrive(&person, &asked, &company.vouches(&asked)).await;
    assert!(consent.has_button("decision"), "{}", consent.answer.body);
}

/// SA-8: an answer counts at the provider that was asked, and nowhere else.
#[tokio::test]
async fn an_answer_counts_at_the_provider_that_was_asked() {
    let company = Company::with_partner(Plan::sqlite()).await;
    let world = &company.world;
    let person = world.person();
    let asked = company.leave(&person, &world.client().await.ask()).await;
    let response = company.vouches(&asked);
    let before = world.dump().await;
    let fields = [("SAMLResponse", &*response), ("RelayState", &*asked.relay_state)];
    world.post_form(&world.at("/saml/partner/acs"), &fields).await.is_local_error();
    world.is_unchanged_since(&before).await;
    let back = company.way_back(&company.post(&asked, &response).await);
    let elsewhere = back.replace("/corp/", "/partner/");
    person.visit(&elsewhere).await.answer.is_local_error();
    assert!(person.visit(&back).await.has_button("decision"));
}
