//! The last check before a URL that another program chose becomes something to click.

/// `url`, if a browser that follows it leaves the page instead of running code in it.
///
/// The caller has matched it against the client's registration already; this holds even if that
/// check is one day wrong.
pub(crate) fn safe(url: &str) -> Option<&str> {
    let (scheme, _) = url.split_once(':')?;
    let lower = scheme.to_ascii_lowercase();
    // RFC 3986 §3.1: a letter, then letters, digits, plus, period, hyphen. Browsers also drop
    // control characters inside a scheme before they read it, so any of those spoils the URL.
    let well_formed = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-'));
    let clean = !url.chars().any(|c| c.is_control() || c.is_whitespace());
    (well_formed && clean && !RUNS_CODE_OR_READS_FILES.contains(&lower.as_str())).then_some(url)
}

/// `url`, if it leads to a web site: the only kind of place that an identity provider can be.
pub(crate) fn safe_web(url: &str) -> Option<&str> {
    let (scheme, _) = url.split_once("://")?;
    let is_web = ["https", "http"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    safe(url).filter(|_| is_web)
}

const RUNS_CODE_OR_READS_FILES: [&str; 9] =
    ["javascript", "data", "vbscript", "file", "blob", "filesystem", "about", "view-source", "jar"];

#[cfg(test)]
mod tests {
    use super::*;

    /// RU-6: whatever slipped through registration, these never become a link.
    #[test]
    fn schemes_that_run_code_are_not_links() {
        for bad in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "java\nscript:alert(1)",
            " javascript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "https://a.example/\r\nx",
            "/relative",
            "//host.example/",
            "",
        ] {
            assert_eq!(safe(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn ways_back_to_clients_are_links() {
        for good in [
            "https://claude.ai/api/mcp/auth_callback?code=1",
            "http://127.0.0.1:33418/?code=1",
            "cursor://anysphere.cursor-mcp/oauth/callback?code=1",
            "com.raycast:/oauth?package_name=x",
        ] {
            assert_eq!(safe(good), Some(good));
        }
    }
}
