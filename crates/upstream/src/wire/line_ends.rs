//! Line ends that every client sees alike.
//!
//! For the standard (WHATWG HTML, §9.2.6 "Interpreting an event stream") a line ends with LF, CR LF
//! or CR. Some clients see no end in a lone CR, and others see one in whatever Unicode calls a line
//! break. What is a comment or the middle of a text for one of them is a line of data for another,
//! so a stream that passes untouched leaves with line ends that mean the same to all.

use bytes::{Bytes, BytesMut};

/// Evens out one stream, piece by piece.
#[derive(Debug, Default)]
pub struct LineEnds {
    /// A line feed now belongs to the CR before it, which left as a line feed.
    after_return: bool,
    /// The beginning of a character that may be a line break.
    held: BytesMut,
}

impl LineEnds {
    /// The same bytes, but for lone CRs, which become LF, and for line breaks of Unicode. Those
    /// stand in JSON texts only, as far as they mean anything, and there leave as escapes (RFC 8259
    /// §7); control characters, which no JSON text holds, leave as spaces.
    pub fn even(&mut self, piece: Bytes) -> Bytes {
        let clean =
            !self.after_return && self.held.is_empty() && !piece.iter().copied().any(is_suspect);
        if clean {
            return piece;
        }
        let mut even = BytesMut::with_capacity(piece.len() + 16);
        self.held.extend_from_slice(&piece);
        let text = self.held.split();
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            let rest = &text[at..];
            let after_return = std::mem::take(&mut self.after_return);
            at += match byte {
                b'\n' if after_return => 1,
                b'\r' => self.carriage_return(rest, &mut even),
                0x0b | 0x0c | 0x1c..=0x1e => put(&mut even, b" ", 1),
                0xc2 | 0xe2 => match character(rest) {
                    Character::Cut => {
                        self.held.extend_from_slice(rest);
                        break;
                    }
                    Character::Break(escape, length) => put(&mut even, escape, length),
                    Character::Other => put(&mut even, &[byte], 1),
                },
                other => put(&mut even, &[other], 1),
            };
        }
        even.freeze()
    }

    /// What was held back when the stream ends.
    pub fn rest(&mut self) -> Bytes {
        self.held.split().freeze()
    }

    /// CR LF stays as it is. Where the LF may still come, the line ends at once all the same.
    fn carriage_return(&mut self, rest: &[u8], even: &mut BytesMut) -> usize {
        if rest.get(1) == Some(&b'\n') {
            return put(even, b"\r\n", 2);
        }
        self.after_return = rest.len() == 1;
        put(even, b"\n", 1)
    }
}

/// What begins with a byte that may begin a line break of Unicode.
enum Character {
    /// How it is written in JSON, and how many bytes it has.
    Break(&'static [u8], usize),
    Other,
    /// Its end is not there yet.
    Cut,
}

fn character(text: &[u8]) -> Character {
    match text {
        [0xc2, 0x85, ..] => Character::Break(br"\u0085", 2),
        [0xe2, 0x80, 0xa8, ..] => Character::Break(br"\u2028", 3),
        [0xe2, 0x80, 0xa9, ..] => Character::Break(br"\u2029", 3),
        [0xc2 | 0xe2] | [0xe2, 0x80] => Character::Cut,
        _ => Character::Other,
    }
}

fn is_suspect(byte: u8) -> bool {
    matches!(byte, b'\r' | 0x0b | 0x0c | 0x1c..=0x1e | 0xc2 | 0xe2)
}

/// Writes, and says how many bytes were read for it.
fn put(even: &mut BytesMut, written: &[u8], read: usize) -> usize {
    even.extend_from_slice(written);
    read
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn evened(text: &[u8], size: usize) -> Vec<u8> {
        let mut ends = LineEnds::default();
        let pieces = text.chunks(size);
        let mut all: Vec<u8> =
            pieces.flat_map(|piece| ends.even(Bytes::copy_from_slice(piece))).collect();
        all.extend_from_slice(&ends.rest());
        all
    }

    #[test]
    fn every_client_sees_the_same_lines() {
        for (text, even) in [
            ("data: {}\n\n", "data: {}\n\n"),
            ("data: {}\r\n\r\n", "data: {}\r\n\r\n"),
            ("data: {}\r\rdata: 1\r", "data: {}\n\ndata: 1\n"),
            ("a\r\r\nb", "a\n\r\nb"),
            ("data: \"\u{2028}\u{2029}\u{85}\"\n", r#"data: "\u2028\u2029\u0085""#),
            ("a\u{b}b\u{c}c\u{1c}d\u{1e}e", "a b c d e"),
            ("é€ “x” \u{2027}\u{a0}", "é€ “x” \u{2027}\u{a0}"),
        ] {
            let seen = String::from_utf8_lossy(&evened(text.as_bytes(), 1000)).into_owned();
            assert_eq!(seen.trim_end_matches('\n'), even.trim_end_matches('\n'), "{text:?}");
        }
    }

    /// A line that ended is not held back until the next one begins.
    #[test]
    fn a_line_ends_at_once() {
        let mut ends = LineEnds::default();
        assert_eq!(ends.even(Bytes::from_static(b"data: 1\r\n\r")), "data: 1\r\n\n");
        assert_eq!(ends.even(Bytes::from_static(b"\ndata: 2")), "data: 2");
        assert_eq!(ends.even(Bytes::from_static(b"\xe2")), "");
        assert_eq!(ends.even(Bytes::from_static(b"\x80\xa6")), "\u{2026}");
    }

    proptest! {
        /// However a stream arrives, its lines are the same ones.
        #[test]
        fn pieces_do_not_matter(
            text in "[a\\r\\n\u{b}\u{85}\u{e9}\u{2028}\u{2026}]{0,40}", size in 1usize..9,
        ) {
            let lines = |text: Vec<u8>| String::from_utf8(text).map(|text| text.replace("\r\n", "\n"));
            prop_assert_eq!(lines(evened(text.as_bytes(), size)), lines(evened(text.as_bytes(), 1000)));
        }
    }
}
