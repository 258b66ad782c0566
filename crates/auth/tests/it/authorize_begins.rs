//! `GET /authorize`: what is accepted, what it leads to, and what the pages and cookies are like.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use testkit::{Answer, Client, Return, Secret, Tick};

use crate::world::{Plan, World};
use auth::SignIn;

/// T-AZ-13, RI-2, RI-5, CL-8: one resource, in any of its spellings, any number of
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
        world.person().visit(&client.ask().without("response_type").url()).await,
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
    let reader =
        Client::configured(&world, "reader", Secret::None, "https://reader.example.com/cb");
    let page = world.person().visit(&reader.ask().set("scope", "mcp:write").url()).await;
    assert_eq!(page.returned().get("error"), Some("invalid_scope"));
    let client = world.client().await;
    for (client, asked, expected) in [
        (&reader, "mcp:read mcp:write mcp:admin", "mcp:read"),
        (&client, "mcp:read mcp:write mcp:admin", "mcp:read mcp:write"),
        (&client, "openid offline_access mcp:read profile", "mcp:read"),
        (&client, "offline_access", "mcp:read mcp:write"),
        (&client, "openid", "mcp:read mcp:write"),
        (&client, "profile openid email", "mcp:read mcp:write"),
        (&reader, "email", "mcp:read"),
        (&client, "", "mcp:read mcp:write"),
    ] {
        let ask = client.ask().set("scope", asked);
        let returned = world.person().authorize(&ask, "admin", Tick::All).await;
        let answer = client.exchange(returned.code(), &ask).await;
        assert_eq!(answer.json()["scope"], expected, "{asked}");
    }
}

/// T-AZ-27, CL-11: what clients add of their own accord changes nothing.
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
                expires_at, source) SELECT 'h' || i, 'b', client_id, client_name, client_origin, \
                redirect_uri, scopes, resource, code_challenge, 'pending', created_at, expires_at, \
                source \
                FROM n, (SELECT * FROM OAUTH_TXN LIMIT 1) AS one";
    world.database.execute(fill).await;
    let page = world.person().visit(&client.ask().url()).await;
    assert_eq!(page.answer.status, 503, "{}", page.answer.body);
    person.allow(&consent, Tick::All).await.returned().code();
}

/// A4: what expired goes at once, however much it is; what is open stays.
#[tokio::test]
async fn a4_one_sweep_takes_all_that_expired() {
    for plan in [Plan::sqlite, Plan::postgres] {
        let world = plan().start().await;
        let client = world.client().await;
        world.person().visit(&client.ask().url()).await;
        let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) \
                    INSERT INTO OAUTH_TXN (handle_hash, browser_hash, client_id, client_name, \
                    client_origin, redirect_uri, scopes, resource, code_challenge, stage, \
                    created_at, expires_at) SELECT 'h' || i, 'b', client_id, client_name, \
                    client_origin, redirect_uri, scopes, resource, code_challenge, 'pending', \
                    created_at, 1 FROM n, (SELECT * FROM OAUTH_TXN LIMIT 1) AS one";
        world.database.execute(fill).await;
        let clock = world.clock.clone();
        let world = plan().clock(&clock).with(world.stop().await).start().await;
        let swept = async {
            while world.dump().await.count("OAUTH_TXN") > 1 {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), swept)
            .await
            .expect("swept by the first sweep");
        assert_eq!(world.dump().await.count("OAUTH_TXN"), 1);
    }
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
    let world =
        Plan::sqlite().public("https://mcp.example.com").sign_in(|_| SignIn::Nobody).start().await;
    let ask = world.client().await.ask().without("resource");
    let answer = world.person().get_once(&ask.url()).await;
    let cookie = answer.header("set-cookie").unwrap_or_default();
    assert!(cookie.starts_with("__Host-wg_"), "{cookie}");
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}
