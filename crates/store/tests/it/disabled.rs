//! What an administrator switches off, and what ends with it.

use model::{AuditKind, Disabled, DisabledKind, GrantId};
use store::unit::{Disable, Enable, EndAllOf, EndedSome, RedeemOutcome};

use crate::support::{Database, NOW, Story, check_invariants, on_each_database, race};

/// One thing of each kind to which a story belongs.
fn of(story: &Story<'_>, kind: DisabledKind) -> Disabled {
    let name = match kind {
        DisabledKind::Client => story.client.id.as_str(),
        DisabledKind::Organization => "acme",
        DisabledKind::Provider => "demo",
        DisabledKind::Server => "https://mcp.example.com/mcp",
    };
    Disabled::new(kind, name)
}

fn end(what: &Disabled, after: Option<GrantId>) -> EndAllOf {
    EndAllOf { what: what.clone(), after, batch: 3, now: NOW }
}

/// For the kind in question the story's person acts for an organization.
async fn act_for_acme(db: &Database) {
    for table in ["OAUTH_GRANT", "OAUTH_CODE"] {
        db.meddle(format!("UPDATE {table} SET organization = 'acme'")).await;
    }
}

/// GR-1, GR-2: all that was granted ends, a few at a time, with codes and sessions.
#[tokio::test(flavor = "multi_thread")]
async fn gr_2_everything_ends_with_what_is_switched_off() {
    for kind in DisabledKind::ALL {
        on_each_database(async |db| {
            let story = Story::begin(db).await;
            let mut grants = Vec::new();
            for _ in 0..7 {
                grants.push(story.granted().await.grant.id);
            }
            let code = story.code().await;
            act_for_acme(db).await;
            let what = of(&story, kind);
            assert!(db.store.write(Disable { what: what.clone(), now: NOW }).await.unwrap());

            let (mut after, mut sizes) = (None, Vec::new());
            loop {
                let EndedSome { grants, sessions, more_after } =
                    db.store.write(end(&what, after)).await.unwrap();
                let expected = u64::from(kind == DisabledKind::Provider && sizes.is_empty());
                assert_eq!(sessions, expected, "{kind:?}");
                sizes.push(grants);
                after = more_after;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(sizes, [3, 3, 1]);
            for grant in &grants {
                assert!(story.is_revoked(grant).await);
            }
            let redeemed = db.store.write(story.redeem(&code)).await.unwrap();
            assert_eq!(redeemed, RedeemOutcome::Refused);
            let again = db.store.write(end(&what, None)).await.unwrap();
            assert_eq!(again, EndedSome::default());
            check_invariants(db).await;
        })
        .await;
    }
}

/// GR-2, TC-6: no code becomes a grant while its client, organization, provider or server is switched off,
/// also one that is not burned; another one's is as good as before.
#[tokio::test(flavor = "multi_thread")]
async fn gr_2_codes_are_worth_nothing_meanwhile() {
    for kind in DisabledKind::ALL {
        on_each_database(async |db| {
            let story = Story::begin(db).await;
            let (kept, refused) = (story.code().await, story.code().await);
            act_for_acme(db).await;
            let other = Disabled::new(kind, "other");
            db.store.write(Disable { what: other, now: NOW }).await.unwrap();
            let good = db.store.write(story.redeem(&kept)).await.unwrap();
            assert!(matches!(good, RedeemOutcome::Redeemed(_)), "{kind:?}: {good:?}");

            let what = of(&story, kind);
            db.store.write(Disable { what: what.clone(), now: NOW }).await.unwrap();
            let outcome = db.store.write(story.redeem(&refused)).await.unwrap();
            assert_eq!(outcome, RedeemOutcome::Refused, "{kind:?}");
            assert!(db.store.write(Enable { what, now: NOW }).await.unwrap());
            let good = db.store.write(story.redeem(&refused)).await.unwrap();
            assert!(matches!(good, RedeemOutcome::Redeemed(_)), "{kind:?}: {good:?}");
        })
        .await;
    }
}

/// Codes are redeemed while the client is switched off: afterwards no grant is live.
#[tokio::test(flavor = "multi_thread")]
async fn no_grant_survives_what_it_raced_with() {
    on_each_database(async |db| {
        for _ in 0..4 {
            let story = Story::begin(db).await;
            let mut codes = Vec::new();
            for _ in 0..8 {
                codes.push(story.code().await);
            }
            let what = of(&story, DisabledKind::Client);
            let disabling = async {
                db.store.write(Disable { what: what.clone(), now: NOW }).await.unwrap();
                let mut after = None;
                loop {
                    after = db.store.write(end(&what, after)).await.unwrap().more_after;
                    if after.is_none() {
                        return;
                    }
                }
            };
            let redeeming = race(db, |racer| story.redeem(&codes[racer % codes.len()]));
            tokio::join!(redeeming, disabling);
            let live = "SELECT COUNT(*) FROM OAUTH_GRANT WHERE revoked_at IS NULL";
            assert_eq!(db.number(live).await, 0);
        }
    })
    .await;
}

/// Replicas see with one number that something was switched, and it is on record once.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_see_what_is_switched_off() {
    on_each_database(async |db| {
        let what = Disabled::new(DisabledKind::Client, "cli_x");
        let disable = Disable { what: what.clone(), now: NOW };
        let mut reader = db.replica.read().await.unwrap();
        let before = store::revision::disabled(reader.conn()).await.unwrap();
        let outcomes = race(db, |_| disable.clone()).await;
        assert_eq!(outcomes.iter().filter(|changed| **changed).count(), 1);
        assert_eq!(store::revision::disabled(reader.conn()).await.unwrap(), before + 1);
        let all = store::disabled::all(reader.conn()).await.unwrap();
        assert_eq!(all, [(what.clone(), NOW)]);

        let enable = Enable { what, now: NOW };
        assert!(db.store.write(enable.clone()).await.unwrap());
        assert!(!db.store.write(enable).await.unwrap());
        assert_eq!(store::revision::disabled(reader.conn()).await.unwrap(), before + 2);
        assert_eq!(store::disabled::all(reader.conn()).await.unwrap(), []);
        let events = store::audit::tail(reader.conn(), 10).await.unwrap();
        let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == AuditKind::Disabled).count(), 1);
        assert_eq!(kinds.iter().filter(|kind| **kind == AuditKind::Enabled).count(), 1);
    })
    .await;
}
