//! `retry` in a server's events, by which it says how soon its client may open the stream again
//! (WHATWG HTML, §9.2.6). Clients do as they are told: with 0 they ask again at once and for ever,
//! and with more than a timer holds some do the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use upstream::pacing::FLOOR;

/// The longest that a client is told to wait.
const CEILING: Duration = Duration::from_hours(1);

/// What the streams of one server share about its wishes.
pub(crate) struct Wishes {
    server: Arc<str>,
    logged: AtomicBool,
}

impl Wishes {
    pub(crate) fn of(server: &Arc<str>) -> Arc<Self> {
        Arc::new(Self { server: Arc::clone(server), logged: AtomicBool::new(false) })
    }

    /// The line that a client is to read in place of `retry` with this value; `None` to let it pass.
    pub(crate) fn instead(&self, value: &[u8]) -> Option<String> {
        let Some(wished) = millis(value) else {
            // The standard ignores it, some clients do not. A comment says nothing to any.
            return Some(":".to_owned());
        };
        let (least, most) = (FLOOR.as_millis(), CEILING.as_millis());
        let told = wished.clamp(least, most);
        if told == wished {
            return None;
        }
        if !self.logged.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                server.name = %self.server, wished_ms = %wished, told_ms = %told,
                hint = "change the retry that the server names in its event streams",
                "mcp.stream.retry_changed"
            );
        }
        Some(format!("retry: {told}"))
    }
}

/// A number of milliseconds, or as many as there can be.
fn millis(value: &[u8]) -> Option<u128> {
    let digits = std::str::from_utf8(value).ok().filter(|text| !text.is_empty())?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().unwrap_or(u128::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_what_they_can_wait_for() {
        let wishes = Wishes::of(&"default".into());
        let instead = |value: &str| wishes.instead(value.as_bytes());
        for soon in ["0", "00", "1", "249"] {
            assert_eq!(instead(soon).as_deref(), Some("retry: 250"), "{soon}");
        }
        for fine in ["250", "5000", "3600000", "0000300"] {
            assert_eq!(instead(fine), None, "{fine}");
        }
        // Timers of Node hold 2^31 milliseconds, and fire at once beyond.
        for late in ["3600001", "2147483648", &"9".repeat(100)] {
            assert_eq!(instead(late).as_deref(), Some("retry: 3600000"), "{late}");
        }
        for odd in ["", "-1", "+0", "0 ", "1_0", "soon", "\u{661}"] {
            assert_eq!(instead(odd).as_deref(), Some(":"), "{odd}");
        }
    }
}
