//! Many at once, over HTTP, at two processes, on both databases: the database decides who wins.

use testkit::{Connected, Engine, Tokens};
use tokio::task::JoinSet;

use crate::world::Plan;

const MANY: usize = 32;

/// T-CON-01: one code, many redemptions: one winner.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_con_01_one_code_on_sqlite() {
    one_code(Engine::Sqlite).await;
}

/// T-CON-01 on the other database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_con_01_one_code_on_postgres() {
    one_code(Engine::Postgres).await;
}

async fn one_code(engine: Engine) {
    let mut world = Plan::on(engine).start().await;
    let client = world.client().await;
    let nodes = [client.clone(), client.at(&world.replica().await)];
    for round in 0..5 {
        let (code, ask) = world.code(&client, "basic").await;
        let mut racing = JoinSet::new();
        for number in 0..MANY {
            let (client, code, ask) = (nodes[number % 2].clone(), code.clone(), ask.clone());
            racing.spawn(async move { client.exchange(&code, &ask).await });
        }
        let answers = racing.join_all().await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.status == 200);
        assert_eq!(won.len(), 1, "round {round}");
        for answer in lost {
            answer.refuses(400, "invalid_grant");
        }
        // TC-3: a second valid redemption is a replay, however soon it comes.
        let refresh = client.refresh(&Tokens::of(won[0]).refresh).await;
        refresh.refuses(400, "invalid_grant");
    }
    let dump = world.dump().await;
    assert_eq!(dump.count("OAUTH_GRANT"), 5);
    assert_eq!(dump.count_with("OAUTH_AUDIT", "kind=code.redeemed"), 5);
    assert_eq!(dump.count_with("OAUTH_GRANT", "revocation_reason=code_replay"), 5);
}

/// T-CON-03: one refresh token, many uses: one successor for all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_con_03_one_successor_on_sqlite() {
    one_successor(Engine::Sqlite).await;
}

/// T-CON-03 on the other database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_con_03_one_successor_on_postgres() {
    one_successor(Engine::Postgres).await;
}

async fn one_successor(engine: Engine) {
    let mut world = Plan::on(engine).start().await;
    let Connected { client, mut tokens, .. } = world.connect("basic").await;
    let nodes = [client.clone(), client.at(&world.replica().await)];
    for round in 1..=5 {
        let mut racing = JoinSet::new();
        for number in 0..MANY {
            let (client, refresh) = (nodes[number % 2].clone(), tokens.refresh.clone());
            racing.spawn(async move { Tokens::of(&client.refresh(&refresh).await).refresh });
        }
        let mut successors = racing.join_all().await;
        successors.sort_unstable();
        successors.dedup();
        assert_eq!(successors.len(), 1, "round {round}");
        tokens.refresh = successors.remove(0);
        let dump = world.dump().await;
        assert_eq!(dump.count("OAUTH_REFRESH_TOKEN"), round + 1);
        assert_eq!(dump.live_leaves(), 1);
        let rotated = dump.count_with("OAUTH_AUDIT", "kind=refresh.rotated");
        let reused = dump.count_with("OAUTH_AUDIT", "kind=refresh.reused_in_window");
        assert_eq!((rotated, reused), (round, round * (MANY - 1)));
    }
}

/// T-CON-04: processes that share a token and do not know of each other stay signed in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_con_04_processes_that_share_a_token_stay_signed_in() {
    let world = Plan::sqlite().start().await;
    let Connected { client, tokens, .. } = world.connect("basic").await;
    let mut shared = tokens.refresh;
    // An hour in steps of a minute; each process reads the shared token and then both use it.
    for _ in 0..60 {
        let (one, two) = tokio::join!(client.refresh(&shared), client.refresh(&shared));
        let (one, two) = (Tokens::of(&one), Tokens::of(&two));
        assert_eq!(one.refresh, two.refresh);
        shared = two.refresh;
        world.clock.advance_seconds(60);
    }
}

/// T-CON-06: theft that is found while others refresh leaves nobody connected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_con_06_no_leaf_outlives_a_found_theft() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = Plan::on(engine).start().await;
        let Connected { client, tokens, .. } = world.connect("basic").await;
        let first = Tokens::of(&client.refresh(&tokens.refresh).await);
        let second = Tokens::of(&client.refresh(&first.refresh).await);
        let mut racing = JoinSet::new();
        for number in 0..MANY {
            let client = client.clone();
            let stolen = number % 4 == 3;
            let refresh = if stolen { &tokens.refresh } else { &second.refresh };
            let refresh = refresh.clone();
            racing.spawn(async move {
                let answer = client.refresh(&refresh).await;
                (answer.status == 200).then(|| Tokens::of(&answer).refresh)
            });
        }
        let survivors: Vec<String> = racing.join_all().await.into_iter().flatten().collect();
        for token in survivors.iter().chain([&second.refresh]) {
            client.refresh(token).await.refuses(400, "invalid_grant");
        }
        let dump = world.dump().await;
        assert_eq!(dump.count_with("OAUTH_AUDIT", "kind=grant.revoked"), 1);
    }
}
