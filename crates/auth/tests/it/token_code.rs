//! The authorization code grant at the token endpoint.

use serde_json::json;
use testkit::forge::Jwt;
use testkit::{Client, Engine, Secret, Tick, Tokens, random};

use crate::world::{Plan, VAULT, VAULT_SECRET, World};

/// T-TC-15, TK-2, AT-1, AT-2: what a token response and an access token say.
#[tokio::test]
async fn t_tc_15_tokens_say_what_they_must() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let (code, ask) = world.code(&client, "manager").await;
    let answer = client.exchange(&code, &ask).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let body = answer.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    assert_eq!(body["scope"], "mcp:read mcp:write mcp:process_admin");
    let jwt = Jwt::read(&Tokens::of(&answer).access);
    assert_eq!(jwt.header["typ"], "at+jwt");
    assert_eq!(jwt.header["alg"], "ES256");
    assert!(jwt.header["kid"].is_string());
    let claims = &jwt.claims;
    assert_eq!(claims["iss"], world.issuer);
    assert_eq!(claims["aud"], world.mcp);
    assert_eq!(claims["client_id"], client.id);
    assert_eq!(claims["scope"], body["scope"]);
    let (issued, ends) = (claims["iat"].as_i64(), claims["exp"].as_i64());
    assert_eq!(ends, issued.map(|issued| issued + 3600));
    for name in ["sub", "jti", "grant_id"] {
        assert!(claims[name].is_string(), "{name}");
    }
    let list = &claims["status"]["status_list"];
    let uri = list["uri"].as_str().unwrap_or_default();
    assert!(uri.starts_with(&world.at("/status/")), "{uri}");
    assert!(list["idx"].is_u64());
    // AT-6: nothing about the person but an opaque id.
    assert!(!claims.to_string().contains("Tom"));
}

/// A sidecar in the same process can take the server's word for a signature, and only for what it signed.
#[tokio::test]
async fn the_server_knows_what_it_signed() {
    let world = World::sqlite().await;
    let connected = world.connect("basic").await;
    let token = &connected.tokens.access;
    assert!(world.has_signed(token));
    let (signed, _) = token.rsplit_once('.').expect("a signature");
    assert!(!world.has_signed(signed));
    assert!(!world.has_signed(&format!("{token}A")));
    let refreshed = connected.client.refresh(&connected.tokens.refresh).await;
    assert!(world.has_signed(&Tokens::of(&refreshed).access));
}

/// T-TC-01, TC-3: a code that is redeemed twice ends what came from it.
#[tokio::test]
async fn t_tc_01_twice_on_sqlite() {
    redeemed_twice(Engine::Sqlite).await;
}

/// T-TC-01 on the other database.
#[tokio::test]
async fn t_tc_01_twice_on_postgres() {
    redeemed_twice(Engine::Postgres).await;
}

async fn redeemed_twice(engine: Engine) {
    let world = Plan::on(engine).start().await;
    let connected = world.connect("basic").await;
    let client = &connected.client;
    let again = client.exchange(&connected.code, &connected.ask).await;
    again.refuses(400, "invalid_grant");
    let refresh = client.refresh(&connected.tokens.refresh).await;
    refresh.refuses(400, "invalid_grant");
    let dump = world.dump().await;
    assert_eq!(dump.count_with("OAUTH_GRANT", "revocation_reason=code_replay"), 1);
    assert_eq!(dump.count_with("OAUTH_AUDIT", "kind=code.replayed"), 1);
    // A third time changes nothing more.
    let third = client.exchange(&connected.code, &connected.ask).await;
    third.refuses(400, "invalid_grant");
    let dump = world.dump().await;
    assert_eq!(dump.count_with("OAUTH_GRANT", "revocation_reason=code_replay"), 1);
}

/// T-TC-02, TC-1: nobody redeems another client's code, and its owner still can.
#[tokio::test]
async fn t_tc_02_codes_belong_to_their_client() {
    let world = World::sqlite().await;
    let vault = Client::configured(
        &world,
        VAULT,
        Secret::Basic(VAULT_SECRET.to_owned()),
        "https://vault.example.com/cb",
    );
    let public = world.client().await;
    let other = world.client_named("Other").await;
    for (owner, thief) in [(&public, &other), (&public, &vault), (&vault, &public)] {
        let (code, ask) = world.code(owner, "basic").await;
        let before = world.dump().await;
        let stolen = thief.exchange(&code, &ask).await;
        stolen.refuses(400, "invalid_grant");
        world.is_unchanged_since(&before).await;
        let answer = owner.exchange(&code, &ask).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

/// T-TC-03, AZ-13: a code ends with its time.
#[tokio::test]
async fn t_tc_03_codes_end() {
    let plan = Plan::sqlite().config(|config| config.code_lifetime = 60);
    let world = plan.start().await;
    let client = world.client().await;
    let (late, late_ask) = world.code(&client, "basic").await;
    world.clock.advance_seconds(59);
    let (code, ask) = world.code(&client, "basic").await;
    world.clock.advance_seconds(2);
    let before = world.dump().await;
    let answer = client.exchange(&late, &late_ask).await;
    answer.refuses(400, "invalid_grant");
    world.is_unchanged_since(&before).await;
    assert_eq!(client.exchange(&code, &ask).await.status, 200);
}

/// T-TC-04: what looks like a code is none, the stored hash least of all.
#[tokio::test]
async fn t_tc_04_what_is_no_code() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let (code, ask) = world.code(&client, "basic").await;
    let before = world.dump().await;
    let hash = before.values("OAUTH_CODE", "code_hash")[0];
    for wrong in [
        random(),
        format!("wg_ac_{}", random()),
        code[..code.len() - 1].to_owned(),
        format!("{code}A"),
        code.to_uppercase(),
        code.to_lowercase(),
        hash.to_owned(),
        format!("wg_ac_{hash}"),
        format!(" {code}"),
        "x".repeat(10_000),
    ] {
        let answer = client.exchange(&wrong, &ask).await;
        answer.refuses(400, "invalid_grant");
    }
    let more = [("code_verifier", ask.verifier.as_str())];
    let missing = client.redeem("", &more).await;
    missing.refuses(400, "invalid_request");
    let twice = [("code", code.as_str()), more[0]];
    let repeated = client.redeem(&code, &twice).await;
    repeated.refuses(400, "invalid_request");
    world.is_unchanged_since(&before).await;
    assert_eq!(client.exchange(&code, &ask).await.status, 200);
}

/// T-TC-05, T-TC-07, T-TC-09, T-TC-10, T-TC-11, PK-4, TC-4, TC-5, RI-4: a request that fails a
/// check does not use up the code.
#[tokio::test]
async fn t_tc_05_to_11_failed_checks_do_not_consume_the_code() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let verifier = |text: &str| vec![("code_verifier", text.to_owned())];
    let with = |name: &'static str, value: &str, ask: &testkit::Ask| {
        vec![("code_verifier", ask.verifier.clone()), (name, value.to_owned())]
    };
    let (code, ask) = world.code(&client, "basic").await;
    let fragment = format!("{}#f", world.mcp);
    let cases = [
        (vec![], "invalid_grant"),
        (verifier(""), "invalid_grant"),
        (verifier("short"), "invalid_grant"),
        (verifier(&random()), "invalid_grant"),
    ];
    let others = [
        (with("redirect_uri", "https://evil.example/cb", &ask), "invalid_grant"),
        (with("redirect_uri", "http://127.0.0.1:1/callback", &ask), "invalid_grant"),
        (with("resource", "https://other.example/mcp", &ask), "invalid_target"),
        (with("resource", &fragment, &ask), "invalid_target"),
    ];
    try_all(&client, &code, &cases).await;
    let answer = client.exchange(&code, &ask).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let (code, mut second) = world.code(&client, "basic").await;
    let others = others.map(|(mut params, error)| {
        params[0].1.clone_from(&second.verifier);
        (params, error)
    });
    try_all(&client, &code, &others).await;
    second = second.without("state");
    let good = [
        ("code_verifier", second.verifier.as_str()),
        ("redirect_uri", client.redirect_uri.as_str()),
        ("resource", world.mcp.as_str()),
        // T-TC-13: a wider scope here widens nothing.
        ("scope", "mcp:read mcp:admin"),
    ];
    let answer = client.redeem(&code, &good).await;
    let tokens = Tokens::of(&answer);
    assert_eq!(tokens.scope, "mcp:read mcp:write");
    // T-TC-09: a replay with the wrong verifier is no reason to end anything.
    let replay = client.redeem(&code, &[("code_verifier", &random())]).await;
    replay.refuses(400, "invalid_grant");
    assert_eq!(client.refresh(&tokens.refresh).await.status, 200);
}

async fn try_all(
    client: &Client,
    code: &str,
    cases: &[(Vec<(&'static str, String)>, &'static str)],
) {
    for (params, error) in cases {
        let params: Vec<(&str, &str)> =
            params.iter().map(|(name, value)| (*name, value.as_str())).collect();
        client.redeem(code, &params).await.refuses(400, error);
    }
}

/// T-TC-08: five bad attempts burn a code; fewer do not.
#[tokio::test]
async fn t_tc_08_guessing_burns_the_code() {
    let world = World::sqlite().await;
    let client = world.client().await;
    for (attempts, status) in [(3, 200), (4, 200), (5, 400)] {
        let (code, ask) = world.code(&client, "basic").await;
        for _ in 0..attempts {
            let wrong = client.redeem(&code, &[("code_verifier", &random())]).await;
            wrong.refuses(400, "invalid_grant");
        }
        let answer = client.exchange(&code, &ask).await;
        assert_eq!(answer.status, status, "after {attempts}: {}", answer.body);
    }
}

/// T-TC-07, PK-4: a stored code without a challenge is good for nobody.
#[tokio::test]
async fn t_tc_07_a_code_without_a_challenge() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let (code, ask) = world.code(&client, "basic").await;
    world.database.execute("UPDATE OAUTH_CODE SET code_challenge = ''").await;
    for more in [&[("code_verifier", ask.verifier.as_str())][..], &[]] {
        client.redeem(&code, more).await.refuses(400, "invalid_grant");
    }
    assert_eq!(world.dump().await.count("OAUTH_GRANT"), 0);
}

/// T-TC-12, TC-6: somebody who was disabled after consenting gets no tokens.
#[tokio::test]
async fn t_tc_12_disabled_after_consent() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let (code, ask) = world.code(&client, "basic").await;
    world.database.execute("UPDATE OAUTH_SUBJECT SET disabled_at = 1").await;
    let before = world.dump().await;
    let answer = client.exchange(&code, &ask).await;
    answer.refuses(400, "invalid_grant");
    world.is_unchanged_since(&before).await;
}

/// T-TC-14, RG-3: a refresh token only for clients that registered the grant.
#[tokio::test]
async fn t_tc_14_refresh_tokens_only_where_registered() {
    let world = World::sqlite().await;
    for (grants, wanted) in [
        (json!(["authorization_code"]), false),
        (json!(["authorization_code", "refresh_token"]), true),
        (json!([]), true),
    ] {
        let metadata = json!({
            "redirect_uris": ["http://127.0.0.1/cb"],
            "grant_types": grants,
        });
        let client = Client::register_with(&world, &metadata).await;
        let (code, ask) = world.code(&client, "basic").await;
        let body = client.exchange(&code, &ask).await.json();
        assert_eq!(body.get("refresh_token").is_some(), wanted, "{grants}");
    }
    assert_eq!(world.dump().await.count("OAUTH_REFRESH_TOKEN"), 2);
}

/// T-TC-16: a code of one deployment is nothing at another.
#[tokio::test]
async fn t_tc_16_codes_of_another_deployment() {
    let (one, two) = (World::sqlite().await, World::sqlite().await);
    let client = one.client().await;
    let (code, ask) = one.code(&client, "basic").await;
    let metadata = json!({ "redirect_uris": [client.redirect_uri] });
    let elsewhere = Client::register_with(&two, &metadata).await;
    let before = two.dump().await;
    let answer = elsewhere.exchange(&code, &ask).await;
    answer.refuses(400, "invalid_grant");
    two.is_unchanged_since(&before).await;
    assert_eq!(client.exchange(&code, &ask).await.status, 200);
}

/// T-GR-08: a second device of the same client leaves the first one connected.
#[tokio::test]
async fn t_gr_08_a_second_device_leaves_the_first_connected() {
    let world = World::sqlite().await;
    let first = world.connect("basic").await;
    let second = world.connect_client(first.client.clone(), "basic").await;
    for device in [&first, &second] {
        let answer = device.client.refresh(&device.tokens.refresh).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert_eq!(world.dump().await.count("OAUTH_GRANT"), 2);
}

/// The person ticks again, and the code carries what was ticked last.
#[tokio::test]
async fn each_code_carries_what_was_ticked_for_it() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let person = world.person();
    for (tick, expected) in
        [(Tick::Only(&["mcp:write"]), "mcp:read mcp:write"), (Tick::Only(&[]), "mcp:read")]
    {
        let ask = client.ask();
        let returned = person.authorize(&ask, "admin", tick).await;
        let tokens = Tokens::of(&client.exchange(returned.code(), &ask).await);
        assert_eq!(tokens.scope, expected);
    }
}
