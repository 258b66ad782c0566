//! Consent that is remembered: what it is about, and how it ends.

use kernel::Hashed;
use model::authorization::Asking;
use model::{Authorization, ConsentKey, RememberedConsent, RevocationReason};
use protocol::{RedirectUri, ResourceUri, Scopes};
use store::unit::{
    Approve, ApproveOutcome, CollectGarbage, Consent, DeniedBy, Deny, DenyOutcome, RevokeGrant,
    RevokeOutcome,
};

use crate::support::story::secret;
use crate::support::{Database, NOW, Story, check_invariants, on_each_database, race};

fn key(story: &Story<'_>, asked: &Authorization) -> ConsentKey {
    ConsentKey {
        subject: story.person.id.clone(),
        organization: None,
        client: asked.request.client.clone(),
        client_metadata: asked.request.client_metadata.clone(),
        redirect_uri: asked.request.redirect_uri.clone(),
        resource: asked.request.resource.clone(),
    }
}

async fn found(db: &Database, key: &ConsentKey) -> Option<RememberedConsent> {
    let mut reader = db.replica.read().await.unwrap();
    store::consent::find(reader.conn(), key).await.unwrap()
}

fn by_memory(story: &Story<'_>, asked: &Authorization, consent: RememberedConsent) -> Approve {
    Approve { consent: Consent::Remembered(consent), ..story.approve(asked) }
}

/// CO-2: each part of the key makes it another question; of a loopback redirect, the port does not.
#[tokio::test(flavor = "multi_thread")]
async fn co_2_a_consent_is_about_all_of_its_key() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let asked = story.ask().await;
        let own = key(&story, &asked);
        assert_eq!(found(db, &own).await, None, "nobody consented");
        story.granted().await;
        let given = RememberedConsent { scopes: Scopes::READ, consented_at: NOW };
        assert_eq!(found(db, &own).await, Some(given));
        let redirect = |uri: &str| RedirectUri::from_stored(uri).unwrap();
        let other_port = redirect("http://127.0.0.1:1/cb");
        let same = ConsentKey { redirect_uri: other_port, ..own.clone() };
        assert_eq!(found(db, &same).await, Some(given));
        for other in [
            ConsentKey {
                subject: model::SubjectId::from_stored("sub_other".to_owned()),
                ..own.clone()
            },
            ConsentKey { organization: Some("acme".into()), ..own.clone() },
            ConsentKey { client: model::ClientId::from_text("cli_other"), ..own.clone() },
            ConsentKey { client_metadata: Hashed::from_stored("other"), ..own.clone() },
            ConsentKey { redirect_uri: redirect("http://127.0.0.1/other"), ..own.clone() },
            ConsentKey {
                resource: ResourceUri::parse("https://mcp.example.com/other").unwrap(),
                ..own.clone()
            },
        ] {
            assert_eq!(found(db, &other).await, None, "{other:?}");
        }
    })
    .await;
}

/// An approval by memory is for what was read: neither another scope nor another moment will do, and it
/// keeps the age of what is remembered.
#[tokio::test(flavor = "multi_thread")]
async fn memory_must_stand_as_it_was_read() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        story.granted().await;
        let given = RememberedConsent { scopes: Scopes::READ, consented_at: NOW };
        for wrong in [
            RememberedConsent { scopes: Scopes::ALL, ..given },
            RememberedConsent { consented_at: NOW.plus_seconds(1), ..given },
        ] {
            let asked = story.at_consent().await;
            let unit = by_memory(&story, &asked, wrong);
            assert_eq!(db.store.write(unit).await.unwrap(), ApproveOutcome::Forgotten);
            assert!(matches!(asked.request.asking, Asking::AsNeeded));
        }
        let asked = story.at_consent().await;
        let mut unit = by_memory(&story, &asked, given);
        unit.now = NOW.plus_seconds(60);
        assert_eq!(db.store.write(unit).await.unwrap(), ApproveOutcome::Approved);
        assert_eq!(found(db, &key(&story, &asked)).await, Some(given));
        check_invariants(db).await;
    })
    .await;
}

/// Taken back on one replica while it answers on another: either it answered before, or the person is
/// asked. Nothing is approved by what is gone.
#[tokio::test(flavor = "multi_thread")]
async fn withdrawal_and_memory_race_to_one_order() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let given = RememberedConsent { scopes: Scopes::READ, consented_at: NOW };
        for _ in 0..8 {
            let granted = story.granted().await;
            let mut waiting = Vec::new();
            for _ in 0..8 {
                waiting.push(story.at_consent().await);
            }
            let approvals =
                race(db, |racer| by_memory(&story, &waiting[racer % waiting.len()], given));
            let revoke = RevokeGrant {
                grant: granted.grant.id.clone(),
                reason: RevocationReason::Administrative,
                now: NOW,
            };
            let withdrawal = db.replica.write(revoke);
            let (_, withdrawn) = futures_util::future::join(approvals, withdrawal).await;
            assert!(matches!(withdrawn.unwrap(), RevokeOutcome::Revoked { .. }));
            let asked = story.at_consent().await;
            assert_eq!(found(db, &key(&story, &asked)).await, None);
            let late = by_memory(&story, &asked, given);
            assert_eq!(db.store.write(late).await.unwrap(), ApproveOutcome::Forgotten);
        }
        check_invariants(db).await;
    })
    .await;
}

/// Only a person's own refusal, in the same browser and of the same client, is remembered for the page that
/// asks again, and only for a while.
#[tokio::test(flavor = "multi_thread")]
async fn who_refused_a_moment_ago_is_known() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let lately = async |asked: &Authorization, seconds| {
            let (browser, client) = (&asked.browser, &asked.request.client);
            let mut reader = db.replica.read().await.unwrap();
            let now = NOW.plus_seconds(seconds);
            let conn = reader.conn();
            store::authorization::refused_lately(conn, browser, client, now).await.unwrap()
        };
        let asked = story.ask().await;
        let by_provider = Deny { by: DeniedBy::Provider, ..story.deny(&asked) };
        assert_eq!(db.store.write(by_provider).await.unwrap(), DenyOutcome::Denied);
        assert!(!lately(&asked, 0).await, "the provider did");
        let asked = story.at_consent().await;
        db.store.write(story.deny(&asked)).await.unwrap();
        assert!(lately(&asked, 599).await);
        assert!(!lately(&asked, 600).await);
        let elsewhere = Authorization { browser: secret().hash(), ..asked.clone() };
        assert!(!lately(&elsewhere, 0).await);
        let mut other = asked;
        other.request.client = model::ClientId::from_text("cli_other");
        assert!(!lately(&other, 0).await);
    })
    .await;
}

/// A refusal takes back what was allowed, and a client that has nothing else goes after ten minutes
/// instead of a day. One that holds a grant stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_client_does_not_stay() {
    on_each_database(async |db| {
        let refused = async |story: &Story<'_>| {
            let asked = story.at_consent().await;
            let denied = db.store.write(story.deny(&asked)).await.unwrap();
            assert_eq!(denied, DenyOutcome::Denied);
            asked
        };
        let stays = Story::begin(db).await;
        stays.granted().await;
        let asked = refused(&stays).await;
        assert_eq!(found(db, &key(&stays, &asked)).await, None);
        let goes = Story::begin(db).await;
        refused(&goes).await;
        // One that registered from elsewhere, as a host does for many, has its whole day.
        let hosted = Story::begin(db).await;
        db.meddle(&format!(
            "UPDATE OAUTH_CLIENT SET source = 'elsewhere' WHERE client_id = '{}'",
            hosted.client.id
        ))
        .await;
        refused(&hosted).await;
        let sweep = async |seconds| {
            let sweep = CollectGarbage { now: NOW.plus_seconds(seconds), batch: 100 };
            db.store.write(sweep).await.unwrap().clients
        };
        assert_eq!((sweep(599).await, sweep(600).await), (0, 1));
        assert_eq!((sweep(86_399).await, sweep(86_400).await), (0, 1));
    })
    .await;
}
