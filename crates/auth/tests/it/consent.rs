//! Consent: what is shown, what is offered, and what is granted.

use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::json;
use testkit::{Client, Tick, Tokens};

use crate::world::{Plan, World};

/// Rulings "Scopes and people": `requested ∩ ceiling ∩ user type ∩ ticked`, for everybody.
#[tokio::test]
async fn granted_is_the_intersection() {
    let all = "mcp:read mcp:write mcp:process_admin mcp:admin";
    for (ceiling, user, asked, tick, expected) in [
        (all, "basic", "", Tick::All, "mcp:read mcp:write"),
        (all, "manager", "", Tick::All, "mcp:read mcp:write mcp:process_admin"),
        (all, "admin", "", Tick::All, all),
        (all, "admin", "", Tick::AsOffered, "mcp:read mcp:write"),
        (all, "admin", "", Tick::Only(&[]), "mcp:read"),
        (all, "admin", "", Tick::Only(&["mcp:admin"]), "mcp:read mcp:admin"),
        (all, "admin", "mcp:read mcp:admin", Tick::All, "mcp:read mcp:admin"),
        (all, "admin", "mcp:write", Tick::All, "mcp:write"),
        ("mcp:read", "admin", "", Tick::All, "mcp:read"),
        ("mcp:read mcp:write", "admin", all, Tick::All, "mcp:read mcp:write"),
    ] {
        let world = Plan::sqlite().ceiling(ceiling).start().await;
        let client = world.client().await;
        let ask = client.ask().set("scope", asked);
        let returned = world.person().authorize(&ask, user, tick).await;
        let tokens = Tokens::of(&client.exchange(returned.code(), &ask).await);
        assert_eq!(tokens.scope, expected, "{ceiling} {user} {asked} {tick:?}");
    }
}

/// A form with more than was offered grants no more.
#[tokio::test]
async fn nobody_can_tick_what_was_not_offered() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    let ask = client.ask();
    let consent = person.sign_in(&ask, "basic").await;
    let offered = consent.form();
    assert!(!offered.choices.iter().any(|(_, scope)| scope == "mcp:admin"));
    let mut form = offered;
    for scope in ["mcp:admin", "mcp:process_admin", "mcp:everything"] {
        form.fields.push(("scope".into(), scope.into()));
    }
    let button = Some(("decision", "allow"));
    let page = person.submit(&consent, form, button, HeaderMap::new()).await;
    let answer = client.exchange(page.returned().code(), &ask).await;
    assert_eq!(answer.json()["scope"], "mcp:read mcp:write");
}

/// Rulings: reading is fixed, writing ticked, the administrative scopes are not.
#[tokio::test]
async fn administrative_scopes_are_a_deliberate_choice() {
    let world = World::sqlite().await;
    let consent = world.person().sign_in(&world.client().await.ask(), "admin").await;
    let form = consent.form();
    let scope = |name: &str| ("scope".to_owned(), name.to_owned());
    assert_eq!(form.choices, [scope("mcp:write"), scope("mcp:process_admin"), scope("mcp:admin")]);
    assert_eq!(form.values("scope"), ["mcp:read", "mcp:write"]);
}

/// CO-6, CI-12: a program on the same computer gets a warning.
#[tokio::test]
async fn loopback_clients_get_a_warning() {
    let world = World::sqlite().await;
    let page = world.person().sign_in(&world.client().await.ask(), "basic").await;
    assert!(page.answer.body.contains("program on this computer"));
}

/// T-CO-02, T-CO-03, T-CO-04, T-CO-09, OA-10: a browser that does not say where the person comes from is
/// asked each time: another client, another redirect URI, more scope, and the very same request again.
#[tokio::test]
async fn t_co_02_to_04_and_09_everybody_is_asked_each_time() {
    let world = World::sqlite().await;
    let metadata = json!({
        "redirect_uris": ["https://a.example/cb", "https://a.example/other"],
        "token_endpoint_auth_method": "none",
    });
    let first = Client::register_with(&world, &metadata).await;
    let second = Client::register_with(&world, &metadata).await;
    let person = world.person();
    let ask = first.ask().set("scope", "mcp:read");
    person.authorize(&ask, "admin", Tick::All).await.code();
    for ask in [
        first.ask().set("scope", "mcp:read"),
        second.ask().set("scope", "mcp:read"),
        first.ask().set("scope", "mcp:read").set("redirect_uri", "https://a.example/other"),
        first.ask(),
    ] {
        let page = person.visit(&ask.url()).await;
        assert_eq!(page.left_to, None);
        assert!(page.has_button("decision"), "{}", page.answer.body);
    }
}

/// T-CO-08, CO-8: no is no, whatever the browser's back button shows.
#[tokio::test]
async fn t_co_08_a_refusal_is_final() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    let ask = client.ask();
    let consent = person.sign_in(&ask, "basic").await;
    let returned = person.press(&consent, "decision", "deny").await.returned();
    assert_eq!(returned.get("error"), Some("access_denied"));
    assert_eq!(returned.get("state"), Some(ask.get("state")));
    assert_eq!(returned.get("iss"), Some(world.issuer.as_str()));
    let page = person.allow(&consent, Tick::All).await;
    assert_eq!(page.left_to, None);
    assert!(page.answer.body.contains("Already answered"));
    let page = person.visit(&consent.url).await;
    assert!(!page.has_button("decision"));
    assert_eq!(world.dump().await.count("OAUTH_CODE"), 0);
}

/// T-CO-05, AZ-15: the decision is the person's, made on our page.
#[tokio::test]
async fn t_co_05_foreign_decisions_do_nothing() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    let consent = person.sign_in(&client.ask(), "basic").await;
    let other = world.person().visit(&client.ask().url()).await.form();
    let before = world.dump().await;
    let allow = Some(("decision", "allow"));
    let genuine = consent.form();
    let mut cross_site = HeaderMap::new();
    cross_site.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    let csrf = other.values("csrf")[0].to_owned();
    for (form, headers) in [
        (genuine.clone().with("csrf", ""), HeaderMap::new()),
        (genuine.clone().with("csrf", &csrf), HeaderMap::new()),
        (genuine.clone(), cross_site),
    ] {
        let page = person.submit(&consent, form, allow, headers).await;
        assert_eq!(page.answer.status, 403, "{}", page.answer.body);
    }
    for button in [None, Some(("decision", "maybe"))] {
        let page = person.submit(&consent, genuine.clone(), button, HeaderMap::new()).await;
        page.answer.is_local_error();
    }
    let get = person.visit(&world.at("/authorize/consent")).await;
    assert_eq!(get.answer.status, 405);
    world.is_unchanged_since(&before).await;
}

/// A client that asks for nothing that this person may have is told so.
#[tokio::test]
async fn nothing_to_offer_is_access_denied() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let ask = client.ask().set("scope", "mcp:admin");
    let page = world.person().sign_in(&ask, "basic").await;
    let returned = page.offered_return(&client.redirect_uri);
    assert_eq!(returned.get("error"), Some("access_denied"));
    assert_eq!(returned.get("state"), Some(ask.get("state")));
}

/// Rulings "Scopes and people": a demotion shrinks the next token, a re-promotion restores it.
#[tokio::test]
async fn a_demotion_shrinks_the_next_token() {
    let world = World::sqlite().await;
    let connected = world.connect("admin").await;
    let all = connected.tokens.scope.clone();
    let groups = |group: &str| {
        format!("UPDATE OAUTH_SUBJECT SET group_names = REPLACE(group_names, {group})")
    };
    let demote = groups("'demo-administrators', 'demo-employees'");
    world.database.execute(&demote).await;
    let first = connected.client.refresh(&connected.tokens.refresh).await;
    let first = Tokens::of(&first);
    assert_eq!(first.scope, "mcp:read mcp:write");
    let promote = groups("'demo-employees', 'demo-administrators'");
    world.database.execute(&promote).await;
    let second = Tokens::of(&connected.client.refresh(&first.refresh).await);
    assert_eq!(second.scope, all);
}
