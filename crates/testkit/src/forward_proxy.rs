//! A forward proxy that finds every name on this computer.

use std::sync::{Arc, Mutex};

use kernel::encoding::base64;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// A proxy for `CONNECT` (RFC 9110 §9.3.6). Whatever host it is asked for, it connects to that port
/// of this computer, so a name that nobody can resolve is reached through it alone.
#[derive(Debug)]
pub struct ForwardProxy {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

/// Bytes of a request's head; ours are short.
const MAX_HEAD: usize = 8 * 1024;

impl ForwardProxy {
    /// A proxy that wants this login, `user:password`, if one is given.
    pub async fn start(login: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let asked = Arc::default();
        let proxy = Self { address, asked: Arc::clone(&asked) };
        let header = login.map(|login| {
            format!("proxy-authorization: basic {}", base64(login.as_bytes())).to_ascii_lowercase()
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, header.clone(), Arc::clone(&asked)));
            }
        });
        proxy
    }

    /// Where it listens, without a login.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens, with this login, in percent-encoding.
    pub fn url_for(&self, login: &str) -> String {
        format!("http://{login}@{}", self.address)
    }

    /// Every `host:port` that was asked for, whether it was allowed or not.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no poison").clone()
    }
}

async fn serve(mut client: TcpStream, login: Option<String>, asked: Arc<Mutex<Vec<String>>>) {
    let Some(head) = head(&mut client).await else { return };
    let mut words = head.split(' ');
    let (Some("CONNECT"), Some(target)) = (words.next(), words.next()) else {
        client.write_all(b"HTTP/1.1 405 Only CONNECT\r\ncontent-length: 0\r\n\r\n").await.ok();
        return;
    };
    asked.lock().expect("no poison").push(target.to_owned());
    let has = |login: &String| head.lines().any(|line| line.to_ascii_lowercase() == *login);
    if !login.as_ref().is_none_or(has) {
        let who = "HTTP/1.1 407 Who?\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n";
        client.write_all(who.as_bytes()).await.ok();
        return;
    }
    let port = target.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port.unwrap_or_default())).await else {
        client.write_all(b"HTTP/1.1 502 Nobody\r\ncontent-length: 0\r\n\r\n").await.ok();
        return;
    };
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.ok();
    copy_bidirectional(&mut client, &mut server).await.ok();
}

/// Up to the empty line; a client sends nothing beyond it before it has an answer.
async fn head(client: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_HEAD {
        head.push(client.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}
