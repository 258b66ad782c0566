//! What a thief of the database file would find.

use kernel::Plain;
use model::ClientAuth;
use model::authorization::{AuthorizationHandle, BrowserBinding};
use model::client::ClientSecret;
use model::code::CodeSecret;
use model::person::SessionSecret;
use model::refresh_token::RefreshSecret;
use store::unit::{RegisterClient, RotateOutcome, SignIn};

use crate::support::story::{client, secret, sign_in};
use crate::support::{NOW, Story, on_each_database};

/// T-KEY-11, ST-1: after a whole flow no secret is in any table, only hashes.
#[tokio::test(flavor = "multi_thread")]
async fn t_key_11_no_secret_is_stored_in_clear() {
    on_each_database(async |db| {
        let handle: Plain<AuthorizationHandle> = secret();
        let browser: Plain<BrowserBinding> = secret();
        let code: Plain<CodeSecret> = secret();
        let session: Plain<SessionSecret> = secret();
        let client_secret: Plain<ClientSecret> = secret();
        let successor: Plain<RefreshSecret> = secret();

        let mut registered = client();
        registered.auth = ClientAuth::SecretPost(client_secret.hash());
        db.store.write(RegisterClient { client: registered, max_unused: 10 }).await.unwrap();
        let session_of = (session.hash(), NOW.plus_seconds(60));
        db.store.write(SignIn { session: session_of, ..sign_in("ada") }).await.unwrap();

        let mut story = Story::begin(db).await;
        story.browser = browser.hash();
        let mut asked = crate::support::story::authorization(&story.client, &story.browser);
        asked.handle = handle.hash();
        let begin = store::unit::BeginAuthorization { authorization: asked.clone(), max_open: 9 };
        db.store.write(begin).await.unwrap();
        db.store.write(story.resume(&asked)).await.unwrap();
        let mut approve = story.approve(&asked);
        approve.code.hash = code.hash();
        db.store.write(approve).await.unwrap();
        db.store.write(story.redeem(&code.hash())).await.unwrap();
        let granted = story.granted().await;
        let rotate = story.rotate(&granted.refresh.hash(), &successor.hash(), NOW);
        assert_eq!(db.store.write(rotate).await.unwrap(), RotateOutcome::Rotated);

        let dump = db.dump().await;
        let secrets = [
            handle.reveal(),
            browser.reveal(),
            code.reveal(),
            session.reveal(),
            client_secret.reveal(),
            successor.reveal(),
            granted.refresh.reveal(),
        ];
        for secret in secrets {
            // Neither with its prefix nor without.
            assert!(!dump.contains(&secret[6..]), "a secret is in the dump");
        }
        assert!(dump.contains(successor.hash().as_str()), "the dump is complete");
        assert!(dump.contains(client_secret.hash().as_str()), "the dump is complete");
        for prefix in ["wg_tx_", "wg_bb_", "wg_ac_", "wg_se_", "wg_cs_", "wg_rt_"] {
            assert!(!dump.contains(prefix), "{prefix}");
        }
    })
    .await;
}
