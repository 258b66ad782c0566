//! Moments as text (RFC 3339), always in UTC.

use crate::Timestamp;

const DAY: i64 = 86_400;

/// Days from 0000-03-01, where this calendar begins, to 1970-01-01.
const TO_EPOCH: i64 = 719_468;

/// Days of four hundred years, after which the calendar repeats.
const ERA: i64 = 146_097;

impl Timestamp {
    /// The moment as RFC 3339 writes it, with milliseconds: `2026-12-01T08:30:00.250Z`. Years beyond
    /// 9999 have more than four digits.
    pub fn to_rfc3339(self) -> String {
        let (days, seconds) =
            (self.as_seconds().div_euclid(DAY), self.as_seconds().rem_euclid(DAY));
        let (year, month, day) = date(days);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let millis = self.as_millis().rem_euclid(1000);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }

    /// A moment as it is typed: a date, or a date with a time in UTC that ends with `Z`. Fractions of a
    /// second may have up to three digits.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let (date, time) = match text.split_once(['T', 't']) {
            Some((date, time)) => (date, time.strip_suffix(['Z', 'z'])?),
            None => (text, "00:00:00"),
        };
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
        let [fraction_value] = numbers(fraction, '.', [fraction.len()])?;
        let scale = [100, 10, 1].get(fraction.len().checked_sub(1)?)?;
        let days = days(year, month, day);
        let is_right = self::date(days) == (year, month, day) && hour < 24 && minute < 60;
        if !is_right || second > 59 {
            return None;
        }
        let seconds = days * DAY + hour * 3600 + minute * 60 + second;
        Some(Self::from_millis(seconds * 1000 + fraction_value * scale))
    }
}

/// Digits and nothing else, of these lengths.
fn numbers<const N: usize>(text: &str, between: char, lengths: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(between);
    let mut found = [0; N];
    for (number, length) in found.iter_mut().zip(lengths) {
        let part = parts.next()?;
        if part.len() != length || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

/// Year, month and day of a day since the epoch. Years are counted from March, so that a leap day is the
/// last of its year.
const fn date(days: i64) -> (i64, i64, i64) {
    let days = days + TO_EPOCH;
    let (era, day_of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + if month <= 2 { 1 } else { 0 }, month, day)
}

/// The day since the epoch of a date; one that does not exist leads to another.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * ERA + year * 365 + year / 4 - year / 100 + day_of_year - TO_EPOCH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_and_read() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_210_096_789, "2024-02-29T12:34:56.789Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_rfc3339(), text);
            assert_eq!(Timestamp::from_rfc3339(text), Some(Timestamp::from_millis(millis)));
        }
        let read = |text| Timestamp::from_rfc3339(text).map(Timestamp::as_millis);
        assert_eq!(read("2024-02-29"), Some(1_709_164_800_000));
        assert_eq!(read("2024-02-29T00:00:00.5Z"), Some(1_709_164_800_500));
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "2024",
            "2023-02-29",
            "2024-13-01",
            "2024-00-01",
            "2024-01-32",
            "24-01-01",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:60Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00+02:00",
            "2024-01-01T00:00:00.1234Z",
            "2024-01-01T00:00:00.Z",
            "+024-01-01",
            "2024-01-01-01",
        ] {
            assert_eq!(Timestamp::from_rfc3339(text), None, "{text}");
        }
    }
}
