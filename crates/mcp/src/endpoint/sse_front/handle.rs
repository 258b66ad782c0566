//! The name of a stream in the URL that its client posts to.

use crate::endpoint::message::Admitted;

/// Which stream, and which replica holds it.
///
/// It travels sealed to its principal: another principal's does not open (G-20). That is no
/// authentication; every POST brings its token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Handle {
    pub(super) owner: String,
    pub(super) stream: u64,
}

/// Nothing of ours is longer.
const MAX_LENGTH: usize = 1024;

impl Handle {
    pub(super) fn seal(&self, admitted: &Admitted<'_>) -> String {
        let sealing = &admitted.shared.sealing;
        let plain = format!("{}\n{}", self.stream, self.owner);
        sealing.key.seal(plain.as_bytes(), &place(admitted), &*sealing.random)
    }

    /// The handle in a query, and its text.
    pub(super) fn open<'q>(
        admitted: &Admitted<'_>,
        query: Option<&'q str>,
    ) -> Option<(Self, &'q str)> {
        let pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
        let mut named = pairs.filter(|(name, _)| *name == "stream").map(|(_, value)| value);
        let (sealed, None) = (named.next()?, named.next()) else { return None };
        if sealed.len() > MAX_LENGTH {
            return None;
        }
        let plain = admitted.shared.sealing.key.open(sealed, &place(admitted)).ok()?;
        let (stream, owner) = std::str::from_utf8(&plain).ok()?.split_once('\n')?;
        Some((Self { owner: owner.to_owned(), stream: stream.parse().ok()? }, sealed))
    }
}

fn place(admitted: &Admitted<'_>) -> String {
    format!("sse stream/{}", admitted.permit.session_place())
}
