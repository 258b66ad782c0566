//! Bad weather: the database is locked or away, and the process is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use testkit::{Answer, Connected, Era, McpCaller, Tick, Tokens};

use crate::world::{Plan, World};

/// T-STO-04, T-STO-07, TK-4: while somebody else holds SQLite's write lock, clients are told to
/// come again, never that their token is bad; afterwards the same token works.
#[tokio::test]
async fn t_sto_04_and_07_sqlite_locked_by_another_process() {
    away_and_back(World::sqlite().await).await;
}

/// T-STO-07, T-STO-08: the same while PostgreSQL lets nobody in.
#[tokio::test]
async fn t_sto_07_postgres_away() {
    away_and_back(World::postgres().await).await;
}

async fn away_and_back(world: World) {
    let Connected { client, tokens, .. } = world.connect("basic").await;
    let (code, ask) = world.code(&client, "basic").await;
    let person = world.person();
    let consent = person.sign_in(&client.ask(), "basic").await;
    let before = world.dump().await;
    let lock = world.database.lock().await;
    let waiting_person = Arc::new(person);
    let (for_click, page) = (Arc::clone(&waiting_person), consent.clone());
    let start = client.ask().url();
    let (refresh, redeemed, clicked, started) = tokio::join!(
        client.refresh(&tokens.refresh),
        client.exchange(&code, &ask),
        for_click.allow(&page, Tick::All),
        waiting_person.visit(&start),
    );
    for answer in [&refresh, &redeemed] {
        answer.refuses(503, "temporarily_unavailable");
        assert!(answer.header("retry-after").is_some());
    }
    for page in [&clicked.answer, &started.answer] {
        assert_eq!(page.status, 503, "{}", page.body);
        assert!(page.header("retry-after").is_some());
        assert_eq!(page.header("location"), None);
    }
    // Verified tokens go on being served.
    let caller = McpCaller::new(&world, &tokens.access, Era::Stateless);
    let served = caller.ask("tools/list", json!({})).await;
    assert!(matches!(served.status, 200 | 503), "{}", served.body);
    lock.release().await;
    world.is_unchanged_since(&before).await;
    is_back(&world).await;
    assert_eq!(client.refresh(&tokens.refresh).await.status, 200);
    assert_eq!(client.exchange(&code, &ask).await.status, 200);
    let page = waiting_person.allow(&consent, Tick::All).await;
    page.returned().code();
}

/// Waits until `/ready` says so, without a restart.
pub(crate) async fn is_back(world: &World) {
    let ready = async {
        while world.get(&world.at("/ready")).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ready).await.expect("ready again");
}

/// T-DOS-03: headers and URLs have limits, and the process goes on.
#[tokio::test]
async fn t_dos_03_headers_and_urls_have_limits() {
    let world = World::sqlite().await;
    let long = "x".repeat(100 * 1024);
    for url in [world.at("/jwks"), world.mcp.clone()] {
        let header = world.http.get(&url).header("x-long", &long);
        let query = world.http.get(format!("{url}?x={long}"));
        let many = (0..1000)
            .fold(world.http.get(&url), |request, n| request.header(format!("x-header-{n}"), "y"));
        for request in [header, query, many] {
            // The connection may end before the client has written everything.
            if let Ok(answer) = Answer::try_to(request).await {
                assert!(matches!(answer.status, 400 | 414 | 431), "{}", answer.status);
            }
        }
    }
    assert_eq!(world.get(&world.at("/health")).await.status, 200);
}

/// `/health` says that the process lives, `/ready` that it can serve.
#[tokio::test]
async fn ready_follows_the_database() {
    let world = World::postgres().await;
    let status = async |path: &str| world.get(&world.at(path)).await.status;
    assert_eq!((status("/health").await, status("/ready").await), (200, 200));
    let lock = world.database.lock().await;
    assert_eq!((status("/health").await, status("/ready").await), (200, 503));
    lock.release().await;
    is_back(&world).await;
}

/// T-STO-16: a stop under load refuses new connections, finishes what it took, and ends in time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_sto_16_a_stop_under_load_loses_nothing() {
    let mut world = World::sqlite().await;
    let answered = Arc::new(AtomicUsize::new(0));
    let stopped = Arc::new(AtomicBool::new(false));
    let mut load = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let Connected { client, mut tokens, .. } = world.connect("basic").await;
        let (answered, stopped) = (Arc::clone(&answered), Arc::clone(&stopped));
        load.spawn(async move {
            while !stopped.load(Ordering::Relaxed) {
                let params =
                    [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
                let request = client.request("/token", &params);
                let Ok(answer) = Answer::try_to(request).await else {
                    return;
                };
                tokens = Tokens::of(&answer);
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let connected = world.connect("basic").await;
    let caller = McpCaller::new(&world, &connected.tokens.access, Era::Stateless);
    let slow = json!({ "name": "export_report", "arguments": { "steps": 4, "delay_ms": 250 } });
    let slow = tokio::spawn(Answer::try_to(caller.request("tools/call", slow)));
    // The call was sent long before the load has gone on for so much more.
    let enough = answered.load(Ordering::Relaxed) + 200;
    while answered.load(Ordering::Relaxed) < enough {
        tokio::task::yield_now().await;
    }
    let stopping = world.stopping();
    tokio::time::timeout(Duration::from_secs(10), stopping)
        .await
        .expect("stopped within ten seconds")
        .expect("no panic");
    stopped.store(true, Ordering::Relaxed);
    // A panic in a task is an answer that was not 200.
    load.join_all().await;
    let slow = slow.await.expect("no panic").expect("the running call ends");
    assert_eq!(slow.status, 200, "{}", slow.body);
    let refused = Answer::try_to(world.http.get(world.at("/health"))).await;
    assert!(refused.is_err(), "new connections are refused");
}

/// A low soft limit of open files, as many systems have, is raised as far as it may be.
#[tokio::test]
async fn many_clients_fit_under_a_low_limit_of_files() {
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(300), ..before }).expect("lowered");
    let process = Plan::sqlite().start_process().await;
    setrlimit(Resource::Nofile, before).expect("as it was");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.id()));
    let limits = limits.expect("the limits of a process");
    let files = limits.lines().find(|line| line.starts_with("Max open files")).expect("a line");
    let soft = files.split_whitespace().nth(3).and_then(|soft| soft.parse::<u64>().ok());
    assert_eq!(soft, Some(before.maximum.unwrap_or(u64::MAX).min(45_000)), "{files}");
}
