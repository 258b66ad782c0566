//! The whole way: there, back, and what the person is afterwards.

use serde_json::Value;
use testkit::forge::Jwt;
use testkit::saml::{AuthnRequest, SSO_URL, moment, swap};
use testkit::{CapturedLog, Engine, Tick, Tokens, random};

use super::company::{ADMINISTRATORS, Company, press};
use crate::world::Plan;

const EVERYTHING: &str = "mcp:read mcp:write mcp:process_admin mcp:admin";
const BASIC: &str = "mcp:read mcp:write";
const ADMINS: &str = "<saml:AttributeValue>admins</saml:AttributeValue>";

fn same(xml: String) -> String {
    xml
}

/// UP-1: a person of the company gets what the groups say, in both databases and process shapes,
/// and below a path.
#[tokio::test]
async fn a_person_of_the_company_signs_in() {
    for plan in [
        Plan::sqlite(),
        Plan::postgres(),
        Plan::sqlite().apart(),
        Plan::postgres().apart(),
        Plan::sqlite().at("/gate"),
    ] {
        let company = Company::with(plan, "", ADMINISTRATORS).await;
        let client = company.world.client().await;
        let tokens = company.connect(&client, "corp", same).await;
        assert_eq!(tokens.scope, EVERYTHING);
        let demoted = company.connect(&client, "corp", |xml| swap(&xml, ADMINS, "")).await;
        assert_eq!(demoted.scope, BASIC);
        let shrunk = Tokens::of(&client.refresh(&tokens.refresh).await);
        assert_eq!(shrunk.scope, BASIC, "the same person, with fewer groups now");
    }
}

/// CO-1, SA-14: nothing happens before the click; the request says who asks and where to answer.
#[tokio::test]
async fn sa_14_the_request_is_made_after_the_click() {
    let company = Company::start(Plan::sqlite()).await;
    let world = &company.world;
    let (person, ask) = (world.person(), world.client().await.ask());
    let page = person.visit(&ask.url()).await;
    assert_eq!(world.dump().await.count("OAUTH_UPSTREAM"), 0);
    let there = press(&person, &page, "corp").await.left_to.expect("the provider");
    assert!(there.starts_with(&format!("{SSO_URL}?SAMLRequest=")), "{there}");
    let asked = AuthnRequest::by_redirect(&there);
    assert_eq!(asked.acs_url(), world.at("/saml/corp/acs"));
    assert_eq!(asked.issuer(), world.at("/saml/corp"));
    let dump = world.dump().await;
    assert_eq!(dump.count("OAUTH_UPSTREAM"), 1);
    for secret in [asked.relay_state.as_str(), asked.id()] {
        assert!(!dump.contains(secret), "{secret} is in the database");
    }
}

/// The request may also go as a form, with a click and without a script.
#[tokio::test]
async fn a_request_by_form_waits_for_a_click() {
    let company = Company::with(Plan::sqlite(), "request_binding = \"post\"", "").await;
    let client = company.world.client().await;
    let (person, ask) = (company.world.person(), client.ask());
    let page = press(&person, &person.visit(&ask.url()).await, "corp").await;
    let form = page.form();
    assert_eq!(form.action, format!("{SSO_URL}/post"));
    assert!(!page.answer.body.contains("<script"));
    let asked = AuthnRequest::by_form(&form);
    let consent = company.arrive(&person, &asked, &company.vouches(&asked)).await;
    let returned = person.allow(&consent, Tick::All).await.returned();
    assert_eq!(client.exchange(returned.code(), &ask).await.status, 200);
}

/// T-CB-20, SA-8: the answer comes without our cookie and is kept; only the browser that left can
/// go on with it, and once.
#[tokio::test]
async fn t_cb_20_an_answer_without_cookies_waits_for_its_browser() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let company = Company::start(Plan::on(engine)).await;
        let (world, client) = (&company.world, company.world.client().await);
        let (person, ask) = (world.person(), client.ask());
        let asked = company.leave(&person, &ask).await;
        let kept = company.post(&asked, &company.vouches(&asked)).await;
        let back = company.way_back(&kept);
        assert_eq!(back, world.at("/sign-in/corp/callback?state=") + &asked.relay_state);
        assert!(kept.header("set-cookie").is_none(), "no session for whoever posted it");
        assert_eq!(kept.header("cache-control"), Some("no-store"));
        assert_eq!(kept.header("referrer-policy"), Some("no-referrer"));

        let before = world.dump().await;
        assert_eq!(before.count("OAUTH_SESSION"), 0);
        assert!(!before.contains("alice"), "the person is sealed");
        let consent = person.visit(&back).await;
        assert!(consent.has_button("decision"), "{}", consent.answer.body);
        person.visit(&back).await.answer.is_local_error();
        let returned = person.allow(&consent, Tick::All).await.returned();
        assert_eq!(client.exchange(returned.code(), &ask).await.status, 200);
        assert_eq!(world.dump().await.count("OAUTH_SESSION"), 1);
    }
}

/// T-CB-02, A10: the way back of one browser leads nowhere in another, and then nowhere at all.
#[tokio::test]
async fn a10_a_stolen_way_back_is_worth_nothing_anywhere() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let company = Company::start(Plan::on(engine)).await;
        let (world, client) = (&company.world, company.world.client().await);
        let (person, bare, bound) = (world.person(), world.person(), world.person());
        bound.visit(&client.ask().url()).await;
        for thief in [bare, bound] {
            let asked = company.leave(&person, &client.ask()).await;
            let kept = company.post(&asked, &company.vouches(&asked)).await;
            let back = company.way_back(&kept);
            assert_eq!(thief.visit(&back).await.answer.status, 403);
            person.visit(&back).await.answer.is_local_error();
            assert_eq!(world.dump().await.count("OAUTH_SESSION"), 0);
        }
        let rejected = world.dump().await.count_with("OAUTH_AUDIT", "kind=upstream.rejected");
        assert_eq!(rejected, 2);
    }
}

/// T-CB-06: two tabs, answered in the other order, each end where they began.
#[tokio::test]
async fn t_cb_06_two_tabs_are_never_mixed() {
    let company = Company::start(Plan::sqlite()).await;
    let client = company.world.client().await;
    let person = company.world.person();
    let asks = [client.ask(), client.ask()];
    let tabs = [company.leave(&person, &asks[0]).await, company.leave(&person, &asks[1]).await];
    for (ask, asked) in asks.iter().zip(&tabs).rev() {
        let consent = company.arrive(&person, asked, &company.vouches(asked)).await;
        let returned = person.allow(&consent, Tick::All).await.returned();
        assert_eq!(returned.get("state"), Some(ask.get("state")));
        assert_eq!(client.exchange(returned.code(), ask).await.status, 200);
    }
}

/// Who comes back without an answer, or with one in the query, is nobody.
#[tokio::test]
async fn coming_back_alone_is_no_answer() {
    let company = Company::start(Plan::sqlite()).await;
    let client = company.world.client().await;
    for query in ["", "&SAMLResponse="] {
        let person = company.world.person();
        let asked = company.leave(&person, &client.ask()).await;
        let answer = if query.is_empty() { String::new() } else { company.vouches(&asked) };
        let answer = answer.replace('+', "%2B");
        let state = &asked.relay_state;
        let url = format!("/sign-in/corp/callback?state={state}{query}{answer}");
        person.visit(&company.world.at(&url)).await.answer.is_local_error();
    }
    assert_eq!(company.world.dump().await.count("OAUTH_SESSION"), 0);
}

/// Ten minutes are enough, for the answer and for the browser that fetches it.
#[tokio::test]
async fn t_cb_17_a_late_answer_finds_nobody() {
    let company = Company::start(Plan::sqlite()).await;
    let client = company.world.client().await;
    let (early, late) = (company.world.person(), company.world.person());
    let (asked, forgotten) =
        (company.leave(&early, &client.ask()).await, company.leave(&late, &client.ask()).await);
    let kept = company.post(&asked, &company.vouches(&asked)).await;
    company.world.clock.advance_seconds(601);
    early.visit(&company.way_back(&kept)).await.answer.is_local_error();
    let refused = company.post(&forgotten, &company.vouches(&forgotten)).await;
    refused.is_local_error();
    assert_eq!(company.world.dump().await.count("OAUTH_SESSION"), 0);
}

/// SA-9: the session here ends when the provider's does.
#[tokio::test]
async fn sa_9_the_provider_says_how_long_the_session_is() {
    let company = Company::start(Plan::sqlite()).await;
    let (person, client) = (company.world.person(), company.world.client().await);
    let asked = company.leave(&person, &client.ask()).await;
    let now = kernel::Clock::now(&company.world.clock).as_seconds();
    let short = |xml: String| swap(&xml, &moment(now + 28_800), &moment(now + 600));
    let response = company.says(&asked, "_short", short);
    company.arrive(&person, &asked, &response).await;
    company.world.clock.advance_seconds(599);
    assert!(person.visit(&client.ask().url()).await.has_button("decision"), "signed in");
    company.world.clock.advance_seconds(2);
    assert!(person.visit(&client.ask().url()).await.has_button("provider"), "signed out");
}

/// Without any client: the account page.
#[tokio::test]
async fn the_account_page_signs_in_this_way_too() {
    let company = Company::start(Plan::sqlite()).await;
    let person = company.world.person();
    let page = person.visit(&company.world.at("/account")).await;
    let there = press(&person, &page, "corp").await.left_to.expect("the provider");
    let asked = AuthnRequest::by_redirect(&there);
    let account = company.arrive(&person, &asked, &company.vouches(&asked)).await;
    assert_eq!(account.url, company.world.at("/account"));
    assert!(account.answer.body.contains("Alice &#38; Co"), "{}", account.answer.body);
}

/// T-SAML-30, UP-3: an address counts only where the provider may vouch for its domain.
#[tokio::test]
async fn t_saml_30_an_address_of_a_foreign_domain_gives_nothing() {
    let rule = "[[user_type]]\ntype = \"administrator\"\nprovider = \"corp\"\n\
                emails = [\"alice@example.com\"]\n";
    for (domains, scope) in [
        ("", BASIC),
        ("domains = [\"example.org\"]", BASIC),
        ("domains = [\"sub.example.com\"]", BASIC),
        ("domains = [\"example.com\"]", EVERYTHING),
    ] {
        let company = Company::with(Plan::sqlite(), domains, rule).await;
        let client = company.world.client().await;
        let tokens = company.connect(&client, "corp", same).await;
        assert_eq!(tokens.scope, scope, "{domains}");
    }
}

/// T-SAML-30, SA-16: the same name and address at another provider is another person.
#[tokio::test]
async fn t_saml_30_two_providers_never_share_a_person() {
    let company = Company::with_partner(Plan::sqlite()).await;
    let client = company.world.client().await;
    let here = company.connect(&client, "corp", same).await;
    let there = company.connect(&client, "partner", same).await;
    let again = company.connect(&client, "corp", same).await;
    let sub = |tokens: &Tokens| -> Value { Jwt::read(&tokens.access).claims["sub"].clone() };
    assert_ne!(sub(&here), sub(&there));
    assert_eq!(sub(&here), sub(&again));
}

/// Nothing of the round trip that is good for something is in the log.
#[tokio::test]
async fn nothing_of_an_answer_is_in_the_log() {
    let log = CapturedLog::start();
    let company = Company::start(Plan::sqlite()).await;
    let person = company.world.person();
    let asked = company.leave(&person, &company.world.client().await.ask()).await;
    let id = format!("_{}", random());
    let bad = company.says(&asked, &id, |xml| swap(&xml, "alice-7", ""));
    assert_eq!(company.post(&asked, &bad).await.status, 403);
    let good = company.says(&asked, &id, same);
    let consent = company.arrive(&person, &asked, &good).await;
    assert!(consent.has_button("decision"), "{}", consent.answer.body);
    let part = good.get(200..264).expect("a long answer");
    log.is_free_of([part, &id, asked.relay_state.as_str(), "alice@example.com"]);
}
