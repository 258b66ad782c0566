//! Lines on their way to standard error: a thread writes them, so that a reader that is slow or
//! stuck never stalls a request. What finds no room is counted, and said as soon as there is room.
//!
//! Each thread puts its lines into a buffer of its own, and lines of the access log wait there for
//! others: they are written together, ten times a second.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use kernel::PerThread;
use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

use super::access;

/// Bytes of lines that wait at most, for each thread: some thousand lines.
const WAITING: usize = 1 << 20;
/// Room that a buffer keeps for the next lines.
const KEPT: usize = 64 << 10;
/// How long lines wait for others.
const COLLECT: Duration = Duration::from_millis(100);
/// When it is tried again to write to what takes nothing at the moment.
const RETRY: Duration = Duration::from_millis(10);
/// How long the end of the process waits for the last lines.
const LAST: Duration = Duration::from_secs(2);

/// Lines that found no room since the process began.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Takes lines for the thread that writes them.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Waiting>);

/// Writes what is left when it is dropped.
pub(crate) struct Rest(Sender<Item>);

/// What waits to be written.
struct Waiting {
    buffers: PerThread<Vec<u8>>,
    /// Whether the thread was told of lines, and of such as cannot wait, since it last looked.
    told: [AtomicBool; 2],
    thread: Sender<Item>,
}

/// What the thread is told.
enum Item {
    /// There are lines, which can wait for others.
    Lines,
    /// There are lines that somebody may look out for.
    Now,
    /// There will be none; to be answered when all are written.
    Mark(SyncSender<()>),
}

/// One line in the making.
pub(crate) struct Line<'l> {
    waiting: &'l Waiting,
    can_wait: bool,
}

/// How many lines found no room since the process began.
pub(crate) fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Starts the thread. Without one, which only a system without any room refuses, lines go nowhere.
pub(crate) fn start(to: impl Write + Send + 'static) -> (Lines, Rest) {
    let (thread, items) = channel();
    let buffers = PerThread::default();
    let waiting = Arc::new(Waiting { buffers, told: Default::default(), thread: thread.clone() });
    let lines = Lines(Arc::clone(&waiting));
    let builder = thread::Builder::new().name("log".to_owned());
    if let Err(error) = builder.spawn(move || write(&waiting, &items, to)) {
        super::note(format!("no log can be written: {error}"));
    }
    (lines, Rest(thread))
}

fn write(waiting: &Waiting, items: &Receiver<Item>, to: impl Write) {
    let (mut said, mut taken, mut whole) = (0, Vec::new(), WholeLines { to, torn: false });
    while let Ok(item) = items.recv() {
        let item = match item {
            Item::Lines => items.recv_timeout(COLLECT),
            item => Ok(item),
        };
        waiting.told.iter().for_each(|told| told.store(false, Ordering::Release));
        for mut buffer in waiting.buffers.all() {
            std::mem::swap(&mut *buffer, &mut taken);
            drop(buffer);
            whole.write(&taken);
            taken.clear();
            taken.shrink_to(KEPT);
        }
        let dropped = dropped();
        if dropped > said {
            tracing::warn!(lines = dropped - said, "lines of this log found no room");
            said = dropped;
        }
        match item {
            Ok(Item::Mark(written)) => written.send(()).unwrap_or_default(),
            Err(RecvTimeoutError::Disconnected) => return,
            _ => {}
        }
    }
}

/// Writes blocks of whole lines, and counts those that it cannot write.
struct WholeLines<W> {
    to: W,
    /// The last line that was written has no end.
    torn: bool,
}

impl<W: Write> WholeLines<W> {
    fn write(&mut self, mut block: &[u8]) {
        if std::mem::take(&mut self.torn) && !block.is_empty() {
            self.torn = self.to.write_all(b"\n").is_err();
        }
        while !block.is_empty() {
            match self.to.write(block) {
                Ok(written @ 1..) => {
                    self.torn = block[written - 1] != b'\n';
                    block = &block[written..];
                }
                // Whoever shares standard error with us may have made it so.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => {
                    let lost = block.split_inclusive(|byte| *byte == b'\n').count();
                    DROPPED.fetch_add(u64::try_from(lost).unwrap_or_default(), Ordering::Relaxed);
                    return;
                }
            }
        }
    }
}

impl<'l> MakeWriter<'l> for Lines {
    type Writer = Line<'l>;

    fn make_writer(&'l self) -> Line<'l> {
        Line { waiting: &self.0, can_wait: false }
    }

    fn make_writer_for(&'l self, about: &Metadata<'_>) -> Line<'l> {
        Line { waiting: &self.0, can_wait: access::is_access(about) }
    }
}

/// Each call is given one whole line, or several.
impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut buffer = self.waiting.buffers.mine();
        if buffer.len() + bytes.len() > WAITING {
            DROPPED.fetch_add(1, Ordering::Relaxed);
            return Ok(bytes.len());
        }
        buffer.extend_from_slice(bytes);
        drop(buffer);
        self.waiting.tell(self.can_wait);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Waiting {
    /// Tells the thread that there is something, unless it knows.
    fn tell(&self, can_wait: bool) {
        let told = &self.told[usize::from(!can_wait)];
        if !told.load(Ordering::Relaxed) && !told.swap(true, Ordering::AcqRel) {
            // Without a thread, lines go nowhere.
            self.thread.send(if can_wait { Item::Lines } else { Item::Now }).ok();
        }
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        let (mark, written) = sync_channel(1);
        if self.0.send(Item::Mark(mark)).is_ok() {
            // A reader that is stuck is not waited for.
            written.recv_timeout(LAST).ok();
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Takes something only after each permission, and shows what it took.
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

    /// T-LOG-05: a reader that is stuck stalls nobody, what is lost is counted, and the last lines are
    /// written at the end.
    #[test]
    fn t_log_05_a_stuck_reader_stalls_nobody() {
        let ((permit, permits), (written, reads)) = (channel(), channel());
        let (lines, rest) = start(Slow(permits, written));
        let before = dropped();
        let filling = format!("{:>1023}\n", "a line of a KiB");
        (0..2 * WAITING / filling.len() + 100).for_each(|_| line(&lines, &filling));
        // The thread may have taken one buffer, full or not, before it was stuck with it.
        let lost = usize::try_from(dropped() - before).unwrap();
        let room = WAITING / filling.len();
        assert!((100..=100 + room).contains(&lost), "{lost}");
        (0..10).for_each(|_| permit.send(()).unwrap());
        assert!(reads.recv().unwrap().ends_with("a line of a KiB\n"));
        line(&lines, "last\n");
        drop(rest);
        assert!(reads.try_iter().last().unwrap().ends_with("last\n"));
    }

    /// Takes little at a time, and says what the script says before.
    struct Fitful(Vec<io::ErrorKind>, Vec<u8>);

    impl Write for Fitful {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(error) = self.0.pop().filter(|error| *error != io::ErrorKind::Other) {
                return Err(error.into());
            }
            let taken = bytes.len().min(4);
            self.1.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// T-LOG-05: one that takes nothing at the moment is tried again, and one that fails tears no line.
    #[test]
    fn t_log_05_lines_stay_whole() {
        use io::ErrorKind::{Interrupted, Other, StorageFull, WouldBlock};
        let to =
            Fitful(vec![StorageFull, Other, WouldBlock, Interrupted, Other, WouldBlock], vec![]);
        let mut whole = WholeLines { to, torn: false };
        let before = dropped();
        whole.write(b"one line\n");
        assert_eq!(dropped() - before, 1);
        whole.write(b"another\n");
        whole.write(b"");
        assert_eq!(String::from_utf8_lossy(&whole.to.1), "one line\nanother\n");
    }
}
