//! What a thief of the database file would find.

use kernel::Plain;
use model::ClientAuth;
use model::authorization::{AuthorizationHandle, BrowserBinding};
use model::client::ClientSecret;
use model::code::CodeSecret;
use model::person::{SessionSecret, hash_upstream_session};
use model::refresh_token::RefreshSecret;
use model::upstream::UpstreamState;
use store::unit::{
    AnswerUpstream, BeginUpstream, OneTime, RegisterClient, Room, RotateOutcome, SignIn,
};

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
        let state: Plain<UpstreamState> = secret();

        let mut registered = client();
        registered.auth = ClientAuth::SecretPost(client_secret.hash());
        db.store
            .write(RegisterClient { client: registered, source: String::new(), max_unused: 10 })
            .await
            .unwrap();
        let session_of = (session.hash(), NOW.plus_seconds(60));
        let one_time = OneTime {
            purpose: "portal_token:portal".into(),
            id: "the id of a token".into(),
            expires_at: NOW.plus_seconds(60),
        };
        let upstream_session = Some(hash_upstream_session("the sid of a provider"));
        let by_portal = SignIn {
            session: session_of,
            upstream_session,
            one_time: Some(one_time),
            ..sign_in("ada")
        };
        db.store.write(by_portal).await.unwrap();

        let mut away = crate::upstream::away(&browser.hash());
        away.state = state.hash();
        db.store
            .write(BeginUpstream {
                sign_in: away.clone(),
                source: String::new(),
                room: Room::of(9),
            })
            .await
            .unwrap();
        let answer = AnswerUpstream {
            state: away.state,
            provider: away.provider,
            answer_sealed: "sealed".into(),
            one_time_id: "the id of an assertion".into(),
            one_time_expires_at: NOW.plus_seconds(60),
            now: NOW,
        };
        db.store.write(answer).await.unwrap();

        let mut story = Story::begin(db).await;
        story.browser = browser.hash();
        let mut asked = crate::support::story::authorization(&story.client, &story.browser);
        asked.handle = handle.hash();
        let begin = store::unit::BeginAuthorization {
            authorization: asked.clone(),
            source: String::new(),
            room: Room::of(9),
        };
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
            state.reveal(),
            granted.refresh.reveal(),
        ];
        for secret in secrets {
            // Neither with its prefix nor without.
            assert!(!dump.contains(&secret[6..]), "a secret is in the dump");
        }
        assert!(dump.contains(successor.hash().as_str()), "the dump is complete");
        assert!(dump.contains(client_secret.hash().as_str()), "the dump is complete");
        assert!(dump.contains(state.hash().as_str()), "the dump is complete");
        for id in ["the sid", "the id of"] {
            assert!(!dump.contains(id), "ids of providers are kept as hashes only");
        }
        for prefix in ["wg_tx_", "wg_bb_", "wg_ac_", "wg_se_", "wg_cs_", "wg_rt_", "wg_up_"] {
            assert!(!dump.contains(prefix), "{prefix}");
        }
    })
    .await;
}
