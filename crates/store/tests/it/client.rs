//! Clients that register themselves.

use kernel::Plain;
use model::client::ClientSecret;
use model::{Client, ClientAuth, ClientId};
use protocol::{RedirectUri, Scopes};
use store::unit::{RegisterClient, RegisterOutcome};

use crate::support::story::{client, secret};
use crate::support::{Story, on_each_database, race};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_found_as_it_was_registered() {
    on_each_database(async |db| {
        let secret: Plain<ClientSecret> = secret();
        let variants = [
            ClientAuth::None,
            ClientAuth::SecretPost(secret.hash()),
            ClientAuth::SecretBasic(secret.hash()),
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
            let unit = RegisterClient { client: client.clone(), max_unused: 10 };
            assert_eq!(db.store.write(unit).await.unwrap(), RegisterOutcome::Registered);
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

/// T-CON-07: parallel registrations make as many clients.
#[tokio::test(flavor = "multi_thread")]
async fn t_con_07_parallel_registrations_make_distinct_clients() {
    on_each_database(async |db| {
        let unit = |_| RegisterClient { client: client(), max_unused: 1000 };
        let outcomes = race(db, unit).await;
        assert!(outcomes.iter().all(|outcome| *outcome == RegisterOutcome::Registered));
        let mut reader = db.store.read().await.unwrap();
        let count = store::client::count_unused(reader.conn()).await.unwrap();
        assert_eq!(usize::try_from(count).unwrap(), outcomes.len());
    })
    .await;
}

/// Clients that nobody uses are bounded; those with a grant do not count.
#[tokio::test(flavor = "multi_thread")]
async fn unused_clients_are_bounded() {
    on_each_database(async |db| {
        let unit = || RegisterClient { client: client(), max_unused: 2 };
        for _ in 0..2 {
            assert_eq!(db.store.write(unit()).await.unwrap(), RegisterOutcome::Registered);
        }
        assert_eq!(db.store.write(unit()).await.unwrap(), RegisterOutcome::TooMany);
        let audited = db.number("SELECT COUNT(*) FROM OAUTH_AUDIT").await;
        assert_eq!(audited, 2, "a refused registration leaves no trace");

        let story = Story::begin(db).await;
        story.granted().await;
        let mut reader = db.store.read().await.unwrap();
        assert_eq!(store::client::count_unused(reader.conn()).await.unwrap(), 2);
    })
    .await;
}
