//! Signing keys.

use kernel::Timestamp;
use model::{KeyState, SigningKey};
use store::unit::{
    AdvanceKeys, EnsureSigningKey, KeysAdvanced, PublishNextKey, Reseal, ResetSigningKeys,
    RevokeKeyOutcome, RevokeSigningKey, Sealed,
};

use crate::support::{Database, NOW, check_invariants, on_each_database, race};

fn candidate(kid: &str) -> EnsureSigningKey {
    EnsureSigningKey {
        candidate: SigningKey {
            kid: kid.into(),
            alg: "ES256".into(),
            public_jwk: r#"{"kty":"EC"}"#.into(),
            private_sealed: "sealed".into(),
            sealed_by: "kek".into(),
            state: KeyState::Active,
            created_at: NOW,
            changed_at: NOW,
        },
    }
}

/// KY-7: many replicas start at once, and one key is made, which all of them see.
#[tokio::test(flavor = "multi_thread")]
async fn ky_7_a_first_start_of_many_makes_one_key() {
    on_each_database(async |db| {
        let outcomes = race(db, |racer| candidate(&format!("kid-{racer}"))).await;
        let first = &outcomes[0];
        assert_eq!(first.len(), 1);
        assert_eq!(first[0], candidate(&first[0].kid).candidate);
        assert!(outcomes.iter().all(|keys| keys == first));
        let mut reader = db.replica.read().await.unwrap();
        assert_eq!(store::signing_key::all(reader.conn()).await.unwrap(), *first);
        assert_eq!(store::revision::keys(reader.conn()).await.unwrap(), 1);
        drop(reader);
        let created = "SELECT COUNT(*) FROM OAUTH_AUDIT WHERE kind = 'signing_key.created'";
        assert_eq!(db.number(created).await, 1);
        check_invariants(db).await;
    })
    .await;
}

/// A later start with another candidate changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_later_start_keeps_the_key() {
    on_each_database(async |db| {
        let first = db.store.write(candidate("first")).await.unwrap();
        let before = db.dump().await;
        assert_eq!(db.replica.write(candidate("second")).await.unwrap(), first);
        assert_eq!(db.dump().await, before);
    })
    .await;
}

/// A key that is made at this moment.
fn key(kid: &str, now: Timestamp) -> SigningKey {
    SigningKey { created_at: now, changed_at: now, ..candidate(kid).candidate }
}

fn advance(now: Timestamp) -> AdvanceKeys {
    AdvanceKeys { spread_seconds: 100, kept_seconds: 1000, now }
}

fn after(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

/// The states of all keys, the oldest first.
async fn states(db: &Database) -> Vec<(String, KeyState)> {
    let mut reader = db.replica.read().await.unwrap();
    let keys = store::signing_key::all(reader.conn()).await.unwrap();
    keys.into_iter().map(|key| (key.kid, key.state)).collect()
}

async fn private_halves(db: &Database) -> i64 {
    db.number("SELECT COUNT(*) FROM OAUTH_SIGNING_KEY WHERE private_sealed <> ''").await
}

/// KY-1: published before it signs, published after it signed, and then gone; each step once, however many
/// replicas take it, and for replicas to see.
#[tokio::test(flavor = "multi_thread")]
async fn ky_1_the_life_of_a_key() {
    on_each_database(async |db| {
        use KeyState::{Active, Next, Retired, Retiring};
        let is = async |expected: &[(&str, KeyState)]| {
            let found = states(db).await;
            let found: Vec<_> = found.iter().map(|(kid, state)| (kid.as_str(), *state)).collect();
            assert_eq!(found, expected);
        };
        db.store.write(candidate("a")).await.unwrap();
        let published =
            race(db, |racer| PublishNextKey { candidate: key(&format!("b{racer}"), after(10)) });
        let published = published.await;
        assert_eq!(published.iter().filter(|published| **published).count(), 1);
        let next = states(db).await[1].0.clone();
        is(&[("a", Active), (&next, Next)]).await;

        let early = race(db, |_| advance(after(109))).await;
        assert!(early.iter().all(|advanced| *advanced == KeysAdvanced::default()));
        let advanced = race(db, |_| advance(after(110))).await;
        let activated = advanced.iter().filter(|advanced| advanced.activated.is_some()).count();
        assert_eq!(activated, 1);
        is(&[("a", Retiring), (&next, Active)]).await;
        assert_eq!(private_halves(db).await, 2);

        db.store.write(advance(after(1109))).await.unwrap();
        is(&[("a", Retiring), (&next, Active)]).await;
        let advanced = race(db, |_| advance(after(1110))).await;
        assert_eq!(advanced.iter().flat_map(|advanced| &advanced.retired).count(), 1);
        is(&[("a", Retired), (&next, Active)]).await;
        assert_eq!(private_halves(db).await, 1, "its private half is destroyed");
        let mut reader = db.replica.read().await.unwrap();
        assert_eq!(store::revision::keys(reader.conn()).await.unwrap(), 4);
        drop(reader);
        for (kind, count) in [("created", 2), ("activated", 1), ("retired", 1)] {
            let dump = db.dump().await;
            let events = dump.matches(&format!("signing_key.{kind}")).count();
            assert_eq!(events, count, "{kind}");
        }
        check_invariants(db).await;
    })
    .await;
}

/// KY-9: a revoked key is gone at once, and another one signs, the published one if there is one.
#[tokio::test(flavor = "multi_thread")]
async fn ky_9_a_revoked_key_is_gone_at_once() {
    on_each_database(async |db| {
        use KeyState::{Active, Retired};
        let revoke = |kid: &str, candidate: &str| RevokeSigningKey {
            kid: kid.to_owned(),
            candidate: key(candidate, after(1)),
            now: after(1),
        };
        db.store.write(candidate("a")).await.unwrap();
        let outcomes = race(db, |racer| revoke("a", &format!("b{racer}"))).await;
        let replaced: Vec<_> = outcomes
            .iter()
            .filter_map(|outcome| match outcome {
                RevokeKeyOutcome::Revoked { replaced_by } => replaced_by.clone(),
                _ => None,
            })
            .collect();
        assert_eq!(replaced.len(), 1, "{outcomes:?}");
        let second = replaced[0].clone();
        assert_eq!(states(db).await, [("a".to_owned(), Retired), (second.clone(), Active)]);

        db.store.write(PublishNextKey { candidate: key("c", after(2)) }).await.unwrap();
        let outcome = db.store.write(revoke(&second, "unused")).await.unwrap();
        assert_eq!(outcome, RevokeKeyOutcome::Revoked { replaced_by: Some("c".to_owned()) });
        let outcome = db.store.write(revoke(&second, "unused")).await.unwrap();
        assert_eq!(outcome, RevokeKeyOutcome::AlreadyRetired);
        let outcome = db.store.write(revoke("nobody", "unused")).await.unwrap();
        assert_eq!(outcome, RevokeKeyOutcome::Unknown);
        assert_eq!(private_halves(db).await, 1);

        let reset = ResetSigningKeys { candidate: key("d", after(3)), now: after(3) };
        assert_eq!(db.store.write(reset).await.unwrap(), 1);
        assert_eq!(states(db).await.last(), Some(&("d".to_owned(), Active)));
        check_invariants(db).await;
    })
    .await;
}

/// KY-9: whoever revokes, advances, publishes and resets at the same moment leaves one key that signs.
#[tokio::test(flavor = "multi_thread")]
async fn ky_9_one_key_signs_whatever_happens_at_once() {
    on_each_database(async |db| {
        db.store.write(candidate("k0")).await.unwrap();
        for round in 1..30 {
            let now = after(round * 10_000);
            let published = PublishNextKey { candidate: key(&format!("k{round}"), now) };
            db.store.write(published).await.unwrap();
            // The one that signs, or the one that is about to.
            let state = if round % 2 == 0 { KeyState::Active } else { KeyState::Next };
            let revoked = states(db).await.into_iter().find(|key| key.1 == state);
            let revoke = RevokeSigningKey {
                kid: revoked.expect("a key in this state").0,
                candidate: key(&format!("fresh{round}"), now),
                now,
            };
            let (revoked, advanced, published) = tokio::join!(
                db.store.write(revoke),
                db.replica.write(advance(now.plus_seconds(200))),
                db.replica.write(PublishNextKey { candidate: key(&format!("n{round}"), now) }),
            );
            revoked.unwrap();
            advanced.unwrap();
            published.unwrap();
            let states = states(db).await;
            let active = states.iter().filter(|key| key.1 == KeyState::Active).count();
            assert_eq!(active, 1, "round {round}: {states:?}");
        }
        check_invariants(db).await;
    })
    .await;
}

/// KY-6: a value is sealed anew once, and never over one that changed meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn ky_6_a_value_is_sealed_anew_once() {
    on_each_database(async |db| {
        db.store.write(candidate("a")).await.unwrap();
        let reseal = |before: &str| Reseal {
            of: Sealed::SigningKey("a".to_owned()),
            before: before.to_owned(),
            after: "sealed again".to_owned(),
            sealed_by: "new".to_owned(),
            now: NOW,
        };
        let outcomes = race(db, |_| reseal("sealed")).await;
        assert_eq!(outcomes.iter().filter(|resealed| **resealed).count(), 1);
        assert!(!db.store.write(reseal("something else")).await.unwrap());
        let mut reader = db.replica.read().await.unwrap();
        let keys = store::signing_key::all(reader.conn()).await.unwrap();
        assert_eq!(keys[0].private_sealed, "sealed again");
        assert_eq!(keys[0].sealed_by, "new");
    })
    .await;
}
