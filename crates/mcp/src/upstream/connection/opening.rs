//! A stream that is being opened.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The longest that one stream holds up what comes after it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// One stream on its way.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    pub(crate) stands: CancellationToken,
    pub(crate) until: Instant,
    /// Its request has not come yet.
    pub(crate) is_expected: bool,
}

impl Opening {
    /// A stream that is opened now.
    pub(crate) fn begin() -> Self {
        Self::within(PATIENCE)
    }

    pub(crate) fn within(patience: Duration) -> Self {
        let (stands, until) = (CancellationToken::new(), Instant::now() + patience);
        Self { stands, until, is_expected: false }
    }

    /// The stream stands, or never will.
    pub(crate) fn settle(&self) {
        self.stands.cancel();
    }

    /// Waits until that is known, but not for long.
    pub(crate) async fn settled(&self) {
        let _ = tokio::time::timeout_at(self.until, self.stands.cancelled()).await;
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        // Tokens are equal only as one.
        self.stands == other.stands
    }
}
