//! Lines on their way to standard error: a thread writes them, so that a reader that is slow or
//! stuck never stalls a request. What finds no room is counted, and said as soon as there is room.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait at most. They have a few hundred bytes each.
const WAITING: usize = 8192;
/// How long the end of the process waits for the last lines.
const LAST: Duration = Duration::from_secs(2);

/// Lines that found no room since the process began.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Hands lines to the thread that writes them.
#[derive(Clone)]
pub(crate) struct Lines(SyncSender<Item>);

/// Writes what is left when it is dropped.
pub(crate) struct Rest(SyncSender<Item>);

enum Item {
    Line(Vec<u8>),
    /// Told when everything before is written.
    Mark(SyncSender<()>),
}

/// One line in the making.
pub(crate) struct Line {
    text: Vec<u8>,
    to: SyncSender<Item>,
}

/// How many lines found no room since the process began.
pub(crate) fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Starts the thread. Without one, which only a system without any room refuses, lines go nowhere.
pub(crate) fn start(to: impl Write + Send + 'static) -> (Lines, Rest) {
    let (sender, lines) = sync_channel(WAITING);
    let writing = thread::Builder::new().name("log".to_owned());
    if let Err(error) = writing.spawn(move || write(&lines, to)) {
        super::note(format!("no log can be written: {error}"));
    }
    (Lines(sender.clone()), Rest(sender))
}

fn write(lines: &Receiver<Item>, mut to: impl Write) {
    let mut said = 0;
    for item in lines {
        match item {
            // There is nowhere to say that standard error is gone.
            Item::Line(text) => to.write_all(&text).ok(),
            Item::Mark(written) => written.send(()).ok(),
        };
        let dropped = dropped();
        if dropped > said {
            tracing::warn!(lines = dropped - said, "lines of this log found no room");
            said = dropped;
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { text: Vec::new(), to: self.0.clone() }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let text = std::mem::take(&mut self.text);
        if !text.is_empty() && self.to.try_send(Item::Line(text)).is_err() {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        let (mark, written) = sync_channel(1);
        if self.0.try_send(Item::Mark(mark)).is_ok() {
            // A reader that is stuck is not waited for.
            written.recv_timeout(LAST).ok();
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// Takes a line only after each permission, and shows what it took.
    struct Slow(Receiver<()>, Sender<String>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().ok();
            self.1.send(String::from_utf8_lossy(bytes).into_owned()).ok();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn line(lines: &Lines, text: &str) {
        lines.make_writer().write_all(text.as_bytes()).unwrap();
    }

    /// T-LOG-05: a reader that is stuck stalls nobody, and what is lost is counted.
    #[test]
    fn t_log_05_a_stuck_reader_stalls_nobody() {
        let ((permit, permits), (written, reads)) = (channel(), channel());
        let (lines, rest) = start(Slow(permits, written));
        let before = dropped();
        for number in 0..WAITING + 100 {
            line(&lines, &format!("line {number}\n"));
        }
        // The thread may have taken one of them.
        let lost = dropped() - before;
        assert!((99..=100).contains(&lost), "{lost}");
        for _ in 0..WAITING {
            permit.send(()).unwrap();
            reads.recv().unwrap();
        }
        drop(permit);
        line(&lines, "last\n");
        drop(rest);
        assert!(reads.try_iter().any(|line| line == "last\n"));
    }
}
