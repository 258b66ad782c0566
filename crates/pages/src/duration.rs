//! Lengths of time in words.

use std::time::Duration;

const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];

/// `length` in the largest unit that does not round it to one or none: "90 days", "1 hour",
/// "90 minutes", "about 28 hours".
pub(crate) fn in_words(length: Duration) -> String {
    let seconds = length.as_secs();
    let (size, unit) = UNITS
        .into_iter()
        .find(|(size, _)| seconds == *size || seconds >= 2 * size)
        .unwrap_or((1, "second"));
    let count = (seconds + size / 2) / size;
    let about = if seconds.is_multiple_of(size) { "" } else { "about " };
    let plural = if count == 1 { "" } else { "s" };
    format!("{about}{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_as_a_person_would_say_them() {
        for (seconds, words) in [
            (7_776_000, "90 days"),
            (86_400, "1 day"),
            (100_000, "about 28 hours"),
            (3_600, "1 hour"),
            (5_400, "90 minutes"),
            (600, "10 minutes"),
            (45, "45 seconds"),
            (1, "1 second"),
            (0, "0 seconds"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }
}
