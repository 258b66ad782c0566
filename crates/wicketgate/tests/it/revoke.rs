//! How soon the sidecar knows of a revocation (RFC 7009).

use std::time::Duration;

use serde_json::json;
use testkit::{Connected, Engine, Era, McpCaller, Tokens};

use crate::world::Plan;

/// T-REV-04, RV-3, GR-4: a revoked grant is known at the MCP endpoint within five seconds.
#[tokio::test]
async fn t_rev_04_in_one_process() {
    known_within_five_seconds(Plan::sqlite()).await;
}

/// T-REV-04, with the sidecar in a process of its own.
#[tokio::test]
async fn t_rev_04_in_two_processes() {
    known_within_five_seconds(Plan::sqlite().apart()).await;
}

async fn known_within_five_seconds(plan: Plan) {
    let world = plan.start().await;
    let kept = world.connect("basic").await;
    let Connected { client, tokens, .. } = world.connect("basic").await;
    let caller = McpCaller::new(&world, &tokens.access, Era::Stateless);
    assert!(!caller.tools().await.is_empty());
    // An older token of the same grant goes, too.
    let next = Tokens::of(&client.refresh(&tokens.refresh).await);
    assert_eq!(client.revoke(&next.refresh).await.status, 200);
    for token in [&tokens.access, &next.access] {
        is_refused_soon(&caller.with_token(token)).await;
    }
    let other = caller.with_token(&kept.tokens.access);
    assert!(!other.tools().await.is_empty(), "other grants go on");
}

/// T-REV-05, RV-3: an access token that was revoked alone is known within five seconds, in both
/// shapes; another one of the same grant goes on.
#[tokio::test]
async fn t_rev_05_a_token_alone() {
    for plan in [Plan::sqlite(), Plan::postgres(), Plan::sqlite().apart(), Plan::postgres().apart()]
    {
        let world = plan.start().await;
        let Connected { client, tokens, .. } = world.connect("basic").await;
        let next = Tokens::of(&client.refresh(&tokens.refresh).await);
        let caller = McpCaller::new(&world, &tokens.access, Era::Stateless);
        assert!(!caller.tools().await.is_empty());
        assert_eq!(client.revoke(&tokens.access).await.status, 200);
        is_refused_soon(&caller).await;
        assert!(!caller.with_token(&next.access).tools().await.is_empty());
        assert_eq!(client.refresh(&next.refresh).await.status, 200);
    }
}

/// T-REV-04, GR-4: revoked at one replica, refused at the other, and signed in at either.
#[tokio::test]
async fn t_rev_04_at_another_replica() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let mut world = Plan::on(engine).start().await;
        let other = world.replica().await;
        let Connected { client, tokens, .. } = world.connect("basic").await;
        let caller = McpCaller::new(&other, &tokens.access, Era::Stateless);
        assert!(!caller.tools().await.is_empty());
        assert_eq!(client.revoke(&tokens.refresh).await.status, 200);
        is_refused_soon(&caller).await;
        let next = client.at(&other).refresh(&tokens.refresh).await;
        next.refuses(400, "invalid_grant");
    }
}

/// Asks until the answer is 401, for five seconds at most.
pub(crate) async fn is_refused_soon(caller: &McpCaller) {
    let refused = async {
        loop {
            let answer = caller.ask("tools/list", json!({})).await;
            if answer.status == 401 {
                let challenge = answer.header("www-authenticate").unwrap_or_default();
                assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
                return;
            }
            assert_eq!(answer.status, 200, "{}", answer.body);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), refused)
        .await
        .expect("refused within five seconds");
}
