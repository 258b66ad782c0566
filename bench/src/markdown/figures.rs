//! Numbers as they stand in the tables.

use crate::figures::Figures;

/// The columns of [`cells`].
pub(super) const COLUMNS: [&str; 4] = ["req/s:", "p50 µs:", "p99 µs:", "CPU µs per request:"];

/// The cells that every table of requests has, with the rate beside a reference.
pub(crate) fn cells(figures: Figures, reference: f64) -> String {
    let Figures { rate, p50, p99, processor, .. } = figures;
    let ratio = rate / reference;
    let rate = thousands(rate);
    format!("{rate} | {p50:.0} | {p99:.0} | {processor:.1} | {ratio:.2}")
}

/// A whole number with commas.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(thousands(7.4), "7");
        assert_eq!(thousands(132_651.2), "132,651");
        assert_eq!(thousands(1_000_000.0), "1,000,000");
    }
}
