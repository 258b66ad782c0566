//! How soon a stream is opened again that ended: never at once, however a server ends its streams or
//! names its `retry`, and later each time while nothing comes of it.

use std::time::Duration;

use kernel::SecureRandom;
use tokio::time::Instant;

/// The pace at which one stream is opened again and again.
#[derive(Debug)]
pub struct Pacing {
    server: String,
    /// How often in a row nothing came of it.
    fruitless: u32,
    opened: Option<Instant>,
    restless: bool,
}

/// The shortest pause.
pub const FLOOR: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);
/// How much longer than a server wishes a pause may become.
const BEYOND_WISH: u32 = 8;
/// A stream that stood this long was of use, even if all was silent.
const STOOD: Duration = Duration::from_secs(10);
/// So many streams in a row that end at once are worth a line in the log.
const RESTLESS: u32 = 4;

impl Pacing {
    /// The pace of a stream from this server.
    pub fn of(server: &str) -> Self {
        Self { server: server.to_owned(), fruitless: 0, opened: None, restless: false }
    }

    /// The stream stands.
    pub fn opened(&mut self) {
        self.opened = Some(Instant::now());
    }

    /// A message came.
    pub fn heard(&mut self) {
        self.fruitless = 0;
        if std::mem::take(&mut self.restless) {
            tracing::info!(server.name = %self.server, "mcp.stream.settled");
        }
    }

    /// How long to wait before the next attempt. A server may wish for a pause, except for less
    /// than the shortest. A fifth of it is left to chance, so that not all streams of a server that
    /// was restarted come back in the same moment.
    pub fn pause(&mut self, wish: Option<Duration>, random: &dyn SecureRandom) -> Duration {
        if self.opened.take().is_some_and(|opened| opened.elapsed() >= STOOD) {
            self.heard();
        }
        let wish = wish.filter(|wish| *wish >= FLOOR);
        let longest = wish.map_or(LONGEST, |wish| (wish * BEYOND_WISH).min(LONGEST));
        let grown = FLOOR * (1 << self.fruitless.min(10));
        let pause = wish.unwrap_or(FLOOR).max(grown).min(longest);
        self.fruitless = self.fruitless.saturating_add(1);
        if self.fruitless == RESTLESS {
            self.restless = true;
            tracing::warn!(server.name = %self.server, "mcp.stream.restless");
        }
        pause + pause * u32::from(byte(random)) / (5 * u32::from(u8::MAX))
    }
}

fn byte(random: &dyn SecureRandom) -> u8 {
    let mut byte = [0];
    random.fill(&mut byte);
    byte[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl SecureRandom for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn pauses(pacing: &mut Pacing, wish: Option<u64>, count: usize) -> Vec<u128> {
        let wish = wish.map(Duration::from_millis);
        (0..count).map(|_| pacing.pause(wish, &Fixed(0)).as_millis()).collect()
    }

    /// Item 14: `retry: 0` was 700 requests in a second.
    #[tokio::test(start_paused = true)]
    async fn pauses_have_a_floor_and_grow() {
        for wish in [None, Some(0), Some(249)] {
            let mut pacing = Pacing::of("default");
            let seen = pauses(&mut pacing, wish, 9);
            assert_eq!(seen, [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000], "{wish:?}");
            pacing.heard();
            assert_eq!(pauses(&mut pacing, wish, 2), [250, 500], "a message makes it new");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wish_is_minded_and_not_outgrown_by_far() {
        let mut pacing = Pacing::of("default");
        assert_eq!(pauses(&mut pacing, Some(600), 7), [600, 600, 1000, 2000, 4000, 4800, 4800]);
        assert_eq!(pauses(&mut pacing, Some(3_600_000), 2), [30000, 30000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_stood_is_opened_again_soon() {
        let mut pacing = Pacing::of("default");
        pauses(&mut pacing, None, 5);
        pacing.opened();
        tokio::time::advance(STOOD / 2).await;
        assert_eq!(pauses(&mut pacing, None, 1), [8000], "it did not stand for long");
        pacing.opened();
        tokio::time::advance(STOOD).await;
        assert_eq!(pauses(&mut pacing, None, 2), [250, 500]);
    }

    #[tokio::test(start_paused = true)]
    async fn chance_makes_it_longer_and_never_shorter() {
        let mut pacing = Pacing::of("default");
        let pause = pacing.pause(Some(Duration::from_secs(1)), &Fixed(255));
        assert_eq!(pause, Duration::from_millis(1200));
    }
}
