//! Limits at the token endpoint: who meets one, and who behind the same address does not (DS-6).

use auth::config::Machine;
use model::ClientId;
use protocol::Scopes;
use testkit::{Answer, Client, Connected, Engine, Secret, Tokens};

use crate::world::{DESK, Plan, VAULT, VAULT_SECRET, World};

#[track_caller]
fn is_slowed_down(answer: &Answer) {
    answer.refuses(429, "slow_down");
    assert!(answer.header("retry-after").is_some(), "{}", answer.body);
}

/// DS-6 (RFC 6585 §4): a client that asks without end has an end, which costs the person nothing, and
/// which others that share its address, its client or its person do not meet.
#[tokio::test]
async fn ds_6_tokens_of_one_person_through_one_client() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = Plan::on(engine).config(|config| config.tokens_per_minute = 4).start().await;
        let hosted = Client::configured(&world, DESK, Secret::None, "https://desk.example.com/cb");
        let Connected { client, tokens, .. } = world.connect_client(hosted.clone(), "basic").await;
        let mut last = tokens;
        for _ in 0..3 {
            last = Tokens::of(&client.refresh(&last.refresh).await);
        }
        // Neither what a stranger sends nor what is wrong counts, but what is right does.
        let before = world.dump().await;
        is_slowed_down(&client.refresh(&last.refresh).await);
        world.is_unchanged_since(&before).await;
        let (code, ask) = world.code(&client, "basic").await;
        is_slowed_down(&client.exchange(&code, &ask).await);
        // Many people behind one address, through one client: each has their own.
        for person in ["manager", "admin"] {
            let other = world.connect_client(hosted.clone(), person).await;
            Tokens::of(&other.client.refresh(&other.tokens.refresh).await);
        }
        // The same person through another client, where wrong tokens are still told to be wrong.
        let other = world.connect("basic").await;
        for _ in 0..6 {
            other.client.refresh("wg_rt_unknown").await.refuses(400, "invalid_grant");
        }
        Tokens::of(&other.client.refresh(&other.tokens.refresh).await);
    }
}

/// RT-4, TC-3, DS-6 (RFC 9700 §4.14.2): whoever stole a token cannot hide by using up the limit. What
/// comes a second time ends the grant, also for somebody who gets no more tokens at the moment.
#[tokio::test]
async fn rt_4_a_replay_is_seen_beyond_the_limit() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = Plan::on(engine).config(|config| config.tokens_per_minute = 3).start().await;
        let client = Client::configured(&world, DESK, Secret::None, "https://desk.example.com/cb");
        let stolen = world.connect_client(client.clone(), "basic").await;
        let replayed = world.connect_client(client.clone(), "basic").await;
        let thief = Tokens::of(&client.refresh(&stolen.tokens.refresh).await);
        is_slowed_down(&client.refresh(&thief.refresh).await);

        world.clock.advance_seconds(3600);
        client.refresh(&stolen.tokens.refresh).await.refuses(400, "invalid_grant");
        let ended = |reason: &str| format!("revocation_reason={reason}");
        assert_eq!(world.dump().await.count_with("OAUTH_GRANT", &ended("refresh_reuse")), 1);
        client.exchange(&replayed.code, &replayed.ask).await.refuses(400, "invalid_grant");
        assert_eq!(world.dump().await.count_with("OAUTH_GRANT", &ended("code_replay")), 1);
    }
}

/// DS-6, CC-1: a client that acts for itself, which would leave a row for each token.
#[tokio::test]
async fn ds_6_tokens_of_a_machine() {
    let plan = Plan::sqlite().config(|config| {
        config.tokens_per_minute = 2;
        config.machines.push(Machine {
            client: ClientId::from_text(VAULT),
            scopes: Scopes::READ,
            servers: vec!["default".to_owned()],
        });
    });
    let world = plan.start().await;
    let vault = Client::configured(&world, VAULT, Secret::Basic(VAULT_SECRET.into()), "");
    let ask = [("grant_type", "client_credentials")];
    for _ in 0..2 {
        assert_eq!(vault.token(&ask).await.status, 200);
    }
    let before = world.dump().await;
    is_slowed_down(&vault.token(&ask).await);
    world.is_unchanged_since(&before).await;
}

/// DS-6, T-CA-07: behind one address of a hosted client each of many registrations that ended hears
/// that it ended, or none of them would register anew; whoever knows its secret is let in throughout.
#[tokio::test]
async fn ds_6_failures_of_others_behind_one_address() {
    let world = World::sqlite().await;
    let nobody = |name: String| Client::configured(&world, &name, Secret::None, "");
    let broken = nobody("broken".to_owned());
    let mut refused = 0;
    for _ in 0..30 {
        let answer = broken.refresh("wg_rt_unknown").await;
        if answer.status == 429 {
            is_slowed_down(&answer);
            refused += 1;
        }
    }
    assert!((1..=10).contains(&refused), "{refused} of 30, after twenty");
    let mut heard = 0;
    for n in 0..64 {
        let answer = nobody(format!("ended-{n}")).refresh("wg_rt_unknown").await;
        heard += i32::from(answer.status == 401);
    }
    assert!(heard > 50, "only {heard} of 64 were told that they are unknown");
    let connected = world
        .connect_client(
            Client::configured(
                &world,
                VAULT,
                Secret::Basic(VAULT_SECRET.into()),
                "https://vault.example.com/cb",
            ),
            "basic",
        )
        .await;
    Tokens::of(&connected.client.refresh(&connected.tokens.refresh).await);
}
