//! What the configuration says of the authorization server is what it does. What each setting means
//! in full is tested in `auth`.

use kernel::encoding::base64;
use reqwest::header::HeaderMap;
use serde_json::json;
use testkit::{Connected, Tokens};

use crate::providers::Company;
use crate::world::{Plan, World};

/// Each of `[oauth]`'s times, and no other in its place.
#[tokio::test]
async fn times_are_as_configured() {
    let plan = Plan::sqlite().oauth(
        "access_token_lifetime_seconds = 61\nauthorization_code_lifetime_seconds = 62\n\
         refresh_token_lifetime_seconds = 300\nrefresh_reuse_grace_seconds = 63",
    );
    let world = plan.start().await;
    let client = world.client().await;
    let (code, ask) = world.code(&client, "basic").await;
    let (late, late_ask) = world.code(&client, "basic").await;
    world.clock.advance_seconds(61);
    let answer = client.exchange(&code, &ask).await;
    assert_eq!(answer.json()["expires_in"], 61);
    world.clock.advance_seconds(2);
    client.exchange(&late, &late_ask).await.refuses(400, "invalid_grant");

    let first = Tokens::of(&answer);
    let second = Tokens::of(&client.refresh(&first.refresh).await);
    world.clock.advance_seconds(62);
    let again = Tokens::of(&client.refresh(&first.refresh).await);
    assert_eq!(again.refresh, second.refresh, "within the grace");
    world.clock.advance_seconds(239);
    client.refresh(&second.refresh).await.refuses(400, "invalid_grant");

    let Connected { client, tokens, .. } = world.connect("basic").await;
    let next = Tokens::of(&client.refresh(&tokens.refresh).await);
    world.clock.advance_seconds(64);
    client.refresh(&tokens.refresh).await.refuses(400, "invalid_grant");
    client.refresh(&next.refresh).await.refuses(400, "invalid_grant");
}

/// `[oauth.registration]`, and which redirect URIs there may be.
#[tokio::test]
async fn registration_is_as_configured() {
    let web = json!({ "redirect_uris": ["https://a.example/cb"] });
    let world = Plan::sqlite().oauth("[oauth.registration]\ndynamic = false").start().await;
    assert_eq!(world.register(&web).await.status, 404);

    let plan = Plan::sqlite().oauth("allow_loopback_redirects = false");
    let plan = plan.oauth("allowed_redirect_schemes = [\"own\"]");
    let world = plan.oauth("[oauth.registration]\nper_minute = 3").start().await;
    let loopback = json!({ "redirect_uris": ["http://127.0.0.1:1/cb"] });
    world.register(&loopback).await.refuses(400, "invalid_redirect_uri");
    let own = json!({ "redirect_uris": ["own://cb"] });
    assert_eq!(world.register(&own).await.status, 201);
    assert_eq!(world.register(&web).await.status, 201);
    world.register(&web).await.refuses(429, "slow_down");
}

/// KY-6: a key-encryption key is changed by naming the one before as an old one.
#[tokio::test]
async fn an_old_key_encryption_key_is_one_to_open_with() {
    let mut world = World::sqlite().await;
    let before = world.get(&world.at("/jwks")).await.body;
    let (old, new) = (base64(&[7; 32]), base64(&[8; 32]));
    let was = format!("key_encryption_key = \"{old}\"");
    let is = format!("key_encryption_key = \"{new}\"\nold_key_encryption_keys = [\"{old}\"]");
    world.reconfigure(|text| text.replace(&was, &is)).await;
    assert_eq!(world.get(&world.at("/jwks")).await.body, before);
    world.connect("basic").await;
}

/// Without a ceiling nobody gets more than reading.
#[tokio::test]
async fn no_ceiling_means_reading() {
    let world = Plan::sqlite().ceiling("").start().await;
    assert_eq!(world.connect("admin").await.tokens.scope, "mcp:read");
}

/// `sign_in.dev_fixed_user` names the person.
#[tokio::test]
async fn the_fixed_user_is_the_one_that_is_named() {
    let plan = Plan::sqlite().sign_in("dev_fixed_user = \"dev@example.com\"");
    let world = plan.start().await;
    let consent = world.person().visit(&world.client().await.ask().url()).await;
    assert!(consent.answer.body.contains("dev@example.com"), "{}", consent.answer.body);
}

/// What is said of a provider: its claims, how people leave it, and what its logout ends.
#[tokio::test]
async fn a_provider_is_as_configured() {
    let lines = "claims = { organization = \"orgs\" }\nlogout = \"provider\"\n\
                 backchannel_logout = \"sessions_and_grants\"";
    let company = Company::start(Plan::sqlite(), lines, "").await;
    let world = &company.world;
    let client = world.client().await;
    let person = world.person();
    let claims = json!({ "sub": "ada", "orgs": ["acme"] });
    let tokens = company.connect(&person, &client, claims).await;
    let jwt = testkit::forge::Jwt::read(&tokens.access);
    assert_eq!(jwt.claims["organization"], "acme");

    let account = person.visit(&world.at("/account")).await;
    let form = account.form_for("/sign-out");
    let out = person.submit(&account, form, None, HeaderMap::new()).await;
    assert!(out.links().iter().any(|link| link.contains("/session/end")), "{}", out.answer.body);

    let token = company.idp.logout_token("logout+jwt", json!({ "sub": "ada" }));
    let url = world.at("/sign-in/corp/backchannel-logout");
    assert_eq!(world.post_form(&url, &[("logout_token", &token)]).await.status, 204);
    client.refresh(&tokens.refresh).await.refuses(400, "invalid_grant");

    let company = Company::start(Plan::sqlite(), "backchannel_logout = \"off\"", "").await;
    let token = company.idp.logout_token("logout+jwt", json!({ "sub": "ada" }));
    let url = company.world.at("/sign-in/corp/backchannel-logout");
    assert_eq!(company.world.post_form(&url, &[("logout_token", &token)]).await.status, 404);
}

/// Where people of a portal and of a domain are sent.
#[tokio::test]
async fn people_go_where_the_configuration_sends_them() {
    let portal = "[[sign_in.provider]]\nid = \"intranet\"\nname = \"Intranet\"\nkind = \"portal\"\n\
                  url = \"https://portal.example.com/sso\"\nalgorithm = \"HS256\"\n\
                  key = \"a key that the portal and we know\"\n";
    let company = Company::start(Plan::sqlite(), "domains = [\"northwind.example\"]", portal).await;
    let person = company.world.person();
    let page = person.visit(&company.world.client().await.ask().url()).await;
    let address = "ada@northwind.example";
    for (form, button, place) in [
        (page.form_for("email").with("email", address), None, company.idp.issuer()),
        (
            page.form_for("provider"),
            Some(("provider", "intranet")),
            "https://portal.example.com/sso",
        ),
    ] {
        let gone = person.submit(&page, form, button, HeaderMap::new()).await;
        let there = gone.left_to.expect("another site");
        assert!(there.starts_with(place), "{there}");
    }
}

/// `access = "restricted"`: who may use a server.
#[tokio::test]
async fn a_server_is_for_whom_the_configuration_names() {
    let plan =
        Plan::sqlite().server("access = \"restricted\"\nallow = { groups = [\"insiders\"] }");
    let company = Company::start(plan, "", "").await;
    let client = company.world.client().await;
    let insider = json!({ "sub": "ada", "groups": ["insiders"] });
    company.connect(&company.world.person(), &client, insider).await;
    let person = company.world.person();
    let there = company.leave(&person, &client.ask()).await;
    let outsider = person.visit(&company.idp.approve(&there, json!({ "sub": "bob" }))).await;
    assert_eq!(outsider.answer.status, 403, "{}", outsider.answer.body);
}

/// HD-3: under an https URL no cookie can come from another host or go over plain http.
#[tokio::test]
async fn an_https_url_makes_host_bound_cookies() {
    let mut world = Plan::sqlite().sign_in("").start().await;
    let here = world.issuer.clone();
    world.reconfigure(|text| text.replace(&here, "https://mcp.example.com")).await;
    let ask = world.client().await.ask().without("resource");
    let answer = world.person().get_once(&ask.url()).await;
    let cookie = answer.header("set-cookie").unwrap_or_default();
    assert!(cookie.starts_with("__Host-wg_") && cookie.contains("; Secure"), "{cookie}");
}
