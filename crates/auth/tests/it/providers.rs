//! Signing in at a company's provider: the way there, the way back, and who may come back.

use auth::providers::BackChannelLogout;
use protocol::UserType;
use reqwest::header::HeaderMap;
use serde_json::json;
use testkit::{CapturedLog, Page, Person, Return, Tokens, random};

use crate::company::{Company, Corp};
use crate::portal::portal;
use crate::world::Plan;

/// T-UP-15, T-CB-05, CO-1: nothing is sent to the provider and no state is made before the click;
/// state, nonce and verifier are three values, and the verifier is in no URL.
#[tokio::test]
async fn t_up_15_three_values_after_the_click() {
    let company = Company::sqlite().await;
    let world = &company.world;
    let client = world.client().await;
    let person = world.person();
    let page = person.visit(&client.ask().url()).await;
    assert!(page.has_button("provider"), "{}", page.answer.body);
    assert_eq!(world.dump().await.count("OAUTH_UPSTREAM"), 0);
    let there = person.press(&page, "provider", "corp").await.left_to.expect("the provider");
    let asked = Return::read(&there);
    let (state, nonce) = (asked.get("state").expect("state"), asked.get("nonce").expect("nonce"));
    let challenge = asked.get("code_challenge").expect("a challenge");
    assert_eq!(asked.get("code_challenge_method"), Some("S256"));
    assert!(state != nonce && nonce != challenge && state != challenge);
    let dump = world.dump().await;
    assert_eq!(dump.count("OAUTH_UPSTREAM"), 1);
    for secret in [state, nonce] {
        assert!(!dump.contains(secret), "{secret} is in the database");
    }
}

/// T-CB-03: no state, a wrong one, and one that waited too long.
#[tokio::test]
async fn t_cb_03_only_a_state_of_ours_and_in_time() {
    let company = Company::sqlite().await;
    let client = company.world.client().await;
    let person = company.world.person();
    let there = company.leave(&person, &client.ask()).await;
    let back = company.idp.approve(&there, json!({ "sub": "ada" }));
    let state = Return::read(&there).get("state").expect("state").to_owned();
    for wrong in ["", &random(), &format!("wg_up_{}", random())] {
        person.visit(&back.replace(&state, wrong)).await.answer.is_local_error();
    }
    company.world.clock.advance_seconds(601);
    person.visit(&back).await.answer.is_local_error();
    assert_eq!(company.idp.exchanges(), 0);
}

/// T-CB-04: the same callback again finds nothing, and no second exchange happens.
#[tokio::test]
async fn t_cb_04_a_callback_works_once() {
    let company = Company::sqlite().await;
    let client = company.world.client().await;
    let person = company.world.person();
    let there = company.leave(&person, &client.ask()).await;
    let back = company.idp.approve(&there, json!({ "sub": "ada" }));
    let first = person.visit(&back).await;
    assert!(first.has_button("decision"), "{}", first.answer.body);
    person.visit(&back).await.answer.is_local_error();
    assert_eq!(company.idp.exchanges(), 1);
}

/// T-CB-02, T-CONN-02, T-CB-14, A10: who has the URL but not the browser gets nothing; and since
/// somebody else has seen it, it is worth nothing in the first browser any more. It is on record,
/// and the person starts anew.
#[tokio::test]
async fn t_cb_02_a_stolen_callback_is_worth_nothing_anywhere() {
    for plan in [Plan::sqlite(), Plan::postgres()] {
        let company = Company::start(plan, |_| {}).await;
        let client = company.world.client().await;
        let person = company.world.person();
        let (bare, bound) = (company.world.person(), company.world.person());
        bound.visit(&client.ask().url()).await;
        for (thieves, thief) in [(1, bare), (2, bound)] {
            let there = company.leave(&person, &client.ask()).await;
            let back = company.idp.approve(&there, json!({ "sub": "ada" }));
            assert_eq!(thief.visit(&back).await.answer.status, 403);
            person.visit(&back).await.answer.is_local_error();
            assert_eq!(company.idp.exchanges(), 0);
            let recorded =
                company.world.dump().await.count_with("OAUTH_AUDIT", "upstream.rejected");
            assert_eq!(recorded, thieves);
        }
        company.connect(&person, &client, json!({ "sub": "ada" })).await;
    }
}

/// A10: an answer of the provider that cannot be believed is on record.
#[tokio::test]
async fn a10_an_answer_that_is_not_believed_is_on_record() {
    for plan in [Plan::sqlite(), Plan::postgres()] {
        let company = Company::start(plan, |_| {}).await;
        let client = company.world.client().await;
        let person = company.world.person();
        let there = company.leave(&person, &client.ask()).await;
        let nonce = Return::read(&there).get("nonce").expect("a nonce").to_owned();
        let forged = there.replace(&nonce, "another");
        let back = company.idp.approve(&forged, json!({ "sub": "ada" }));
        person.visit(&back).await.answer.is_local_error();
        let dump = company.world.dump().await;
        assert_eq!(dump.count_with("OAUTH_AUDIT", "upstream.rejected"), 1);
        assert_eq!(dump.count("OAUTH_UPSTREAM"), 0);
    }
}

/// T-CB-06: two tabs whose states are exchanged each end where they began, or nowhere.
#[tokio::test]
async fn t_cb_06_exchanged_states_are_never_mixed() {
    let company = Company::sqlite().await;
    let client = company.world.client().await;
    let person = company.world.person();
    let (one, two) = (client.ask(), client.ask());
    let (to_one, to_two) = (company.leave(&person, &one).await, company.leave(&person, &two).await);
    let state = |url: &str| Return::read(url).get("state").expect("state").to_owned();
    let back = company.idp.approve(&to_one, json!({ "sub": "ada" }));
    let mixed = back.replace(&state(&to_one), &state(&to_two));
    // The nonce of the one does not fit the other.
    person.visit(&mixed).await.answer.is_local_error();
}

/// T-CB-09, T-CB-10, UP-7: a refusal there is a refusal here, in our words.
#[tokio::test]
async fn t_cb_09_the_providers_refusal_reaches_the_client_in_our_words() {
    let company = Company::sqlite().await;
    let client = company.world.client().await;
    let person = company.world.person();
    let ask = client.ask();
    let there = company.leave(&person, &ask).await;
    let hostile = "<svg onload=alert(1)>\r\nSet-Cookie: a=b";
    let page = person.visit(&company.idp.refuse(&there, "access_denied", hostile)).await;
    assert_eq!(page.left_to, None, "A3: not without a click");
    let returned = page.offered_return(&client.redirect_uri);
    assert_eq!(returned.get("error"), Some("access_denied"));
    assert_eq!(returned.get("state"), Some(ask.get("state")));
    assert_eq!(returned.get("iss"), Some(company.world.issuer.as_str()));
    assert!(!returned.get("error_description").expect("a text").contains("svg"));

    let there = company.leave(&person, &client.ask()).await;
    let page = person.visit(&company.idp.refuse(&there, "<b>login_required</b>", hostile)).await;
    assert_eq!(page.answer.status, 403);
    for raw in ["<svg onload", "<b>login", "alert"] {
        assert!(!page.answer.body.contains(raw), "{raw} in {}", page.answer.body);
    }
}

/// Bad weather: the provider fails, the person reads so, nothing is consumed, and a reload works
/// once it is back. The log says what happened, under the reference on the page.
#[tokio::test]
async fn a_failing_provider_consumes_nothing() {
    let log = CapturedLog::start();
    let company = Company::sqlite().await;
    let client = company.world.client().await;
    let person = company.world.person();
    let there = company.leave(&person, &client.ask()).await;
    let back = company.idp.approve(&there, json!({ "sub": "ada" }));
    company.idp.fail(true);
    let page = person.visit(&back).await;
    assert_eq!(page.answer.status, 503);
    assert!(page.answer.header("retry-after").is_some());
    assert!(page.answer.body.contains("Northwind does not answer"), "{}", page.answer.body);
    assert!(log.text().contains("500"), "{}", log.text());
    company.idp.fail(false);
    assert!(person.visit(&back).await.has_button("decision"), "a reload works");
}

/// T-UP-07, UP-3: a person is the pair of provider and id; an address makes nobody somebody else.
#[tokio::test]
async fn t_up_07_an_address_takes_over_nobody() {
    let company = Company::sqlite().await;
    let client = company.world.client().await;
    let claims =
        |sub: &str| json!({ "sub": sub, "email": "ada@example.com", "email_verified": true });
    let ada = company.connect(&company.world.person(), &client, claims("ada")).await;
    let mallory = company.connect(&company.world.person(), &client, claims("mallory")).await;
    let sub = |tokens: &Tokens| testkit::forge::Jwt::read(&tokens.access).claims["sub"].clone();
    assert_ne!(sub(&ada), sub(&mallory));
}

/// A demotion at the provider shrinks the next token, and a promotion does not widen
/// what was granted.
#[tokio::test]
async fn a_demotion_shrinks_and_a_promotion_does_not_widen() {
    let plan = Plan::sqlite().group_is("admins", UserType::Administrator);
    let company = Company::start(plan, |_| {}).await;
    let world = &company.world;
    let client = world.client().await;
    let as_admin = json!({ "sub": "ada", "groups": ["admins"] });
    let as_nobody = json!({ "sub": "ada" });
    let wide = company.connect(&world.person(), &client, as_admin.clone()).await;
    assert!(wide.scope.contains("mcp:admin"));
    let narrow = company.connect(&world.person(), &client, as_nobody).await;
    assert_eq!(narrow.scope, "mcp:read mcp:write");
    let shrunk = Tokens::of(&client.refresh(&wide.refresh).await);
    assert_eq!(shrunk.scope, "mcp:read mcp:write", "the old grant, the new groups");
    company.connect(&world.person(), &client, as_admin).await;
    let restored = Tokens::of(&client.refresh(&shrunk.refresh).await);
    assert!(restored.scope.contains("mcp:admin"), "up to what was granted");
    let same = Tokens::of(&client.refresh(&narrow.refresh).await);
    assert_eq!(same.scope, "mcp:read mcp:write", "nothing widens a grant");
}

/// LO-1, T-UP-12: the provider's logout ends the person's sessions, and grants if configured.
#[tokio::test]
async fn t_up_12_a_logout_token_ends_sessions_and_by_policy_grants() {
    for (policy, grants_end) in
        [(BackChannelLogout::Sessions, false), (BackChannelLogout::SessionsAndGrants, true)]
    {
        let company = Company::start(Plan::sqlite(), move |corp| corp.back_channel = policy).await;
        let client = company.world.client().await;
        let person = company.world.person();
        let claims = json!({ "sub": "ada", "sid": "session-1" });
        let tokens = company.connect(&person, &client, claims).await;
        let page = person.visit(&client.ask().url()).await;
        assert!(page.has_button("decision"), "signed in");
        let token = company.idp.logout_token("logout+jwt", json!({ "sid": "session-1" }));
        assert_eq!(logout(&company, &token).await, 204);
        let page = person.visit(&client.ask().url()).await;
        assert!(page.has_button("provider"), "signed out: {}", page.answer.body);
        let refreshed = client.refresh(&tokens.refresh).await;
        assert_eq!(refreshed.status == 400, grants_end, "{policy:?}: {}", refreshed.body);
        // T-UP-11: the same token again.
        assert_eq!(logout(&company, &token).await, 400);
    }
}

/// T-UP-11: what is not a logout token ends nothing.
#[tokio::test]
async fn t_up_11_other_tokens_end_nothing() {
    let company = Company::sqlite().await;
    let client = company.world.client().await;
    let person = company.world.person();
    company.connect(&person, &client, json!({ "sub": "ada", "sid": "s" })).await;
    let before = company.world.dump().await;
    let good = json!({ "sub": "ada" });
    let with = |name: &str, value: serde_json::Value| {
        let mut claims = good.clone();
        claims[name] = value;
        company.idp.logout_token("logout+jwt", claims)
    };
    for token in [
        with("nonce", json!("n")),
        with("aud", json!("somebody else")),
        with("iss", json!("https://evil.example")),
        with("events", json!({})),
        with("exp", json!(1)),
        with("jti", json!(null)),
        with("sub", json!(null)),
        company.idp.logout_token("at+jwt", good.clone()),
        "junk".to_owned(),
    ] {
        assert_eq!(logout(&company, &token).await, 400, "{token}");
    }
    company.world.is_unchanged_since(&before).await;
}

/// UP-5: without the policy the endpoint is not there; nor is any provider that is not configured.
#[tokio::test]
async fn up_5_what_is_switched_off_takes_nothing() {
    let company =
        Company::start(Plan::sqlite(), |corp| corp.back_channel = BackChannelLogout::Off).await;
    let token = company.idp.logout_token("logout+jwt", json!({ "sub": "ada" }));
    assert_eq!(logout(&company, &token).await, 404);
    let person = company.world.person();
    for path in ["/sign-in/other/callback?state=x", "/sign-in/corp", "/saml/corp/metadata"] {
        let page = person.visit(&company.world.at(path)).await;
        assert_eq!(page.answer.status, 404, "{path}");
    }
}

/// Home-realm discovery: the domain of an address names the provider, and nothing else is said.
#[tokio::test]
async fn the_domain_of_an_address_names_the_provider() {
    let domains = |corp: &mut Corp| corp.party.domains = vec!["northwind.example".to_owned()];
    let intranet = || vec![portal("intranet", "Intranet")];
    let company = Company::beside(Plan::sqlite(), domains, intranet).await;
    let client = company.world.client().await;
    let person = company.world.person();
    let page = person.visit(&client.ask().url()).await;
    let there = submit_email(&person, &page, "Ada@Northwind.example").await;
    let there = there.left_to.expect("the provider");
    assert!(there.starts_with(company.idp.issuer()), "{there}");
    assert_eq!(Return::read(&there).get("login_hint"), Some("Ada@Northwind.example"));
    let again = submit_email(&person, &page, "ada@elsewhere.example").await;
    assert_eq!(again.answer.status, 200);
    assert!(again.answer.body.contains("We know no sign-in"), "{}", again.answer.body);
}

async fn submit_email(person: &Person, page: &Page, email: &str) -> Page {
    person.submit(page, page.form_for("email").with("email", email), None, HeaderMap::new()).await
}

pub(crate) async fn logout(company: &Company, token: &str) -> u16 {
    let url = company.world.at("/sign-in/corp/backchannel-logout");
    let request = company.world.http.post(url).form(&[("logout_token", token)]);
    request.send().await.expect("an answer").status().as_u16()
}
