//! `POST /register` (RFC 7591).

use serde_json::{Value, json};
use testkit::{Client, Secret, Tick};

use crate::world::{Plan, World};

pub(crate) const GOOD: &str = "https://client.example.com/cb";

/// T-REG-02 to T-REG-04, T-REG-06, T-REG-08, T-REG-09: redirect URIs that nobody gets.
#[tokio::test]
async fn t_reg_02_to_09_bad_redirect_uris_are_refused_and_nothing_is_stored() {
    let world = World::sqlite().await;
    let before = world.dump().await;
    let long = format!("https://h.example/{}", "a".repeat(5000));
    for bad in [
        "",
        "/cb",
        "//h.example/cb",
        "https://h.example/cb#f",
        "https://h.example/cb#",
        &long,
        "http://example.com/cb",
        "http://10.0.0.1/cb",
        "https://user:pw@h.example/cb",
        "https://user@h.example/cb",
        "http://localhost@evil.example/cb",
        r"https://h\@evil.example/cb",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " java\tscript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        "about:blank",
        "blob:https://h.example/x",
        "intent://x#Intent;end",
        "https://h.example/cb?code=1",
        "https://h.example/cb?state=1",
        "https://h.example/cb?a=b&iss=1",
        "https://h.example/cb?error=1",
        "https://h.example/cb?%63ode=1",
        "https://h.example/a/../cb",
        "https://h.example/a/%2e%2e/cb",
        "https://h.example/cb\r\nX: y",
    ] {
        let answer = world.register(&json!({ "redirect_uris": [bad] })).await;
        answer.refuses(400, "invalid_redirect_uri");
    }
    for many in [0, 11, 1000] {
        let uris: Vec<String> = (0..many).map(|n| format!("{GOOD}{n}")).collect();
        let answer = world.register(&json!({ "redirect_uris": uris })).await;
        answer.refuses(400, "invalid_redirect_uri");
    }
    world.register(&json!({})).await.refuses(400, "invalid_redirect_uri");
    // A15, RFC 7591 §3.2.2: a wrong type is wrong about the redirect URIs.
    for wrong in [json!(GOOD), json!(7), json!({ "0": GOOD }), json!([GOOD, 7]), json!([[GOOD]])] {
        let answer = world.register(&json!({ "redirect_uris": wrong })).await;
        answer.refuses(400, "invalid_redirect_uri");
    }
    let own_scheme = json!({ "redirect_uris": ["cursor://x/cb"], "application_type": "web" });
    world.register(&own_scheme).await.refuses(400, "invalid_redirect_uri");
    world.is_unchanged_since(&before).await;
}

/// T-REG-05: a star is a star, never a pattern.
#[tokio::test]
async fn t_reg_05_wildcards_match_nothing_else() {
    let world = World::sqlite().await;
    for (star, other) in [
        ("https://*.example.com/cb", "https://evil.example.com/cb"),
        ("https://example.com/*", "https://example.com/x"),
    ] {
        let metadata = json!({ "redirect_uris": [star] });
        let client = Client::register_with(&world, &metadata).await;
        let ask = client.ask().set("redirect_uri", other);
        world.person().visit(&ask.url()).await.answer.is_local_error();
    }
}

/// T-REG-16, RG-6: links that cannot be used are left out, and members that are null or empty mean
/// nothing, in the answer and in what is stored.
#[tokio::test]
async fn t_reg_16_unusable_links_and_empty_members_are_left_out() {
    let world = World::sqlite().await;
    let answer = world
        .register(&json!({
            "redirect_uris": ["https://client.example.com:443/cb?next=%2Fhome"],
            "client_uri": "http://localhost:3000",
            "logo_uri": "data:image/png;base64,AAAA",
            "tos_uri": "https://client.example.com/terms",
            "policy_uri": null,
            "token_endpoint_auth_method": "",
            "application_type": "",
            "grant_types": [""],
            "response_types": null,
            "jwks": null,
        }))
        .await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let registered = answer.json();
    for left_out in ["client_uri", "logo_uri", "policy_uri", "jwks"] {
        assert_eq!(registered.get(left_out), None, "{registered}");
    }
    assert_eq!(registered["tos_uri"], "https://client.example.com/terms");
    assert_eq!(
        registered["redirect_uris"],
        json!(["https://client.example.com:443/cb?next=%2Fhome"])
    );
    assert_eq!(registered["token_endpoint_auth_method"], "client_secret_basic");
}

/// T-REG-10, T-REG-11, T-REG-12, T-REG-14, T-REG-21: other metadata that nobody gets.
#[tokio::test]
async fn t_reg_10_to_21_bad_metadata_is_refused_and_nothing_is_stored() {
    let world = World::sqlite().await;
    let before = world.dump().await;
    let ec = json!({ "kty": "EC", "crv": "P-256", "x": "a", "y": "b" });
    let with = |key: &Value, name: &str, value: &str| {
        let mut key = key.clone();
        key[name] = json!(value);
        json!({ "keys": [key] })
    };
    for (name, value) in [
        ("grant_types", json!(["implicit"])),
        ("grant_types", json!(["password"])),
        ("grant_types", json!(["client_credentials"])),
        ("response_types", json!(["token"])),
        ("response_types", json!(["code id_token"])),
        ("token_endpoint_auth_method", json!("client_secret_jwt")),
        ("token_endpoint_auth_method", json!("foo")),
        ("jwks", with(&ec, "d", "private")),
        ("jwks", with(&ec, "kty", "oct")),
        ("jwks", json!({ "keys": [{ "kty": "RSA", "n": "c2hvcnQ", "e": "AQAB" }] })),
        ("jwks", json!({ "keys": vec![ec.clone(); 100] })),
        ("jwks", json!("not a set")),
        ("scope", json!("mcp:read \"quoted\"")),
        ("application_type", json!("toaster")),
        ("client_name", json!({ "nested": true })),
    ] {
        let mut metadata = json!({ "redirect_uris": [GOOD] });
        metadata[name] = value;
        let answer = world.register(&metadata).await;
        answer.refuses(400, "invalid_client_metadata");
    }
    let url = world.at("/register");
    for body in ["[]", "null", "\"x\"", "{", "", "{\"redirect_uris\":[]}x"] {
        let answer = world.post(&url, "application/json", body).await;
        answer.refuses(400, "invalid_client_metadata");
    }
    let twice = format!("{{\"redirect_uris\":[\"{GOOD}\"],\"redirect_uris\":[\"{GOOD}\"]}}");
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for (body, error) in [
        (twice, "invalid_client_metadata"),
        (format!("{{\"jwks\":{deep}}}"), "invalid_client_metadata"),
        // A field that nobody reads is skipped, whatever its depth.
        (format!("{{\"x\":{deep}}}"), "invalid_redirect_uri"),
    ] {
        let answer = world.post(&url, "application/json", body).await;
        answer.refuses(400, error);
    }
    let huge = format!("{{\"client_name\":\"{}\"}}", "a".repeat(10 << 20));
    let answer = world.post(&url, "application/json", huge).await;
    answer.refuses(413, "invalid_request");
    let good = json!({ "redirect_uris": [GOOD] }).to_string();
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    {
        let answer = world.post(&url, kind, good.clone()).await;
        answer.refuses(400, "invalid_request");
    }
    world.is_unchanged_since(&before).await;
}

/// T-REG-10, RG-4: unknown grants are dropped and said so; the token endpoint knows none of them.
#[tokio::test]
async fn t_reg_10_dropped_grants_are_not_echoed_and_not_usable() {
    let world = World::sqlite().await;
    let metadata = json!({
        "redirect_uris": [GOOD],
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "client_credentials", "implicit"],
    });
    let client = Client::register_with(&world, &metadata).await;
    assert_eq!(client.registration["grant_types"], json!(["authorization_code"]));
    for (grant, error) in [
        ("client_credentials", "unauthorized_client"),
        ("password", "unsupported_grant_type"),
        ("implicit", "unsupported_grant_type"),
    ] {
        let answer = client.token(&[("grant_type", grant)]).await;
        answer.refuses(400, error);
    }
}

/// RG-1, RG-2, RG-12, CL-6: mixed sets keep what is good; every default is echoed.
#[tokio::test]
async fn rg_12_what_is_in_force_is_echoed() {
    let world = World::sqlite().await;
    let metadata = json!({
        "client_name": "Mixed",
        "redirect_uris": [GOOD, "javascript:alert(1)", "cursor://anysphere.cursor-mcp/cb",
            "http://localhost:1234/cb"],
        "scope": "",
        "contacts": ["somebody@example.com"],
        "unknown_field": { "a": 1 },
    });
    let answer = world.register(&metadata).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let registered = answer.json();
    assert_eq!(
        registered["redirect_uris"],
        json!([GOOD, "cursor://anysphere.cursor-mcp/cb", "http://localhost:1234/cb"])
    );
    assert_eq!(registered["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(registered["client_secret_expires_at"], 0);
    assert_eq!(registered["response_types"], json!(["code"]));
    assert_eq!(registered["client_id_issued_at"], kernel::Clock::now(&world.clock).as_seconds());
    assert_eq!(registered.get("unknown_field"), None);
    // RM-1: management is not offered, so it is not named.
    assert_eq!(registered.get("registration_client_uri"), None);
    assert_eq!(registered.get("registration_access_token"), None);
    let public = world.client().await.registration;
    assert_eq!(public.get("client_secret"), None);
    assert_eq!(public.get("client_secret_expires_at"), None);
    assert_eq!(public["application_type"], "native");
}

/// T-REG-15, RG-5: a name is text, wherever it is shown, and never long or deceptive.
#[tokio::test]
async fn t_reg_15_names_are_cleaned_and_escaped() {
    let world = World::sqlite().await;
    for name in [
        "<img src=x onerror=alert(1)>",
        "Evil\u{202e}txt.exe",
        "zero\u{200b}width",
        "nul\u{0}byte",
        "line\nbreak",
        &"x".repeat(10_000),
    ] {
        let metadata = json!({ "redirect_uris": [GOOD], "client_name": name });
        let client = Client::register_with(&world, &metadata).await;
        let kept = client.registration["client_name"].as_str().unwrap_or_default();
        assert!(kept.chars().count() <= 128, "{}", kept.len());
        let hidden = |c: char| c.is_control() || matches!(c, '\u{200b}' | '\u{202a}'..='\u{202e}');
        assert!(!kept.contains(hidden), "{kept:?}");
        let person = world.person();
        for page in [
            person.visit(&client.ask().url()).await,
            person.sign_in(&client.ask(), "basic").await,
            person.visit(&client.ask().without("code_challenge").url()).await,
        ] {
            assert!(!page.answer.body.contains("<img"), "{}", page.answer.body);
            assert!(!page.answer.body.contains('\u{202e}'));
        }
    }
}

/// T-REG-17, T-REG-18, T-REG-20, RG-10, RG-11: clients choose no ids, no secrets and no statements.
#[tokio::test]
async fn t_reg_17_what_a_client_may_not_choose_is_ignored() {
    let world = World::sqlite().await;
    let metadata = json!({
        "redirect_uris": [GOOD],
        "client_id": "chosen",
        "client_secret": "chosen-secret-0123456789",
        "client_id_issued_at": 1,
        "registration_access_token": "chosen-token",
        "software_statement": "eyJhbGciOiJub25lIn0.eyJjbGllbnRfbmFtZSI6IkV2aWwifQ.",
    });
    let first = Client::register_with(&world, &metadata).await;
    let second = Client::register_with(&world, &metadata).await;
    for client in [&first, &second] {
        assert!(client.id.starts_with("cli_"), "{}", client.id);
        assert!(!client.registration.to_string().contains("chosen"));
        assert!(!client.registration.to_string().contains("Evil"));
    }
    assert_ne!(first.id, second.id);
    assert_ne!(first.secret, second.secret);
    assert!(!world.dump().await.contains("chosen"));
}

/// T-REG-22, RG-16: floods are slowed down and the table has an end.
#[tokio::test]
async fn t_reg_22_floods_are_slowed_down() {
    let plan = Plan::sqlite().config(|config| config.registration.per_minute = 5);
    let world = plan.start().await;
    let metadata = json!({ "redirect_uris": [GOOD] });
    for _ in 0..5 {
        assert_eq!(world.register(&metadata).await.status, 201);
    }
    let before = world.dump().await;
    let answer = world.register(&metadata).await;
    answer.refuses(429, "slow_down");
    assert!(answer.header("retry-after").is_some());
    world.is_unchanged_since(&before).await;
}

/// T-REG-22: clients that never connected anybody are counted, and there is an end to them.
#[tokio::test]
async fn t_reg_22_unused_clients_have_an_end() {
    let world = World::sqlite().await;
    world.client().await;
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
                INSERT INTO OAUTH_CLIENT (client_id, name, origin, redirect_uris, auth_method, \
                grant_types, scopes, created_at, unused_since) SELECT 'cli_' || i, name, origin, \
                redirect_uris, auth_method, grant_types, scopes, created_at, unused_since \
                FROM n, (SELECT * FROM OAUTH_CLIENT LIMIT 1) AS one";
    world.database.execute(fill).await;
    let answer = world.register(&json!({ "redirect_uris": [GOOD] })).await;
    assert_eq!(answer.status, 201, "A4: old ones make room");
    let kept = world.dump().await.count("OAUTH_CLIENT");
    assert!((9_800..=10_000).contains(&kept), "{kept}");
}

/// T-REG-24, RM-1: there is no management endpoint, for anybody.
#[tokio::test]
async fn t_reg_24_no_management_endpoint() {
    let world = World::sqlite().await;
    let client = world.client().await;
    for id in [client.id.as_str(), "cli_missing"] {
        for method in ["GET", "PUT", "DELETE"] {
            let answer = world.send(method, &world.at(&format!("/register/{id}"))).await;
            assert_eq!(answer.status, 404, "{method} {id}");
        }
    }
}

/// T-REG-27, TK-4: a database that cannot be written gives a 503 and no id.
#[tokio::test]
async fn t_reg_27_no_id_without_a_row() {
    let world = World::postgres().await;
    let lock = world.database.lock().await;
    let answer = world.register(&json!({ "redirect_uris": [GOOD] })).await;
    answer.refuses(503, "temporarily_unavailable");
    assert!(answer.header("retry-after").is_some());
    assert!(!answer.body.contains("client_id"));
    lock.release().await;
    assert_eq!(world.dump().await.count("OAUTH_CLIENT"), 0);
    world.client().await;
}

/// T-CON-07: clients that register at the same time are different clients.
#[tokio::test]
async fn t_con_07_parallel_registrations_are_distinct() {
    let world = World::sqlite().await;
    let mut registering = tokio::task::JoinSet::new();
    for number in 0..32 {
        let (place, name) = ((*world).clone(), format!("Client {number}"));
        registering.spawn(async move { Client::register_named(&place, &name).await.id });
    }
    let mut ids = registering.join_all().await;
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 32);
    assert_eq!(world.dump().await.count("OAUTH_CLIENT"), 32);
}

/// RG-2, RG-4: each method that can be registered works, and only that one (T-CA-06).
#[tokio::test]
async fn rg_2_registered_secrets_work() {
    let world = World::sqlite().await;
    for method in ["client_secret_post", "client_secret_basic"] {
        let metadata = json!({
            "redirect_uris": [GOOD],
            "token_endpoint_auth_method": method,
        });
        let client = Client::register_with(&world, &metadata).await;
        assert_ne!(client.secret, Secret::None);
        let ask = client.ask();
        let person = world.person();
        let returned = person.authorize(&ask, "basic", Tick::All).await;
        let answer = client.exchange(returned.code(), &ask).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}
