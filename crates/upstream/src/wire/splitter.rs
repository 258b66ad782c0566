//! Cuts a stream of server-sent events (WHATWG HTML, §9.2.6 "Interpreting an event stream") into
//! whole events.

use bytes::{Buf as _, BytesMut};
use memchr::memchr2;

use super::events::Event;

/// Collects chunks and gives whole events back, each with the blank line that ends it.
#[derive(Debug, Default)]
pub struct Splitter {
    buffer: BytesMut,
    /// Whether the beginning of the stream was looked at.
    begun: bool,
    /// Everything before was looked at, and no event ends there.
    looked: usize,
    /// Where the current line begins.
    line: usize,
}

/// A byte order mark, which the standard drops once at the beginning of a stream. In front of an
/// event it would hide the name of the first field from us, and not from a client.
const MARK: &[u8] = b"\xef\xbb\xbf";

impl Splitter {
    /// Adds what arrived.
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// How many bytes wait for the end of their event.
    pub fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// The next whole event. Lines end with LF, CR LF or CR.
    pub fn next_event(&mut self) -> Option<Event> {
        if !self.begin() {
            return None;
        }
        while let Some(found) = memchr2(b'\r', b'\n', self.buffer.get(self.looked..)?) {
            self.looked += found;
            let ends = match (self.buffer.get(self.looked), self.buffer.get(self.looked + 1)) {
                (Some(b'\r'), Some(b'\n')) => 2,
                // The other half of the line end may still come.
                (Some(b'\r'), None) => return None,
                _ => 1,
            };
            let blank = self.looked == self.line;
            self.looked += ends;
            self.line = self.looked;
            if blank {
                let raw = self.buffer.split_to(self.looked).freeze();
                self.looked = 0;
                self.line = 0;
                return Some(Event { raw });
            }
        }
        self.looked = self.buffer.len();
        None
    }

    /// The event that ends with the stream: after its last CR no LF came.
    pub(crate) fn last(&mut self) -> Option<Event> {
        if self.buffer.ends_with(b"\r") {
            self.buffer.extend_from_slice(b"\n");
        }
        self.next_event()
    }

    /// Drops the byte order mark. `false` while it may still be on its way.
    fn begin(&mut self) -> bool {
        if self.begun {
            return true;
        }
        if self.buffer.starts_with(MARK) {
            self.buffer.advance(MARK.len());
        } else if MARK.starts_with(&self.buffer) {
            return false;
        }
        self.begun = true;
        true
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn split(chunks: &[&[u8]]) -> (Vec<Bytes>, Bytes) {
        let (mut splitter, mut events) = (Splitter::default(), Vec::new());
        for chunk in chunks {
            splitter.push(chunk);
            while let Some(event) = splitter.next_event() {
                events.push(event.raw);
            }
        }
        (events, splitter.buffer.freeze())
    }

    #[test]
    fn every_line_end_and_comments() {
        let text = b": hi\n\ndata: 1\r\n\r\nid: 7\rdata: 2\r\rdata: 3\n";
        let (events, rest) = split(&[text]);
        assert_eq!(events, [&b": hi\n\n"[..], b"data: 1\r\n\r\n", b"id: 7\rdata: 2\r\r"]);
        assert_eq!(rest, "data: 3\n");
    }

    /// One mark is dropped at the beginning, however it arrives, and none anywhere else.
    #[test]
    fn the_byte_order_mark_is_dropped_once() {
        let stream = b"\xef\xbb\xbfdata: 1\n\n\xef\xbb\xbfdata: 2\n\n";
        let expected = [&b"data: 1\n\n"[..], b"\xef\xbb\xbfdata: 2\n\n"];
        assert_eq!(split(&[stream]).0, expected);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(split(&bytes).0, expected);
        assert_eq!(split(&[b"\xef\xbb\xbf\xef\xbb\xbf\n\n"]).0, [&b"\xef\xbb\xbf\n\n"[..]]);
        assert_eq!(split(&[b"\xef", b"\n\n"]).0, [&b"\xef\n\n"[..]]);
    }

    proptest! {
        /// However a stream is cut into chunks, the same events come out and no byte is lost.
        #[test]
        fn chunks_do_not_matter(text in "[a:\\n\\r]{0,40}", cuts in prop::collection::vec(0usize..40, 0..6)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let (whole, rest) = split(&[bytes]);
            let (cut, cut_rest) = split(&chunks);
            prop_assert_eq!(&whole, &cut);
            prop_assert_eq!(&rest, &cut_rest);
            prop_assert_eq!([whole.concat(), rest.to_vec()].concat(), bytes);
        }
    }
}
