//! The byte order mark that some servers begin a JSON text with (RFC 8259 §8.1: whoever reads may
//! ignore it, and not every client does).

use bytes::{Bytes, BytesMut};
use upstream::wire::json::BYTE_ORDER_MARK;

/// Puts blanks in the place of a mark, in a text that passes piece by piece: its length was announced
/// before, and blanks may stand before any JSON.
#[derive(Default)]
pub(super) struct Mark {
    matched: usize,
    over: bool,
}

impl Mark {
    /// The same piece without what it holds of a mark at the beginning of the text.
    pub(super) fn blank(&mut self, piece: Bytes) -> Bytes {
        if self.over || piece.is_empty() {
            return piece;
        }
        let expected = BYTE_ORDER_MARK[self.matched..].iter();
        let matched = expected.zip(&piece).take_while(|(mark, byte)| mark == byte).count();
        self.matched += matched;
        self.over = matched < piece.len() || self.matched == BYTE_ORDER_MARK.len();
        if matched == 0 {
            return piece;
        }
        let mut blanked = BytesMut::from(piece);
        blanked[..matched].fill(b' ');
        blanked.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_blanked_once_however_it_arrives() {
        for size in 1..6 {
            let mut mark = Mark::default();
            let text = b"\xef\xbb\xbf{\"a\":\"\xef\xbb\xbf\"}";
            let pieces = text.chunks(size).map(Bytes::from_static);
            let blanked: Vec<u8> = pieces.flat_map(|piece| mark.blank(piece)).collect();
            assert_eq!(blanked, b"   {\"a\":\"\xef\xbb\xbf\"}", "in pieces of {size}");
        }
        assert_eq!(Mark::default().blank(Bytes::from_static(b"{}")), "{}");
    }
}
