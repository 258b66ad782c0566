//! From samples to the figures of a table.

use std::time::Duration;

use crate::load::Sample;

/// Figures of one measurement, or the medians of several.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Requests in a second.
    pub(crate) rate: f64,
    /// Microseconds within which half of the requests were answered.
    pub(crate) p50: f64,
    /// Microseconds within which 99 of 100 requests were answered.
    pub(crate) p99: f64,
    /// Microseconds within which 999 of 1,000 requests were answered.
    pub(crate) p999: f64,
    /// Microseconds of processor time for one request.
    pub(crate) processor: f64,
}

impl Figures {
    /// What was not measured.
    pub(crate) const NONE: Self =
        Self { rate: f64::NAN, p50: f64::NAN, p99: f64::NAN, p999: f64::NAN, processor: f64::NAN };

    /// The figures of one sample.
    pub(crate) fn of(sample: &Sample) -> Self {
        let count = f64::from(u32::try_from(sample.latencies.len()).unwrap_or(u32::MAX));
        Self {
            rate: count / sample.elapsed.as_secs_f64(),
            p50: micros(percentile(&sample.latencies, 500)),
            p99: micros(percentile(&sample.latencies, 990)),
            p999: micros(percentile(&sample.latencies, 999)),
            processor: micros(sample.processor_time) / count,
        }
    }

    /// The median of each figure by itself.
    pub(crate) fn medians(rounds: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(rounds.iter().map(figure).collect());
        Self {
            rate: of(|figures| figures.rate),
            p50: of(|figures| figures.p50),
            p99: of(|figures| figures.p99),
            p999: of(|figures| figures.p999),
            processor: of(|figures| figures.processor),
        }
    }
}

/// The middle value; not a number if there is none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A duration in microseconds.
pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// The value that so many in a thousand do not exceed.
pub(crate) fn percentile(sorted: &[Duration], in_thousand: usize) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * in_thousand / 1000).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_medians() {
        let sorted: Vec<Duration> = (0..=100).map(Duration::from_micros).collect();
        assert_eq!(percentile(&sorted, 500), Duration::from_micros(50));
        assert_eq!(percentile(&sorted, 990), Duration::from_micros(99));
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).is_nan());
    }
}
