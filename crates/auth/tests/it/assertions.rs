//! Clients that sign: `private_key_jwt` (RFC 7523 §2.2 and §3, draft-ietf-oauth-rfc7523bis).

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use kernel::encoding::{base64, base64url};
use model::client::AssertionAudience;
use protocol::client_keys::ClientKeys;
use serde_json::{Value, json};
use testkit::forge::{Forger, Jwt};
use testkit::{Answer, Client, Engine, Secret, Tokens};
use tokio::task::JoinSet;

use crate::world::{ASSERTION_TYPE, Plan, ROBOT, ROBOT_URI, Robot, VAULT, VAULT_SECRET, World};

/// A request that a client of any kind may send: whoever is let in hears that the token is unknown.
const PROBE: [(&str, &str); 2] =
    [("grant_type", "refresh_token"), ("refresh_token", "wg_rt_unknown")];

async fn world_of_a_robot() -> (World, Robot) {
    let plan = Plan::sqlite();
    let robot = Robot::new(ROBOT, plan.time());
    let world = plan.config(robot.configured(AssertionAudience::Issuer)).start().await;
    (world, robot)
}

async fn tries(world: &World, robot: &Robot, jwt: &Jwt) -> Answer {
    robot.post_with(world, "/token", &PROBE, &robot.sign(jwt)).await
}

/// CA-4 (RFC 7523 §2.2): a configured client signs at every endpoint that asks who it is.
#[tokio::test]
async fn ca_4_a_configured_client_signs() {
    let (world, robot) = world_of_a_robot().await;
    let (code, ask) = world.code(&robot_in_browser(&world, ROBOT), "basic").await;
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("code_verifier", ask.verifier.as_str()),
    ];
    let tokens = Tokens::of(&robot.post(&world, "/token", &redeem).await);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    // RFC 7521 §4.2: the client may also be named in the request, if it is the same.
    let named = [refresh.as_slice(), &[("client_id", ROBOT)]].concat();
    let next = Tokens::of(&robot.post(&world, "/token", &named).await);
    let other = [refresh.as_slice(), &[("client_id", VAULT)]].concat();
    robot.post(&world, "/token", &other).await.refuses(400, "invalid_request");
    let revoke = [("token", next.refresh.as_str())];
    assert_eq!(robot.post(&world, "/revoke", &revoke).await.status, 200);
    let gone = [("grant_type", "refresh_token"), ("refresh_token", next.refresh.as_str())];
    robot.post(&world, "/token", &gone).await.refuses(400, "invalid_grant");
}

fn robot_in_browser(world: &World, id: &str) -> Client {
    Client::configured(world, id, Secret::None, ROBOT_URI)
}

/// RG-7, RG-12 (RFC 7591 §2, §3.2.1): a client registers its public keys and signs from then on.
#[tokio::test]
async fn rg_7_a_client_registers_its_keys() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let plan = Plan::on(engine);
        let mut robot = Robot::new("", plan.time());
        let world = plan.start().await;
        let client = Client::register_with(
            &world,
            &json!({
                "redirect_uris": [ROBOT_URI], "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_signing_alg": "ES256", "jwks": robot.jwks(),
            }),
        )
        .await;
        let echoed = &client.registration;
        assert_eq!(echoed["token_endpoint_auth_method"], "private_key_jwt");
        assert_eq!(echoed["token_endpoint_auth_signing_alg"], "ES256");
        assert_eq!(echoed["jwks"]["keys"][0]["x"], robot.jwks()["keys"][0]["x"]);
        assert_eq!(echoed.get("client_secret"), None);
        robot.id.clone_from(&client.id);
        let (code, ask) = world.code(&client, "basic").await;
        let redeem = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("code_verifier", ask.verifier.as_str()),
        ];
        // T-CA-06: without its signature it is nobody, and the code stays good.
        let before = world.dump().await;
        client.exchange(&code, &ask).await.refuses(401, "invalid_client");
        for secret in ["-", "", "none"] {
            let basic = client.clone().proving(Secret::Basic(secret.to_owned()));
            basic.exchange(&code, &ask).await.refuses(401, "invalid_client");
        }
        world.is_unchanged_since(&before).await;
        Tokens::of(&robot.post(&world, "/token", &redeem).await);
    }
}

/// RG-7: keys that cannot be used are refused at registration, with words.
#[tokio::test]
async fn rg_7_registrations_without_usable_keys() {
    let (world, robot) = world_of_a_robot().await;
    let before = world.dump().await;
    let register = |more: Value| {
        let mut metadata = json!({
            "redirect_uris": [ROBOT_URI], "token_endpoint_auth_method": "private_key_jwt",
        });
        for (name, value) in more.as_object().expect("an object") {
            metadata[name] = value.clone();
        }
        metadata
    };
    let other_curve =
        json!({ "keys": [{ "kty": "EC", "crv": "P-384", "x": "AQAB", "y": "AQAB" }] });
    let mut private = robot.jwks();
    private["keys"][0]["d"] = json!("AQAB");
    for (more, word) in [
        (json!({}), "jwks"),
        (json!({ "jwks": { "keys": [] } }), "public key"),
        (json!({ "jwks": other_curve }), "P-256"),
        (json!({ "jwks": private }), "private key"),
        (json!({ "jwks_uri": "https://robot.example.com/jwks" }), "not supported"),
        (json!({ "jwks": robot.jwks(), "jwks_uri": "https://robot.example.com/jwks" }), "both"),
        (json!({ "jwks": robot.jwks(), "token_endpoint_auth_signing_alg": "none" }), "ES256"),
        (json!({ "jwks": robot.jwks(), "token_endpoint_auth_signing_alg": "HS256" }), "ES256"),
        (json!({ "jwks": robot.jwks(), "token_endpoint_auth_signing_alg": "RS256" }), "RSA"),
    ] {
        let answer = world.register(&register(more)).await;
        answer.refuses(400, "invalid_client_metadata");
        assert!(answer.body.contains(word), "{word}: {}", answer.body);
    }
    world.is_unchanged_since(&before).await;
}

/// CA-4: what may sign is what an asymmetric key of the client's own signs, in each algorithm.
#[tokio::test]
async fn ca_4_every_algorithm_and_no_other_key() {
    let rsa = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let (n, e) = (rsa.public_key().modulus(), rsa.public_key().exponent());
    let encoded = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        base64url(&number[zeros..])
    };
    let rsa_jwk = json!({
        "kty": "RSA", "kid": "rsa", "n": encoded(n.big_endian_without_leading_zero()),
        "e": encoded(e.big_endian_without_leading_zero()),
    });
    let rsa = EncodingKey::from_rsa_pem(pem_of(&rsa).as_bytes()).expect("a key");
    let ed = Ed25519KeyPair::generate().expect("a key");
    let ed_jwk = json!({
        "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": base64url(ed.public_key().as_ref()),
    });
    let ed = EncodingKey::from_ed_der(ed.to_pkcs8v1().expect("PKCS#8").as_ref());
    let plan = Plan::sqlite();
    let robot = Robot::new(ROBOT, plan.time());
    let mut keys = robot.jwks();
    keys["keys"][0]["kid"] = json!("ec");
    keys["keys"].as_array_mut().expect("keys").extend([rsa_jwk.clone(), ed_jwk]);
    let keys = ClientKeys::parse(&keys, None).expect("keys");
    let world = plan
        .config(robot.configured(AssertionAudience::Issuer))
        .config(move |config| robot_keys(config, &keys))
        .start()
        .await;
    let signed = |alg: Algorithm, kid: Option<&str>, key: &EncodingKey| {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(alg) };
        encode(&header, &robot.claims(&world).claims, key).expect("a token")
    };
    let post = async |token: &str| robot.post_with(&world, "/token", &PROBE, token).await;
    for (alg, kid, key) in [
        (Algorithm::RS256, Some("rsa"), &rsa),
        (Algorithm::PS256, Some("rsa"), &rsa),
        (Algorithm::RS256, None, &rsa),
        (Algorithm::EdDSA, Some("ed"), &ed),
    ] {
        post(&signed(alg, kid, key)).await.refuses(400, "invalid_grant");
    }
    let named = robot.claims(&world).header("kid", "ec");
    post(&robot.sign(&named)).await.refuses(400, "invalid_grant");
    // RFC 8725 §3.1: the public key as an HMAC secret, other algorithms, another key's name.
    let public = EncodingKey::from_secret(rsa_jwk["n"].as_str().expect("a text").as_bytes());
    let bad = [
        signed(Algorithm::HS256, Some("rsa"), &public),
        signed(Algorithm::RS512, Some("rsa"), &rsa),
        signed(Algorithm::RS256, Some("ed"), &rsa),
        robot.claims(&world).header("alg", "none").unsigned(),
        Forger::new().sign(&robot.claims(&world)),
        Forger::new().sign(&robot.claims(&world).header("jwk", Forger::new().public_jwk())),
    ];
    for token in bad {
        post(&token).await.refuses(401, "invalid_client");
    }
}

fn robot_keys(config: &mut auth::Config, keys: &ClientKeys) {
    for client in &mut config.clients {
        if let model::ClientAuth::PrivateKeyJwt(signing) = &mut client.auth {
            signing.keys = model::client::KeySource::Registered(keys.clone());
        }
    }
}

fn pem_of(key: &KeyPair) -> String {
    let pkcs8: Pkcs8V1Der<'_> = key.as_der().expect("PKCS#8");
    let text = base64(pkcs8.as_ref());
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

/// T-CA-12, CA-6 (RFC 7523 §3): the claims, and clocks that differ a little.
#[tokio::test]
async fn t_ca_12_claims_and_times() {
    let (world, robot) = world_of_a_robot().await;
    let good = robot.claims(&world);
    let now = good.claims["iat"].as_i64().expect("a number");
    let without = |name: &str| {
        let mut jwt = robot.claims(&world);
        jwt.claims.as_object_mut().expect("claims").remove(name);
        jwt
    };
    for accepted in [
        without("iat"),
        robot.claims(&world).claim("iat", now + 8),
        robot.claims(&world).claim("nbf", now + 8),
        robot.claims(&world).claim("exp", now + 300),
        robot.claims(&world).header("typ", "client-authentication+jwt"),
    ] {
        tries(&world, &robot, &accepted).await.refuses(400, "invalid_grant");
    }
    let before = world.dump().await;
    for (refused, word) in [
        (without("exp"), "exp"),
        (without("jti"), "jti"),
        (without("iss"), "iss"),
        (without("sub"), "sub"),
        (without("aud"), "aud"),
        (robot.claims(&world).claim("jti", ""), "jti"),
        (robot.claims(&world).claim("exp", now - 11), "expired"),
        (robot.claims(&world).claim("exp", now + 361), "5 minutes"),
        (robot.claims(&world).claim("exp", now + 86_400), "5 minutes"),
        (robot.claims(&world).claim("iat", now + 61), "future"),
        (robot.claims(&world).claim("nbf", now + 61), "future"),
        (robot.claims(&world).claim("iss", VAULT), "client_id"),
        (robot.claims(&world).header("typ", "at+jwt"), "typ"),
        (robot.claims(&world).header("crit", json!(["b64"])), "crit"),
    ] {
        let answer = tries(&world, &robot, &refused).await;
        answer.refuses(401, "invalid_client");
        assert!(answer.body.contains(word), "{word}: {}", answer.body);
    }
    // In the name of others: a client with a secret, one with other keys, and nobody.
    for name in [VAULT, "desk", "nobody"] {
        let other = robot.claims(&world).claim("iss", name).claim("sub", name);
        tries(&world, &robot, &other).await.refuses(401, "invalid_client");
    }
    world.is_unchanged_since(&before).await;
}

/// T-CA-13, CA-5: made out to this issuer alone, as one text.
#[tokio::test]
async fn t_ca_13_the_audience_is_the_issuer() {
    for (path, compatible) in [("", false), ("/wfgen", false), ("/wfgen", true)] {
        let plan = Plan::sqlite().at(path);
        let robot = Robot::new(ROBOT, plan.time());
        let audience = if compatible {
            AssertionAudience::IssuerOrTokenEndpoint
        } else {
            AssertionAudience::Issuer
        };
        let world = plan.config(robot.configured(audience)).start().await;
        let issuer = world.issuer.clone();
        let made_out_to = |aud: Value| robot.claims(&world).claim("aud", aud);
        for (aud, good) in [
            (json!(issuer), true),
            (json!(format!("{issuer}/token")), compatible),
            // RFC 3986 §6.2.3: without a path, a slash at the end says nothing.
            (json!(format!("{issuer}/")), path.is_empty()),
            (json!(format!("{issuer}//")), false),
            (json!(format!("{issuer}/par")), false),
            (json!([issuer]), false),
            (json!([issuer, "https://other.example"]), false),
            (json!("https://other.example"), false),
            (json!(issuer.to_uppercase()), false),
            (json!(world.mcp), false),
            (json!(""), false),
        ] {
            let answer = tries(&world, &robot, &made_out_to(aud.clone())).await;
            let refused = if good { (400, "invalid_grant") } else { (401, "invalid_client") };
            answer.refuses(refused.0, refused.1);
        }
    }
}

/// T-CA-14: what is no assertion at all.
#[tokio::test]
async fn t_ca_14_malformed_assertions() {
    let (world, robot) = world_of_a_robot().await;
    let before = world.dump().await;
    let jwt = robot.claims(&world);
    let good = robot.sign(&jwt);
    let exp = jwt.claims["exp"].to_string();
    for bad in [
        "x".to_owned(),
        "a.b.c".to_owned(),
        format!("{good}.x.y"),
        good.rsplit_once('.').expect("a part").0.to_owned(),
        format!("{good}x"),
        robot.sign(&robot.claims(&world).claim("exp", exp)),
        robot.sign(&robot.claims(&world).claim("x", "y".repeat(9000))),
        robot.sign(&Jwt { claims: json!([1]), ..robot.claims(&world) }),
    ] {
        let answer = robot.post_with(&world, "/token", &PROBE, &bad).await;
        answer.refuses(401, "invalid_client");
    }
    // RFC 7521 §4.2: the type is part of it.
    let form = |more: &[(&'static str, &str)]| {
        PROBE.iter().chain(more).map(|(name, value)| (*name, (*value).to_owned())).collect()
    };
    let forms: [Vec<(&str, String)>; 3] = [
        form(&[("client_assertion", &good)]),
        form(&[("client_assertion_type", ASSERTION_TYPE)]),
        form(&[("client_assertion", &good), ("client_assertion_type", "urn:x")]),
    ];
    for form in forms {
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.post_form(&world.at("/token"), &form).await.refuses(401, "invalid_client");
    }
    // T-CA-03: beside a secret.
    let both = [PROBE.as_slice(), &[("client_id", ROBOT), ("client_secret", "x")]].concat();
    robot.post_with(&world, "/token", &both, &good).await.refuses(400, "invalid_request");
    world.is_unchanged_since(&before).await;
    robot.post_with(&world, "/token", &PROBE, &good).await.refuses(400, "invalid_grant");
}

/// T-CA-11, CA-6: once, at whichever replica, and after a restart; the replay is on record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_ca_11_an_assertion_works_once() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let plan = Plan::on(engine);
        let robot = Robot::new(ROBOT, plan.time());
        let mut world = plan.config(robot.configured(AssertionAudience::Issuer)).start().await;
        let replica = world.replica().await;
        let assertion = robot.sign(&robot.claims(&world));
        let places = [(*world).clone(), replica];
        let mut racing = JoinSet::new();
        for number in 0..16 {
            let (robot, place) = (robot.clone(), places[number % 2].clone());
            let assertion = assertion.clone();
            racing.spawn(async move {
                robot.post_with(&place, "/token", &PROBE, &assertion).await.status
            });
        }
        let mut statuses = racing.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses, [&[400], [401; 15].as_slice()].concat(), "{engine:?}");
        world.reconfigure(|settings| settings).await;
        let late = robot.post_with(&world, "/token", &PROBE, &assertion).await;
        late.refuses(401, "invalid_client");
        let dump = world.dump().await;
        assert_eq!(dump.count_with("OAUTH_AUDIT", "kind=client.assertion_replayed"), 16);
        assert_eq!(dump.count_with("OAUTH_REPLAY", "purpose=client_assertion:robot"), 1);
    }
}

/// T-CA-08, CA-7, CA-8: two secrets are good while one takes the other's place, each for its time.
#[tokio::test]
async fn t_ca_08_secrets_are_rotated() {
    const OLD: &str = "an-old-secret-0123456789";
    let plan = Plan::sqlite();
    let now = kernel::Clock::now(plan.time());
    let world = plan
        .config(move |config| {
            let vault = config.clients.iter_mut().find(|client| client.id.as_str() == VAULT);
            let model::ClientAuth::Secrets(secrets) = &mut vault.expect("the vault").auth else {
                panic!("the vault has a secret")
            };
            let hash = kernel::encoding::sha256_base64url(OLD.as_bytes());
            let hash = kernel::Hashed::from_stored(hash);
            let expires_at = Some(now.plus_seconds(3600));
            secrets.push(model::client::ChosenSecret { hash, expires_at });
        })
        .start()
        .await;
    let vault =
        |secret: Secret| Client::configured(&world, VAULT, secret, "https://vault.example.com/cb");
    let outcome = async |secret: Secret| vault(secret).token(&PROBE).await.status;
    assert_eq!(outcome(Secret::Basic(VAULT_SECRET.into())).await, 400);
    assert_eq!(outcome(Secret::Basic(OLD.into())).await, 400);
    assert_eq!(outcome(Secret::Post(OLD.into())).await, 400);
    assert_eq!(outcome(Secret::Post("another-secret-0123456".into())).await, 401);
    world.clock.advance_seconds(3599);
    assert_eq!(outcome(Secret::Basic(OLD.into())).await, 400);
    world.clock.advance_seconds(1);
    assert_eq!(outcome(Secret::Basic(OLD.into())).await, 401);
    assert_eq!(outcome(Secret::Basic(VAULT_SECRET.into())).await, 400);
}
