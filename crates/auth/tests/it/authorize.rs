//! `GET /authorize`: what is refused, and where the refusal goes.

use testkit::{Answer, Ask, Client, Return, Secret, Tick, random};

use crate::world::{DESK, VAULT, VAULT_SECRET, World};

/// T-AZ-01 to T-AZ-03, T-AZ-11: until client and redirect URI are known, errors are pages.
#[tokio::test]
async fn t_az_01_to_03_and_11_nothing_redirects_before_the_client_is_known() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let gone = world.client().await;
    world
        .database
        .execute(&format!("DELETE FROM OAUTH_CLIENT WHERE client_id = '{}'", gone.id))
        .await;
    let before = world.dump().await;
    let evil = "https://evil.example/cb";
    let good = client.redirect_uri.clone();
    let ask = || client.ask();
    let bare = || client.ask().without("redirect_uri");
    for ask in [
        ask().without("client_id"),
        ask().set("client_id", ""),
        ask().set("client_id", "nobody"),
        ask().set("client_id", "https://evil.example/client.json"),
        ask().set("client_id", &gone.id),
        ask().add("client_id", &client.id),
        ask().set("redirect_uri", evil),
        ask().set("redirect_uri", ""),
        bare(),
        bare().add("redirect_uri", &good).add("redirect_uri", evil),
        bare().add("redirect_uri", evil).add("redirect_uri", &good),
        bare().add("redirect_uri", &good).add("redirect_uri", &good),
        bare().add("redirect_uri[]", &good),
        bare().add("redirect_uri", &format!("{good};redirect_uri={evil}")),
    ] {
        let page = world.person().visit(&ask.url()).await;
        page.answer.is_local_error();
        assert!(!page.answer.body.contains("evil.example"), "{}", ask.url());
    }
    world.is_unchanged_since(&before).await;
}

/// T-AZ-02: an unknown client and a deleted one look the same.
#[tokio::test]
async fn t_az_02_deleted_and_unknown_clients_look_the_same() {
    let world = World::sqlite().await;
    let ask = world.client().await.ask();
    let mut bodies = Vec::new();
    for id in ["cli_AAAAAAAAAAAAAAAAAAAAAA", "nobody"] {
        let url = ask.clone().set("client_id", id).url();
        let answer = world.person().visit(&url).await.answer;
        bodies.push((answer.status, without_reference(&answer)));
    }
    assert_eq!(bodies[0], bodies[1]);
}

/// T-AZ-05, T-AZ-12, T-AZ-14, T-AZ-15, T-AZ-20 to T-AZ-22, T-AZ-24, T-AZ-26, AZ-3: which error
/// each malformed request gets, for every kind of client, with `state` and `iss`, and without a
/// transaction.
#[tokio::test]
async fn t_az_05_to_26_malformed_requests_get_their_error() {
    let world = World::sqlite().await;
    let dynamic = world.client().await;
    let desk = desk(&world);
    let vault = vault(&world);
    let before = world.dump().await;
    for client in [&dynamic, &desk, &vault] {
        for (ask, error) in malformed(client) {
            let returned = refused(&world, client, &ask).await;
            let url = ask.url();
            assert_eq!(returned.get("error"), Some(error), "{url}");
            assert_eq!(returned.get("state"), Some(ask.get("state")), "{url}");
            assert_eq!(returned.get("iss"), Some(world.issuer.as_str()), "{url}");
            assert_eq!(returned.get("code"), None, "{url}");
        }
    }
    world.is_unchanged_since(&before).await;
}

fn malformed(client: &Client) -> Vec<(Ask, &'static str)> {
    let set = |name: &str, value: &str| client.ask().set(name, value);
    let many_scopes = "mcp:read ".repeat(500);
    let long_scope = "x".repeat(10_000);
    let mut cases = vec![
        (client.ask().without("response_type"), "invalid_request"),
        (set("response_type", ""), "invalid_request"),
        (client.ask().add("response_type", "code"), "invalid_request"),
        (client.ask().without("code_challenge"), "invalid_request"),
        (client.ask().without("code_challenge_method"), "invalid_request"),
        (set("code_challenge", "short"), "invalid_request"),
        (client.ask().add("code_challenge", &random()), "invalid_request"),
        (set("request", "eyJhbGciOiJub25lIn0.e30."), "request_not_supported"),
        (set("request_uri", "http://169.254.169.254/"), "request_uri_not_supported"),
        (set("request_uri", "urn:ietf:params:oauth:request_uri:x"), "request_uri_not_supported"),
        (set("scope", "mcp:read \"x\""), "invalid_scope"),
        (set("scope", "mcp:read\\x"), "invalid_scope"),
        (set("scope", "mcp:read\u{7}"), "invalid_scope"),
        (set("scope", "mcp:read\tmcp:write"), "invalid_scope"),
        (set("scope", &many_scopes), "invalid_scope"),
        (set("scope", &long_scope), "invalid_scope"),
        (set("scope", "unknown:scope"), "invalid_scope"),
        (set("prompt", "none login"), "invalid_request"),
        (client.ask().add("scope", "a").add("scope", "b"), "invalid_request"),
    ];
    for kind in ["token", "code id_token", "CODE", "id_token"] {
        cases.push((set("response_type", kind), "unsupported_response_type"));
    }
    for mode in ["fragment", "form_post", "web_message"] {
        cases.push((set("response_mode", mode), "invalid_request"));
    }
    for method in ["plain", "S512", "s256", ""] {
        cases.push((set("code_challenge_method", method), "invalid_request"));
    }
    for age in ["-1", "abc", "99999999999999999999"] {
        cases.push((set("max_age", age), "invalid_request"));
    }
    for resource in ["https://mcp.example.com/mcp#f", "/mcp", "mcp", "https://other.example/mcp"] {
        cases.push((set("resource", resource), "invalid_target"));
    }
    let other = client.ask().add("resource", "https://other.example/mcp");
    cases.push((other, "invalid_target"));
    cases
}

/// T-AZ-06, T-AZ-07, RU-10: a client that registered itself gets no redirect without a click.
#[tokio::test]
async fn t_az_06_and_07_fresh_clients_get_an_interstitial() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let before = world.dump().await;
    for ask in [client.ask().set("scope", "unknown:scope"), client.ask().set("prompt", "none")] {
        let page = world.person().visit(&ask.url()).await;
        page.answer.is_interstitial();
        assert!(page.answer.body.contains("127.0.0.1"), "the host is named");
        page.offered_return(&client.redirect_uri);
    }
    world.is_unchanged_since(&before).await;
}

/// T-AZ-07: `prompt=none` says what would be needed.
#[tokio::test]
async fn t_az_07_prompt_none_tells_what_is_needed() {
    let world = World::sqlite().await;
    let desk = desk(&world);
    let ask = desk.ask().set("prompt", "none");
    let person = world.person();
    let page = person.visit(&ask.url()).await;
    assert_eq!(page.returned().get("error"), Some("login_required"));
    person.sign_in(&desk.ask(), "basic").await;
    let page = person.visit(&ask.url()).await;
    assert_eq!(page.returned().get("error"), Some("consent_required"));
}

/// T-AZ-08, T-AZ-09, AZ-4, IS-1: `state` comes back exactly, or not at all; `iss` always, once.
#[tokio::test]
async fn t_az_08_and_09_state_comes_back_exactly() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    for state in [
        "plain",
        "a b+c%20d&e=f#g",
        "x&iss=https://evil.example&code=evil",
        "line\r\nbreak: x",
        "\u{fc}mlaut \u{1f600}",
        &"s".repeat(4096),
    ] {
        let ask = client.ask().set("state", state);
        let returned = person.authorize(&ask, "basic", Tick::All).await;
        assert_eq!(returned.get("state"), Some(state));
        assert_eq!(returned.get("iss"), Some(world.issuer.as_str()));
        assert!(!returned.url.contains('#') && !returned.url.contains('\n'));
    }
    let ask = client.ask().without("state");
    let returned = person.authorize(&ask, "basic", Tick::All).await;
    assert_eq!(returned.get("state"), None);
    assert!(!returned.url.contains("state="));
    let desk = desk(&world);
    let before = world.dump().await;
    let ask = desk.ask().set("state", &"s".repeat(5000));
    let returned = world.person().visit(&ask.url()).await.returned();
    assert_eq!(returned.get("error"), Some("invalid_request"));
    assert_eq!(returned.get("state"), None);
    world.is_unchanged_since(&before).await;
}

/// Where a refusal goes: at once for configured clients, after a click for the others.
pub(crate) async fn refused(world: &World, client: &Client, ask: &Ask) -> Return {
    let page = world.person().visit(&ask.url()).await;
    if client.registration.is_null() {
        assert_eq!(page.hops, [303], "{}", ask.url());
        page.returned()
    } else {
        page.answer.is_interstitial();
        page.offered_return(&client.redirect_uri)
    }
}

fn desk(world: &World) -> Client {
    Client::configured(world, DESK, Secret::None, "https://desk.example.com/cb")
}

fn vault(world: &World) -> Client {
    let secret = Secret::Basic(VAULT_SECRET.to_owned());
    Client::configured(world, VAULT, secret, "https://vault.example.com/cb")
}

/// A page without the reference that ties it to the log.
fn without_reference(answer: &Answer) -> String {
    let lower = answer.body.to_lowercase();
    let start = lower.find("reference").unwrap_or(lower.len());
    answer.body[..start].to_owned()
}
