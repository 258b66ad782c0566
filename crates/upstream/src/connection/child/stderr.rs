//! What a child complains about, in our log: line by line, shortened, escaped, and not too often.
//! It is the child's own text, so it may say anything, and is a field, never a message.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, BufReader};
use tokio::process::ChildStderr;
use tokio::time::Instant;

/// Bytes of a line that are shown.
const SHOWN: usize = 500;
/// Lines in a window of time.
const LINES: u32 = 50;
const WINDOW: Duration = Duration::from_secs(10);

/// Logs until the child's end.
pub(super) async fn log(server: String, pid: u32, stderr: ChildStderr) {
    let mut stderr = BufReader::new(stderr);
    let (mut line, mut quota) = (Vec::with_capacity(SHOWN), Quota::new());
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
        for byte in &chunk[..read] {
            match byte {
                b'\n' => {
                    tell(&server, pid, &line, &mut quota);
                    line.clear();
                }
                _ if line.len() < SHOWN => line.push(*byte),
                _ => {}
            }
        }
    }
    tell(&server, pid, &line, &mut quota);
}

fn tell(server: &str, pid: u32, line: &[u8], quota: &mut Quota) {
    let line = line.trim_ascii();
    if line.is_empty() {
        return;
    }
    if let Some(suppressed) = quota.take() {
        let line = shown(line);
        tracing::info!(server.name = %server, pid, suppressed, line = %line, "mcp.child.stderr");
    }
}

fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(line).escape_debug().to_string()
}

struct Quota {
    window: Instant,
    told: u32,
    suppressed: u64,
}

impl Quota {
    fn new() -> Self {
        Self { window: Instant::now(), told: 0, suppressed: 0 }
    }

    /// Whether one more line may be told, and how many were not since the last.
    fn take(&mut self) -> Option<u64> {
        if self.window.elapsed() > WINDOW {
            self.window = Instant::now();
            self.told = 0;
        }
        self.told += 1;
        if self.told > LINES {
            self.suppressed += 1;
            return None;
        }
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn not_too_often_and_nothing_that_forges_a_line() {
        let mut quota = Quota::new();
        for _ in 0..LINES {
            assert_eq!(quota.take(), Some(0));
        }
        assert_eq!((quota.take(), quota.take()), (None, None));
        tokio::time::advance(WINDOW * 2).await;
        assert_eq!(quota.take(), Some(2));
        assert_eq!(shown(b"a\r\x1b[31m\"\xff"), "a\\r\\u{1b}[31m\\\"\u{fffd}");
    }
}
