//! What [`cacheScope`](super::member::CACHE_SCOPE) may say (2026-07-28, "Caching").

/// The same result may be shown to everybody.
pub const PUBLIC: &str = "public";
/// It is this principal's alone.
pub const PRIVATE: &str = "private";
