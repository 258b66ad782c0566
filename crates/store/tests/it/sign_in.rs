//! People and their sessions.

use std::collections::HashSet;

use protocol::UserType;
use store::unit::{EndSession, SignIn, SignInOutcome};

use crate::support::story::{secret, sign_in};
use crate::support::{Database, NOW, on_each_database, race};

async fn signed_in(db: &Database, unit: SignIn) -> model::Subject {
    match db.store.write(unit).await.unwrap() {
        SignInOutcome::SignedIn(subject) => *subject,
        other => panic!("nobody is disabled: {other:?}"),
    }
}

/// T-CON-09: parallel first sign-ins of one person make one row.
#[tokio::test(flavor = "multi_thread")]
async fn t_con_09_parallel_first_sign_ins_make_one_person() {
    on_each_database(async |db| {
        let outcomes = race(db, |_| sign_in("ada")).await;
        let ids: HashSet<String> = outcomes
            .into_iter()
            .map(|outcome| match outcome {
                SignInOutcome::SignedIn(subject) => subject.id.as_str().to_owned(),
                other => panic!("nobody is disabled: {other:?}"),
            })
            .collect();
        assert_eq!(ids.len(), 1);
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SUBJECT").await, 1);
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SESSION").await, 16);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_last_said_counts() {
    on_each_database(async |db| {
        let first = signed_in(db, sign_in("ada")).await;
        let mut again = sign_in("ada");
        again.identity.name = "Ada Lovelace".into();
        again.identity.email = None;
        again.identity.groups = vec![];
        again.user_type = UserType::Administrator;
        let second = signed_in(db, again.clone()).await;
        assert_eq!(second.id, first.id);
        assert_eq!(second.identity, again.identity);
        assert_eq!(second.user_type, UserType::Administrator);

        let mut elsewhere = sign_in("ada");
        elsewhere.identity.provider = "other".into();
        assert_ne!(signed_in(db, elsewhere).await.id, first.id);
    })
    .await;
}

/// AZ-10: the session from before the sign-in is worth nothing after it.
#[tokio::test(flavor = "multi_thread")]
async fn az_10_a_sign_in_ends_the_session_before_it() {
    on_each_database(async |db| {
        let first = sign_in("ada");
        let old = first.session.0.clone();
        signed_in(db, first).await;
        let second = SignIn { replaces: Some(old.clone()), ..sign_in("ada") };
        let (new, expires_at) = second.session.clone();
        signed_in(db, second).await;

        let mut reader = db.store.read().await.unwrap();
        let conn = reader.conn();
        assert_eq!(store::session::find(conn, &old, NOW).await.unwrap(), None);
        let (session, person) = store::session::find(conn, &new, NOW).await.unwrap().unwrap();
        assert_eq!((session.subject, session.expires_at), (person.id, expires_at));
        let found = store::session::find(conn, &new, expires_at).await.unwrap();
        assert_eq!(found, None, "it ends by itself");
    })
    .await;
}

/// T-CON-12: one upstream answer, posted many times at once, makes one session.
#[tokio::test(flavor = "multi_thread")]
async fn t_con_12_one_session_value_makes_one_session() {
    on_each_database(async |db| {
        let unit = sign_in("ada");
        let units = vec![unit; crate::support::race::RACERS];
        let outcomes = crate::support::race::race_units(db, units).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_SESSION").await, 1);
        assert_eq!(db.number("SELECT COUNT(*) FROM OAUTH_AUDIT").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_person_gets_no_session_and_nothing_changes() {
    on_each_database(async |db| {
        signed_in(db, sign_in("ada")).await;
        db.meddle("UPDATE OAUTH_SUBJECT SET disabled_at = 1").await;
        let before = db.dump().await;
        let mut again = sign_in("ada");
        again.identity.name = "Mallory".into();
        assert_eq!(db.store.write(again).await.unwrap(), SignInOutcome::Disabled);
        assert_eq!(db.dump().await, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_can_be_ended_by_many_at_once() {
    on_each_database(async |db| {
        let unit = sign_in("ada");
        let hash = unit.session.0.clone();
        signed_in(db, unit).await;
        race(db, |_| EndSession { hash: hash.clone(), now: NOW }).await;
        let mut reader = db.store.read().await.unwrap();
        assert_eq!(store::session::find(reader.conn(), &hash, NOW).await.unwrap(), None);
        db.store.write(EndSession { hash: secret().hash(), now: NOW }).await.unwrap();
    })
    .await;
}
