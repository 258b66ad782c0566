//! Refresh tokens: rotation, the window, and theft.

use kernel::Hashed;
use model::refresh_token::{MAX_REUSES_IN_WINDOW, RefreshSecret};
use model::{ClientId, RevocationReason};
use store::unit::{RevokeGrant, RevokeOutcome, RotateOutcome, RotateRefresh};

use crate::support::race::{RACERS, race_units};
use crate::support::story::{GRACE, sealed, secret};
use crate::support::{Database, NOW, Story, check_invariants, on_each_database, race};

type Token = Hashed<RefreshSecret>;

async fn rotate(db: &Database, unit: RotateRefresh) -> RotateOutcome {
    db.store.write(unit).await.unwrap()
}

fn is_replayed(outcome: &RotateOutcome) -> bool {
    matches!(outcome, RotateOutcome::Replayed { newly_revoked: true, .. })
}

/// A grant whose token was rotated once, at `NOW`: parent and leaf.
async fn rotated(db: &Database, story: &Story<'_>) -> (model::GrantId, Token, Token) {
    let granted = story.granted().await;
    let (parent, leaf) = (granted.refresh.hash(), secret().hash());
    let outcome = rotate(db, story.rotate(&parent, &leaf, NOW)).await;
    assert_eq!(outcome, RotateOutcome::Rotated);
    (granted.grant.id, parent, leaf)
}

/// T-RT-01, RT-6.
#[tokio::test(flavor = "multi_thread")]
async fn t_rt_01_a_rotation_makes_a_new_leaf() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let (grant, parent, leaf) = rotated(db, &story).await;
        let mut reader = db.replica.read().await.unwrap();
        let found = store::refresh_token::find(reader.conn(), &parent).await.unwrap().unwrap();
        let rotation = found.0.rotated.unwrap();
        assert_eq!((rotation.at, rotation.reuses), (NOW, 0));
        assert_eq!(rotation.successor, leaf);
        assert_eq!(rotation.successor_sealed, sealed(&leaf));
        let (token, of, person) =
            store::refresh_token::find(reader.conn(), &leaf).await.unwrap().unwrap();
        assert_eq!((token.rotated, token.grant), (None, grant.clone()));
        assert_eq!((of.id, person.id), (grant, story.person.id.clone()));
        drop(reader);
        check_invariants(db).await;
    })
    .await;
}

/// T-RT-03, RT-8, RT-9: inside the window the parent gets the same successor, up to its last
/// millisecond.
#[tokio::test(flavor = "multi_thread")]
async fn t_rt_03_inside_the_window_the_successor_is_the_same() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let (grant, parent, leaf) = rotated(db, &story).await;
        for millis in [0, 1, GRACE - 1] {
            let now = kernel::Timestamp::from_millis(NOW.as_millis() + millis);
            let again = rotate(db, story.rotate(&parent, &secret().hash(), now)).await;
            assert_eq!(again, RotateOutcome::Reused { successor_sealed: sealed(&leaf) });
        }
        assert!(!story.is_revoked(&grant).await);
        let mut reader = db.store.read().await.unwrap();
        let found = store::refresh_token::find(reader.conn(), &parent).await.unwrap().unwrap();
        assert_eq!(found.0.rotated.unwrap().reuses, 3, "RT-10: counted");
        let reuses = "SELECT COUNT(*) FROM OAUTH_AUDIT WHERE kind = 'refresh.reused_in_window'";
        assert_eq!(db.number(reuses).await, 3, "RT-10: recorded");
        drop(reader);
        check_invariants(db).await;
    })
    .await;
}

/// T-RT-02, RT-4: outside the window it is theft, and the live leaf is worth nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn t_rt_02_outside_the_window_the_family_dies() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let (grant, parent, leaf) = rotated(db, &story).await;
        let late = kernel::Timestamp::from_millis(NOW.as_millis() + GRACE);
        let outcome = rotate(db, story.rotate(&parent, &secret().hash(), late)).await;
        assert!(is_replayed(&outcome), "{outcome:?}");
        assert!(story.is_revoked(&grant).await);
        let outcome = rotate(db, story.rotate(&leaf, &secret().hash(), late)).await;
        assert_eq!(outcome, RotateOutcome::Refused);
        let again = rotate(db, story.rotate(&parent, &secret().hash(), late)).await;
        let known = matches!(again, RotateOutcome::Replayed { newly_revoked: false, .. });
        assert!(known, "{again:?}");
        check_invariants(db).await;
    })
    .await;
}

/// T-RT-04, RT-8: inside the window, but the successor was itself rotated.
#[tokio::test(flavor = "multi_thread")]
async fn t_rt_04_a_parent_whose_successor_was_used_is_theft() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let (grant, parent, leaf) = rotated(db, &story).await;
        let outcome = rotate(db, story.rotate(&leaf, &secret().hash(), NOW)).await;
        assert_eq!(outcome, RotateOutcome::Rotated);
        let outcome = rotate(db, story.rotate(&parent, &secret().hash(), NOW)).await;
        assert!(is_replayed(&outcome), "{outcome:?}");
        assert!(story.is_revoked(&grant).await);
        check_invariants(db).await;
    })
    .await;
}

/// T-RT-05: a grandparent, while the parent may still come again.
#[tokio::test(flavor = "multi_thread")]
async fn t_rt_05_a_grandparent_is_theft() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let (grant, grandparent, parent) = rotated(db, &story).await;
        let leaf = secret().hash();
        rotate(db, story.rotate(&parent, &leaf, NOW)).await;
        let reused = rotate(db, story.rotate(&parent, &secret().hash(), NOW)).await;
        assert_eq!(reused, RotateOutcome::Reused { successor_sealed: sealed(&leaf) });
        let outcome = rotate(db, story.rotate(&grandparent, &secret().hash(), NOW)).await;
        assert!(is_replayed(&outcome), "{outcome:?}");
        assert!(story.is_revoked(&grant).await);
    })
    .await;
}

/// T-RT-06: without a window the same millisecond is too late, and so is a clock that went back.
#[tokio::test(flavor = "multi_thread")]
async fn t_rt_06_a_window_of_nothing_is_strict() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        for seconds in [0, -10] {
            let (grant, parent, _) = rotated(db, &story).await;
            let now = NOW.plus_seconds(seconds);
            let strict =
                RotateRefresh { grace_millis: 0, ..story.rotate(&parent, &secret().hash(), now) };
            let outcome = rotate(db, strict).await;
            assert!(is_replayed(&outcome), "{outcome:?}");
            assert!(story.is_revoked(&grant).await);
        }
    })
    .await;
}

/// T-RT-07, RT-2: another client changes nothing, with the leaf and with the parent.
#[tokio::test(flavor = "multi_thread")]
async fn t_rt_07_another_client_is_refused_and_changes_nothing() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let (_, parent, leaf) = rotated(db, &story).await;
        let before = db.dump().await;
        let late = NOW.plus_seconds(3600);
        for (token, now) in [(&parent, NOW), (&parent, late), (&leaf, NOW), (&leaf, late)] {
            let client = ClientId::from_text("cli_other");
            let unit = RotateRefresh { client, ..story.rotate(token, &secret().hash(), now) };
            assert_eq!(rotate(db, unit).await, RotateOutcome::Refused);
        }
        let unknown = story.rotate(&secret().hash(), &secret().hash(), NOW);
        assert_eq!(rotate(db, unknown).await, RotateOutcome::Refused);
        assert_eq!(db.dump().await, before);
    })
    .await;
}

/// RT-2, RT-5: expired, of a revoked grant, of a disabled person.
#[tokio::test(flavor = "multi_thread")]
async fn rt_2_what_is_no_longer_active_is_refused() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let expired = story.granted().await.refresh.hash();
        let too_late = NOW.plus_seconds(7_776_000);
        let outcome = rotate(db, story.rotate(&expired, &secret().hash(), too_late)).await;
        assert_eq!(outcome, RotateOutcome::Refused);

        let (grant, parent, leaf) = rotated(db, &story).await;
        let reason = RevocationReason::ClientRequest;
        let revoke = RevokeGrant { grant: grant.clone(), reason, now: NOW };
        db.store.write(revoke).await.unwrap();
        for token in [&parent, &leaf] {
            let outcome = rotate(db, story.rotate(token, &secret().hash(), NOW)).await;
            assert_eq!(outcome, RotateOutcome::Refused, "a race with a sign-out is no theft");
        }

        let (grant, parent, leaf) = rotated(db, &story).await;
        db.meddle("UPDATE OAUTH_SUBJECT SET disabled_at = 1").await;
        for token in [&parent, &leaf] {
            let outcome = rotate(db, story.rotate(token, &secret().hash(), NOW)).await;
            assert_eq!(outcome, RotateOutcome::Refused);
        }
        assert!(!story.is_revoked(&grant).await);
        check_invariants(db).await;
    })
    .await;
}

/// RT-10: reuse inside the window has an end, on record once; nobody ends the grant by asking often,
/// and after the window it is theft as ever.
#[tokio::test(flavor = "multi_thread")]
async fn rt_10_reuse_has_an_end_and_does_not_end_the_grant() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let (grant, parent, leaf) = rotated(db, &story).await;
        let nearly = MAX_REUSES_IN_WINDOW - 1;
        db.meddle(format!(
            "UPDATE OAUTH_REFRESH_TOKEN SET reuses = {nearly} WHERE parent_hash IS NOT NULL"
        ))
        .await;
        let last = rotate(db, story.rotate(&parent, &secret().hash(), NOW)).await;
        assert!(matches!(last, RotateOutcome::Reused { .. }), "{last:?}");
        assert!(!story.is_revoked(&grant).await);
        let outcomes = race(db, |_| story.rotate(&parent, &secret().hash(), NOW)).await;
        assert!(outcomes.iter().all(|o| *o == RotateOutcome::ReusedTooOften), "{outcomes:?}");
        let too_often = "SELECT COUNT(*) FROM OAUTH_AUDIT WHERE detail LIKE 'too often%'";
        assert_eq!(db.number(too_often).await, 1);
        assert!(!story.is_revoked(&grant).await);
        let next = secret().hash();
        let later = NOW.plus_seconds(GRACE / 1000);
        let replayed = rotate(db, story.rotate(&parent, &secret().hash(), later)).await;
        assert!(is_replayed(&replayed), "{replayed:?}");
        assert!(story.is_revoked(&grant).await);
        let ended = rotate(db, story.rotate(&leaf, &next, later)).await;
        assert_eq!(ended, RotateOutcome::Refused);
    })
    .await;
}

/// T-CON-03: one rotates, all get the same successor, one leaf lives, every reuse is recorded.
#[tokio::test(flavor = "multi_thread")]
async fn t_con_03_parallel_refreshes_get_one_successor() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        for _ in 0..8 {
            let granted = story.granted().await;
            let successors: Vec<Token> = (0..RACERS).map(|_| secret().hash()).collect();
            let parent = granted.refresh.hash();
            let outcomes = race(db, |racer| story.rotate(&parent, &successors[racer], NOW)).await;
            let winner = outcomes.iter().position(|o| *o == RotateOutcome::Rotated).unwrap();
            let expected = RotateOutcome::Reused { successor_sealed: sealed(&successors[winner]) };
            for (racer, outcome) in outcomes.iter().enumerate() {
                assert!(racer == winner || *outcome == expected, "{outcome:?}");
            }
            let mut reader = db.store.read().await.unwrap();
            let found = store::refresh_token::find(reader.conn(), &parent).await.unwrap();
            let reuses = found.unwrap().0.rotated.unwrap().reuses;
            assert_eq!(usize::try_from(reuses).unwrap(), RACERS - 1);
            assert!(!story.is_revoked(&granted.grant.id).await);
        }
        check_invariants(db).await;
    })
    .await;
}

/// T-RT-06 under T-CON-03: without a window one wins, one finds the theft, all others are refused.
#[tokio::test(flavor = "multi_thread")]
async fn parallel_refreshes_without_a_window_end_the_grant_once() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let granted = story.granted().await;
        let parent = granted.refresh.hash();
        let strict =
            |_| RotateRefresh { grace_millis: 0, ..story.rotate(&parent, &secret().hash(), NOW) };
        let outcomes = race(db, strict).await;
        let rotated = outcomes.iter().filter(|o| **o == RotateOutcome::Rotated).count();
        let theft = outcomes.iter().filter(|o| is_replayed(o)).count();
        assert_eq!((rotated, theft), (1, 1));
        assert!(story.is_revoked(&granted.grant.id).await);
        check_invariants(db).await;
    })
    .await;
}

/// T-CON-05: whatever a rotation that races with a revocation returns is worth nothing after it.
#[tokio::test(flavor = "multi_thread")]
async fn t_con_05_nothing_survives_a_revocation() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        for _ in 0..8 {
            let granted = story.granted().await;
            let parent = granted.refresh.hash();
            let successors: Vec<Token> = (0..RACERS).map(|_| secret().hash()).collect();
            let rotations = race(db, |racer| story.rotate(&parent, &successors[racer], NOW));
            let reason = RevocationReason::ClientRequest;
            let unit = RevokeGrant { grant: granted.grant.id.clone(), reason, now: NOW };
            let revocations = race_units(db, vec![unit]);
            let (_, revoked) = futures_util::future::join(rotations, revocations).await;
            assert!(matches!(revoked[0], Ok(RevokeOutcome::Revoked { .. })));
            for token in successors.iter().chain([&parent]) {
                let outcome = rotate(db, story.rotate(token, &secret().hash(), NOW)).await;
                assert_eq!(outcome, RotateOutcome::Refused);
            }
        }
        check_invariants(db).await;
    })
    .await;
}

/// T-CON-06: a thief with the grandparent races with the owner's rotation; the family is dead
/// afterwards, whoever came first.
#[tokio::test(flavor = "multi_thread")]
async fn t_con_06_no_leaf_survives_a_replay() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        for _ in 0..8 {
            let (grant, grandparent, parent) = rotated(db, &story).await;
            let leaf = secret().hash();
            rotate(db, story.rotate(&parent, &leaf, NOW)).await;
            let successors: Vec<Token> = (0..RACERS).map(|_| secret().hash()).collect();
            let owner = race(db, |racer| story.rotate(&leaf, &successors[racer], NOW));
            let thief = race(db, |_| story.rotate(&grandparent, &secret().hash(), NOW));
            let (_, thief) = futures_util::future::join(owner, thief).await;
            assert_eq!(thief.iter().filter(|outcome| is_replayed(outcome)).count(), 1);
            assert!(story.is_revoked(&grant).await);
            for token in successors.iter().chain([&leaf, &parent]) {
                let outcome = rotate(db, story.rotate(token, &secret().hash(), NOW)).await;
                let dead =
                    !matches!(outcome, RotateOutcome::Rotated | RotateOutcome::Reused { .. });
                assert!(dead, "{outcome:?}");
            }
        }
        check_invariants(db).await;
    })
    .await;
}
