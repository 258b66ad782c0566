//! Expired rows go, and nothing else.

use model::{AuditEvent, AuditKind};
use store::unit::{
    BeginUpstream, CollectGarbage, Collected, ForgetEvents, RecordCalls, RedeemCode, RedeemOutcome,
    Room, RotateOutcome, ThinEvents,
};

use crate::support::story::secret;
use crate::support::{NOW, Story, on_each_database, race};

#[tokio::test(flavor = "multi_thread")]
async fn ds_9_only_what_expired_goes() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        story.granted().await;
        let sweep = |seconds| CollectGarbage { now: NOW.plus_seconds(seconds), batch: 100 };
        assert_eq!(db.store.write(sweep(0)).await.unwrap(), Collected::default());

        let after_ten_minutes = db.store.write(sweep(600)).await.unwrap();
        let expected = Collected { authorizations: 1, replays: 1, ..Collected::default() };
        assert_eq!(after_ten_minutes, expected);
        let after_a_day = db.store.write(sweep(86_400 + 600)).await.unwrap();
        assert_eq!(after_a_day, Collected { codes: 1, sessions: 1, ..Collected::default() });
        let after_months = db.store.write(sweep(7_776_000)).await.unwrap();
        let expected = Collected { refresh_tokens: 1, ..Collected::default() };
        assert_eq!(after_months, expected, "the client has a grant and stays");
    })
    .await;
}

/// A sign-in from which nobody came back goes when its time is up.
#[tokio::test(flavor = "multi_thread")]
async fn ds_9_abandoned_sign_ins_at_providers_go() {
    on_each_database(async |db| {
        let sign_in = crate::upstream::away(&secret().hash());
        db.store
            .write(BeginUpstream { sign_in, source: String::new(), room: Room::of(9) })
            .await
            .unwrap();
        let sweep = |seconds| CollectGarbage { now: NOW.plus_seconds(seconds), batch: 100 };
        assert_eq!(db.store.write(sweep(599)).await.unwrap(), Collected::default());
        let swept = db.store.write(sweep(600)).await.unwrap();
        assert_eq!(swept, Collected { upstream: 1, ..Collected::default() });
    })
    .await;
}

/// TC-3 needs used codes for a while: the replay is still noticed after the code expired.
#[tokio::test(flavor = "multi_thread")]
async fn tc_3_a_used_code_is_kept_long_enough_to_notice_its_replay() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let granted = story.granted().await;
        let now = NOW.plus_seconds(80_000);
        db.store.write(CollectGarbage { now, batch: 100 }).await.unwrap();
        let replay = RedeemCode { now, ..story.redeem(&granted.code) };
        let outcome = db.store.write(replay).await.unwrap();
        assert!(matches!(outcome, RedeemOutcome::Replayed { newly_revoked: true, .. }));
    })
    .await;
}

/// A client that a person allowed something is not swept away before it redeems its code; one that
/// only asked is (A4).
#[tokio::test(flavor = "multi_thread")]
async fn an_unused_client_goes_a_day_after_a_person_allowed_it() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        db.meddle("UPDATE OAUTH_CLIENT SET unused_since = unused_since - 86400000").await;
        story.code().await;
        let sweep = |seconds| CollectGarbage { now: NOW.plus_seconds(seconds), batch: 100 };
        assert_eq!(db.store.write(sweep(0)).await.unwrap().clients, 0);
        assert_eq!(db.store.write(sweep(86_400)).await.unwrap().clients, 1);
    })
    .await;
}

/// DS-9: small batches, also when several replicas sweep at once.
#[tokio::test(flavor = "multi_thread")]
async fn ds_9_sweeps_are_bounded_and_may_meet() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        for _ in 0..40 {
            story.ask().await;
        }
        let sweep = CollectGarbage { now: NOW.plus_seconds(600), batch: 2 };
        let swept = race(db, |_| sweep).await;
        assert!(swept.iter().all(|collected| collected.authorizations <= 2));
        let total: u64 = swept.iter().map(|collected| collected.authorizations).sum();
        let left = db.number("SELECT COUNT(*) FROM OAUTH_TXN").await;
        assert_eq!(i64::try_from(total).unwrap() + left, 40);
    })
    .await;
}

/// RT-7: after the lifetime was lowered a successor expires before its parent, but it must not go
/// before it: the parent would look as if it had never been used.
#[tokio::test(flavor = "multi_thread")]
async fn rt_7_a_successor_is_kept_as_long_as_its_parent() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let parent = story.granted().await.refresh.hash();
        let mut rotate = story.rotate(&parent, &secret().hash(), NOW);
        rotate.successor.expires_at = NOW.plus_seconds(60);
        assert_eq!(db.store.write(rotate).await.unwrap(), RotateOutcome::Rotated);
        let now = NOW.plus_seconds(1000);
        let swept = db.store.write(CollectGarbage { now, batch: 100 }).await.unwrap();
        assert_eq!(swept.refresh_tokens, 0);
        let again = story.rotate(&parent, &secret().hash(), now);
        let outcome = db.store.write(again).await.unwrap();
        assert!(matches!(outcome, RotateOutcome::Replayed { .. }), "{outcome:?}");
        let now = NOW.plus_seconds(7_776_000);
        let swept = db.store.write(CollectGarbage { now, batch: 100 }).await.unwrap();
        assert_eq!(swept.refresh_tokens, 2);
    })
    .await;
}

/// Old events go in batches, the oldest first, and those of one moment together.
#[tokio::test(flavor = "multi_thread")]
async fn old_events_go_in_batches() {
    on_each_database(async |db| {
        let at = |seconds| AuditEvent::new(AuditKind::McpCall, NOW.plus_seconds(seconds));
        let events = [1, 2, 3, 3, 4, 5].map(at).to_vec();
        db.store.write(RecordCalls { events }).await.unwrap();
        let forget = async |seconds, batch| {
            let until = NOW.plus_seconds(seconds);
            db.store.write(ForgetEvents { until, batch }).await.unwrap()
        };
        assert_eq!(forget(0, 10).await, 0);
        assert_eq!(forget(4, 3).await, 4, "both of the third second");
        assert_eq!(forget(4, 3).await, 1);
        assert_eq!(forget(4, 3).await, 0, "what is younger stays");
        let mut reader = db.store.read().await.unwrap();
        let left = store::audit::tail(reader.conn(), 10).await.unwrap();
        assert_eq!(left.iter().map(|event| event.at).collect::<Vec<_>>(), [NOW.plus_seconds(5)]);
    })
    .await;
}

/// A4: events that anybody can cause are kept in bounded numbers, the newest of each kind; what
/// people did stays.
#[tokio::test(flavor = "multi_thread")]
async fn a4_events_of_strangers_are_thinned_out() {
    on_each_database(async |db| {
        let mut events = Vec::new();
        for second in 0..30 {
            for kind in
                [AuditKind::AuthorizationStarted, AuditKind::SignInFailed, AuditKind::SignedIn]
            {
                events.push(AuditEvent::new(kind, NOW.plus_seconds(second)));
            }
        }
        db.store.write(RecordCalls { events }).await.unwrap();
        let thin = ThinEvents { kept: 10, batch: 15 };
        assert_eq!(db.store.write(thin).await.unwrap(), 30, "a batch of each kind");
        assert_eq!(db.store.write(thin).await.unwrap(), 10, "the rest");
        assert_eq!(db.store.write(thin).await.unwrap(), 0);
        let of = async |kind: AuditKind| {
            let mut reader = db.store.read().await.unwrap();
            let events = store::audit::tail(reader.conn(), 100).await.unwrap();
            let of_kind: Vec<_> = events.into_iter().filter(|event| event.kind == kind).collect();
            (of_kind.len(), of_kind.last().unwrap().at)
        };
        let newest = (10, NOW.plus_seconds(20));
        assert_eq!(of(AuditKind::AuthorizationStarted).await, newest);
        assert_eq!(of(AuditKind::SignInFailed).await, newest);
        assert_eq!(of(AuditKind::SignedIn).await, (30, NOW));
    })
    .await;
}
