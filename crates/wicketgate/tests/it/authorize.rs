//! `GET /authorize`: what is refused, where the refusal goes, and what never happens.

use reqwest::header::{HeaderMap, HeaderValue};
use testkit::{Answer, Ask, Client, Return, Secret, Tick, random};

use crate::world::{DESK, Plan, VAULT, VAULT_SECRET, World};

/// T-AZ-01 to T-AZ-03, T-AZ-11: until client and redirect URI are known, errors are pages.
#[tokio::test]
async fn t_az_01_to_03_and_11_nothing_redirects_before_the_client_is_known() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let gone = world.client().await;
    world
        .database
        .execute(&format!(
            "DELETE FROM OAUTH_CLIENT WHERE client_id = '{}'",
            gone.id
        ))
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
        (
            client.ask().without("code_challenge_method"),
            "invalid_request",
        ),
        (set("code_challenge", "short"), "invalid_request"),
        (
            client.ask().add("code_challenge", &random()),
            "invalid_request",
        ),
        (set("request", "eyJhbGciOiJub25lIn0.e30."), "request_not_supported"),
        (
            set("request_uri", "http://169.254.169.254/"),
            "request_uri_not_supported",
        ),
        (
            set("request_uri", "urn:ietf:params:oauth:request_uri:x"),
            "request_uri_not_supported",
        ),
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
    for resource in [
        "https://mcp.example.com/mcp#f",
        "/mcp",
        "mcp",
        "https://other.example/mcp",
    ] {
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
    for ask in [
        client.ask().set("scope", "unknown:scope"),
        client.ask().set("prompt", "none"),
    ] {
        let page = world.person().visit(&ask.url()).await;
        page.answer.is_local_error();
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

/// T-AZ-13, RI-2, RI-5, clients.md §5 rule 8: one resource, in any of its spellings, any number of
/// times, or not at all.
#[tokio::test]
async fn t_az_13_spellings_of_the_resource() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    let upper = world.mcp.replacen("http://", "HTTP://", 1);
    let slash = format!("{}/", world.mcp);
    for ask in [
        client.ask().without("resource"),
        client.ask().set("resource", ""),
        client.ask().set("resource", &upper),
        client.ask().set("resource", &slash),
        client.ask().add("resource", &world.mcp).add("resource", &slash),
    ] {
        let returned = person.authorize(&ask, "basic", Tick::All).await;
        let answer = client.exchange(returned.code(), &ask).await;
        let token = answer.json()["access_token"].as_str().map(str::to_owned);
        let jwt = testkit::forge::Jwt::read(&token.expect("a token"));
        assert_eq!(jwt.claims["aud"], world.mcp);
    }
}

/// T-AZ-17: no browser code of others reads the authorization endpoint.
#[tokio::test]
async fn t_az_17_no_cors_at_authorize() {
    let world = World::sqlite().await;
    let ask = world.client().await.ask();
    for path in ["/authorize", "/sign-in", "/authorize/consent", "/auth-bridge"] {
        for method in ["GET", "OPTIONS"] {
            let request = world
                .http
                .request(method.parse().expect("a method"), world.at(path))
                .header("origin", "https://x.example")
                .header("access-control-request-method", "GET");
            let answer = Answer::to(request).await;
            assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
        }
    }
    let mut headers = HeaderMap::new();
    headers.insert("origin", HeaderValue::from_static("https://x.example"));
    let answer = world.get_with(&ask.url(), headers).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

/// T-AZ-18, T-CO-06, HD-1: every page and every error page is armoured.
#[tokio::test]
async fn t_az_18_pages_carry_their_headers() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    let consent = person.sign_in(&client.ask(), "basic").await;
    for page in [
        world.person().visit(&client.ask().url()).await,
        consent.clone(),
        person.allow(&consent, Tick::All).await,
        person.visit(&consent.url).await,
        world.person().visit(&consent.url).await,
        world.person().visit(&world.at("/authorize")).await,
        world
            .person()
            .visit(&client.ask().without("response_type").url())
            .await,
        world.person().visit(&world.at("/connect")).await,
    ] {
        let answer = &page.answer;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        if page.left_to.is_some() {
            continue;
        }
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        let policy = answer.header("content-security-policy").unwrap_or_default();
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{}: {policy}", page.url);
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(!answer.body.contains("<script"), "{}", page.url);
    }
}

/// T-AZ-25: scopes that a client may not have are left out, and nothing is left is an error.
#[tokio::test]
async fn t_az_25_scopes_beyond_the_client_and_the_ceiling() {
    let world = Plan::sqlite().ceiling("mcp:read mcp:write").start().await;
    let reader = Client::configured(
        &world,
        "reader",
        Secret::None,
        "https://reader.example.com/cb",
    );
    let page = world
        .person()
        .visit(&reader.ask().set("scope", "mcp:write").url())
        .await;
    assert_eq!(page.returned().get("error"), Some("invalid_scope"));
    let client = world.client().await;
    for (client, asked, expected) in [
        (&reader, "mcp:read mcp:write mcp:admin", "mcp:read"),
        (&client, "mcp:read mcp:write mcp:admin", "mcp:read mcp:write"),
        (&client, "openid offline_access mcp:read profile", "mcp:read"),
        (&client, "offline_access", "mcp:read mcp:write"),
        (&client, "", "mcp:read mcp:write"),
    ] {
        let ask = client.ask().set("scope", asked);
        let returned = world.person().authorize(&ask, "admin", Tick::All).await;
        let answer = client.exchange(returned.code(), &ask).await;
        assert_eq!(answer.json()["scope"], expected, "{asked}");
    }
}

/// T-AZ-27, clients.md §5 rule 11: what clients add of their own accord changes nothing.
#[tokio::test]
async fn t_az_27_unknown_parameters_are_ignored() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let ask = client
        .ask()
        .add("audience", "x")
        .add("login_hint", "a@b.example")
        .add("id_token_hint", "x.y.z")
        .add("prompt", "consent")
        .add("acr_values", "unknown")
        .add("nonce", "n")
        .add("a", "1")
        .add("a", "2");
    world.person().authorize(&ask, "basic", Tick::All).await.code();
}

/// T-AZ-26, OpenID Connect Core §3.1.2.1: an old session is not good enough for `max_age`.
#[tokio::test]
async fn t_az_26_max_age_and_prompt_login_ask_again() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    person.sign_in(&client.ask(), "basic").await;
    world.clock.advance_seconds(100);
    let page = person.visit(&client.ask().set("max_age", "200").url()).await;
    assert!(page.has_button("decision"), "{}", page.url);
    for ask in [
        client.ask().set("max_age", "50"),
        client.ask().set("prompt", "login"),
        client.ask().set("prompt", "select_account"),
    ] {
        let page = person.visit(&ask.url()).await;
        assert!(page.has_button("user"), "{}", page.url);
    }
}

/// T-AZ-28: the number of open transactions has an end, and those that are open go on.
#[tokio::test]
async fn t_az_28_too_many_open_transactions() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    let consent = person.sign_in(&client.ask(), "basic").await;
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) \
                INSERT INTO OAUTH_TXN (handle_hash, browser_hash, client_id, client_name, \
                client_origin, redirect_uri, scopes, resource, code_challenge, stage, created_at, \
                expires_at) SELECT 'h' || i, 'b', client_id, client_name, client_origin, \
                redirect_uri, scopes, resource, code_challenge, 'pending', created_at, expires_at \
                FROM n, (SELECT * FROM OAUTH_TXN LIMIT 1) AS one";
    world.database.execute(fill).await;
    let page = world.person().visit(&client.ask().url()).await;
    assert_eq!(page.answer.status, 503, "{}", page.answer.body);
    person.allow(&consent, Tick::All).await.returned().code();
}

/// T-AZ-30: HEAD starts nothing.
#[tokio::test]
async fn t_az_30_head_starts_nothing() {
    let world = World::sqlite().await;
    let ask = world.client().await.ask();
    let before = world.dump().await;
    for method in ["HEAD", "PUT", "DELETE"] {
        let answer = world.send(method, &ask.url()).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("set-cookie"), None, "{method}");
    }
    world.is_unchanged_since(&before).await;
}

/// T-AZ-32, OA-5, HD-6: after a form comes a 303, and nothing ever repeats a POST.
#[tokio::test]
async fn t_az_32_redirects_are_303() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    let start = person.visit(&client.ask().url()).await;
    let consent = person.press(&start, "user", "basic").await;
    let end = person.press(&consent, "decision", "allow").await;
    for page in [&start, &consent, &end] {
        let redirects = page.hops.iter().filter(|status| (300..400).contains(*status));
        assert!(redirects.clone().count() > 0, "{:?}", page.hops);
        assert!(redirects.clone().all(|status| *status == 303), "{:?}", page.hops);
    }
    end.returned().code();
}

/// AZ-6, AZ-7, HD-3, T-KEY-11: the binding cookie is armoured and stored as a hash only.
#[tokio::test]
async fn az_7_cookies_are_armoured_and_hashed() {
    let world = World::sqlite().await;
    let person = world.person();
    let answer = person.get_once(&world.client().await.ask().url()).await;
    let cookie = answer.header("set-cookie").unwrap_or_default().to_owned();
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let dump = world.dump().await;
    for value in person.cookies().values() {
        assert!(!dump.contains(value));
    }
    let location = answer.header("location").unwrap_or_default();
    let handle = Return::read(location).get("txn").map(str::to_owned);
    assert!(!dump.contains(&handle.expect("a handle")));
}

/// T-CB-14, HD-3: over https the cookies cannot come from, or go to, another host or plain http.
#[tokio::test]
async fn t_cb_14_cookies_over_https_are_host_bound() {
    let world = Plan::sqlite().public("https://mcp.example.com").sign_in("").start().await;
    let ask = world.client().await.ask().without("resource");
    let answer = world.person().get_once(&ask.url()).await;
    let cookie = answer.header("set-cookie").unwrap_or_default();
    assert!(cookie.starts_with("__Host-wg_"), "{cookie}");
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

/// Where a refusal goes: at once for configured clients, after a click for the others.
async fn refused(world: &World, client: &Client, ask: &Ask) -> Return {
    let page = world.person().visit(&ask.url()).await;
    if client.registration.is_null() {
        assert_eq!(page.hops, [303], "{}", ask.url());
        page.returned()
    } else {
        page.answer.is_local_error();
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
