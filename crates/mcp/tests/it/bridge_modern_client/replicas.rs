//! A retry that reaches another replica than the one that holds its call.

use std::sync::Arc;

use http::Uri;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use mcp::Sidecar;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::legacy_server::{Legacy, Running, call, numbered, plain};
use crate::support::Answer;

/// Serves a sidecar on a listener, as the binary would.
fn serve(sidecar: Arc<Sidecar>, listener: TcpListener) {
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sidecar = Arc::clone(&sidecar);
            let service = service_fn(move |request| {
                let sidecar = Arc::clone(&sidecar);
                async move { Ok::<_, std::convert::Infallible>(sidecar.handle(request).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    });
}

fn retry(state: &Value) -> crate::support::Ask {
    let params = json!({ "name": "get_x", "requestState": state,
                         "inputResponses": { "q1": { "action": "accept" } } });
    numbered(&json!(8), "tools/call", &params, &json!({ "elicitation": {} }))
}

/// A call that waits for the answer to a question, and what it left with its client.
async fn parked(legacy: &Legacy, question: &str) -> (Value, Running) {
    let (answer, running) = tokio::join!(legacy.ask(call(&json!(7))), async {
        let running = legacy.call().await;
        running.elicit(question, question);
        running
    });
    (answer.json()["result"]["requestState"].clone(), running)
}

/// D-36: the state names the replica that holds the call, and the others hand the retry over. A
/// replica that is gone took its calls along.
#[tokio::test]
async fn d_36_retries_find_their_replica() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own: Uri = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let host = "127.0.0.1".to_owned();
    let legacy = Legacy::with(plain, |config| {
        config.peer_url = Some(own);
        config.allowed_hosts.push(host);
    })
    .await;
    serve(Arc::clone(&legacy.world.sidecar), listener);
    let other = legacy.replica(|config| {
        config.peer_url = Some("http://127.0.0.1:1".parse().unwrap());
    });
    let (state, running) = parked(&legacy, "a").await;
    let asking = retry(&state).bearer(&legacy.token).build();
    let (answer, ()) =
        tokio::join!(async { Answer::read(other.handle(asking).await).await }, async {
            assert_eq!(legacy.told().await["id"], "a");
            running.finish(&json!({ "content": [] }));
        });
    assert_eq!((answer.status.as_u16(), answer.json()["id"].clone()), (200, json!(8)));
    assert_eq!(answer.json()["result"]["resultType"], "complete");
    assert_eq!(legacy.sent("initialize").len(), 1, "the other replica opened nothing");
}

/// The connection to it breaks off: the call may have gone on, so it is not to be sent anew.
#[tokio::test]
async fn d_36_a_replica_that_breaks_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own: Uri = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let legacy = Legacy::with(plain, |config| config.peer_url = Some(own)).await;
    let (state, _running) = parked(&legacy, "a").await;
    let other = legacy.replica(|config| {
        config.peer_url = Some("http://127.0.0.1:2".parse().unwrap());
    });
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 16]).await.unwrap();
    });
    let asking = retry(&state).bearer(&legacy.token).build();
    let answer = Answer::read(other.handle(asking).await).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (502, -31502));
    assert_eq!(answer.json()["id"], 8);
}

/// The replica that held the call is gone: the client is told to call again.
#[tokio::test]
async fn d_36_a_replica_that_is_gone() {
    let legacy = Legacy::with(plain, |config| {
        config.peer_url = Some("http://127.0.0.1:1".parse().unwrap());
    })
    .await;
    let (state, _running) = parked(&legacy, "a").await;
    let other = legacy.replica(|config| {
        config.peer_url = Some("http://127.0.0.1:2".parse().unwrap());
    });
    let asking = retry(&state).bearer(&legacy.token).build();
    let answer = Answer::read(other.handle(asking).await).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (200, -32602));
}
