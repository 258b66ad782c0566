//! T-MCP-01 to T-MCP-25: which strings are tokens, and which signatures are good.

use std::sync::atomic::Ordering;

use http::Method;
use kernel::encoding::{base64url, from_base64url};
use serde_json::{Value, json};

use crate::support::{Ask, Token, World, echo, legacy, sign_raw};

/// Every one of these tokens is refused in the same words, and nothing reaches the server.
pub(crate) async fn all_refused(world: &World, tokens: &[(&str, String)]) {
    for (what, token) in tokens {
        let answer = world.ask(legacy("ping", &json!({})).bearer(token)).await;
        assert_eq!(answer.status, 401, "{what}");
        assert!(answer.challenge().contains("error=\"invalid_token\""), "{what}");
        assert!(answer.challenge().contains("resource_metadata="), "{what}");
    }
    assert!(world.server.requests().is_empty());
}

fn spliced(token: &str, signature: &[u8]) -> String {
    let (signed, _) = token.rsplit_once('.').unwrap();
    format!("{signed}.{}", base64url(signature))
}

#[tokio::test]
async fn t_mcp_20_the_scheme_has_no_case() {
    let world = World::new(echo).await;
    let token = world.token("mcp:read");
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer "] {
        let ask = legacy("ping", &json!({})).header("authorization", &format!("{scheme} {token}"));
        assert_eq!(world.ask(ask).await.status, 200, "{scheme}");
    }
}

#[tokio::test]
async fn t_mcp_01_unsigned_tokens() {
    let world = World::new(echo).await;
    let mut tokens = Vec::new();
    for alg in ["none", "None", "NONE", "", "nOnE"] {
        let token = Token::new("mcp:read").header("alg", alg);
        let signed = token.sign(&world.authority.key());
        let (bare, _) = signed.rsplit_once('.').unwrap();
        tokens.push(("signed all the same", signed.clone()));
        tokens.push(("empty signature", format!("{bare}.")));
        tokens.push(("no signature", bare.to_owned()));
    }
    let good = world.token("mcp:read");
    tokens.push(("a good header without signature", spliced(&good, b"")));
    all_refused(&world, &tokens).await;
}

#[tokio::test]
async fn t_mcp_02_our_public_key_as_a_shared_secret() {
    let world = World::new(echo).await;
    let key = world.authority.key();
    let (header, claims) = Token::new("mcp:read").header("alg", "HS256").parts();
    let header = header.replace("key-1", &key.id);
    let message = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
    let secrets = [key.point(), key.jwk().to_string().into_bytes(), key.point()[1..].to_vec()];
    let tokens: Vec<_> = secrets
        .iter()
        .map(|secret| {
            let hmac = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
            let tag = aws_lc_rs::hmac::sign(&hmac, message.as_bytes());
            ("HS256", format!("{message}.{}", base64url(tag.as_ref())))
        })
        .collect();
    all_refused(&world, &tokens).await;
}

#[tokio::test]
async fn t_mcp_03_the_algorithm_is_the_keys() {
    let world = World::new(echo).await;
    let key = world.authority.key();
    let algorithms = ["RS256", "PS256", "ES384", "ES512", "EdDSA", "es256", "ES256K"];
    let tokens: Vec<_> = algorithms
        .iter()
        .map(|alg| (*alg, Token::new("mcp:read").header("alg", *alg).sign(&key)))
        .collect();
    all_refused(&world, &tokens).await;
}

#[tokio::test]
async fn t_mcp_04_signatures_that_are_none() {
    let world = World::new(echo).await;
    let good = world.token("mcp:read");
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let raw = from_base64url(signature).unwrap();
    let der = {
        let mut der = vec![0x30, 0x46, 0x02, 0x21, 0x00];
        der.extend_from_slice(&raw[..32]);
        der.extend_from_slice(&[0x02, 0x21, 0x00]);
        der.extend_from_slice(&raw[32..]);
        der
    };
    let mut flipped = raw.clone();
    flipped[40] ^= 1;
    let other = signed.replace('.', "A.");
    all_refused(
        &world,
        &[
            ("r = s = 0", spliced(&good, &[0; 64])),
            ("r = 0", spliced(&good, &[[0; 32].as_slice(), &raw[32..]].concat())),
            ("all ones", spliced(&good, &[0xff; 64])),
            ("DER", spliced(&good, &der)),
            ("truncated", spliced(&good, &raw[..63])),
            ("longer", spliced(&good, &[raw.as_slice(), &[0]].concat())),
            ("one bit", spliced(&good, &flipped)),
            ("padded base64", format!("{good}==")),
            ("another payload", format!("{other}.{signature}")),
        ],
    )
    .await;
}

/// A signature with the other `s` is a valid one of ES256. It is a different string for the same
/// claims, so it must not become a different right: revocation hits both.
#[tokio::test]
async fn t_mcp_04_high_s_is_the_same_token() {
    let world = World::new(echo).await;
    let good = world.token("mcp:read");
    let (_, signature) = good.rsplit_once('.').unwrap();
    let mut raw = from_base64url(signature).unwrap();
    negate_s(&mut raw);
    let twin = spliced(&good, &raw);
    assert_eq!(world.ask(legacy("ping", &json!({})).bearer(&twin)).await.status, 200);
    world.authority.revoke(5);
    world.settle().await;
    for token in [&good, &twin] {
        assert_eq!(world.ask(legacy("ping", &json!({})).bearer(token)).await.status, 401);
    }
}

/// `s` becomes `n - s`.
fn negate_s(signature: &mut [u8]) {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
        0x25, 0x51,
    ];
    let mut borrow = false;
    for (digit, order) in signature[32..].iter_mut().zip(ORDER).rev() {
        let (once, under) = order.overflowing_sub(*digit);
        let (twice, again) = once.overflowing_sub(u8::from(borrow));
        *digit = twice;
        borrow = under || again;
    }
}

#[tokio::test]
async fn t_mcp_08_keys_that_a_token_brings_along() {
    let world = World::new(echo).await;
    let attacker = crate::support::SigningKey::generate("attacker");
    let own = |name: &str, value: Value| {
        let token = Token::new("mcp:read").header("kid", "attacker").header(name, value.clone());
        let known = Token::new("mcp:read").header("kid", "key-1").header(name, value);
        [("attacker's kid", token.sign(&attacker)), ("our kid", known.sign(&attacker))]
    };
    let url = world.server.uri().to_string();
    let mut tokens = Vec::new();
    tokens.extend(own("jwk", attacker.jwk()));
    tokens.extend(own("jku", url.clone().into()));
    tokens.extend(own("x5u", url.into()));
    tokens.extend(own("x5c", json!([base64url(&attacker.point())])));
    all_refused(&world, &tokens).await;
    // Not even with a good signature: a header that means something to others is not ours.
    let good = Token::new("mcp:read").header("jwk", attacker.jwk()).sign(&world.authority.key());
    all_refused(&world, &[("jwk beside a good signature", good)]).await;
}

#[tokio::test]
async fn t_mcp_14_header_members_that_change_the_meaning() {
    let world = World::new(echo).await;
    let key = world.authority.key();
    let with = |name: &str, value: Value| Token::new("mcp:read").header(name, value).sign(&key);
    all_refused(
        &world,
        &[
            ("crit", with("crit", json!(["x"]))),
            ("empty crit", with("crit", json!([]))),
            ("b64", with("b64", json!(false))),
            ("zip", with("zip", json!("DEF"))),
            ("unknown", with("x", json!(1))),
        ],
    )
    .await;
}

#[tokio::test]
async fn t_mcp_15_encrypted_and_nested_tokens() {
    let world = World::new(echo).await;
    let key = world.authority.key();
    let header = json!({ "alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2_147_483_647_u32 });
    let jwe = format!("{}.AAAA.AAAA.AAAA.AAAA", base64url(header.to_string().as_bytes()));
    let inner = world.token("mcp:read");
    let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": "key-1" }).to_string();
    all_refused(
        &world,
        &[
            ("five parts", jwe),
            ("four parts", format!("{inner}.AAAA")),
            ("nested", sign_raw(&header, &inner, &key)),
            ("nested as a string", sign_raw(&header, &format!("\"{inner}\""), &key)),
            ("an array", sign_raw(&header, "[]", &key)),
        ],
    )
    .await;
}

#[tokio::test]
async fn t_mcp_16_everything_else_that_is_a_secret() {
    let world = World::new(echo).await;
    let random = base64url(&[0x5a; 32]);
    let tokens: Vec<_> = ["wgr_", "wgc_", "wgs_", "wgk_", ""]
        .iter()
        .map(|prefix| (*prefix, format!("{prefix}{random}")))
        .collect();
    all_refused(&world, &tokens).await;
}

#[tokio::test]
async fn t_mcp_19_huge_tokens_cost_nothing() {
    let world = World::new(echo).await;
    all_refused(
        &world,
        &[
            ("1 MB", "a".repeat(1 << 20)),
            ("100 dots", ["a"; 101].join(".")),
            ("10 kB of parts", format!("{}.{}.{}", "a".repeat(9000), "b", "c")),
        ],
    )
    .await;
    assert_eq!(world.authority.key_questions.load(Ordering::SeqCst), 0, "nobody was asked");
}

#[tokio::test]
async fn t_mcp_21_t_mcp_22_malformed_credentials_are_400() {
    let world = World::new(echo).await;
    let token = world.token("mcp:read");
    let ping = || legacy("ping", &json!({}));
    let malformed = [
        ping().header("authorization", &format!("Bearer {token} x")),
        ping().header("authorization", "Bearer,"),
        ping().header("authorization", &format!("Bearer {token}, Bearer {token}")),
        ping().bearer(&token).bearer(&token),
    ];
    for ask in malformed {
        let answer = world.ask(ask).await;
        assert_eq!(answer.status, 400);
        assert!(answer.challenge().contains("error=\"invalid_request\""));
    }
    for empty in ["Bearer", "Bearer ", "Bearer\tx"] {
        assert_eq!(world.ask(ping().header("authorization", empty)).await.status, 401, "{empty:?}");
    }
    assert!(world.server.requests().is_empty());
}

/// BR-1, BR-2: only the header counts, and other schemes are answered as if nothing were there.
#[tokio::test]
async fn t_mcp_23_t_mcp_25_elsewhere_a_token_is_no_token() {
    let world = World::new(echo).await;
    let token = world.token("mcp:read");
    let ping = || legacy("ping", &json!({}));
    let form = Ask::new(Method::POST, "/mcp")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(&format!("access_token={token}"));
    let unauthenticated = [
        ping().at(&format!("/mcp?access_token={token}")),
        form,
        ping().header("authorization", "Basic dXNlcjpwYXNz"),
        ping().header("authorization", &format!("DPoP {token}")),
        ping().header("authorization", "Negotiate YIIB"),
        ping().header("x-api-key", &token),
        ping().header("cookie", &format!("access_token={token}")),
    ];
    for ask in unauthenticated {
        let answer = world.ask(ask).await;
        assert_eq!(answer.status, 401);
        assert!(!answer.challenge().contains("error="), "{}", answer.challenge());
    }
    assert!(world.server.requests().is_empty());
}

/// The signature of a token that this process signed is not checked again, and everything else is.
#[tokio::test]
async fn a_token_of_this_process_is_not_verified_twice() {
    let world = World::new(echo).await;
    let key = world.authority.key();
    let unsigned = |token: Token| spliced(&token.sign(&key), &[7; 64]);
    let taken = unsigned(Token::new("mcp:read"));
    let ping = |token: &str| legacy("ping", &json!({})).bearer(token);
    assert_eq!(world.ask(ping(&taken)).await.status, 401, "it says so of another process");
    world.authority.has_signed_this(&taken);
    assert_eq!(world.ask(ping(&taken)).await.status, 200);
    let requests = world.server.requests().len();
    let refused = [
        ("another audience", unsigned(Token::new("mcp:read").claim("aud", "https://else.example"))),
        ("expired", unsigned(Token::new("mcp:read").claim("exp", 1))),
        ("of another type", unsigned(Token::new("mcp:read").header("typ", "JWT"))),
        ("under an unknown key", unsigned(Token::new("mcp:read").header("kid", "key-0"))),
    ];
    for (what, token) in &refused {
        world.authority.has_signed_this(token);
        assert_eq!(world.ask(ping(token)).await.status, 401, "{what}");
    }
    world.authority.revoke(5);
    world.settle().await;
    assert_eq!(world.ask(ping(&taken)).await.status, 401, "revoked");
    assert_eq!(world.server.requests().len(), requests);
}
