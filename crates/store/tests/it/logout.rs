//! Logout: here, at the provider, and by an administrator.

use kernel::Hashed;
use model::person::{SessionSecret, hash_upstream_session};
use model::{AuditKind, RevocationReason, Subject};
use store::unit::{
    DisablePerson, EnablePerson, EndSession, EndUpstreamSessions, EndUpstreamSessionsOutcome,
    OneTime, PersonOutcome, RedeemOutcome, RotateOutcome, SignIn, SignInOutcome,
};

use crate::support::race::RACERS;
use crate::support::story::{id, secret, sign_in};
use crate::support::{Database, NOW, Story, check_invariants, on_each_database, race};

const ENDED_NOTHING: EndUpstreamSessionsOutcome =
    EndUpstreamSessionsOutcome::Ended { sessions: 0, grants: 0 };

/// A person in a browser, with a session of the provider behind it.
async fn signed_in(
    db: &Database,
    provider: &str,
    external_id: &str,
    sid: Option<&str>,
) -> (Subject, Hashed<SessionSecret>) {
    let mut unit = SignIn {
        upstream_session: sid.map(hash_upstream_session),
        logout_hint_sealed: Some("sealed hint".into()),
        ..sign_in(external_id)
    };
    unit.identity.provider = provider.into();
    let session = unit.session.0.clone();
    match db.store.write(unit).await.unwrap() {
        SignInOutcome::SignedIn(subject) => (*subject, session),
        other => panic!("{other:?}"),
    }
}

/// A logout token of the provider `demo`, as it arrives.
fn logout(external_id: Option<&str>, sid: Option<&str>) -> EndUpstreamSessions {
    EndUpstreamSessions {
        provider: "demo".into(),
        external_id: external_id.map(str::to_owned),
        upstream_session: sid.map(hash_upstream_session),
        one_time: OneTime {
            purpose: "logout_token:demo".into(),
            id: secret::<SessionSecret>().reveal().to_owned(),
            expires_at: NOW.plus_seconds(120),
        },
        end_grants: false,
        now: NOW,
    }
}

async fn lives(db: &Database, session: &Hashed<SessionSecret>) -> bool {
    let mut reader = db.replica.read().await.unwrap();
    store::session::find(reader.conn(), session, NOW).await.unwrap().is_some()
}

async fn kinds(db: &Database, kind: AuditKind) -> usize {
    let mut reader = db.store.read().await.unwrap();
    let events = store::audit::tail(reader.conn(), 500).await.unwrap();
    events.iter().filter(|event| event.kind == kind).count()
}

/// LO-3: what the provider needs at logout is kept with the session.
#[tokio::test(flavor = "multi_thread")]
async fn lo_3_a_session_knows_the_providers_session() {
    on_each_database(async |db| {
        let (_, with) = signed_in(db, "demo", "ada", Some("sid-1")).await;
        let mut reader = db.store.read().await.unwrap();
        let found = store::session::find(reader.conn(), &with, NOW).await.unwrap().unwrap().0;
        assert_eq!(found.upstream_session, Some(hash_upstream_session("sid-1")));
        assert_eq!(found.logout_hint_sealed.as_deref(), Some("sealed hint"));
    })
    .await;
}

/// Signing out here is recorded once, for the person, and not for a session that was none.
#[tokio::test(flavor = "multi_thread")]
async fn signing_out_is_recorded_once() {
    on_each_database(async |db| {
        let (person, session) = signed_in(db, "demo", "ada", None).await;
        race(db, |_| EndSession { hash: session.clone(), now: NOW }).await;
        assert!(!lives(db, &session).await);
        assert_eq!(kinds(db, AuditKind::SignedOut).await, 1);
        let mut reader = db.store.read().await.unwrap();
        let events = store::audit::tail(reader.conn(), 10).await.unwrap();
        let event = events.iter().find(|event| event.kind == AuditKind::SignedOut).unwrap();
        assert_eq!(event.subject, Some(person.id));
    })
    .await;
}

/// T-UP-12: a logout by `sid` ends what began with that session of that provider, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn t_up_12_a_logout_by_sid_ends_only_those_sessions() {
    on_each_database(async |db| {
        let (_, same) = signed_in(db, "demo", "ada", Some("sid-1")).await;
        let (_, same_too) = signed_in(db, "demo", "ada", Some("sid-1")).await;
        let (_, other_sid) = signed_in(db, "demo", "ada", Some("sid-2")).await;
        let (_, no_sid) = signed_in(db, "demo", "ada", None).await;
        let (_, other_provider) = signed_in(db, "corp", "ada", Some("sid-1")).await;
        let outcome = db.store.write(logout(None, Some("sid-1"))).await.unwrap();
        assert_eq!(outcome, EndUpstreamSessionsOutcome::Ended { sessions: 2, grants: 0 });
        for ended in [&same, &same_too] {
            assert!(!lives(db, ended).await);
        }
        for stays in [&other_sid, &no_sid, &other_provider] {
            assert!(lives(db, stays).await);
        }
        assert_eq!(kinds(db, AuditKind::ProviderLogout).await, 1, "one person");
    })
    .await;
}

/// T-UP-12: a logout by `sub` ends all of that person's sessions from that provider.
#[tokio::test(flavor = "multi_thread")]
async fn t_up_12_a_logout_by_sub_ends_all_sessions_of_the_person() {
    on_each_database(async |db| {
        let (_, one) = signed_in(db, "demo", "ada", Some("sid-1")).await;
        let (_, two) = signed_in(db, "demo", "ada", None).await;
        let (_, bob) = signed_in(db, "demo", "bob", Some("sid-1")).await;
        let (_, elsewhere) = signed_in(db, "corp", "ada", None).await;
        let outcome = db.store.write(logout(Some("ada"), None)).await.unwrap();
        assert_eq!(outcome, EndUpstreamSessionsOutcome::Ended { sessions: 2, grants: 0 });
        let left = [lives(db, &one).await, lives(db, &two).await];
        assert_eq!(left, [false, false]);
        assert!(lives(db, &bob).await && lives(db, &elsewhere).await);
    })
    .await;
}

/// T-UP-11: `sid` and `sub` that do not belong together, an unknown person and a token that names
/// neither end nothing at all.
#[tokio::test(flavor = "multi_thread")]
async fn t_up_11_a_logout_of_somebody_else_ends_nothing() {
    on_each_database(async |db| {
        let (_, ada) = signed_in(db, "demo", "ada", Some("sid-1")).await;
        let (_, bob) = signed_in(db, "demo", "bob", Some("sid-2")).await;
        let nobodys = [
            logout(Some("bob"), Some("sid-1")),
            logout(Some("carol"), Some("sid-1")),
            logout(Some("carol"), None),
            logout(Some(""), None),
            logout(None, Some("sid-3")),
            logout(None, Some("")),
            logout(None, None),
            EndUpstreamSessions { provider: "corp".into(), ..logout(Some("ada"), Some("sid-1")) },
            EndUpstreamSessions { provider: "corp".into(), ..logout(None, Some("sid-1")) },
        ];
        for unit in nobodys {
            let unit = EndUpstreamSessions { end_grants: true, ..unit };
            assert_eq!(db.store.write(unit).await.unwrap(), ENDED_NOTHING);
        }
        assert!(lives(db, &ada).await && lives(db, &bob).await);
        let both = db.store.write(logout(Some("ada"), Some("sid-1"))).await.unwrap();
        assert_eq!(both, EndUpstreamSessionsOutcome::Ended { sessions: 1, grants: 0 });
        assert!(!lives(db, &ada).await);
    })
    .await;
}

/// T-UP-11, T-CON-11: a logout token works once, on whichever replica it arrives; afterwards it
/// ends nothing of a new session.
#[tokio::test(flavor = "multi_thread")]
async fn t_up_11_a_logout_token_works_once() {
    on_each_database(async |db| {
        signed_in(db, "demo", "ada", Some("sid-1")).await;
        let unit = logout(None, Some("sid-1"));
        let outcomes = race(db, |_| unit.clone()).await;
        let ended = EndUpstreamSessionsOutcome::Ended { sessions: 1, grants: 0 };
        assert_eq!(outcomes.iter().filter(|o| **o == ended).count(), 1, "{outcomes:?}");
        let replayed =
            |o: &&EndUpstreamSessionsOutcome| **o == EndUpstreamSessionsOutcome::Replayed;
        assert_eq!(outcomes.iter().filter(replayed).count(), RACERS - 1);
        let (_, fresh) = signed_in(db, "demo", "ada", Some("sid-1")).await;
        let late = db.store.write(unit).await.unwrap();
        assert_eq!(late, EndUpstreamSessionsOutcome::Replayed);
        assert!(lives(db, &fresh).await);
    })
    .await;
}

/// LO-1: by policy the grants of the person end too, and a code that was on its way becomes none;
/// pollers see it. Other people keep theirs.
#[tokio::test(flavor = "multi_thread")]
async fn lo_1_grants_end_with_the_session_if_the_operator_wants_that() {
    on_each_database(async |db| {
        let mut story = Story::begin(db).await;
        let mut grants = vec![story.granted().await, story.granted().await];
        let code = story.code().await;
        signed_in(db, "demo", "ada", Some("sid-1")).await;
        let ada = (story.person.clone(), story.session.clone());
        (story.person, story.session) = signed_in(db, "demo", "bob", Some("sid-2")).await;
        let bobs = story.granted().await.grant;
        (story.person, story.session) = ada;

        let only_sessions = logout(None, Some("sid-1"));
        db.store.write(only_sessions).await.unwrap();
        assert!(!story.is_revoked(&grants[0].grant.id).await);

        signed_in(db, "demo", "ada", Some("sid-1")).await;
        let mut reader = db.replica.read().await.unwrap();
        let before = store::revision::revocations(reader.conn()).await.unwrap();
        let unit = EndUpstreamSessions { end_grants: true, ..logout(None, Some("sid-1")) };
        let outcome = db.store.write(unit).await.unwrap();
        assert_eq!(outcome, EndUpstreamSessionsOutcome::Ended { sessions: 1, grants: 2 });
        let after = store::revision::revocations(reader.conn()).await.unwrap();
        assert_eq!(after - before, 2);
        let found = store::grant::find(reader.conn(), &grants[1].grant.id).await.unwrap();
        assert_eq!(found.unwrap().revoked, Some((NOW, RevocationReason::SignedOut)));
        drop(reader);

        let outcome = db.store.write(story.redeem(&code)).await.unwrap();
        assert_eq!(outcome, RedeemOutcome::Refused);
        let refresh = grants.remove(0).refresh.hash();
        let rotate = story.rotate(&refresh, &secret().hash(), NOW);
        assert_eq!(db.store.write(rotate).await.unwrap(), RotateOutcome::Refused);
        assert!(!story.is_revoked(&bobs.id).await);
        check_invariants(db).await;
    })
    .await;
}

/// T-CON-05: logouts with grants, and redemptions of codes, all at once: whatever came of it, no
/// grant is live that a logout should have ended.
#[tokio::test(flavor = "multi_thread")]
async fn t_con_05_no_grant_survives_a_logout_that_it_raced_with() {
    on_each_database(async |db| {
        let mut story = Story::begin(db).await;
        for _ in 0..4 {
            story.sign_in(sign_in("ada")).await;
            story.granted().await;
            let mut codes = Vec::new();
            for _ in 0..RACERS {
                codes.push(story.code().await);
            }
            let logouts =
                race(db, |_| EndUpstreamSessions { end_grants: true, ..logout(Some("ada"), None) });
            let redemptions = race(db, |racer| story.redeem(&codes[racer]));
            tokio::join!(logouts, redemptions);
            let live = "SELECT COUNT(*) FROM OAUTH_GRANT WHERE revoked_at IS NULL";
            assert_eq!(db.number(live).await, 0);
        }
        check_invariants(db).await;
    })
    .await;
}

/// Somebody who is disabled has nothing left here and gets nothing, until they are enabled again;
/// what ended stays ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_person_has_nothing_left() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let granted = story.granted().await;
        let (person, session) = signed_in(db, "demo", "ada", None).await;
        let disable = DisablePerson { subject: person.id.clone(), now: NOW };
        let outcomes = race(db, |_| disable.clone()).await;
        let changed = outcomes.iter().filter(|o| **o == PersonOutcome::Changed).count();
        assert_eq!(changed, 1, "{outcomes:?}");
        assert_eq!(kinds(db, AuditKind::PersonDisabled).await, 1);
        assert!(!lives(db, &session).await);
        assert!(story.is_revoked(&granted.grant.id).await);
        let again = db.store.write(sign_in("ada")).await.unwrap();
        assert_eq!(again, SignInOutcome::Disabled);

        let enable = EnablePerson { subject: person.id.clone(), now: NOW };
        assert_eq!(db.store.write(enable.clone()).await.unwrap(), PersonOutcome::Changed);
        assert_eq!(db.store.write(enable).await.unwrap(), PersonOutcome::Unchanged);
        signed_in(db, "demo", "ada", None).await;
        assert!(story.is_revoked(&granted.grant.id).await);
        let nobody = DisablePerson { subject: id(), now: NOW };
        assert_eq!(db.store.write(nobody).await.unwrap(), PersonOutcome::Unchanged);
        check_invariants(db).await;
    })
    .await;
}

/// Sign-ins and the disabling at once: afterwards no session is left.
#[tokio::test(flavor = "multi_thread")]
async fn no_session_survives_the_disabling_that_it_raced_with() {
    on_each_database(async |db| {
        for round in 0..4 {
            let external_id = format!("person-{round}");
            let (person, _) = signed_in(db, "demo", &external_id, None).await;
            let disable = DisablePerson { subject: person.id.clone(), now: NOW };
            let sign_ins = race(db, |_| sign_in(&external_id));
            let (_, done) = tokio::join!(sign_ins, db.store.write(disable));
            done.unwrap();
            assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SESSION").await, 0);
        }
    })
    .await;
}
