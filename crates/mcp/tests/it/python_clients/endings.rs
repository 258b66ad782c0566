//! A stream that began early ends as one does that the server began: with its token (MC-5), and with
//! the process.

use futures_util::FutureExt as _;
use mcp::Body;
use serde_json::json;

use super::{PYTHON, Slow, call, data, next, result};
use crate::support::{Ask, SOON, START, Token, World, get, modern};

/// A server that never says anything unless the test says so.
async fn silent() -> Slow {
    // Whatever ends within this, ended at once.
    Slow::with(|_| true, result, |config| config.limits.drain_grace = SOON * 60).await
}

pub(super) fn stream(token: &str) -> Ask {
    get("/mcp").header("accept", "text/event-stream").bearer(token).header("user-agent", PYTHON)
}

fn subscription(token: &str) -> Ask {
    let listen = modern("subscriptions/listen", &json!({ "notifications": {} }));
    listen.bearer(token).header("user-agent", PYTHON)
}

/// A token of a minute.
fn short(world: &World) -> String {
    Token::new("mcp:read").claim("exp", START + 60).sign(&world.authority.key())
}

/// What still waits, and goes on doing so.
async fn waiting(slow: &Slow, ask: Ask) -> Body {
    let mut body = slow.begun(ask).await;
    assert!(next(&mut body).now_or_never().is_none());
    slow.world.settle().await;
    assert!(next(&mut body).now_or_never().is_none());
    body
}

/// Nothing follows, and nobody waits for the server any more, although the client is still there.
async fn ended(slow: &Slow, mut body: Body) {
    assert_eq!(next(&mut body).await, None);
    let abandoned = slow.world.server.abandoned.notified();
    tokio::time::timeout(SOON, abandoned).await.expect("the server sees it");
}

/// What ends access, in the words of each kind.
async fn ends(slow: &Slow, ask: impl Fn(&str) -> Ask, says: Option<&str>, end: impl AsyncFn()) {
    let mut body = waiting(slow, ask(&short(&slow.world))).await;
    end().await;
    if let Some(says) = says {
        let last = next(&mut body).await.unwrap();
        assert_eq!(data(&last)["id"], 7);
        assert!(last.contains(says), "{last}");
    }
    ended(slow, body).await;
}

#[tokio::test]
async fn what_waits_ends_with_its_grant() {
    for (ask, says) in KINDS {
        let slow = silent().await;
        ends(&slow, ask, says, async || {
            slow.world.authority.revoke(5);
            slow.world.settle().await;
        })
        .await;
    }
}

#[tokio::test]
async fn what_waits_ends_with_its_token() {
    for (ask, says) in KINDS {
        let slow = silent().await;
        ends(&slow, ask, says, async || {
            slow.world.clock.advance_seconds(70);
            slow.world.settle().await;
        })
        .await;
    }
}

type Kind = (fn(&str) -> Ask, Option<&'static str>);

/// What a client can wait for, and the last that it hears.
const KINDS: [Kind; 3] = [
    (stream, None),
    (subscription, Some(r#""resultType":"complete""#)),
    (call, Some(r#""code":-31401,"message":"access ended"#)),
];

/// SIGTERM: what only waits for news ends at once.
#[tokio::test]
async fn draining_ends_what_waits_for_news() {
    for (ask, says) in &KINDS[..2] {
        let slow = silent().await;
        ends(&slow, ask, *says, async || slow.world.sidecar.drain()).await;
    }
}

/// A call gets its grace, and then hears that it may have been carried out.
#[tokio::test]
async fn draining_leaves_a_call_its_grace() {
    let slow = Slow::new(|_| true, result).await;
    let token = slow.world.token("mcp:read");
    let mut answered = slow.begun(call(&token)).await;
    let mut unanswered = slow.begun(call(&token)).await;
    slow.world.sidecar.drain();
    for body in [&mut answered, &mut unanswered] {
        assert!(next(body).now_or_never().is_none());
    }
    slow.answer.notify_one();
    assert_eq!(data(&next(&mut answered).await.unwrap())["result"], json!({}));
    assert_eq!(next(&mut answered).await, None);
    // From here on the runtime's clock jumps to whatever is waited for: the end of the grace.
    tokio::time::pause();
    let last = data(&next(&mut unanswered).await.unwrap());
    assert_eq!(last["error"]["code"], -31503, "{last}");
    assert!(last["error"]["message"].as_str().unwrap().contains("may have been carried out"));
    ended(&slow, unanswered).await;
}

/// MC-5: what ended holds none of the ten places.
#[tokio::test]
async fn what_ended_makes_room() {
    let slow = silent().await;
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(slow.begun(stream(&short(&slow.world))).await);
    }
    slow.world.clock.advance_seconds(70);
    for body in &mut held {
        assert_eq!(next(body).await, None);
    }
    let token = Token::new("mcp:read").claim("exp", START + 600).sign(&slow.world.authority.key());
    waiting(&slow, stream(&token)).await;
}
