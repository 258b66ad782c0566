//! Clients that register themselves.

use kernel::Plain;
use model::client::{AssertionAudience, ClientSecret, KeySource, Signing};
use model::{Client, ClientAuth, ClientId, Disabled, DisabledKind};
use protocol::client_keys::ClientKeys;
use protocol::{RedirectUri, Scopes};
use store::unit::{
    CollectGarbage, Disable, RegisterClient, Registered, UseAssertion, UseAssertionOutcome,
};

use crate::support::story::{client, secret};
use crate::support::{NOW, Story, on_each_database, race};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_found_as_it_was_registered() {
    on_each_database(async |db| {
        let secret: Plain<ClientSecret> = secret();
        let variants = [
            ClientAuth::None,
            ClientAuth::SecretPost(secret.hash()),
            ClientAuth::SecretBasic(secret.hash()),
            ClientAuth::PrivateKeyJwt(Signing {
                keys: KeySource::Registered(public_keys()),
                audience: AssertionAudience::Issuer,
            }),
        ];
        for auth in variants {
            let client = Client {
                name: "Ünïcode \"quoted\" 'client'".into(),
                redirect_uris: vec![
                    RedirectUri::from_stored("cursor://anysphere.cursor-mcp/cb").unwrap(),
                    RedirectUri::from_stored("https://h/cb?a=1&b=\"".trim_end_matches('"'))
                        .unwrap(),
                ],
                refresh_tokens: auth == ClientAuth::None,
                auth,
                scopes: Scopes::READ,
                ..client()
            };
            let unit = register(client.clone(), "here", 10);
            assert_eq!(
                db.store.write(unit).await.unwrap(),
                Registered { same: None, displaced: 0 }
            );
            let mut reader = db.replica.read().await.unwrap();
            let found = store::client::find(reader.conn(), &client.id).await.unwrap();
            assert_eq!(found, Some(client));
        }
        let mut reader = db.store.read().await.unwrap();
        let unknown = ClientId::from_text("cli_' OR 1=1 --");
        assert_eq!(store::client::find(reader.conn(), &unknown).await.unwrap(), None);
    })
    .await;
}

fn public_keys() -> ClientKeys {
    let coordinate = kernel::encoding::base64url(&[7; 32]);
    let key = format!(
        "{{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"1\",\"x\":\"{coordinate}\",\"y\":\"{coordinate}\"}}"
    );
    ClientKeys::parse_text(&format!("{{\"keys\":[{key}]}}")).unwrap()
}

/// CA-6, T-CA-11: of many who present one assertion one was first, and its id goes when nobody could
/// present it any more.
#[tokio::test(flavor = "multi_thread")]
async fn ca_6_an_assertion_is_used_up_once() {
    on_each_database(async |db| {
        let client = ClientId::from_text("robot");
        let unit = UseAssertion {
            client: client.clone(),
            id: "once".to_owned(),
            expires_at: NOW.plus_seconds(60),
            now: NOW,
        };
        let outcomes = race(db, |_| unit.clone()).await;
        let first = outcomes.iter().filter(|one| **one == UseAssertionOutcome::First).count();
        assert_eq!(first, 1);
        // Ids are the client's own: another one may well use the same.
        let other = UseAssertion { client: ClientId::from_text("other"), ..unit.clone() };
        assert_eq!(db.store.write(other).await.unwrap(), UseAssertionOutcome::First);
        let sweep = |seconds| CollectGarbage { now: NOW.plus_seconds(seconds), batch: 100 };
        assert_eq!(db.store.write(sweep(119)).await.unwrap().replays, 0);
        assert_eq!(db.store.write(unit).await.unwrap(), UseAssertionOutcome::Replayed);
        assert_eq!(db.store.write(sweep(120)).await.unwrap().replays, 2);
    })
    .await;
}

/// T-CON-07: parallel registrations make as many clients.
#[tokio::test(flavor = "multi_thread")]
async fn t_con_07_parallel_registrations_make_distinct_clients() {
    on_each_database(async |db| {
        let outcomes = race(db, |_| register(client(), "here", 1000)).await;
        let mut reader = db.store.read().await.unwrap();
        let count = store::client::count_unused(reader.conn()).await.unwrap();
        assert_eq!(usize::try_from(count).unwrap(), outcomes.len());
    })
    .await;
}

/// A4: clients that nobody uses are bounded; those with a grant do not count. Beyond the bound the
/// oldest of the network that has most of them makes room: nobody ends registration for others.
#[tokio::test(flavor = "multi_thread")]
async fn a4_unused_clients_make_room_where_there_are_most_of_them() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        story.granted().await;
        let honest = client();
        db.store.write(register(honest.clone(), "honest", 3)).await.unwrap();
        let mut flood = Vec::new();
        for second in 0..6 {
            let one = Client { created_at: NOW.plus_seconds(second), ..client() };
            flood.push(one.clone());
            let outcome = db.store.write(register(one, "flood", 3)).await.unwrap();
            assert_eq!(outcome.displaced, u64::from(second >= 2), "{second}");
        }
        let late = client();
        let outcome = db.store.write(register(late.clone(), "late", 3)).await.unwrap();
        assert_eq!(outcome.displaced, 1);
        let mut reader = db.store.read().await.unwrap();
        let conn = reader.conn();
        assert_eq!(store::client::count_unused(conn).await.unwrap(), 3);
        for (kept, there) in [
            (&honest, true),
            (&late, true),
            (&story.client, true),
            (&flood[5], true),
            (&flood[4], false),
            (&flood[0], false),
        ] {
            let found = store::client::find(conn, &kept.id).await.unwrap();
            assert_eq!(found.is_some(), there, "{kept:?}");
        }
    })
    .await;
}

/// A4: many who register at once leave no more than the bound and their own number.
#[tokio::test(flavor = "multi_thread")]
async fn a4_parallel_registrations_keep_the_bound() {
    on_each_database(async |db| {
        for _ in 0..4 {
            race(db, |_| register(client(), "flood", 5)).await;
        }
        db.store.write(register(client(), "flood", 5)).await.unwrap();
        let mut reader = db.store.read().await.unwrap();
        assert_eq!(store::client::count_unused(reader.conn()).await.unwrap(), 5);
    })
    .await;
}

/// A4: what anybody can do without signing in keeps no registration; a person's consent does.
#[tokio::test(flavor = "multi_thread")]
async fn a4_only_a_person_keeps_a_client() {
    on_each_database(async |db| {
        let story = Story::begin(db).await;
        let since = "SELECT unused_since FROM OAUTH_CLIENT";
        db.meddle("UPDATE OAUTH_CLIENT SET unused_since = 5").await;
        let asked = story.at_consent().await;
        assert_eq!(db.number(since).await, 5, "an authorization that anybody can begin");
        db.store.write(story.approve(&asked)).await.unwrap();
        assert_eq!(db.number(since).await, NOW.as_millis());
    })
    .await;
}

/// RG-16, GR-2: what was switched off is not handed out again to an installation that registers anew.
#[tokio::test(flavor = "multi_thread")]
async fn gr_2_a_disabled_client_is_not_registered_again() {
    on_each_database(async |db| {
        let first = client();
        let again = || register(Client { id: client().id, ..first.clone() }, "here", 10);
        db.store.write(register(first.clone(), "here", 10)).await.unwrap();
        let registered = db.store.write(again()).await.unwrap();
        assert_eq!(registered.same.map(|known| known.id), Some(first.id.clone()));
        let what = Disabled::new(DisabledKind::Client, first.id.as_str());
        db.store.write(Disable { what, now: NOW }).await.unwrap();
        let registered = db.store.write(again()).await.unwrap();
        assert_eq!(registered.same, None);
    })
    .await;
}

fn register(client: Client, source: &str, max_unused: i64) -> RegisterClient {
    RegisterClient { client, source: source.to_owned(), max_unused }
}
