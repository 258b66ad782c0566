//! Signing keys: published, sealed, and what happens when they do not open.

use std::time::Duration;

use kernel::seal::SealingKey;
use serde_json::Value;
use testkit::Tokens;
use testkit::forge::Jwt;

use crate::world::{Plan, Running, Settings, World, listen};

/// T-KEY-01, KY-2, KY-3: only public members, a key id that tokens name, and the right type.
#[tokio::test]
async fn t_key_01_only_public_members() {
    let world = World::sqlite().await;
    let answer = world.get(&world.at("/jwks")).await;
    let kind = answer.header("content-type");
    assert_eq!(kind, Some("application/jwk-set+json"));
    let set = answer.json();
    let keys = set["keys"].as_array().cloned().unwrap_or_default();
    assert_eq!(keys.len(), 1);
    for key in &keys {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert_eq!(key.get(private), None, "{private}");
        }
        assert_eq!(key["kty"], "EC");
        assert_eq!(key["crv"], "P-256");
        assert_eq!(key["alg"], "ES256");
        assert_eq!(key["use"], "sig");
    }
    let connected = world.connect("basic").await;
    let jwt = Jwt::read(&connected.tokens.access);
    assert_eq!(jwt.header["kid"], keys[0]["kid"]);
}

/// T-KEY-05, T-KEY-06, T-KEY-07, KY-5, KY-6: a wrong key-encryption key, a flipped character and a
/// blob from another row are errors at start that name the key; no new key appears.
#[tokio::test]
async fn t_key_05_to_07_keys_that_do_not_open_stop_the_start() {
    let world = World::sqlite().await;
    let kid = world.get(&world.at("/jwks")).await.json()["keys"][0]["kid"].clone();
    let kid = kid.as_str().expect("a key id").to_owned();
    let mut database = world.stop().await;
    let before = database.dump().await;
    let plan = || {
        Plan::sqlite().config(|config| config.key_encryption_key = SealingKey::from_bytes([8; 32]))
    };
    let (error, back) = refused(plan().with(database).try_start().await);
    database = back;
    assert!(error.contains(&kid), "{error}");
    assert!(error.contains("oauth.key_encryption_key"), "what to do: {error}");
    for secret in [kernel::encoding::base64(&[8; 32]), kernel::encoding::base64(&[7; 32])] {
        assert!(!error.contains(&secret), "no key is shown");
    }
    before.equals(&database.dump().await);
    // One character of the sealed key, at the start (nonce), in the middle and at the end (tag).
    let sealed = before.values("OAUTH_SIGNING_KEY", "private_sealed")[0].to_owned();
    for place in [1, sealed.len() / 2, sealed.len() - 2] {
        let mut damaged = sealed.clone().into_bytes();
        damaged[place] = if damaged[place] == b'A' { b'B' } else { b'A' };
        let damaged = String::from_utf8(damaged).expect("ASCII");
        set_sealed(&database, &damaged).await;
        let (error, back) = refused(Plan::sqlite().with(database).try_start().await);
        database = back;
        assert!(error.contains(&kid), "{error}");
        assert_eq!(database.dump().await.count("OAUTH_SIGNING_KEY"), 1);
    }
    // The blob of another deployment's key, sealed under the same key-encryption key.
    let other = World::sqlite().await.dump().await;
    let foreign = other.values("OAUTH_SIGNING_KEY", "private_sealed")[0].to_owned();
    set_sealed(&database, &foreign).await;
    let (error, back) = refused(Plan::sqlite().with(database).try_start().await);
    assert!(error.contains(&kid), "{error}");
    database = back;
    // And as it was, it opens again.
    set_sealed(&database, &sealed).await;
    let world = Plan::sqlite().with(database).start().await;
    let keys = world.get(&world.at("/jwks")).await.json();
    assert_eq!(keys["keys"][0]["kid"], Value::String(kid));
}

/// KY-6: an old key-encryption key still opens what it sealed.
#[tokio::test]
async fn ky_6_old_key_encryption_keys_still_open() {
    let world = World::sqlite().await;
    let before = world.get(&world.at("/jwks")).await.body;
    let database = world.stop().await;
    let world = Plan::sqlite()
        .config(|config| {
            config.key_encryption_key = SealingKey::from_bytes([8; 32]);
            config.old_key_encryption_keys = vec![SealingKey::from_bytes([7; 32])];
        })
        .with(database)
        .start()
        .await;
    assert_eq!(world.get(&world.at("/jwks")).await.body, before);
    world.connect("basic").await;
}

/// KY-7: replicas that start at once on an empty database share one key.
#[tokio::test]
async fn ky_7_one_key_however_many_start() {
    let world = World::postgres().await;
    let site = world.site.clone();
    let database = world.stop().await;
    database.execute("DELETE FROM OAUTH_SIGNING_KEY").await;
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (url, site) = (database.url().to_owned(), site.clone());
        starting.spawn(async move {
            let listener = listen(0).await;
            Running::start(listener, &Settings::default(), &site, &url).await
        });
    }
    let running = starting.join_all().await;
    assert!(running.iter().all(Result::is_ok));
    assert_eq!(database.dump().await.count("OAUTH_SIGNING_KEY"), 1);
    for running in running.into_iter().flatten() {
        running.stop().await;
    }
}

/// T-KEY-11, ST-1: whoever steals the database has no token, code, secret or private key.
#[tokio::test]
async fn t_key_11_a_stolen_database_opens_nothing() {
    for world in [World::sqlite().await, World::postgres().await] {
        let metadata = serde_json::json!({
            "redirect_uris": ["http://127.0.0.1/cb"],
            "token_endpoint_auth_method": "client_secret_post",
        });
        let client = testkit::Client::register_with(&world, &metadata).await;
        let testkit::Secret::Post(secret) = client.secret.clone() else {
            panic!("a secret was registered");
        };
        let person = world.person();
        let ask = client.ask();
        let returned = person.authorize(&ask, "admin", testkit::Tick::All).await;
        let tokens = Tokens::of(&client.exchange(returned.code(), &ask).await);
        let next = Tokens::of(&client.refresh(&tokens.refresh).await);
        let dump = world.dump().await;
        let stolen = world.database.stolen();
        let mut secrets = person.given.lock().expect("no poison").clone();
        secrets.extend([
            secret,
            returned.code().to_owned(),
            ask.verifier.clone(),
            tokens.access,
            tokens.refresh,
            next.refresh,
            next.access,
        ]);
        assert!(secrets.len() >= 9);
        for secret in &secrets {
            assert!(!dump.contains(secret), "in the tables");
            let found = stolen.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "in the files");
        }
    }
}

fn refused(outcome: Result<World, (String, testkit::Database)>) -> (String, testkit::Database) {
    match outcome {
        Ok(_) => panic!("it started"),
        Err(refused) => refused,
    }
}

async fn set_sealed(database: &testkit::Database, sealed: &str) {
    let sql = format!("UPDATE OAUTH_SIGNING_KEY SET private_sealed = '{sealed}'");
    database.execute(&sql).await;
}

/// KY-9: a withdrawn key is used no more, even where the one in its place does not open here.
#[tokio::test]
async fn ky_9_a_withdrawn_key_goes_even_if_the_next_does_not_open() {
    let world = World::sqlite().await;
    let connected = world.connect("basic").await;
    let published = async || world.get(&world.at("/jwks")).await.json()["keys"].clone();
    let before = published().await[0]["kid"].clone();
    for change in [
        "UPDATE OAUTH_SIGNING_KEY SET state = 'retired'",
        "INSERT INTO OAUTH_SIGNING_KEY (kid, alg, public_jwk, private_sealed, sealed_by, state, \
         created_at, changed_at) SELECT 'strange', alg, REPLACE(public_jwk, kid, 'strange'), \
         private_sealed, sealed_by, 'active', created_at, changed_at FROM OAUTH_SIGNING_KEY",
        "UPDATE OAUTH_SEQUENCE SET value = value + 1 WHERE name = 'signing_keys'",
    ] {
        world.database.execute(change).await;
    }
    let gone = async {
        while published().await[0]["kid"] == before {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.expect("within five seconds");
    let answer = connected.client.refresh(&connected.tokens.refresh).await;
    assert!(answer.status >= 500, "nothing signs: {}", answer.body);
    assert!(!answer.body.contains("invalid_grant"), "{}", answer.body);
}
