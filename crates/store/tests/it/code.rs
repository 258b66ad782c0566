//! Codes and their redemption.

use model::code::MAX_FAILED_REDEMPTIONS;
use model::{AuditKind, ClientId, RevocationReason};
use store::unit::{CountFailedRedemption, RedeemCode, RedeemOutcome};

use crate::support::race::RACERS;
use crate::support::story::id;
use crate::support::{NOW, Story, check_invariants, on_each_database, race};

/// TC-2: everything that the code was bound to is in the grant.
#[tokio::test(flavor = "multi_thread")]
async fn tc_2_a_code_becomes_one_grant() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let granted = story.granted().await;
        assert_eq!(granted.grant.subject, story.person.id);
        assert_eq!(granted.grant.client, story.client.id);
        assert_eq!(granted.grant.redirect_host, "127.0.0.1");
        assert_eq!(granted.grant.status_index, 0);
        assert_eq!(story.granted().await.grant.status_index, 1);

        let mut reader = db.replica.read().await.unwrap();
        let code = store::code::find(reader.conn(), &granted.code).await.unwrap().unwrap();
        assert_eq!(code.redeemed_as, Some(granted.grant.id.clone()));
        let found = store::grant::find(reader.conn(), &granted.grant.id).await.unwrap();
        assert_eq!(found, Some(granted.grant));
        drop(reader);
        check_invariants(db).await;
    })
    .await;
}

/// A client without the refresh token grant gets none.
#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_optional() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let code = story.code().await;
        let unit = RedeemCode { refresh: None, ..story.redeem(&code) };
        let outcome = db.store.write(unit).await.unwrap();
        assert!(matches!(outcome, RedeemOutcome::Redeemed(_)));
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_REFRESH_TOKEN").await, 0);
    })
    .await;
}

/// T-CON-01, TC-2, TC-3: exactly one wins, and because the others passed every check too, the
/// grant ends: that is always so, not a matter of timing.
#[tokio::test(flavor = "multi_thread")]
async fn t_con_01_parallel_redemptions_have_one_winner() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        for _ in 0..8 {
            let code = story.code().await;
            let outcomes = race(db, |_| story.redeem(&code)).await;
            let mut winners = outcomes.iter().filter_map(|outcome| match outcome {
                RedeemOutcome::Redeemed(grant) => Some(grant.id.clone()),
                _ => None,
            });
            let winner = winners.next().unwrap();
            assert_eq!(winners.next(), None);
            let mut replays = 0;
            let mut newly = 0;
            for outcome in &outcomes {
                if let RedeemOutcome::Replayed { grant, newly_revoked, .. } = outcome {
                    assert_eq!(*grant, winner);
                    replays += 1;
                    newly += usize::from(*newly_revoked);
                }
            }
            assert_eq!((replays, newly), (RACERS - 1, 1));
            assert!(story.is_revoked(&winner).await);
        }
        check_invariants(db).await;
    })
    .await;
}

/// TC-3: the second valid redemption revokes and is recorded, however late it comes.
#[tokio::test(flavor = "multi_thread")]
async fn tc_3_a_second_redemption_ends_the_grant() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let granted = story.granted().await;
        let late = RedeemCode { now: NOW.plus_seconds(3600), ..story.redeem(&granted.code) };
        let expected = RedeemOutcome::Replayed {
            grant: granted.grant.id.clone(),
            status_index: granted.grant.status_index,
            newly_revoked: true,
        };
        assert_eq!(db.store.write(late).await.unwrap(), expected);
        let mut reader = db.store.read().await.unwrap();
        let grant = store::grant::find(reader.conn(), &granted.grant.id).await.unwrap().unwrap();
        let expected = Some((NOW.plus_seconds(3600), RevocationReason::CodeReplay));
        assert_eq!(grant.revoked, expected);
        let events = store::audit::tail(reader.conn(), 2).await.unwrap();
        let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
        assert!(kinds.contains(&AuditKind::CodeReplayed), "{kinds:?}");
        assert!(kinds.contains(&AuditKind::GrantRevoked), "{kinds:?}");
        assert!(events.iter().all(|event| event.grant == Some(granted.grant.id.clone())));
        drop(reader);
        check_invariants(db).await;
    })
    .await;
}

/// TC-1: another client neither gets anything nor changes anything, before and after the use.
#[tokio::test(flavor = "multi_thread")]
async fn tc_1_another_client_is_refused_and_changes_nothing() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let code = story.code().await;
        let used = story.granted().await.code;
        let before = db.dump().await;
        for hash in [&code, &used] {
            let other = ClientId::from_text("cli_other");
            let unit = RedeemCode { client: other, ..story.redeem(hash) };
            assert_eq!(db.store.write(unit).await.unwrap(), RedeemOutcome::Refused);
        }
        assert_eq!(db.dump().await, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_or_expired_code_is_refused() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let code = story.code().await;
        let unknown = story.redeem(&crate::support::story::secret().hash());
        assert_eq!(db.store.write(unknown).await.unwrap(), RedeemOutcome::Refused);
        let expired = RedeemCode { now: NOW.plus_seconds(600), ..story.redeem(&code) };
        assert_eq!(db.store.write(expired).await.unwrap(), RedeemOutcome::Refused);
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_GRANT").await, 0);
    })
    .await;
}

/// TC-6: a person who was disabled after consent gets no tokens.
#[tokio::test(flavor = "multi_thread")]
async fn tc_6_a_disabled_person_gets_no_grant() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let code = story.code().await;
        db.meddle("UPDATE OAUTH_SUBJECT SET disabled_at = 1").await;
        let unit = story.redeem(&code);
        assert_eq!(db.store.write(unit).await.unwrap(), RedeemOutcome::Refused);
    })
    .await;
}

/// TC-4: failures are counted exactly, do not use the code up, and burn it at the limit.
#[tokio::test(flavor = "multi_thread")]
async fn tc_4_failures_are_counted_and_burn_the_code() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let spared = story.code().await;
        for _ in 1..MAX_FAILED_REDEMPTIONS {
            db.store.write(CountFailedRedemption { hash: spared.clone() }).await.unwrap();
        }
        let outcome = db.store.write(story.redeem(&spared)).await.unwrap();
        assert!(matches!(outcome, RedeemOutcome::Redeemed(_)));

        let burned = story.code().await;
        race(db, |_| CountFailedRedemption { hash: burned.clone() }).await;
        let mut reader = db.store.read().await.unwrap();
        let code = store::code::find(reader.conn(), &burned).await.unwrap().unwrap();
        assert_eq!(usize::try_from(code.failed_redemptions).unwrap(), RACERS);
        drop(reader);
        let unit = RedeemCode { grant_id: id(), ..story.redeem(&burned) };
        assert_eq!(db.store.write(unit).await.unwrap(), RedeemOutcome::Refused);
        check_invariants(db).await;
    })
    .await;
}
