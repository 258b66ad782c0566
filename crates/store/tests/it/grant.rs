//! Grants and their end.

use model::RevocationReason;
use store::unit::{
    CollectGarbage, RevokeAccessToken, RevokeAccessTokenOutcome, RevokeGrant, RevokeOutcome,
};

use crate::support::race::RACERS;
use crate::support::story::id;
use crate::support::{NOW, Story, check_invariants, on_each_database, race};

/// Many revocations end a grant once, and pollers can see it.
#[tokio::test(flavor = "multi_thread")]
async fn parallel_revocations_end_a_grant_once() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let grant = story.granted().await.grant;
        let reason = RevocationReason::Administrative;
        let unit = RevokeGrant { grant: grant.id.clone(), reason, now: NOW };
        let outcomes = race(db, |_| unit.clone()).await;
        let expected = RevokeOutcome::Revoked { status_index: grant.status_index };
        assert_eq!(outcomes.iter().filter(|o| **o == expected).count(), 1);
        let already = outcomes.iter().filter(|o| **o == RevokeOutcome::AlreadyRevoked).count();
        assert_eq!(already, RACERS - 1);
        check_invariants(db).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_reason_stays() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let grant = story.granted().await.grant;
        let first = (NOW, RevocationReason::ClientRequest);
        let second = (NOW.plus_seconds(1), RevocationReason::Administrative);
        for (now, reason) in [first, second] {
            let unit = RevokeGrant { grant: grant.id.clone(), reason, now };
            db.store.write(unit).await.unwrap();
        }
        let mut reader = db.store.read().await.unwrap();
        let found = store::grant::find(reader.conn(), &grant.id).await.unwrap().unwrap();
        assert_eq!(found.revoked, Some(first));
        let unknown = RevokeGrant { grant: id(), reason: first.1, now: NOW };
        assert_eq!(db.store.write(unknown).await.unwrap(), RevokeOutcome::Unknown);
    })
    .await;
}

/// GR-4: another replica sees with one number that something changed, and with one query what.
#[tokio::test(flavor = "multi_thread")]
async fn gr_4_replicas_can_see_what_was_revoked() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let mut grants = Vec::new();
        for _ in 0..4 {
            grants.push(story.granted().await.grant);
        }
        let mut reader = db.replica.read().await.unwrap();
        let before = store::revision::revocations(reader.conn()).await.unwrap();
        for grant in [&grants[3], &grants[1]] {
            let reason = RevocationReason::ClientRequest;
            let unit = RevokeGrant { grant: grant.id.clone(), reason, now: NOW };
            db.store.write(unit).await.unwrap();
        }
        let after = store::revision::revocations(reader.conn()).await.unwrap();
        assert_eq!(after - before, 2);
        let mut between =
            async |from, to| store::grant::revoked_between(reader.conn(), from, to).await.unwrap();
        assert_eq!(between(0, u64::MAX).await, vec![1, 3]);
        assert_eq!(between(1, 3).await, vec![1]);
        assert_eq!(between(4, 100).await, Vec::<u64>::new());
    })
    .await;
}

/// RV-3, T-REV-05: a token ends once, whoever races, and its row goes when it would have expired.
#[tokio::test(flavor = "multi_thread")]
async fn rv_3_a_token_ends_alone_and_once() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let grant = story.granted().await.grant;
        let unit = RevokeAccessToken {
            token: "token-1".to_owned(),
            grant: grant.id.clone(),
            expires_at: NOW.plus_seconds(60),
            now: NOW,
        };
        let outcomes = race(db, |_| unit.clone()).await;
        let first = |one: &&RevokeAccessTokenOutcome| **one == RevokeAccessTokenOutcome::Revoked;
        assert_eq!(outcomes.iter().filter(first).count(), 1);
        let mut reader = db.replica.read().await.unwrap();
        let conn = reader.conn();
        assert_eq!(store::revision::revocations(conn).await.unwrap(), 1);
        assert!(store::revoked_token::is_revoked(conn, "token-1").await.unwrap());
        assert!(!store::revoked_token::is_revoked(conn, "token-2").await.unwrap());
        assert_eq!(store::revoked_token::of_list(conn, 0).await.unwrap(), ["token-1"]);
        assert!(store::revoked_token::of_list(conn, 1).await.unwrap().is_empty());
        assert!(store::grant::revoked_between(conn, 0, 1000).await.unwrap().is_empty());
        drop(reader);
        check_invariants(db).await;
        let sweep = |seconds| CollectGarbage { now: NOW.plus_seconds(seconds), batch: 100 };
        assert_eq!(db.store.write(sweep(119)).await.unwrap().revoked_tokens, 0);
        assert_eq!(db.store.write(sweep(120)).await.unwrap().revoked_tokens, 1);
    })
    .await;
}

/// RV-3: there is no room for any number of them, and one that does not fit ends the grant instead of
/// going on.
#[tokio::test(flavor = "multi_thread")]
async fn rv_3_without_room_the_grant_ends() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let grant = story.granted().await.grant;
        let fill = format!(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000) \
             INSERT INTO OAUTH_REVOKED_TOKEN (token_id, grant_id, status_list, expires_at) \
             SELECT 'token-' || n, '{}', 0, {} FROM n",
            grant.id.as_str(),
            NOW.plus_seconds(60).as_millis(),
        );
        db.meddle(&fill).await;
        let unit = RevokeAccessToken {
            token: "one-more".to_owned(),
            grant: grant.id.clone(),
            expires_at: NOW.plus_seconds(60),
            now: NOW,
        };
        let outcome = db.store.write(unit.clone()).await.unwrap();
        assert_eq!(outcome, RevokeAccessTokenOutcome::GrantRevoked);
        let again = db.store.write(unit.clone()).await.unwrap();
        assert_eq!(again, RevokeAccessTokenOutcome::Unchanged);
        let unknown = RevokeAccessToken { grant: id(), ..unit };
        let outcome = db.store.write(unknown).await.unwrap();
        assert_eq!(outcome, RevokeAccessTokenOutcome::Unchanged);
    })
    .await;
}
