//! `POST /revoke` (RFC 7009).

use testkit::forge::{Forger, Jwt};
use testkit::{Connected, Tokens, random};

use crate::world::World;

/// T-REV-01, RV-2: what is unknown is as good as revoked; nothing at all is an error.
#[tokio::test]
async fn t_rev_01_unknown_tokens_are_as_good_as_revoked() {
    let world = World::sqlite().await;
    let client = world.client().await;
    let before = world.dump().await;
    for token in ["garbage", &format!("wg_rt_{}", random()), "x y z", "\u{fc}"] {
        let answer = client.revoke(token).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{token}");
    }
    client.revoke("").await.refuses(400, "invalid_request");
    let missing = client.post("/revoke", &[]).await;
    missing.refuses(400, "invalid_request");
    let hinted = [("token", "garbage"), ("token_type_hint", "access_token")];
    assert_eq!(client.post("/revoke", &hinted).await.status, 200);
    let nobody = world.post_form(&world.at("/revoke"), &[("token", "x")]).await;
    nobody.refuses(401, "invalid_client");
    let get = world.send("GET", &world.at("/revoke")).await;
    assert_eq!(get.status, 405);
    world.is_unchanged_since(&before).await;
}

/// T-REV-03, RV-2: another client's token is refused, and goes on working.
#[tokio::test]
async fn t_rev_03_tokens_of_others_are_refused() {
    let world = World::sqlite().await;
    let Connected { client, tokens, .. } = world.connect("basic").await;
    let other = world.client().await;
    let before = world.dump().await;
    let answer = other.revoke(&tokens.refresh).await;
    answer.refuses(400, "invalid_request");
    world.is_unchanged_since(&before).await;
    assert_eq!(client.refresh(&tokens.refresh).await.status, 200);
}

/// T-REV-05, RV-1, RV-3 (RFC 7009 §2.1): an access token ends alone, whatever the hint says, and
/// refreshing goes on. It is told of beside the status list until it would have expired.
#[tokio::test]
async fn t_rev_05_an_access_token_ends_alone() {
    for world in [World::sqlite().await, World::postgres().await] {
        let Connected { client, tokens, .. } = world.connect("basic").await;
        let next = Tokens::of(&client.refresh(&tokens.refresh).await);
        let last = Tokens::of(&client.refresh(&next.refresh).await);
        for (token, hint) in [
            (&tokens.access, "access_token"),
            (&next.access, "refresh_token"),
            (&next.access, "nonsense"),
        ] {
            let answer = client
                .post("/revoke", &[("token", token.as_str()), ("token_type_hint", hint)])
                .await;
            assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{hint}");
        }
        let id = |token: &str| Jwt::read(token).claims["jti"].clone();
        let told = async || {
            let statuses = world.get(&world.at("/status/0")).await.body;
            let mut told = Jwt::read(&statuses).claims["revoked_tokens"].as_array().cloned();
            let told = told.get_or_insert_default();
            told.sort_by_key(ToString::to_string);
            told.clone()
        };
        let mut expected = [id(&tokens.access), id(&next.access)];
        expected.sort_by_key(ToString::to_string);
        assert_eq!(told().await, expected);
        assert_eq!(client.refresh(&last.refresh).await.status, 200);
        let dump = world.dump().await;
        assert_eq!(dump.count_with("OAUTH_AUDIT", "kind=access.revoked"), 2);
        assert_eq!(dump.count_with("OAUTH_AUDIT", "kind=grant.revoked"), 0);
        // One that expired is as good as revoked.
        world.clock.advance_seconds(3600);
        assert_eq!(client.revoke(&last.access).await.status, 200);
        assert_eq!(told().await.len(), 2);
    }
}

/// T-REV-03, RV-2: another client's access token is refused, and nobody else's is looked into.
#[tokio::test]
async fn t_rev_03_access_tokens_of_others_are_refused() {
    let world = World::sqlite().await;
    let Connected { client, tokens, .. } = world.connect("basic").await;
    let other = world.client().await;
    let before = world.dump().await;
    other.revoke(&tokens.access).await.refuses(400, "invalid_request");
    let forged = Jwt::read(&tokens.access).claim("client_id", other.id.clone());
    for token in [forged.with_old_signature(), forged.unsigned(), Forger::new().sign(&forged)] {
        assert_eq!(other.revoke(&token).await.status, 200, "unknown");
    }
    world.is_unchanged_since(&before).await;
    assert_eq!(client.refresh(&tokens.refresh).await.status, 200);
}

/// T-REV-06: while the database is away nothing is revoked, and that is said.
#[tokio::test]
async fn t_rev_06_the_database_is_away() {
    let world = World::postgres().await;
    let Connected { client, tokens, .. } = world.connect("basic").await;
    let before = world.dump().await;
    let lock = world.database.lock().await;
    for token in [&tokens.refresh, &tokens.access] {
        let answer = client.revoke(token).await;
        answer.refuses(503, "temporarily_unavailable");
        assert!(answer.header("retry-after").is_some());
        let lower = answer.body.to_lowercase();
        for inside in ["sql", "postgres", "oauth_", "connection", "pool"] {
            assert!(!lower.contains(inside), "{}", answer.body);
        }
    }
    lock.release().await;
    world.is_unchanged_since(&before).await;
    assert_eq!(client.refresh(&tokens.refresh).await.status, 200);
}

/// T-REV-07, T-CON-05: whoever revokes wins over whoever refreshes at the same time.
#[tokio::test]
async fn t_rev_07_no_family_rises_again() {
    for world in [World::sqlite().await, World::postgres().await] {
        let Connected { client, tokens, .. } = world.connect("basic").await;
        let mut racing = tokio::task::JoinSet::new();
        for number in 0..24 {
            let (client, refresh) = (client.clone(), tokens.refresh.clone());
            racing.spawn(async move {
                if number % 6 == 5 {
                    let answer = client.revoke(&refresh).await;
                    assert_eq!(answer.status, 200, "{}", answer.body);
                    return None;
                }
                let answer = client.refresh(&refresh).await;
                if answer.status == 200 {
                    return Some(Tokens::of(&answer).refresh);
                }
                answer.refuses(400, "invalid_grant");
                None
            });
        }
        let successors: Vec<String> = racing.join_all().await.into_iter().flatten().collect();
        for token in successors.iter().chain([&tokens.refresh]) {
            client.refresh(token).await.refuses(400, "invalid_grant");
        }
        let again = client.revoke(&tokens.refresh).await;
        assert_eq!(again.status, 200);
        let dump = world.dump().await;
        assert_eq!(dump.count_with("OAUTH_GRANT", "revocation_reason=client_request"), 1);
        assert_eq!(dump.count_with("OAUTH_AUDIT", "kind=grant.revoked"), 1);
    }
}
