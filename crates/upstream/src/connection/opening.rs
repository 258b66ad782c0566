//! A stream that is being opened.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The longest that one stream holds up what comes after it.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// One stream on its way.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Cancelled once it stands, or never will.
    pub stands: CancellationToken,
    /// When nobody waits for it any more.
    pub until: Instant,
    /// Its request has not come yet.
    pub is_expected: bool,
}

impl Opening {
    /// A stream that is opened now.
    pub fn begin() -> Self {
        Self::within(PATIENCE)
    }

    /// A stream that is opened now and holds up others for so long at most.
    pub fn within(patience: Duration) -> Self {
        let (stands, until) = (CancellationToken::new(), Instant::now() + patience);
        Self { stands, until, is_expected: false }
    }

    /// The stream stands, or never will.
    pub fn settle(&self) {
        self.stands.cancel();
    }

    /// Waits until that is known, but not for long.
    pub async fn settled(&self) {
        let _ = tokio::time::timeout_at(self.until, self.stands.cancelled()).await;
    }

    /// Whether both are the same stream.
    pub fn is(&self, other: &Self) -> bool {
        // Tokens are equal only as one.
        self.stands == other.stands
    }
}
