//! Lines of a child's output, of bounded length.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::wire::json::without_mark;

/// Reads line by line.
pub(super) struct Lines<R> {
    from: R,
    limit: usize,
    buffer: BytesMut,
    /// Whether a line came already.
    begun: bool,
    /// Everything before was looked at, and no line ends there.
    looked: usize,
}

/// The line is too long, or reading failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoLine;

const READ: usize = 16 << 10;

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(from: R, limit: usize) -> Self {
        Self { from, limit, buffer: BytesMut::new(), begun: false, looked: 0 }
    }

    /// The next line without its end and without white space around; `None` at the end. What is
    /// left without a line end is no line. May be dropped and called again.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, NoLine> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer[self.looked..]) {
                let mut line = self.buffer.split_to(self.looked + end + 1).freeze();
                self.looked = 0;
                if !std::mem::replace(&mut self.begun, true) {
                    line = without_mark(line);
                }
                return Ok(Some(line.slice_ref(line.trim_ascii())));
            }
            self.looked = self.buffer.len();
            if self.looked > self.limit {
                return Err(NoLine);
            }
            self.buffer.reserve(READ);
            match self.from.read_buf(&mut self.buffer).await {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(_) => return Err(NoLine),
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_of_every_kind() {
        let mut lines = Lines::new(&b"a\r\n\n  b \nrest"[..], 8);
        for line in ["a", "", "b"] {
            assert_eq!(lines.next().await.unwrap().unwrap(), line);
        }
        assert_eq!(lines.next().await, Ok(None), "half a line is none");
        let mut marked = Lines::new(&b"\xef\xbb\xbf\r\na\n\xef\xbb\xbfb\n"[..], 8);
        for line in [&b""[..], b"a", b"\xef\xbb\xbfb"] {
            assert_eq!(marked.next().await.unwrap().unwrap(), line, "one mark, at the beginning");
        }
        let mut long = Lines::new(&b"123456789"[..], 8);
        assert_eq!(long.next().await, Err(NoLine));
    }
}
