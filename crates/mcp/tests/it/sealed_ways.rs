//! Other ways to an upstream: Unix sockets, and TLS with a company's own authority.

use std::sync::Arc;

use kernel::encoding::base64;
use serde_json::json;
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::support::{Ask, Doing, World, echo, legacy, modern};

fn call(world: &World) -> Ask {
    legacy("tools/call", &json!({ "name": "get_x" })).bearer(&world.token("mcp:read"))
}

/// What gets a connection of its own.
fn listen(world: &World) -> Ask {
    modern("subscriptions/listen", &json!({})).bearer(&world.token("mcp:read"))
}

#[tokio::test]
async fn a_unix_socket() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("server.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let doing = Doing::new(echo);
    let requests = Arc::clone(&doing.requests);
    let serving = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(doing.clone().serve(stream));
        }
    });
    let world = World::with(echo, |config| {
        config.servers[0].upstream.url = "http://localhost/mcp".parse().unwrap();
        config.servers[0].upstream.http.unix = Some(path.clone());
    })
    .await;
    assert_eq!(world.sidecar.ready().await, Ok(()));
    for ask in [call, call, call, listen] {
        assert_eq!(world.ask(ask(&world)).await.status, 200);
        let sent = requests.lock().unwrap().pop().unwrap();
        assert_eq!((sent.header("host"), sent.uri.path()), ("localhost", "/mcp"));
    }
    assert!(world.server.requests().is_empty());
    serving.abort();
    let _ = serving.await;
    std::fs::remove_file(&path).unwrap();
    world.clock.advance_seconds(60);
    assert!(world.sidecar.ready().await.is_err());
}

/// A certificate that only `ca` vouches for.
#[tokio::test]
async fn tls_with_an_authority_of_our_own() {
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = pem(signed.cert.der());
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let doing = Doing::new(echo);
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(doing.clone().serve(stream));
            }
        }
    });
    for (ca, expected) in [(pem, 200), (String::new(), 503)] {
        let world = World::with(echo, |config| {
            config.servers[0].upstream.url =
                format!("https://localhost:{port}/mcp").parse().unwrap();
            config.servers[0].upstream.http.ca = ca;
        })
        .await;
        assert_eq!(world.ask(call(&world)).await.status, expected);
        assert_eq!(world.ask(listen(&world)).await.status, expected);
    }
}

fn pem(der: &[u8]) -> String {
    let text = base64(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
