//! For how long a document may be kept (RFC 9111 §4.2, CI-8).

use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL};

/// Seconds, at least: whoever begins authorizations must not make the host answer each.
const LEAST: i64 = 30;
/// Seconds, at most.
const MOST: i64 = 86_400;
/// Seconds, where the host says nothing.
const USUAL: i64 = 300;

/// Seconds for which an answer with these headers is fresh, within our own bounds.
pub(super) fn seconds(headers: &HeaderMap) -> i64 {
    let mut seconds = None;
    for value in headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok()) {
        for directive in value.split(',').map(|one| one.trim().to_ascii_lowercase()) {
            if directive == "no-store" || directive.starts_with("no-cache") {
                return LEAST;
            }
            let age =
                directive.strip_prefix("max-age=").map(|text| text.trim_matches('"').to_owned());
            seconds = age.and_then(|text| text.parse::<i64>().ok()).or(seconds);
        }
    }
    let age = headers.get(AGE).and_then(|value| value.to_str().ok());
    let age = age.and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
    seconds.map_or(USUAL, |seconds| seconds.saturating_sub(age)).clamp(LEAST, MOST)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// T-CIMD-12, CI-8.
    #[test]
    fn t_cimd_12_headers_count_within_bounds() {
        for (values, age, expected) in [
            (&[][..], None, USUAL),
            (&["max-age=600"], None, 600),
            (&["public, max-age=600"], Some("100"), 500),
            (&["public", "Max-Age=\"600\""], None, 600),
            (&["max-age=0"], None, LEAST),
            (&["max-age=600"], Some("700"), LEAST),
            (&["no-store"], None, LEAST),
            (&["no-cache, max-age=600"], None, LEAST),
            (&["max-age=315360000"], None, MOST),
            (&["max-age=soon"], None, USUAL),
            (&["max-age=99999999999999999999"], None, USUAL),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CACHE_CONTROL, value.parse().unwrap());
            }
            if let Some(age) = age {
                headers.insert(AGE, age.parse().unwrap());
            }
            assert_eq!(seconds(&headers), expected, "{values:?} {age:?}");
        }
    }
}
