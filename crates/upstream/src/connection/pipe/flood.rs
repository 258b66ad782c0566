//! How much a server may say that answers nothing.

use std::time::Duration;

use tokio::time::Instant;

/// The other side says too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flooded;

/// What is left of a window of time.
pub(super) struct Allowance {
    window: Instant,
    said: u32,
    /// In a row.
    unreadable: u32,
}

const WINDOW: Duration = Duration::from_secs(10);
/// Far above what progress and logging take, far below what a loop of prints gives.
const PER_WINDOW: u32 = 20_000;
/// Some programs greet on standard output before they begin.
const UNREADABLE: u32 = 100;

impl Allowance {
    pub(super) fn new() -> Self {
        Self { window: Instant::now(), said: 0, unreadable: 0 }
    }

    /// One message that answers nothing.
    pub(super) fn spend(&mut self) -> Result<(), Flooded> {
        if self.window.elapsed() > WINDOW {
            self.window = Instant::now();
            self.said = 0;
        }
        self.said += 1;
        if self.said > PER_WINDOW { Err(Flooded) } else { Ok(()) }
    }

    /// Something that is no message.
    pub(super) fn stumble(&mut self) -> Result<(), Flooded> {
        self.unreadable += 1;
        if self.unreadable > UNREADABLE { Err(Flooded) } else { Ok(()) }
    }

    /// Whether the last message could be read, or there was none.
    pub(super) fn is_steady(&self) -> bool {
        self.unreadable == 0
    }

    /// A message that can be read.
    pub(super) fn recover(&mut self) {
        self.unreadable = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_window_passes_and_a_flood_does_not() {
        let mut allowance = Allowance::new();
        for _ in 0..PER_WINDOW {
            assert_eq!(allowance.spend(), Ok(()));
        }
        assert_eq!(allowance.spend(), Err(Flooded));
        tokio::time::advance(WINDOW * 2).await;
        assert_eq!(allowance.spend(), Ok(()));
        for _ in 0..UNREADABLE {
            assert_eq!(allowance.stumble(), Ok(()));
        }
        assert_eq!(allowance.stumble(), Err(Flooded));
        allowance.recover();
        assert_eq!(allowance.stumble(), Ok(()));
    }
}
