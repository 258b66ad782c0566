//! A process that takes over from the one before while that one drains.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use testkit::{Answer, Engine, Era, McpCaller, Place};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::world::Plan;

#[tokio::test(flavor = "multi_thread")]
async fn the_next_process_takes_over_on_sqlite() {
    takes_over(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_process_takes_over_on_postgres() {
    takes_over(Engine::Postgres).await;
}

/// `server.reuse_port`: whoever asks once more when a connection broke off is always answered, over
/// connections that are kept and over new ones, and tokens go on.
async fn takes_over(engine: Engine) {
    let plan = Plan::on(engine).listener("reuse_port = true");
    let mut process = plan.start_process().await;
    let connected = process.place().connect("basic").await;
    let (done, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut calling = JoinSet::new();
    for keeps in [true, true, false] {
        let place = process.place().clone();
        let token = connected.tokens.access.clone();
        let (done, answered) = (Arc::clone(&done), Arc::clone(&answered));
        calling.spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let place = if keeps { place.clone() } else { anew(&place) };
                call(&McpCaller::new(&place, &token, Era::Stateless)).await;
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    for _ in 0..3 {
        process.hand_over().await;
        let before = answered.load(Ordering::Relaxed);
        while answered.load(Ordering::Relaxed) < before + 20 {
            assert_eq!(calling.try_join_next().map(|ended| ended.map_err(|e| e.to_string())), None);
            sleep(Duration::from_millis(1)).await;
        }
    }
    done.store(true, Ordering::Relaxed);
    while let Some(ended) = calling.join_next().await {
        ended.expect("no call failed");
    }
    let refreshed = connected.client.refresh(&connected.tokens.refresh).await;
    assert_eq!(refreshed.status, 200);
}

/// The same place over a new connection.
fn anew(place: &Place) -> Place {
    Place::new(&place.issuer, &place.mcp)
}

/// A call, and once more if its connection broke off.
async fn call(caller: &McpCaller) {
    let params = || json!({ "name": "list_requests", "arguments": {} });
    let request = || caller.request("tools/call", params());
    let answer = match Answer::try_to(request()).await {
        Ok(answer) => answer,
        Err(_) => Answer::try_to(request()).await.expect("an answer the second time"),
    };
    assert_eq!(answer.status, 200, "{}", answer.body);
}
