//! Many requests at once, and many that are given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt as _;
use serde_json::json;
use tokio::sync::mpsc;

use crate::support::{Answer, SOON, Token, World, echo, json as reply_json, modern};

/// T-MCP-43: 10,000 slow calls of two people with the same ids, 64 at a time over pooled
/// connections, overtaking each other: each gets their own answer.
#[tokio::test]
async fn t_mcp_43_ten_thousand_equal_ids_do_not_cross() {
    const CALLS: usize = 10_000;
    let turn = AtomicUsize::new(0);
    let world = World::new(move |request| {
        let who = request.header("x-wicketgate-subject").to_owned();
        let message = request.message();
        let nonce = message["params"]["arguments"]["nonce"].clone();
        let result = json!({ "who": who, "nonce": nonce });
        let text = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }).to_string();
        let late = turn.fetch_add(1, Ordering::Relaxed) % 7;
        Box::pin(async move {
            for _ in 0..late {
                tokio::task::yield_now().await;
            }
            reply_json(&text).await
        })
    })
    .await;
    let tokens: Vec<String> = ["sub_a", "sub_b"]
        .map(|who| Token::new("mcp:read").claim("sub", who).sign(&world.authority.key()))
        .into();
    let mut answers = futures_util::stream::iter(0..CALLS)
        .map(|n| {
            let arguments = json!({ "nonce": n });
            let ask = modern("tools/call", &json!({ "name": "get_x", "arguments": arguments }));
            let asking = world.ask(ask.bearer(&tokens[n % 2]));
            async move { (n, asking.await) }
        })
        .buffer_unordered(64);
    let mut count = 0;
    while let Some((n, answer)) = answers.next().await {
        let who = ["sub_a", "sub_b"][n % 2];
        assert_eq!(answer.json()["result"], json!({ "who": who, "nonce": n }));
        count += 1;
    }
    assert_eq!((count, world.server.requests().len()), (CALLS, CALLS));
}

/// A6: one person has so many requests under way and no more, however many clients they have;
/// others find room, and an answer makes room again.
#[tokio::test]
async fn requests_of_one_person_are_bounded() {
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let (free, freed) = tokio::sync::watch::channel(());
    let world = World::with(
        move |_| {
            let (arrived, mut freed) = (arrived.clone(), freed.clone());
            Box::pin(async move {
                arrived.send(()).unwrap();
                freed.changed().await.ok();
                reply_json(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#).await
            })
        },
        |config| {
            config.limits.requests = 40;
            config.limits.requests_per_principal = 5;
        },
    )
    .await;
    let asking = |who: &'static str, client: &str| {
        let token = Token::new("mcp:read").claim("sub", who).claim("client_id", client);
        let ask = modern("tools/call", &json!({ "name": "get_x" }));
        let request = ask.bearer(&token.sign(&world.authority.key())).build();
        let sidecar = Arc::clone(&world.sidecar);
        async move { Answer::read(sidecar.handle(request).await).await }
    };
    let mut greedy = tokio::task::JoinSet::new();
    for n in 0..30 {
        greedy.spawn(asking("sub_greedy", ["a", "b", "c"][n % 3]));
    }
    for _ in 0..20 {
        let refused = greedy.join_next().await.unwrap().unwrap();
        assert_eq!((refused.status.as_u16(), refused.code()), (429, -31413));
        assert!(refused.headers.contains_key("retry-after"));
    }
    let other = tokio::spawn(asking("sub_other", "a"));
    for _ in 0..11 {
        tokio::time::timeout(SOON, arrivals.recv()).await.unwrap().unwrap();
    }
    free.send(()).unwrap();
    assert_eq!(other.await.unwrap().status, 200);
    while let Some(answer) = greedy.join_next().await {
        assert_eq!(answer.unwrap().status, 200);
    }
}

/// One request that runs at the server.
struct Running(Arc<AtomicUsize>, mpsc::UnboundedSender<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
        let _ = self.1.send(());
    }
}

/// T-MCP-52: 10,000 clients that go away, each seen by the server, and nothing left of them.
#[tokio::test]
async fn t_mcp_52_ten_thousand_clients_that_leave() {
    const CYCLES: usize = 10_000;
    const AT_ONCE: usize = 50;
    let running = Arc::new(AtomicUsize::new(0));
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let (ended, mut ends) = mpsc::unbounded_channel();
    let count = Arc::clone(&running);
    let world = World::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        let running = Running(Arc::clone(&count), ended.clone());
        arrived.send(()).unwrap();
        Box::pin(async move {
            let _running = running;
            std::future::pending().await
        })
    })
    .await;
    let token = world.token("mcp:read");
    let ask = modern("tools/call", &json!({ "name": "get_x" })).bearer(&token);
    for _ in 0..CYCLES / AT_ONCE {
        let mut asking = Vec::new();
        for _ in 0..AT_ONCE {
            let (sidecar, request) = (Arc::clone(&world.sidecar), ask.clone().build());
            asking.push(tokio::spawn(async move { sidecar.handle(request).await }));
        }
        for _ in 0..AT_ONCE {
            tokio::time::timeout(SOON, arrivals.recv()).await.unwrap().unwrap();
        }
        asking.iter().for_each(tokio::task::JoinHandle::abort);
        for _ in 0..AT_ONCE {
            tokio::time::timeout(SOON, ends.recv()).await.expect("the server sees it").unwrap();
        }
    }
    assert_eq!(running.load(Ordering::SeqCst), 0);
    assert_eq!(world.server.requests().len(), CYCLES);
    let idle = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    assert!(idle < AT_ONCE, "{idle} tasks are left");
}

/// What a request holds while it waits for its upstream, which thousands may do at once.
#[tokio::test]
async fn a_request_that_waits_holds_little() {
    let world = World::new(echo).await;
    let request = http::Request::new(http_body_util::Full::new(bytes::Bytes::new()));
    let size = size_of_val(&world.sidecar.handle(request));
    assert!(size < 12 << 10, "{size} bytes");
}
