//! Server-sent events (WHATWG HTML, "Server-sent events"), split without being changed.

use bytes::{Bytes, BytesMut};

/// Collects chunks and gives whole events back, each with the blank line that ends it.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    buffer: BytesMut,
    /// Everything before was looked at, and no event ends there.
    looked: usize,
    /// Where the current line begins.
    line: usize,
}

/// An event with its bytes and the JSON that it carries.
#[derive(Debug)]
pub(crate) struct Event {
    /// The event as it came.
    pub(crate) raw: Bytes,
}

impl Splitter {
    /// Adds what arrived.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// How many bytes wait for the end of their event.
    pub(crate) fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// What is left when the stream is over.
    pub(crate) fn rest(&mut self) -> Bytes {
        self.looked = 0;
        self.line = 0;
        self.buffer.split().freeze()
    }

    /// The next whole event. Lines end with LF, CR LF or CR.
    pub(crate) fn next(&mut self) -> Option<Event> {
        while let Some(byte) = self.buffer.get(self.looked).copied() {
            let next = self.buffer.get(self.looked + 1).copied();
            let ends = match (byte, next) {
                (b'\r', Some(b'\n')) => 2,
                (b'\n', _) | (b'\r', Some(_)) => 1,
                // The other half of the line end may still come.
                (b'\r', None) => return None,
                _ => {
                    self.looked += 1;
                    continue;
                }
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
        None
    }
}

impl Event {
    /// The data of a message event. `None` for comments, other events and empty data.
    pub(crate) fn message(&self) -> Option<Vec<u8>> {
        let mut data = Vec::new();
        for line in lines(&self.raw) {
            match field(line) {
                (b"event", name) if name != b"message" => return None,
                (b"data", value) => {
                    if !data.is_empty() {
                        data.push(b'\n');
                    }
                    data.extend_from_slice(value);
                }
                _ => {}
            }
        }
        (!data.is_empty()).then_some(data)
    }

    /// The last value of a field such as `id`, if it is one line of text.
    pub(crate) fn value(&self, name: &[u8]) -> Option<String> {
        let value = lines(&self.raw).map(field).filter(|(known, _)| *known == name).last()?.1;
        std::str::from_utf8(value).ok().map(str::to_owned)
    }

    /// The data of an event of this name.
    pub(crate) fn named(&self, name: &[u8]) -> Option<Vec<u8>> {
        let is_named = lines(&self.raw).any(|line| field(line) == (b"event", name));
        let data = lines(&self.raw).filter_map(|line| match field(line) {
            (b"data", value) => Some(value),
            _ => None,
        });
        is_named.then(|| data.collect::<Vec<_>>().join(&b'\n'))
    }

    /// The same event with other data; its id and everything else stay.
    pub(crate) fn with_message(&self, message: &[u8]) -> Bytes {
        let mut event = Vec::with_capacity(self.raw.len() + message.len());
        for line in lines(&self.raw) {
            if !line.is_empty() && field(line).0 != b"data" {
                event.extend_from_slice(line);
                event.push(b'\n');
            }
        }
        for line in lines(message) {
            event.extend_from_slice(b"data: ");
            event.extend_from_slice(line);
            event.push(b'\n');
        }
        event.push(b'\n');
        event.into()
    }
}

/// A message event of our own.
pub(crate) fn of_message(message: &str) -> Bytes {
    Bytes::from(format!("event: message\ndata: {message}\n\n"))
}

/// The same for a message of somebody else, which may have line ends of its own.
pub(crate) fn of_foreign_message(message: &[u8]) -> Bytes {
    Event { raw: Bytes::from_static(b"event: message\n\n") }.with_message(message)
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let line_end = |b: &u8| *b == b'\n' || *b == b'\r';
    text.split(line_end).filter(|line| !line.is_empty())
}

/// `name: value`, with one optional space; a line without a colon is all name.
fn field(line: &[u8]) -> (&[u8], &[u8]) {
    let Some(colon) = line.iter().position(|b| *b == b':') else {
        return (line, b"");
    };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    (name, value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(chunks: &[&[u8]]) -> (Vec<Bytes>, Bytes) {
        let (mut splitter, mut events) = (Splitter::default(), Vec::new());
        for chunk in chunks {
            splitter.push(chunk);
            while let Some(event) = splitter.next() {
                events.push(event.raw);
            }
        }
        (events, splitter.rest())
    }

    #[test]
    fn every_line_end_and_comments() {
        let text = b": hi\n\ndata: 1\r\n\r\nid: 7\rdata: 2\r\rdata: 3\n";
        let (events, rest) = split(&[text]);
        assert_eq!(events, [&b": hi\n\n"[..], b"data: 1\r\n\r\n", b"id: 7\rdata: 2\r\r"]);
        assert_eq!(rest, "data: 3\n");
    }

    #[test]
    fn data_is_read_and_replaced() {
        let raw =
            Bytes::from_static(b"id: 7\nevent: message\ndata: {\"a\":\ndata:1}\nretry: 5\n\n");
        let event = Event { raw };
        assert_eq!(event.message().unwrap(), b"{\"a\":\n1}");
        let changed = event.with_message(b"{\n}");
        assert_eq!(changed, "id: 7\nevent: message\nretry: 5\ndata: {\ndata: }\n\n");
        let other = Event { raw: Bytes::from_static(b"event: endpoint\ndata: /x\n\n") };
        assert_eq!(other.message(), None);
        assert_eq!(Event { raw: Bytes::from_static(b": ping\n\n") }.message(), None);
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
