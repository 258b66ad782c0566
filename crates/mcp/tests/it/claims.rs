//! T-MCP-05 to T-MCP-13: what a signed token must say.

use std::sync::atomic::Ordering;

use kernel::encoding::base64url;
use serde_json::json;

use crate::bearer::all_refused;
use crate::support::{ISSUER, RESOURCE, START, SigningKey, Token, World, echo, legacy, sign_raw};

fn token() -> Token {
    Token::new("mcp:read")
}

/// The audience is our identifier, byte for byte, and it is one string. Our issuer writes exactly
/// that, so an array or another spelling is somebody else's token.
#[tokio::test]
async fn t_mcp_05_wrong_audiences() {
    let world = World::new(echo).await;
    let key = world.authority.key();
    let aud = |value: serde_json::Value| token().claim("aud", value).sign(&key);
    all_refused(
        &world,
        &[
            ("missing", token().without("aud").sign(&key)),
            ("other", aud(json!("https://other.example/mcp"))),
            ("prefix", aud(json!("https://gate.example/mc"))),
            ("longer", aud(json!("https://gate.example/mcp/hr"))),
            ("array without ours", aud(json!(["https://other.example/mcp"]))),
            ("array with ours", aud(json!([RESOURCE]))),
            ("array with both", aud(json!([RESOURCE, "https://other.example/mcp"]))),
            ("trailing slash", aud(json!(format!("{RESOURCE}/")))),
            ("upper case", aud(json!("https://GATE.example/mcp"))),
            ("null", aud(json!(null))),
        ],
    )
    .await;
}

#[tokio::test]
async fn t_mcp_05_other_issuers() {
    let world = World::new(echo).await;
    let key = world.authority.key();
    let iss = |value: serde_json::Value| token().claim("iss", value).sign(&key);
    all_refused(
        &world,
        &[
            ("missing", token().without("iss").sign(&key)),
            ("trailing slash", iss(json!(format!("{ISSUER}/")))),
            ("other", iss(json!("https://evil.example"))),
            ("array", iss(json!([ISSUER]))),
        ],
    )
    .await;
}

#[tokio::test]
async fn t_mcp_07_other_kinds_of_tokens() {
    let world = World::new(echo).await;
    let key = world.authority.key();
    let kinds = ["JWT", "", "dpop+jwt", "oauth-id-jag+jwt", "logout+jwt", "statuslist+jwt"];
    let mut tokens: Vec<_> =
        kinds.iter().map(|kind| (*kind, token().header("typ", *kind).sign(&key))).collect();
    let untyped = json!({ "alg": "ES256", "kid": "key-1" }).to_string();
    tokens.push(("no type", sign_raw(&untyped, &token().claims.to_string(), &key)));
    all_refused(&world, &tokens).await;
    for kind in ["at+jwt", "application/at+jwt", "AT+JWT"] {
        let good = token().header("typ", kind).sign(&key);
        assert_eq!(world.ask(legacy("ping", &json!({})).bearer(&good)).await.status, 200, "{kind}");
    }
}

#[tokio::test]
async fn t_mcp_09_strange_key_ids() {
    let world = World::new(echo).await;
    let key = world.authority.key();
    let kid = |value: serde_json::Value| token().header("kid", value).sign(&key);
    let claims = token().claims.to_string();
    let header = |text: &str| sign_raw(text, &claims, &key);
    all_refused(
        &world,
        &[
            ("path", kid(json!("../../dev/null"))),
            ("SQL", kid(json!("' OR 1=1--"))),
            ("URL", kid(json!("http://127.0.0.1:1/keys"))),
            ("10 kB", kid(json!("k".repeat(10_000)))),
            ("number", kid(json!(1))),
            ("null", kid(json!(null))),
            ("missing", header(r#"{"alg":"ES256","typ":"at+jwt"}"#)),
            ("twice", header(r#"{"alg":"ES256","typ":"at+jwt","kid":"x","kid":"key-1"}"#)),
            ("alg twice", header(r#"{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"key-1"}"#)),
        ],
    )
    .await;
}

/// Forged key ids make the authority work at most once in five seconds.
#[tokio::test]
async fn t_mcp_09_unknown_keys_are_looked_for_rarely() {
    let world = World::new(echo).await;
    let stranger = SigningKey::generate("stranger");
    let unknown = |n: u32| token().header("kid", format!("k{n}")).sign(&stranger);
    for n in 0..20 {
        all_refused(&world, &[("unknown", unknown(n))]).await;
    }
    assert_eq!(world.authority.key_questions.load(Ordering::SeqCst), 1);
    world.clock.advance_seconds(5);
    all_refused(&world, &[("unknown", unknown(20))]).await;
    assert_eq!(world.authority.key_questions.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn t_mcp_10_expiry() {
    let world = World::new(echo).await;
    let key = world.authority.key();
    let header = token().header.to_string();
    let exp = |text: &str| {
        let claims = token().without("exp").claims.to_string();
        let claims = claims.replacen('{', &format!("{{\"exp\":{text},"), 1);
        sign_raw(&header, &claims, &key)
    };
    all_refused(
        &world,
        &[
            ("beyond leeway", token().claim("exp", START - 10).sign(&key)),
            ("missing", token().without("exp").sign(&key)),
            ("zero", exp("0")),
            ("huge", exp("1e400")),
            ("negative", exp("-1")),
            ("string", exp("\"9999999999\"")),
            ("fraction", exp("9999999999.5")),
            ("null", exp("null")),
        ],
    )
    .await;
}

/// A kept result does not outlive its token.
#[tokio::test]
async fn t_mcp_10_a_known_token_expires_too() {
    let world = World::new(echo).await;
    let short = token().claim("exp", START + 60).sign(&world.authority.key());
    let ping = || legacy("ping", &json!({})).bearer(&short);
    assert_eq!(world.ask(ping()).await.status, 200);
    world.clock.advance_seconds(69);
    assert_eq!(world.ask(ping()).await.status, 200, "within the leeway");
    world.clock.advance_seconds(1);
    assert_eq!(world.ask(ping()).await.status, 401);
}

#[tokio::test]
async fn t_mcp_11_tokens_from_the_future() {
    let world = World::new(echo).await;
    let key = world.authority.key();
    all_refused(
        &world,
        &[
            ("nbf", token().claim("nbf", START + 61).sign(&key)),
            ("nbf as text", token().claim("nbf", "0").sign(&key)),
            ("nbf null", token().claim("nbf", serde_json::Value::Null).sign(&key)),
            ("iat", token().claim("iat", START + 61).sign(&key)),
            ("iat missing", token().without("iat").sign(&key)),
        ],
    )
    .await;
    let good = token().claim("nbf", START + 5).claim("iat", START + 5).sign(&key);
    assert_eq!(world.ask(legacy("ping", &json!({})).bearer(&good)).await.status, 200);
}

#[tokio::test]
async fn t_mcp_13_claims_that_two_parsers_read_differently() {
    let world = World::new(echo).await;
    let key = world.authority.key();
    let (header, claims) = token().parts();
    let first = |member: &str| claims.replacen('{', &format!("{{{member},"), 1);
    all_refused(
        &world,
        &[
            ("aud twice", sign_raw(&header, &first(r#""aud":"https://other.example/mcp""#), &key)),
            ("exp twice", sign_raw(&header, &first(r#""exp":1"#), &key)),
            ("escaped twice", sign_raw(&header, &first(r#""\u0061ud":"x""#), &key)),
            ("unknown twice", sign_raw(&header, &first(r#""x":1,"x":2"#), &key)),
            ("trailing data", sign_raw(&header, &format!("{claims}{{}}"), &key)),
            ("byte order mark", sign_raw(&header, &format!("\u{feff}{claims}"), &key)),
            ("NaN", sign_raw(&header, &first(r#""x":NaN"#), &key)),
            ("not base64url", format!("{}~", token().sign(&key))),
        ],
    )
    .await;
    let (bare, signature) =
        token().sign(&key).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let padded = format!("{bare}=.{signature}");
    let invalid_utf8 = {
        let message =
            format!("{}.{}", base64url(header.as_bytes()), base64url(b"{\"sub\":\"\xff\"}"));
        format!("{message}.{}", base64url(&key.sign(&message)))
    };
    all_refused(&world, &[("invalid UTF-8", invalid_utf8)]).await;
    let answer = world.ask(legacy("ping", &json!({})).bearer(&padded)).await;
    assert_eq!(answer.status, 400, "= inside is no token at all");
}

#[tokio::test]
async fn the_status_claim_points_into_our_lists() {
    let world = World::new(echo).await;
    let key = world.authority.key();
    let status = |uri: &str, idx: serde_json::Value| {
        token().claim("status", json!({ "status_list": { "idx": idx, "uri": uri } })).sign(&key)
    };
    all_refused(
        &world,
        &[
            ("missing", token().without("status").sign(&key)),
            ("elsewhere", status("https://evil.example/status/0", json!(5))),
            ("prefix", status("https://gate.example/status/", json!(5))),
            ("not a number", status("https://gate.example/status/x", json!(5))),
            ("odd number", status("https://gate.example/status/00", json!(5))),
            ("plus", status("https://gate.example/status/+0", json!(5))),
            ("negative", status("https://gate.example/status/0", json!(-1))),
            ("beyond the list", status("https://gate.example/status/0", json!(131_072))),
        ],
    )
    .await;
}

#[tokio::test]
async fn unknown_user_types_are_refused() {
    let world = World::new(echo).await;
    let key = world.authority.key();
    let strange = token().claim("user_type", "root").sign(&key);
    let line_break = token().claim("sub", "a\r\nX-Wicketgate-Subject: b").sign(&key);
    all_refused(&world, &[("root", strange), ("line break", line_break)]).await;
}

/// T-MCP-17: revocation reaches a token that is already known.
#[tokio::test]
async fn t_mcp_17_a_revoked_grant() {
    let world = World::new(echo).await;
    let ping = || legacy("ping", &json!({})).bearer(&world.token("mcp:read"));
    assert_eq!(world.ask(ping()).await.status, 200);
    let neighbour = token()
        .claim(
            "status",
            json!({ "status_list": { "idx": 6, "uri": format!("{ISSUER}/status/0") } }),
        )
        .sign(&world.authority.key());
    world.authority.revoke(5);
    world.settle().await;
    let answer = world.ask(ping()).await;
    assert_eq!(answer.status, 401);
    assert!(answer.challenge().contains("invalid_token"));
    assert_eq!(world.ask(legacy("ping", &json!({})).bearer(&neighbour)).await.status, 200);
}

/// T-MCP-17, RV-3: one token of a grant that goes on, known before or not.
#[tokio::test]
async fn t_mcp_17_a_token_that_was_revoked_alone() {
    let world = World::new(echo).await;
    let ping = |token: &str| legacy("ping", &json!({})).bearer(token);
    let sign = |id: &str| token().claim("jti", id).sign(&world.authority.key());
    let (revoked, other) = (sign("one"), sign("two"));
    assert_eq!(world.ask(ping(&revoked)).await.status, 200);
    world.authority.revoke_token("one");
    world.settle().await;
    let answer = world.ask(ping(&revoked)).await;
    assert_eq!(answer.status, 401);
    assert!(answer.challenge().contains("invalid_token"));
    assert_eq!(world.ask(ping(&other)).await.status, 200, "the grant goes on");
    let twin = token().claim("jti", "one").claim("x", 1).sign(&world.authority.key());
    assert_eq!(world.ask(ping(&twin)).await.status, 401, "seen for the first time");
}

/// T-MCP-29: a key that is gone takes its tokens along, known ones too.
#[tokio::test]
async fn t_mcp_29_a_withdrawn_key() {
    let world = World::new(echo).await;
    let token = world.token("mcp:read");
    let ping = || legacy("ping", &json!({})).bearer(&token);
    assert_eq!(world.ask(ping()).await.status, 200);
    world.authority.rotate("key-2");
    world.settle().await;
    assert_eq!(world.ask(ping()).await.status, 401);
    let fresh = world.token("mcp:read");
    assert_eq!(world.ask(legacy("ping", &json!({})).bearer(&fresh)).await.status, 200);
}

/// T-MCP-29: another key under the old id is another key.
#[tokio::test]
async fn t_mcp_29_a_reused_key_id() {
    let world = World::new(echo).await;
    let token = world.token("mcp:read");
    let ping = || legacy("ping", &json!({})).bearer(&token);
    assert_eq!(world.ask(ping()).await.status, 200);
    world.authority.rotate("key-1");
    world.settle().await;
    assert_eq!(world.ask(ping()).await.status, 401);
}
