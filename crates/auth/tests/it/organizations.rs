//! Organizations, who may use a server, and the account page.

use serde_json::{Value, json};
use testkit::forge::Jwt;
use testkit::{Client, Page, Person, Tick, Tokens};

use crate::company::{Company, Corp};
use crate::world::Plan;

/// The provider names people's organizations.
fn names_organizations(corp: &mut Corp) {
    corp.party.claims.organization = String::from("orgs");
}

fn in_organizations(organizations: &[&str]) -> Value {
    json!({ "sub": "ada", "name": "Ada", "orgs": organizations })
}

/// Signs in and stops at the page after it.
async fn arrive(company: &Company, person: &Person, client: &Client, claims: Value) -> Page {
    let there = company.leave(person, &client.ask()).await;
    person.visit(&company.idp.approve(&there, claims)).await
}

fn organization(tokens: &Tokens) -> Value {
    Jwt::read(&tokens.access).claims["organization"].clone()
}

/// One organization needs no question; the token carries it.
#[tokio::test]
async fn the_only_organization_is_in_the_token() {
    for plan in [Plan::sqlite(), Plan::postgres()] {
        let company = Company::start(plan, names_organizations).await;
        let client = company.world.client().await;
        let person = company.world.person();
        let tokens = company.connect(&person, &client, in_organizations(&["acme"])).await;
        assert_eq!(organization(&tokens), "acme");
        let none = company.connect(&company.world.person(), &client, json!({ "sub": "bob" })).await;
        assert_eq!(organization(&none), Value::Null);
    }
}

/// Several: the person chooses once, may change it at consent, and only among the own ones.
#[tokio::test]
async fn a_person_with_several_chooses_and_is_remembered() {
    for plan in [Plan::sqlite(), Plan::postgres()] {
        let company = Company::start(plan, names_organizations).await;
        let world = &company.world;
        let client = world.client().await;
        let person = world.person();
        let ask = client.ask();
        let there = company.leave(&person, &ask).await;
        let claims = in_organizations(&["acme", "globex"]);
        let choice = person.visit(&company.idp.approve(&there, claims)).await;
        assert!(choice.has_button("organization"), "{}", choice.answer.body);
        person.fill(&choice, &[("organization", "initech")]).await.answer.is_local_error();
        let consent = person.press(&choice, "organization", "globex").await;
        assert!(consent.answer.body.contains("globex"), "{}", consent.answer.body);
        let other = person.press(&consent, "decision", "organization").await;
        assert!(other.has_button("organization"));
        let consent = person.press(&other, "organization", "acme").await;
        let returned = person.allow(&consent, Tick::All).await.returned();
        let tokens = Tokens::of(&client.exchange(returned.code(), &ask).await);
        assert_eq!(organization(&tokens), "acme");
        let refreshed = Tokens::of(&client.refresh(&tokens.refresh).await);
        assert_eq!(organization(&refreshed), "acme");
        let again = person.visit(&client.ask().url()).await;
        assert!(again.has_button("decision"), "remembered: {}", again.answer.body);
    }
}

/// O12: a person who does not want to choose gets out: the client hears the refusal, and another
/// account starts at the sign-in page.
#[tokio::test]
async fn the_question_for_an_organization_can_be_left() {
    let company = Company::start(Plan::sqlite(), names_organizations).await;
    let client = company.world.client().await;
    let claims = in_organizations(&["acme", "globex"]);
    let person = company.world.person();
    let choice = arrive(&company, &person, &client, claims.clone()).await;
    let returned = person.press(&choice, "decision", "deny").await.returned();
    assert_eq!(returned.get("error"), Some("access_denied"));
    let person = company.world.person();
    let choice = arrive(&company, &person, &client, claims).await;
    let anew = person.press(&choice, "decision", "switch").await;
    assert!(anew.has_button("provider"), "{}", anew.answer.body);
}

/// Whoever has several organizations and has chosen none gives nothing: consent without the choice
/// leads back to it.
#[tokio::test]
async fn nothing_is_granted_before_the_organization_is_chosen() {
    let company = Company::start(Plan::sqlite(), names_organizations).await;
    let client = company.world.client().await;
    let person = company.world.person();
    let choice = arrive(&company, &person, &client, in_organizations(&["acme", "globex"])).await;
    let mut form = choice.form().with("scope", "mcp:read");
    form.action = form.action.replace("/organization", "/consent");
    let headers = reqwest::header::HeaderMap::new();
    let page = person.submit(&choice, form, Some(("decision", "allow")), headers).await;
    assert!(page.left_to.is_none() && page.has_button("organization"), "{}", page.answer.body);
}

/// A page that another tab overtook grants nothing for the wrong organization.
#[tokio::test]
async fn what_the_page_said_is_what_is_granted() {
    let company = Company::start(Plan::sqlite(), names_organizations).await;
    let client = company.world.client().await;
    let person = company.world.person();
    let choice = arrive(&company, &person, &client, in_organizations(&["acme", "globex"])).await;
    let consent = person.press(&choice, "organization", "acme").await;
    let second = person.visit(&client.ask().url()).await;
    let change = person.press(&second, "decision", "organization").await;
    person.press(&change, "organization", "globex").await;
    let anew = person.allow(&consent, Tick::All).await;
    assert!(anew.left_to.is_none() && anew.has_button("decision"), "{}", anew.answer.body);
    assert!(anew.answer.body.contains("globex"));
}

/// Who left an organization loses what was granted for it.
#[tokio::test]
async fn a_grant_ends_with_the_membership() {
    let company = Company::start(Plan::sqlite(), names_organizations).await;
    let client = company.world.client().await;
    let tokens =
        company.connect(&company.world.person(), &client, in_organizations(&["acme"])).await;
    company.connect(&company.world.person(), &client, in_organizations(&["globex"])).await;
    client.refresh(&tokens.refresh).await.refuses(400, "invalid_grant");
}

/// `access = "restricted"`: only the listed ones, at consent, at the code and at refresh.
#[tokio::test]
async fn a_restricted_server_is_for_the_listed_only() {
    let plan = Plan::sqlite().settings(|it| it.only_for("insiders"));
    let company = Company::start(plan, |_| {}).await;
    let client = company.world.client().await;
    let insider = json!({ "sub": "ada", "groups": ["insiders"] });
    let outsider = json!({ "sub": "ada", "groups": ["staff"] });
    let refused = arrive(&company, &company.world.person(), &client, outsider.clone()).await;
    assert_eq!(refused.answer.status, 403);
    assert!(refused.answer.body.contains("have access to this server"), "{}", refused.answer.body);
    let tokens = company.connect(&company.world.person(), &client, insider.clone()).await;
    let ask = client.ask();
    let person = company.world.person();
    let there = company.leave(&person, &ask).await;
    let consent = person.visit(&company.idp.approve(&there, insider)).await;
    let returned = person.allow(&consent, Tick::All).await.returned();
    // Out of the group by the next sign-in.
    arrive(&company, &company.world.person(), &client, outsider).await;
    client.exchange(returned.code(), &ask).await.refuses(400, "invalid_grant");
    client.refresh(&tokens.refresh).await.refuses(400, "invalid_grant");
}

/// The account page: signing in without a client, one's own connections, and nobody else's.
#[tokio::test]
async fn the_account_page_shows_and_ends_ones_own_connections() {
    let company = Company::start(Plan::sqlite(), names_organizations).await;
    let world = &company.world;
    let client = world.client().await;
    let ada = world.person();
    let tokens = company.connect(&ada, &client, in_organizations(&["acme"])).await;
    let others = json!({ "sub": "bob", "name": "Bob", "orgs": ["acme"] });
    let theirs = company.connect(&world.person(), &client, others).await;

    let browser = world.person();
    let page = browser.visit(&world.at("/account")).await;
    assert!(page.has_button("provider"), "{}", page.answer.body);
    let there = browser.press(&page, "provider", "corp").await.left_to.expect("the provider");
    let back = company.idp.approve(&there, in_organizations(&["acme"]));
    let account = browser.visit(&back).await;
    assert_eq!(account.url, world.at("/account"));
    assert!(account.answer.body.contains("Test client"), "{}", account.answer.body);

    let grant = |tokens: &Tokens| {
        let id = Jwt::read(&tokens.access).claims["grant_id"].clone();
        id.as_str().expect("an id").to_owned()
    };
    let post = async |grant: &str, csrf: &str| {
        let form = account.form_for("/disconnect").with("grant", grant).with("csrf", csrf);
        browser.submit(&account, form, None, reqwest::header::HeaderMap::new()).await
    };
    let csrf = account.form_for("/disconnect").values("csrf")[0].to_owned();
    // T-CONN-03, T-ADM-03: a forged form and somebody else's connection.
    assert_eq!(post(&grant(&tokens), "forged").await.answer.status, 403);
    for not_ones_own in [&*grant(&theirs), "a&b", "a\r\nb"] {
        assert_eq!(post(not_ones_own, &csrf).await.url, world.at("/account"));
    }
    assert_eq!(client.refresh(&theirs.refresh).await.status, 200, "Bob's stands");
    // The confirmation is only for what is one's own and over, whatever a link says.
    for id in [grant(&tokens), grant(&theirs), "gr_nothing".to_owned()] {
        let page = browser.visit(&world.at(&format!("/account?ended={id}"))).await;
        assert!(!page.answer.body.contains("has ended"), "{}", page.answer.body);
    }
    let empty = post(&grant(&tokens), &csrf).await;
    assert_eq!(empty.url, world.at(&format!("/account?ended={}", grant(&tokens))));
    let body = &empty.answer.body;
    assert!(body.contains("has ended") && body.contains("No app is connected"), "{body}");
    client.refresh(&tokens.refresh).await.refuses(400, "invalid_grant");
}

/// O2: what the person connected for another of their organizations acts for them all the same, so
/// it is listed, with that organization.
#[tokio::test]
async fn o2_the_account_page_lists_what_acts_for_any_of_ones_organizations() {
    let company = Company::start(Plan::sqlite(), names_organizations).await;
    let world = &company.world;
    let client = world.client().await;
    let person = world.person();
    let ask = client.ask();
    let there = company.leave(&person, &ask).await;
    let claims = in_organizations(&["acme", "globex"]);
    let choice = person.visit(&company.idp.approve(&there, claims)).await;
    let consent = person.press(&choice, "organization", "acme").await;
    let returned = person.allow(&consent, Tick::All).await.returned();
    client.exchange(returned.code(), &ask).await;
    let account = person.visit(&world.at("/account")).await;
    assert!(account.answer.body.contains("Test client"));
    let form = account.form_for("/account/organization").with("organization", "globex");
    let headers = reqwest::header::HeaderMap::new();
    let other = person.submit(&account, form, None, headers).await;
    assert_eq!(other.url, account.url);
    let body = &other.answer.body;
    assert!(body.contains("Test client") && body.contains("for <bdi>acme</bdi>"), "{body}");
    assert!(!body.contains("No app is connected"), "{body}");
}

/// T-CB-12, LO-3: signing out ends the session and the binding; old cookies are worth nothing.
#[tokio::test]
async fn t_cb_12_signing_out_leaves_nothing_behind() {
    let company = Company::start(Plan::sqlite(), |corp| corp.signs_out_there = true).await;
    let world = &company.world;
    let client = world.client().await;
    let person = world.person();
    company.connect(&person, &client, json!({ "sub": "ada" })).await;
    let account = person.visit(&world.at("/account")).await;
    let old = person.cookies();
    let form = account.form_for("/sign-out");
    let out = person.submit(&account, form, None, reqwest::header::HeaderMap::new()).await;
    // LO-2: the way out of the provider's session, with its hint and our return address.
    let link = out.links().into_iter().find(|link| link.contains("/session/end")).expect("a link");
    let asked = testkit::Return::read(&link);
    assert_eq!(asked.get("post_logout_redirect_uri"), Some(world.at("/signed-out").as_str()));
    assert!(asked.get("id_token_hint").is_some());
    assert!(person.cookies().is_empty(), "{:?}", person.cookies());
    person.set_cookies(old.clone());
    let page = person.visit(&client.ask().url()).await;
    assert!(page.has_button("provider"), "the old session is over");
    let next = world.person();
    company.connect(&next, &client, json!({ "sub": "bob" })).await;
    assert!(next.cookies().values().all(|value| !old.values().any(|known| known == value)));
}

/// T-UP-13: whatever the query says, people stay on our page.
#[tokio::test]
async fn t_up_13_the_page_after_sign_out_leads_nowhere() {
    let company = Company::sqlite().await;
    for query in ["", "?post_logout_redirect_uri=https://evil.example", "?state=//evil.example"] {
        let page =
            company.world.person().visit(&company.world.at(&format!("/signed-out{query}"))).await;
        assert_eq!(page.answer.status, 200);
        assert!(page.left_to.is_none() && !page.answer.body.contains("evil"));
    }
}
