//! The one stylesheet and its name in a content security policy.

use std::sync::OnceLock;

use kernel::encoding;

/// What stands between `<style>` and `</style>` on every page, byte for byte.
pub(crate) const STYLE: &str = include_str!("../templates/style.css");

/// The source expression that lets a page use its own stylesheet and no other (CSP level 2,
/// `style-src`): `sha256-…`, without the single quotes that the header needs around it.
///
/// ```
/// let policy = format!("default-src 'none'; style-src '{}'", pages::style_hash());
/// assert!(policy.contains("'sha256-"));
/// ```
pub fn style_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| format!("sha256-{}", encoding::base64(&encoding::sha256(STYLE.as_bytes()))))
}
