//! One HTTP/1.1 connection, as cheap as it can be: one request at a time, its bytes ready before.

use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Room for one read; the largest answers take a few.
const READ: usize = 64 * 1024;

/// A connection.
pub(crate) struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
    /// The body of a chunked answer, without its framing.
    unchunked: Vec<u8>,
    reads: u32,
}

/// A whole answer.
pub(crate) struct Answer<'w> {
    pub(crate) status: u16,
    /// Status line and headers.
    pub(crate) head: &'w [u8],
    pub(crate) body: &'w [u8],
    /// In how many reads it came: an answer that somebody held back comes in few.
    pub(crate) reads: u32,
}

struct Head {
    status: u16,
    length: usize,
    framing: Framing,
}

enum Framing {
    Length(usize),
    Chunked,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(2 * READ), unchunked: Vec::new(), reads: 0 })
    }

    /// Sends a request and waits for the last byte of its answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.received.clear();
        self.reads = 0;
        let Head { status, length, framing } = self.head().await?;
        let chunked = matches!(framing, Framing::Chunked);
        let end = match framing {
            Framing::Length(body) => self.fixed(length + body).await?,
            Framing::Chunked => self.chunks(length).await?,
        };
        ensure!(self.received.len() == end, "there is more than the answer on the connection");
        let (head, body) = self.received.split_at(length);
        Ok(Answer {
            status,
            head,
            body: if chunked { &self.unchunked } else { body },
            reads: self.reads,
        })
    }

    async fn head(&mut self) -> anyhow::Result<Head> {
        loop {
            if let Some(end) = memmem::find(&self.received, b"\r\n\r\n") {
                return Head::parse(&self.received[..end + 4]);
            }
            self.more().await?;
        }
    }

    async fn fixed(&mut self, end: usize) -> anyhow::Result<usize> {
        while self.received.len() < end {
            self.more().await?;
        }
        Ok(end)
    }

    /// RFC 9112 §7.1. Returns where the answer ends.
    async fn chunks(&mut self, start: usize) -> anyhow::Result<usize> {
        self.unchunked.clear();
        let mut at = start;
        loop {
            let Some(line) = memmem::find(&self.received[at..], b"\r\n") else {
                self.more().await?;
                continue;
            };
            let size = std::str::from_utf8(&self.received[at..at + line])?;
            let size = usize::from_str_radix(size, 16).context("a chunk without a size")?;
            let (data, next) = (at + line + 2, at + line + 2 + size + 2);
            self.fixed(next).await?;
            self.unchunked.extend_from_slice(&self.received[data..data + size]);
            at = next;
            if size == 0 {
                return Ok(at);
            }
        }
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        self.received.reserve(READ);
        let count = self.stream.read_buf(&mut self.received).await?;
        ensure!(count > 0, "the connection ended in the middle of an answer");
        self.reads += 1;
        Ok(())
    }
}

impl Head {
    fn parse(head: &[u8]) -> anyhow::Result<Self> {
        let status = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
        let status = status.and_then(|digits| digits.parse().ok());
        let status = status.context("the answer has no status line")?;
        let framing = if let Some(length) = header(head, "content-length") {
            Framing::Length(length.parse().context("a bad Content-Length")?)
        } else if header(head, "transfer-encoding").is_some_and(|value| value == "chunked") {
            Framing::Chunked
        } else if matches!(status, 204 | 304) {
            Framing::Length(0)
        } else {
            bail!("an answer with status {status} and no length");
        };
        Ok(Self { status, length: head.len(), framing })
    }
}

/// The value of a header in a head.
pub(crate) fn header<'h>(head: &'h [u8], name: &str) -> Option<&'h str> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (found, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        if !found.eq_ignore_ascii_case(name.as_bytes()) {
            return None;
        }
        std::str::from_utf8(value).ok().map(str::trim)
    })
}
