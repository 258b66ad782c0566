//! Signing keys.

use model::{KeyState, SigningKey};
use store::unit::EnsureSigningKey;

use crate::support::{NOW, check_invariants, on_each_database, race};

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
