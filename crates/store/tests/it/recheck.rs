//! Asking a provider about a person between sign-ins: who may ask, and what is kept of the answer.

use kernel::Timestamp;
use model::{AuditEvent, AuditKind, RevocationReason, Subject, SubjectId};
use protocol::UserType;
use store::unit::{
    ClaimRecheck, ClaimRecheckOutcome, DisablePerson, EndRefusedPerson, EndRefusedPersonOutcome,
    Rechecked, RecheckedOutcome, RedeemCode, RedeemOutcome, ReleaseRecheck, SignIn, SignInOutcome,
    UpstreamRefresh,
};

use crate::support::race::RACERS;
use crate::support::story::sign_in;
use crate::support::{Database, NOW, Story, check_invariants, on_each_database, race};

fn later(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

/// A sign-in that leaves this token.
async fn signed_in(db: &Database, upstream_refresh: UpstreamRefresh, now: Timestamp) -> Subject {
    let unit = SignIn { upstream_refresh, now, ..sign_in("ada") };
    match db.store.write(unit).await.unwrap() {
        SignInOutcome::SignedIn(subject) => *subject,
        other => panic!("{other:?}"),
    }
}

fn replaced_by(sealed: &str) -> UpstreamRefresh {
    UpstreamRefresh::Replace(sealed.to_owned())
}

fn claim(subject: &Subject, seen: Timestamp, now: Timestamp) -> ClaimRecheck {
    ClaimRecheck { subject: subject.id.clone(), seen, now }
}

fn claimed(sealed: &str) -> ClaimRecheckOutcome {
    ClaimRecheckOutcome::Claimed { upstream_refresh_sealed: sealed.to_owned() }
}

/// An answer with other groups.
fn answer(subject: &Subject, claimed_at: Timestamp, rotated: Option<&str>) -> Rechecked {
    let mut identity = subject.identity.clone();
    identity.groups = vec!["new".to_owned()];
    identity.organizations = vec!["northwind".to_owned()];
    identity.attributes.insert("grade".to_owned(), vec!["e9".to_owned()]);
    identity.email = None;
    Rechecked {
        subject: subject.id.clone(),
        claimed_at,
        identity,
        user_type: UserType::Administrator,
        upstream_refresh_sealed: rotated.map(str::to_owned),
    }
}

fn refused(subject: &Subject, claimed_at: Timestamp) -> EndRefusedPerson {
    let detail = "demo: invalid_grant".to_owned();
    EndRefusedPerson { subject: subject.id.clone(), claimed_at, detail, now: later(101) }
}

async fn checked_at(db: &Database, id: &SubjectId) -> Option<Timestamp> {
    let mut reader = db.replica.read().await.unwrap();
    store::subject::checked_at(reader.conn(), id).await.unwrap()
}

async fn found(db: &Database, id: &SubjectId) -> Subject {
    let mut reader = db.replica.read().await.unwrap();
    store::subject::find(reader.conn(), id).await.unwrap().unwrap()
}

/// What a sign-in leaves to ask with: its own token, the one from before, or none.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_replaces_keeps_or_forgets() {
    on_each_database(async |db| {
        let person = signed_in(db, UpstreamRefresh::Keep, NOW).await;
        assert_eq!(checked_at(db, &person.id).await, None, "there was none to keep");
        signed_in(db, replaced_by("one"), later(1)).await;
        assert_eq!(checked_at(db, &person.id).await, Some(later(1)));
        signed_in(db, UpstreamRefresh::Keep, later(2)).await;
        assert_eq!(checked_at(db, &person.id).await, Some(later(2)));
        let first = db.store.write(claim(&person, later(2), later(3))).await.unwrap();
        assert_eq!(first, claimed("one"));
        signed_in(db, replaced_by("two"), later(4)).await;
        let second = db.store.write(claim(&person, later(4), later(5))).await.unwrap();
        assert_eq!(second, claimed("two"));
        signed_in(db, UpstreamRefresh::Forget, later(6)).await;
        assert_eq!(checked_at(db, &person.id).await, None);
        let none = db.store.write(claim(&person, later(6), later(7))).await.unwrap();
        assert_eq!(none, ClaimRecheckOutcome::Taken);
        assert!(!db.dump().await.contains("two"), "forgotten");
    })
    .await;
}

/// A refresh token that is shown twice looks like theft to the provider: of all that come at once,
/// on both replicas, one asks.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_asks() {
    on_each_database(async |db| {
        let person = signed_in(db, replaced_by("sealed"), NOW).await;
        for round in 0..8 {
            let (seen, now) = (later(100 * round), later(100 * (round + 1)));
            // Replicas' clocks differ a little.
            let outcomes = race(db, |racer| {
                claim(&person, seen, now.plus_seconds(i64::try_from(racer % 4).unwrap()))
            })
            .await;
            let taken = outcomes.iter().filter(|o| **o == ClaimRecheckOutcome::Taken).count();
            assert_eq!(taken, RACERS - 1, "{outcomes:?}");
            assert!(outcomes.contains(&claimed("sealed")));
            let at = checked_at(db, &person.id).await.unwrap();
            assert!(at >= now, "the mark is the winner's");
            let release = ReleaseRecheck {
                subject: person.id.clone(),
                claimed_at: at,
                back_to: now,
                upstream_refresh_sealed: None,
            };
            db.store.write(release).await.unwrap();
        }
    })
    .await;
}

/// A clock that went back claims nothing: the mark must differ from what everybody has seen.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_moves_the_mark_on() {
    on_each_database(async |db| {
        let person = signed_in(db, replaced_by("sealed"), NOW).await;
        for now in [NOW, later(-1)] {
            let outcome = db.store.write(claim(&person, NOW, now)).await.unwrap();
            assert_eq!(outcome, ClaimRecheckOutcome::Taken);
        }
        let disable = DisablePerson { subject: person.id.clone(), now: later(1) };
        db.store.write(disable).await.unwrap();
        let outcome = db.store.write(claim(&person, NOW, later(2))).await.unwrap();
        assert_eq!(outcome, ClaimRecheckOutcome::Taken, "the person is disabled");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_is_kept_with_the_next_token() {
    on_each_database(async |db| {
        let person = signed_in(db, replaced_by("one"), NOW).await;
        for (claimed_at, rotated, next) in [
            (later(100), Some("two"), "two"),
            (later(200), None, "two"),
            (later(300), Some("three"), "three"),
        ] {
            let seen = checked_at(db, &person.id).await.unwrap();
            db.store.write(claim(&person, seen, claimed_at)).await.unwrap();
            let unit = answer(&person, claimed_at, rotated);
            let outcome = db.store.write(unit.clone()).await.unwrap();
            let RecheckedOutcome::Stored(stored) = outcome else { panic!("{outcome:?}") };
            assert_eq!(stored.identity, unit.identity);
            assert_eq!(stored.user_type, UserType::Administrator);
            assert_eq!(found(db, &person.id).await, *stored);
            assert_eq!(checked_at(db, &person.id).await, Some(claimed_at));
            let look = claim(&person, claimed_at, claimed_at.plus_seconds(1));
            assert_eq!(db.store.write(look).await.unwrap(), claimed(next));
        }
    })
    .await;
}

/// A sign-in while the provider is asked is newer than the answer, whichever it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_meanwhile_wins() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let granted = story.granted().await;
        let person = signed_in(db, replaced_by("old"), NOW).await;
        db.store.write(claim(&person, NOW, later(100))).await.unwrap();
        let signed_in = signed_in(db, replaced_by("new"), later(101)).await;

        let kept = db.store.write(answer(&person, later(100), Some("rotated"))).await.unwrap();
        assert_eq!(kept, RecheckedOutcome::Overtaken(Box::new(signed_in.clone())));
        let ended = db.store.write(refused(&person, later(100))).await.unwrap();
        assert_eq!(ended, EndRefusedPersonOutcome::Overtaken);
        let release = ReleaseRecheck {
            subject: person.id.clone(),
            claimed_at: later(100),
            back_to: NOW,
            upstream_refresh_sealed: Some("rotated".to_owned()),
        };
        db.store.write(release).await.unwrap();

        assert_eq!(found(db, &person.id).await, signed_in);
        assert!(!story.is_revoked(&granted.grant.id).await);
        let look = db.store.write(claim(&person, later(101), later(102))).await.unwrap();
        assert_eq!(look, claimed("new"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_again_by_an_answer() {
    on_each_database(async |db| {
        let person = signed_in(db, replaced_by("one"), NOW).await;
        db.store.write(claim(&person, NOW, later(100))).await.unwrap();
        let disable = DisablePerson { subject: person.id.clone(), now: later(101) };
        db.store.write(disable).await.unwrap();
        let before = db.dump().await;
        let outcome = db.store.write(answer(&person, later(100), Some("two"))).await.unwrap();
        assert_eq!(outcome, RecheckedOutcome::Disabled);
        assert_eq!(db.dump().await, before);
    })
    .await;
}

/// The claim that came to nothing is free again, with the token that the provider gave for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_released_claim_can_be_taken_with_the_newer_token() {
    on_each_database(async |db| {
        let person = signed_in(db, replaced_by("one"), NOW).await;
        let mut seen = NOW;
        for (claimed_at, rotated, next) in
            [(later(100), None, "one"), (later(200), Some("two"), "two"), (later(300), None, "two")]
        {
            db.store.write(claim(&person, seen, claimed_at)).await.unwrap();
            let release = ReleaseRecheck {
                subject: person.id.clone(),
                claimed_at,
                back_to: claimed_at.plus_seconds(-30),
                upstream_refresh_sealed: rotated.map(str::to_owned),
            };
            db.store.write(release).await.unwrap();
            seen = checked_at(db, &person.id).await.unwrap();
            assert_eq!(seen, claimed_at.plus_seconds(-30));
            let look = claim(&person, seen, claimed_at.plus_seconds(1));
            assert_eq!(db.store.write(look).await.unwrap(), claimed(next));
            seen = claimed_at.plus_seconds(1);
        }
        assert_eq!(found(db, &person.id).await, person, "nothing was learnt of the person");
    })
    .await;
}

/// The provider's no: sessions, grants and codes end once, the record says why, and the token is
/// gone. Other people keep theirs.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_person_has_nothing_left() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let grants = [story.granted().await, story.granted().await];
        let code = story.code().await;
        let bob = db.store.write(sign_in("bob")).await.unwrap();
        assert!(matches!(bob, SignInOutcome::SignedIn(_)));
        let person = signed_in(db, replaced_by("refused token"), NOW).await;
        db.store.write(claim(&person, NOW, later(100))).await.unwrap();

        let mut reader = db.replica.read().await.unwrap();
        let before = store::revision::revocations(reader.conn()).await.unwrap();
        let outcomes = race(db, |_| refused(&person, later(100))).await;
        let ended = EndRefusedPersonOutcome::Ended { sessions: 2, grants: 2 };
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == ended).count(), 1, "{outcomes:?}");
        let after = store::revision::revocations(reader.conn()).await.unwrap();
        assert_eq!(after - before, 2);
        let grant = store::grant::find(reader.conn(), &grants[0].grant.id).await.unwrap();
        let why = Some((later(101), RevocationReason::ProviderRefused));
        assert_eq!(grant.unwrap().revoked, why);
        let events = store::audit::tail(reader.conn(), 500).await.unwrap();
        let of_kind = |event: &&AuditEvent| event.kind == AuditKind::ProviderRefused;
        let [event] = events.iter().filter(of_kind).collect::<Vec<_>>()[..] else {
            panic!("not once: {events:?}")
        };
        assert_eq!(event.subject.as_ref(), Some(&person.id));
        assert_eq!(event.detail, "demo: invalid_grant");
        drop(reader);

        let redeem = RedeemCode { now: later(102), ..story.redeem(&code) };
        assert_eq!(db.store.write(redeem).await.unwrap(), RedeemOutcome::Refused);
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SESSION").await, 1, "Bob's");
        assert_eq!(checked_at(db, &person.id).await, None);
        assert!(!db.dump().await.contains("refused token"));
        check_invariants(db).await;
    })
    .await;
}
