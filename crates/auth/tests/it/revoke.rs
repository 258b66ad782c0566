//! `POST /revoke` (RFC 7009).

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

/// T-REV-05: an access token alone cannot be revoked here; saying so is better than a 200 that
/// changes nothing, and refreshing goes on (RFC 7009 §2.2.1).
#[tokio::test]
async fn t_rev_05_access_tokens_end_with_their_grant() {
    let world = World::sqlite().await;
    let Connected { client, tokens, .. } = world.connect("basic").await;
    let before = world.dump().await;
    let answer = client.revoke(&tokens.access).await;
    answer.refuses(400, "unsupported_token_type");
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
    let answer = client.revoke(&tokens.refresh).await;
    answer.refuses(503, "temporarily_unavailable");
    assert!(answer.header("retry-after").is_some());
    let lower = answer.body.to_lowercase();
    for inside in ["sql", "postgres", "oauth_", "connection", "pool"] {
        assert!(!lower.contains(inside), "{}", answer.body);
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
