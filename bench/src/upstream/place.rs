//! Which server a path names.

use super::news::News;

/// One of the servers in this process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Answers everybody, and tells no news.
    Any,
    /// The same with many tools.
    Big,
    /// 2026-07-28 only.
    Modern(News),
    /// 2025-11-25 only.
    Legacy(News),
}

impl Place {
    pub(super) fn at(path: &str) -> Self {
        match path {
            "/big" => Self::Big,
            "/modern" => Self::Modern(News::Never),
            "/modern/news" => Self::Modern(News::Ticks),
            "/legacy" => Self::Legacy(News::Never),
            "/legacy/news" => Self::Legacy(News::Ticks),
            _ => Self::Any,
        }
    }

    pub(super) fn is_big(self) -> bool {
        self == Self::Big
    }

    pub(super) fn is_modern(self) -> bool {
        matches!(self, Self::Modern(_))
    }

    pub(super) fn has_sessions_with_news(self) -> bool {
        matches!(self, Self::Legacy(_))
    }

    pub(super) fn news(self) -> News {
        match self {
            Self::Modern(news) | Self::Legacy(news) => news,
            Self::Any | Self::Big => News::Never,
        }
    }

    /// Whether the generation of the server has this method.
    pub(super) fn knows(self, method: &str) -> bool {
        match self {
            Self::Modern(_) => {
                matches!(
                    method,
                    "server/discover" | "subscriptions/listen" | "tools/list" | "tools/call"
                )
            }
            Self::Any | Self::Big | Self::Legacy(_) => {
                !matches!(method, "server/discover" | "subscriptions/listen")
            }
        }
    }
}
