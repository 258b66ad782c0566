//! The generations of the protocol.

/// The protocol generation in which a message speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// 2026-07-28 and later: stateless, headers mirror the body.
    Modern,
    /// 2024-11-05 to 2025-11-25.
    Legacy,
}

impl Era {
    /// The name in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::Legacy => "legacy",
        }
    }
}
