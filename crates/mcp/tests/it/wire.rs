//! What the HTTP library decides before a request exists, seen through a listener of its own.

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{SOON, World, echo};

async fn serve(world: &World) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sidecar = world.sidecar.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sidecar = sidecar.clone();
            let service = service_fn(move |request: http::Request<Incoming>| {
                let sidecar = sidecar.clone();
                async move { Ok::<_, std::convert::Infallible>(sidecar.handle(request).await) }
            });
            let builder = hyper::server::conn::http1::Builder::new();
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

/// Sends raw bytes and reads until the connection closes, which requests here ask for.
async fn raw(address: std::net::SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may refuse, and close, before everything is sent.
    let _ = stream.write_all(text.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn request(token: &str, headers: &str, body: &str) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: gate.example\r\nAuthorization: Bearer {token}\r\n\
         Connection: close\r\nContent-Type: application/json\r\n{headers}\r\n{body}"
    )
}

const PING: &str = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;

fn statuses(answer: &str) -> Vec<&str> {
    answer.lines().filter_map(|line| line.strip_prefix("HTTP/1.1 ")).collect()
}

/// T-MCP-35: no two readings of where a request ends.
#[tokio::test]
async fn t_mcp_35_smuggling() {
    let world = World::new(echo).await;
    let (address, token) = (serve(&world).await, world.token("mcp:read"));
    let length = format!("Content-Length: {}\r\n", PING.len());
    let good = raw(address, &request(&token, &length, PING)).await;
    assert!(good.starts_with("HTTP/1.1 200"), "{good}");
    let chunked = format!("{:x}\r\n{PING}\r\n0\r\n\r\n", PING.len());
    let asked = world.server.requests().len();
    for (what, headers, body) in [
        ("two lengths", format!("{length}Content-Length: 5\r\n"), PING),
        ("xchunked", "Transfer-Encoding: xchunked\r\n".to_owned(), chunked.as_str()),
        ("folded", format!("X-A: b\r\n c\r\n{length}"), PING),
        ("space before colon", "Content-Length : 5\r\n".to_owned(), PING),
        ("two hosts", format!("Host: gate.example\r\n{length}"), PING),
    ] {
        let answer = raw(address, &request(&token, &headers, body)).await;
        let statuses = statuses(&answer);
        assert!(statuses.len() <= 1, "{what}: {answer}");
        assert!(statuses.iter().all(|status| status.starts_with("400")), "{what}: {answer}");
    }
    assert_eq!(world.server.requests().len(), asked, "nothing reached the server");
    // RFC 9112 §6.3: with both lengths the chunks count. The HTTP library drops the other one, and
    // what goes on is framed anew, so there is one reading and one request.
    let hidden = "POST /mcp HTTP/1.1\r\nHost: gate.example\r\n\r\n";
    for headers in [
        format!("{length}Transfer-Encoding: chunked\r\n"),
        format!("Transfer-Encoding: chunked\r\n{length}"),
    ] {
        let text = request(&token, &headers, &format!("{chunked}{hidden}"));
        let answer = raw(address, &text).await;
        assert_eq!(statuses(&answer), ["200 OK"], "{answer}");
        let sent = world.server.requests().pop().unwrap();
        assert_eq!(sent.header("content-length"), PING.len().to_string());
        assert!(!sent.headers.contains_key("transfer-encoding"));
    }
    assert_eq!(world.server.requests().len(), asked + 2);
}

/// T-MCP-19.
#[tokio::test]
async fn t_mcp_19_a_megabyte_of_token() {
    let world = World::new(echo).await;
    let address = serve(&world).await;
    let answer = raw(address, &request(&"a".repeat(1 << 20), "", "")).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

/// A chunked body counts against the limit as it comes.
#[tokio::test]
async fn an_unannounced_body_is_limited() {
    let world = World::with(echo, |config| config.limits.body_bytes = 100).await;
    let address = serve(&world).await;
    let chunk = "x".repeat(0x100);
    let body = format!("100\r\n{chunk}\r\n0\r\n\r\n");
    let text = request(&world.token("mcp:read"), "Transfer-Encoding: chunked\r\n", &body);
    let answer = raw(address, &text).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

/// A whole stream through real connections on both sides.
#[tokio::test]
async fn large_lists_are_whole() {
    let tools: Vec<_> = (0..2000)
        .map(|n| serde_json::json!({ "name": format!("get_{n}"), "description": "d".repeat(50) }))
        .collect();
    let world = World::new(move |request| {
        let (id, tools) = (request.message()["id"].clone(), tools.clone());
        let result = serde_json::json!({ "tools": tools });
        let text = serde_json::json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string();
        crate::support::json(&text)
    })
    .await;
    let token = world.token("mcp:read");
    for _ in 0..2 {
        let ask = crate::support::legacy("tools/list", &serde_json::json!({})).bearer(&token);
        let response = world.sidecar.handle(ask.build()).await;
        let hint = http_body::Body::size_hint(response.body()).exact().unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(hint, body.len() as u64);
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(value["result"]["tools"].as_array().unwrap().len(), 2000);
    }
    assert_eq!(world.server.requests().len(), 1);
}
