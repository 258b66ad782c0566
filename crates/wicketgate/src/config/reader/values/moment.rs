//! Moments, as TOML writes them.

use kernel::Timestamp;
use toml::value::{Date, Datetime, Offset};

use crate::config::reader::Reader;

const FIX: &str = "Write it without quotes, with an offset: 2027-01-31T00:00:00Z";

impl Reader<'_> {
    /// A moment, if it is there.
    pub(in crate::config) fn optional_moment(&self, key: &str) -> Option<Timestamp> {
        let value = self.get(key)?;
        let moment = value.as_datetime().and_then(moment);
        match moment {
            Some(_) => self.show(key, value.to_string()),
            None => self.problem(key, value, "it is not a moment", FIX),
        }
        moment
    }
}

/// `None` without a date, a time and an offset: a moment that depends on where the server stands
/// would be another one after it moved.
fn moment(written: &Datetime) -> Option<Timestamp> {
    let (date, time) = (written.date?, written.time?);
    let offset = match written.offset? {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let of_day = i64::from(time.hour) * 60 + i64::from(time.minute) - offset;
    let seconds = days_since_1970(date) * 86_400 + of_day * 60;
    let seconds = seconds + i64::from(time.second.unwrap_or(0));
    Some(Timestamp::from_millis(seconds * 1000))
}

/// Counts in years that begin in March, so that the leap day is the last one.
fn days_since_1970(date: Date) -> i64 {
    let (month, day) = (i64::from(date.month), i64::from(date.day));
    let year = i64::from(date.year) - i64::from(month < 3);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + of_year - 719_468
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<i64> {
        moment(&text.parse().unwrap()).map(Timestamp::as_seconds)
    }

    #[test]
    fn moments_are_counted_from_1970() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2027-01-15T08:00:00Z", 1_800_000_000),
            ("2027-01-15T10:00:00+02:00", 1_800_000_000),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for incomplete in ["2027-01-15", "2027-01-15T08:00:00", "08:00:00"] {
            assert_eq!(seconds(incomplete), None, "{incomplete}");
        }
    }
}
