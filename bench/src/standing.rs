//! One stream of events that stands: a request whose answer does not end.

use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The stream. What has come and was not read yet is small, because events are.
pub(crate) struct Standing {
    stream: TcpStream,
    /// As it came, in chunks.
    received: Vec<u8>,
    /// Without the framing.
    text: Vec<u8>,
}

/// Room for the first read; more is taken when more comes at once.
const ROOM: usize = 1024;
/// Neither a head nor a chunk is ever so long here.
const TOO_LONG: usize = 1 << 20;

impl Standing {
    /// Sends the request and reads the head of its answer, which must be a stream of events.
    pub(crate) async fn open(address: SocketAddr, request: &[u8]) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        stream.write_all(request).await?;
        let mut standing = Self { stream, received: Vec::new(), text: Vec::new() };
        let end = loop {
            if let Some(end) = memmem::find(&standing.received, b"\r\n\r\n") {
                break end + 4;
            }
            standing.more().await?;
        };
        let head = String::from_utf8_lossy(&standing.received[..end]).to_ascii_lowercase();
        ensure!(
            head.starts_with("http/1.1 200 ")
                && head.contains("content-type: text/event-stream")
                && head.contains("transfer-encoding: chunked"),
            "no stream of events: {}",
            String::from_utf8_lossy(&standing.received)
        );
        standing.received.drain(..end);
        Ok(standing)
    }

    /// The data of the next event. Comments are passed over. Nothing is lost if this is dropped
    /// before it is ready.
    pub(crate) async fn next(&mut self) -> anyhow::Result<String> {
        loop {
            while let Some(end) = memmem::find(&self.text, b"\n\n") {
                let event: Vec<u8> = self.text.drain(..end + 2).collect();
                let event = String::from_utf8(event)?;
                if let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) {
                    return Ok(data.to_owned());
                }
            }
            if !self.unchunk()? {
                self.more().await?;
            }
        }
    }

    /// An error if the stream has ended, or if anything but comments came unasked.
    pub(crate) fn is_idle(&mut self) -> anyhow::Result<()> {
        let mut unread = [0; 256];
        match self.stream.try_read(&mut unread) {
            Ok(0) => bail!("an idle stream has ended"),
            Ok(count) => self.received.extend_from_slice(&unread[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        while self.unchunk()? {}
        let silent = memmem::find(&self.text, b"data:").is_none();
        ensure!(silent, "news on an idle stream: {}", String::from_utf8_lossy(&self.text));
        Ok(())
    }

    /// RFC 9112 §7.1, one chunk. `false` if there is no whole one yet.
    fn unchunk(&mut self) -> anyhow::Result<bool> {
        let Some(line) = memmem::find(&self.received, b"\r\n") else { return Ok(false) };
        let size = std::str::from_utf8(&self.received[..line])?;
        let size = usize::from_str_radix(size, 16).context("a chunk without a size")?;
        ensure!(size > 0, "the stream ended: {}", String::from_utf8_lossy(&self.text));
        let (data, next) = (line + 2, line + 2 + size + 2);
        if self.received.len() < next {
            return Ok(false);
        }
        self.text.extend_from_slice(&self.received[data..data + size]);
        self.received.drain(..next);
        Ok(true)
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        self.received.reserve(ROOM);
        let count = self.stream.read_buf(&mut self.received).await?;
        ensure!(count > 0, "the connection ended in the middle of a stream");
        ensure!(self.received.len() < TOO_LONG, "an event that never ends");
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const HEAD: &str =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

    /// A stream to which a server has written this, and its connection.
    async fn told(parts: &[&str]) -> (anyhow::Result<Standing>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let opened = async { Standing::open(address, b"GET / HTTP/1.1\r\n\r\n").await };
        let served = async {
            let (mut server, _) = listener.accept().await.unwrap();
            for part in parts {
                server.write_all(part.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
            server
        };
        tokio::join!(opened, served)
    }

    #[tokio::test]
    async fn events_come_out_of_chunks_and_comments() {
        let (standing, _server) = told(&[
            HEAD,
            "9\r\n: alive\n\n\r\n8\r\ndata: 1\n\r\n9\r\n\nda",
            "ta: 2\n\r\n1\r\n\n\r\n",
        ])
        .await;
        let mut standing = standing.unwrap();
        assert_eq!(standing.next().await.unwrap(), "1");
        assert_eq!(standing.next().await.unwrap(), "2");
        standing.is_idle().unwrap();
    }

    #[tokio::test]
    async fn an_end_is_an_error() {
        let (standing, _server) = told(&[HEAD, "0\r\n\r\n"]).await;
        assert!(standing.unwrap().next().await.is_err());
        let (standing, server) = told(&[HEAD]).await;
        let mut standing = standing.unwrap();
        drop(server);
        assert!(standing.next().await.is_err());
    }

    #[tokio::test]
    async fn news_on_an_idle_stream_are_an_error() {
        let (standing, _server) = told(&[&format!("{HEAD}9\r\ndata: 1\n\n\r\n")]).await;
        assert!(standing.unwrap().is_idle().is_err());
    }

    #[tokio::test]
    async fn only_a_stream_of_events_will_do() {
        let (standing, _server) =
            told(&["HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"]).await;
        assert!(standing.is_err());
    }
}
