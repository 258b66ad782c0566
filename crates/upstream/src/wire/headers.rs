//! Headers that are kept or sent again.

use http::{HeaderName, HeaderValue};
use protocol::mcp::LAST_EVENT_ID_HEADER;

/// `Last-Event-ID`, with which a client resumes a stream.
pub const LAST_EVENT_ID: HeaderName = HeaderName::from_static(LAST_EVENT_ID_HEADER);

/// A copy to keep. A value as it arrived is a slice of the buffer that its connection was read
/// into, and holds all of it: some 8 KiB for a few bytes.
pub fn to_keep(arrived: &HeaderValue) -> HeaderValue {
    let mut copy = HeaderValue::from_bytes(arrived.as_bytes()).unwrap_or_else(|_| arrived.clone());
    copy.set_sensitive(arrived.is_sensitive());
    copy
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn what_is_kept_holds_no_buffer() {
        let buffer = Bytes::from(vec![b'x'; 8192]);
        let Ok(mut arrived) = HeaderValue::from_maybe_shared(buffer.slice(100..120)) else {
            unreachable!("letters");
        };
        arrived.set_sensitive(true);
        let kept = to_keep(&arrived);
        assert_eq!((&kept, kept.is_sensitive()), (&arrived, true));
        drop(arrived);
        assert!(buffer.is_unique());
    }
}
