//! Grants and their end.

use model::RevocationReason;
use store::unit::{RevokeGrant, RevokeOutcome};

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
