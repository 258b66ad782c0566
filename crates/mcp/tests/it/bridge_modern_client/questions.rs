//! Servers that ask something in the middle of a call (D-36, D-37).

use std::sync::Arc;

use serde_json::{Value, json};

use super::legacy_server::{Legacy, Running, call, numbered, plain, with};
use crate::support::{Answer, Ask, Token};

/// A call whose server asks `questions`, up to the point where the client is sent away.
async fn parked(legacy: &Legacy, questions: &[&str]) -> (Answer, Running) {
    let (answer, running) = tokio::join!(legacy.ask(call(&json!(7))), async {
        let running = legacy.call().await;
        for question in questions {
            running.elicit(question, question);
        }
        running
    });
    assert_eq!(answer.json()["result"]["resultType"], "input_required");
    (answer, running)
}

fn state(answer: &Answer) -> Value {
    answer.json()["result"]["requestState"].clone()
}

fn retry(state: &Value, responses: &Value) -> Ask {
    let params = json!({ "name": "get_x", "inputResponses": responses, "requestState": state });
    numbered(&json!("second"), "tools/call", &params, &json!({ "elicitation": {} }))
}

fn accept() -> Value {
    json!({ "action": "accept", "content": { "n": 1 } })
}

/// D-36, C-80, C-81: two questions at once, their answers, and the result under the second id.
#[tokio::test]
async fn d_36_questions_become_results_and_back() {
    let legacy = Legacy::new(plain).await;
    let (answer, running) = parked(&legacy, &["a", "b"]).await;
    assert_eq!((answer.status.as_u16(), answer.json()["id"].clone()), (200, json!(7)));
    let result = answer.json()["result"].clone();
    let requests = &result["inputRequests"];
    assert_eq!(requests["q1"]["method"], "elicitation/create");
    assert_eq!(requests["q1"]["params"]["message"], "a");
    assert_eq!(requests["q2"]["params"]["message"], "b");
    assert!(result.get("ttlMs").is_none(), "C-60");
    let responses = json!({ "q1": accept(), "q2": { "action": "decline" } });
    let (answer, ()) = tokio::join!(legacy.ask(retry(&state(&answer), &responses)), async {
        let told = [legacy.told().await, legacy.told().await];
        assert_eq!(told[0], json!({ "jsonrpc": "2.0", "id": "a", "result": accept() }));
        assert_eq!(told[1]["result"], json!({ "action": "decline" }));
        running.finish(&json!({ "content": [] }));
    });
    assert_eq!(answer.json()["id"], "second");
    assert_eq!(answer.json()["result"]["resultType"], "complete");
    assert_eq!(legacy.sent("tools/call").len(), 1, "the call was never sent twice");
    assert!(legacy.told_nothing().await, "and never cancelled");
}

/// D-36: what is not answered is asked again, together with what came up meanwhile.
#[tokio::test]
async fn d_36_missing_answers_are_asked_again() {
    let legacy = Legacy::new(plain).await;
    let (answer, running) = parked(&legacy, &["a", "b"]).await;
    running.elicit("c", "c");
    running.question("p", "ping", &json!({}));
    assert_eq!(legacy.told().await["id"], "p", "so c was heard as well");
    let second = legacy.ask(retry(&state(&answer), &json!({ "q2": accept() }))).await;
    let requests = second.json()["result"]["inputRequests"].clone();
    let keys: Vec<&String> = requests.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["q1", "q3"]);
    assert_eq!(legacy.told().await["id"], "b");
    assert_eq!(legacy.ask(retry(&state(&answer), &json!({}))).await.code(), -32602, "used up");
    let (answer, ()) = tokio::join!(
        legacy.ask(retry(&state(&second), &json!({ "q1": accept(), "q3": accept() }))),
        async {
            legacy.told().await;
            legacy.told().await;
            running.finish(&json!({ "content": [] }));
        }
    );
    assert_eq!(answer.json()["result"]["resultType"], "complete");
}

/// The server answers by itself while the client is away.
#[tokio::test]
async fn d_36_an_answer_waits_for_its_client() {
    let legacy = Legacy::new(plain).await;
    let (answer, running) = parked(&legacy, &["a"]).await;
    running.finish(&json!({ "content": ["too late"] }));
    let answer = legacy.ask(retry(&state(&answer), &json!({}))).await;
    let told: Value = answer.json()["result"].clone();
    // Whichever is noticed first, the answer or the question that is still open.
    if told["resultType"] == "input_required" {
        let answer = legacy.ask(retry(&state(&answer), &json!({}))).await;
        assert_eq!(answer.json()["result"]["content"], json!(["too late"]));
    } else {
        assert_eq!(told["content"], json!(["too late"]));
    }
}

/// A server may take its question back; the answer to it is then nobody's.
#[tokio::test]
async fn d_36_questions_may_be_withdrawn() {
    let legacy = Legacy::new(plain).await;
    let (answer, running) = parked(&legacy, &["a"]).await;
    running.say(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled",
                         "params": { "requestId": "a" } }));
    running.question("p", "ping", &json!({}));
    assert_eq!(legacy.told().await["id"], "p", "so the withdrawal was heard as well");
    running.finish(&json!({ "content": [] }));
    let answer = legacy.ask(retry(&state(&answer), &json!({ "q1": accept() }))).await;
    assert_eq!(answer.json()["result"]["resultType"], "complete");
    assert!(legacy.told_nothing().await);
}

/// D-36: samples and roots take the same way, each only for clients that declare it.
#[tokio::test]
async fn d_36_samples_and_roots() {
    let legacy = Legacy::new(plain).await;
    let able = json!({ "sampling": {}, "roots": {} });
    let params = json!({ "name": "get_x" });
    let (answer, _running) = tokio::join!(legacy.ask(with("tools/call", &params, &able)), async {
        let running = legacy.call().await;
        running.question("s", "sampling/createMessage", &json!({ "messages": [], "maxTokens": 9 }));
        running.question("r", "roots/list", &json!({}));
        running
    });
    let requests = answer.json()["result"]["inputRequests"].clone();
    let sample = json!({ "method": "sampling/createMessage",
                         "params": { "messages": [], "maxTokens": 9 } });
    assert_eq!(requests["q1"], sample);
    assert_eq!(requests["q2"], json!({ "method": "roots/list" }));
}

/// C-82, G-21, T-MCP-45: a state opens for its own principal, in time, unchanged, and for the
/// same request; a refused try uses nothing up.
#[tokio::test]
async fn c_82_states_that_are_not_valid() {
    let legacy = Legacy::new(plain).await;
    let (answer, running) = parked(&legacy, &["a"]).await;
    let good = state(&answer);
    let responses = json!({ "q1": accept() });
    let stranger = Token::new("mcp:read").claim("sub", "sub_2").sign(&legacy.world.authority.key());
    let stolen = legacy.world.ask(retry(&good, &responses).bearer(&stranger)).await;
    assert_eq!((stolen.status.as_u16(), stolen.code()), (200, -32602));
    let mut bent = good.as_str().unwrap().to_owned();
    let last = if bent.pop() == Some('A') { 'B' } else { 'A' };
    bent.push(last);
    for bad in [json!(bent), json!(""), json!("x"), json!(7), json!("A".repeat(10_000))] {
        assert_eq!(legacy.ask(retry(&bad, &responses)).await.code(), -32602);
    }
    let other = json!({ "name": "get_x", "arguments": { "n": 2 }, "inputResponses": responses,
                        "requestState": good });
    let able = json!({ "elicitation": {} });
    assert_eq!(legacy.ask(with("tools/call", &other, &able)).await.code(), -32602);
    for malformed in [json!([]), json!({ "q1": 7 })] {
        assert_eq!(legacy.ask(retry(&good, &malformed)).await.code(), -32602);
    }
    assert!(legacy.told_nothing().await);
    let (answer, ()) = tokio::join!(legacy.ask(retry(&good, &responses)), async {
        assert_eq!(legacy.told().await["id"], "a");
        running.finish(&json!({ "content": [] }));
    });
    assert_eq!(answer.json()["result"]["resultType"], "complete");
    let (answer, _running) = parked(&legacy, &["a"]).await;
    legacy.world.clock.advance_seconds(600);
    assert_eq!(legacy.ask(retry(&state(&answer), &responses)).await.code(), -32602, "too late");
}

/// C-31: a retry of a client that says it can no longer be asked.
#[tokio::test]
async fn c_31_each_request_declares_anew() {
    let legacy = Legacy::new(plain).await;
    let (answer, running) = parked(&legacy, &["a"]).await;
    let params = json!({ "name": "get_x", "requestState": state(&answer) });
    let (answer, ()) = tokio::join!(legacy.ask(with("tools/call", &params, &json!({}))), async {
        let told = legacy.told().await;
        assert_eq!((&told["id"], &told["error"]["code"]), (&json!("a"), &json!(-32602)));
        running.finish(&json!({ "content": [] }));
    });
    assert_eq!(answer.json()["result"]["resultType"], "complete");
}

/// C-83: a retry is judged like any other request.
#[tokio::test]
async fn c_83_retries_are_authorized() {
    let legacy = Legacy::new(plain).await;
    let (answer, _running) = parked(&legacy, &["a"]).await;
    let without = legacy.world.token("");
    let ask = retry(&state(&answer), &json!({ "q1": accept() })).bearer(&without);
    assert_eq!(legacy.world.ask(ask).await.status, 403);
    assert!(legacy.told_nothing().await);
}

/// D-36: sixteen retries at once; one of them goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d_36_one_of_many_retries_wins() {
    let legacy = Arc::new(Legacy::new(plain).await);
    let (answer, running) = parked(&legacy, &["a"]).await;
    let state = state(&answer);
    let start = Arc::new(tokio::sync::Barrier::new(16));
    let racers: Vec<_> = (0..16)
        .map(|_| {
            let (legacy, start) = (Arc::clone(&legacy), Arc::clone(&start));
            let ask = retry(&state, &json!({ "q1": accept() }));
            tokio::spawn(async move {
                start.wait().await;
                legacy.ask(ask).await.json()
            })
        })
        .collect();
    assert_eq!(legacy.told().await["id"], "a");
    running.finish(&json!({ "content": [] }));
    let mut answers = Vec::new();
    for racer in racers {
        answers.push(racer.await.unwrap());
    }
    let won = answers.iter().filter(|answer| answer.get("result").is_some()).count();
    let lost = answers.iter().filter(|answer| answer["error"]["code"] == -32602).count();
    assert_eq!((won, lost), (1, 15));
    assert!(legacy.told_nothing().await, "the answer was told once");
}

/// G-44: a principal has twenty parked calls; the next one fails and is cancelled.
#[tokio::test]
async fn g_44_parked_calls_are_counted() {
    let legacy = Legacy::new(plain).await;
    let mut waiting = Vec::new();
    for _ in 0..20 {
        waiting.push(parked(&legacy, &["a"]).await);
    }
    let (answer, running) = tokio::join!(legacy.ask(call(&json!(7))), async {
        let running = legacy.call().await;
        running.elicit("z", "z");
        running
    });
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "5"));
    assert_eq!(legacy.told().await["method"], "notifications/cancelled");
    running.abandoned().await;
}

/// C-84: a server that asks without end is stopped.
#[tokio::test]
async fn c_84_rounds_are_counted() {
    let legacy = Legacy::new(plain).await;
    let (mut answer, running) = parked(&legacy, &["a"]).await;
    for _ in 1..25 {
        answer = legacy.ask(retry(&state(&answer), &json!({}))).await;
        assert_eq!(answer.json()["result"]["resultType"], "input_required");
    }
    let answer = legacy.ask(retry(&state(&answer), &json!({}))).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (502, -31502));
    running.abandoned().await;
}

/// D-37, C-80: what a client did not declare is refused, and the call goes on.
#[tokio::test]
async fn d_37_questions_that_cannot_be_asked() {
    let legacy = Legacy::new(plain).await;
    let (answer, ()) = tokio::join!(legacy.ask(call(&json!(7))), async {
        let running = legacy.call().await;
        running.question("s", "sampling/createMessage", &json!({ "messages": [] }));
        assert_eq!(legacy.told().await["error"]["code"], -32601);
        running.question("r", "roots/list", &json!({}));
        assert_eq!(legacy.told().await["error"]["code"], -32601);
        running.question("x", "x/y", &json!({}));
        assert_eq!(legacy.told().await["error"]["code"], -32601);
        running.question("p", "ping", &json!({}));
        assert_eq!(legacy.told().await["result"], json!({}));
        running.finish(&json!({ "content": [] }));
    });
    assert_eq!(answer.json()["result"]["resultType"], "complete");
}
