//! Server-sent events, read as the standard says (WHATWG HTML, §9.2.6 "Interpreting an event
//! stream") and written so that every client reads the same.

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderValue;

use super::line_ends::LineEnds;

/// An event with its bytes.
#[derive(Debug)]
pub struct Event {
    /// The event as it came.
    pub raw: Bytes,
}

impl Event {
    /// The data of a message event: one that names no type, an empty one or `message`. `None` for
    /// comments, other events and empty data.
    pub fn message(&self) -> Option<Vec<u8>> {
        self.is_message().then(|| self.data()).filter(|data| !data.is_empty())
    }

    /// Whether the event is of the type that clients take for a message.
    pub(crate) fn is_message(&self) -> bool {
        matches!(self.last(b"event"), None | Some(b"" | b"message"))
    }

    /// The data of an event of this name.
    pub(crate) fn named(&self, name: &[u8]) -> Option<Vec<u8>> {
        (self.last(b"event") == Some(name)).then(|| self.data())
    }

    /// The value of a field such as `id`, if it is text. An `id` with a NUL counts as none.
    pub(crate) fn value(&self, name: &[u8]) -> Option<String> {
        std::str::from_utf8(self.last(name)?).ok().map(str::to_owned)
    }

    /// The same event with other data. Its id stays, and so does whatever else a client may read;
    /// what no standard names is left out, because clients might differ on it.
    pub fn with_message(&self, message: &[u8]) -> Bytes {
        let mut event = self.head(message.len());
        for line in lines(&on_one_line_for_everybody(message)) {
            event.extend_from_slice(b"data: ");
            event.extend_from_slice(line);
            event.push(b'\n');
        }
        event.push(b'\n');
        event.into()
    }

    /// The event with the message that was read from it, as it came if all clients read the same.
    pub fn unchanged(&self, message: &[u8]) -> Bytes {
        self.unambiguous().cloned().unwrap_or_else(|| self.with_message(message))
    }

    /// What passes of an event that carries no message: everything but data, because there are
    /// clients that read messages from events of any type. Empty data stays: with it a server
    /// names the beginning of a stream.
    pub fn beside_messages(&self) -> Bytes {
        let empty = self.data().is_empty();
        if let Some(raw) = self.unambiguous().filter(|_| empty) {
            return raw.clone();
        }
        let mut event = self.head(0);
        if empty && self.last(b"data").is_some() {
            event.extend_from_slice(b"data: \n");
        }
        if !event.is_empty() {
            event.push(b'\n');
        }
        event.into()
    }

    /// The event as it came, if all clients split it into the same lines and take the same from
    /// them.
    fn unambiguous(&self) -> Option<&Bytes> {
        let mut seen: Vec<&[u8]> = Vec::new();
        let known = lines(&self.raw).map(field).all(|(name, value)| match name {
            b"" | b"data" => true,
            b"event" | b"id" | b"retry" if seen.contains(&name) => false,
            b"event" | b"id" | b"retry" => {
                seen.push(name);
                name != b"event" || matches!(value, b"" | b"message")
            }
            _ => false,
        });
        (known && !breaks_elsewhere(&self.raw)).then_some(&self.raw)
    }

    /// All fields but the data, each once: of several the one that counts.
    fn head(&self, room: usize) -> Vec<u8> {
        let counting = [b"event".as_slice(), b"id", b"retry"].map(|name| self.counting(name));
        let counts = |number| counting.iter().flatten().any(|(line, _)| *line == number);
        let mut head = Vec::with_capacity(self.raw.len() + room);
        for (number, line) in lines(&self.raw).enumerate() {
            match field(line) {
                (b"", _) if breaks_elsewhere(line) => head.extend_from_slice(b":\n"),
                (b"", _) => line_of(&mut head, line),
                (b"event", b"message") if counts(number) => line_of(&mut head, line),
                (b"id" | b"retry", value) if counts(number) && !breaks_elsewhere(value) => {
                    line_of(&mut head, line);
                }
                _ => {}
            }
        }
        head
    }

    /// The last value of a field, which is the one that counts.
    fn last(&self, name: &[u8]) -> Option<&[u8]> {
        self.counting(name).map(|(_, value)| value)
    }

    /// The number of the line that counts for a field, and its value. An `id` with a NUL counts for
    /// nobody, and no more does a `retry` that is no number.
    fn counting(&self, name: &[u8]) -> Option<(usize, &[u8])> {
        let counts = |value: &[u8]| match name {
            b"id" => !value.contains(&0),
            b"retry" => value.iter().all(u8::is_ascii_digit),
            _ => true,
        };
        let numbered = lines(&self.raw).map(field).enumerate();
        numbered
            .filter(|(_, (known, value))| *known == name && counts(value))
            .last()
            .map(|(number, (_, value))| (number, value))
    }

    fn data(&self) -> Vec<u8> {
        let mut data = Vec::new();
        let values = lines(&self.raw).map(field).filter(|(name, _)| *name == b"data");
        for (number, (_, value)) in values.enumerate() {
            if number > 0 {
                data.push(b'\n');
            }
            data.extend_from_slice(value);
        }
        if data.iter().all(|byte| *byte == b'\n') { Vec::new() } else { data }
    }
}

/// A message event of our own.
pub fn of_message(message: &str) -> Bytes {
    Bytes::from(format!("event: message\ndata: {message}\n\n"))
}

/// How servers name the beginning of a stream (MCP 2025-11-25, "Sending Messages"): an event without
/// data, here with the id after which the stream goes on.
pub fn beginning_after(id: &HeaderValue) -> Bytes {
    [b"id: ", id.as_bytes(), b"\ndata: \n\n"].concat().into()
}

/// A message event of somebody else's message, which may have line ends of its own.
pub fn of_foreign_message(message: &[u8]) -> Bytes {
    Event { raw: Bytes::from_static(b"event: message\n\n") }.with_message(message)
}

/// A JSON text in which no character ends a line for some clients only. Outside strings none of
/// these is JSON, so what changes is how a character is written, never which.
fn on_one_line_for_everybody(message: &[u8]) -> Cow<'_, [u8]> {
    if !breaks_elsewhere(message) {
        return message.into();
    }
    let mut line_ends = LineEnds::default();
    let even = line_ends.even(Bytes::copy_from_slice(message));
    [even, line_ends.rest()].concat().into()
}

/// Whether some clients see the end of a line where the standard sees none, or none where it sees
/// one: they split at whatever Unicode calls a line break, or at LF only.
fn breaks_elsewhere(text: &[u8]) -> bool {
    let odd = |byte: &u8| matches!(byte, 0x0b | 0x0c | 0x1c..=0x1e);
    let next = |at: usize| text.get(at + 1);
    text.iter().any(odd)
        || memchr::memchr_iter(b'\r', text).any(|at| next(at) != Some(&b'\n'))
        || memchr::memmem::find(text, "\u{85}".as_bytes()).is_some()
        || memchr::memmem::find(text, "\u{2028}".as_bytes()).is_some()
        || memchr::memmem::find(text, "\u{2029}".as_bytes()).is_some()
}

fn line_of(event: &mut Vec<u8>, line: &[u8]) {
    event.extend_from_slice(line);
    event.push(b'\n');
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let line_end = |b: &u8| *b == b'\n' || *b == b'\r';
    text.split(line_end).filter(|line| !line.is_empty())
}

/// `name: value`, with one optional space; a line without a colon is all name. A comment has an
/// empty name.
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
    use super::*;

    fn event(raw: &'static str) -> Event {
        Event { raw: Bytes::from_static(raw.as_bytes()) }
    }

    #[test]
    fn data_is_read_and_replaced() {
        let event = event("id: 7\nevent: message\ndata: {\"a\":\ndata:1}\nretry: 5\n\n");
        assert_eq!(event.message().unwrap(), b"{\"a\":\n1}");
        let changed = event.with_message(b"{\n}");
        assert_eq!(changed, "id: 7\nevent: message\nretry: 5\ndata: {\ndata: }\n\n");
    }

    /// The type of an event is what its last `event` field says, and an empty one is none.
    #[test]
    fn what_the_standard_calls_a_message_is_one() {
        for message in [
            "data: x\n\n",
            "event\ndata: x\n\n",
            "event:\ndata: x\n\n",
            "event: \ndata:x\n\n",
            "event: message\ndata: x\n\n",
            "event: other\nevent: message\ndata: x\n\n",
            "event: other\ndata: x\nevent\n\n",
            ": comment\r\nevent:message\r\ndata: x\r\n\r\n",
        ] {
            assert_eq!(event(message).message().as_deref(), Some(&b"x"[..]), "{message:?}");
        }
        for other in [
            "event: other\ndata: x\n\n",
            "event: message\nevent: other\ndata: x\n\n",
            "event:  message\ndata: x\n\n",
            "data\n\n",
            "data:\ndata\n\n",
            ": ping\n\n",
            "\n",
        ] {
            assert_eq!(event(other).message(), None, "{other:?}");
        }
        assert_eq!(event("data\ndata: x\n\n").message().unwrap(), b"\nx");
        assert_eq!(
            event("event: a\nevent: endpoint\ndata: x\n\n").named(b"endpoint").unwrap(),
            b"x"
        );
        assert_eq!(event("event: endpoint\nevent: a\ndata: x\n\n").named(b"endpoint"), None);
        assert_eq!(event("id: a\nid: \0\n\n").value(b"id").unwrap(), "a");
        assert_eq!(event("retry: 5\nretry: soon\n\n").value(b"retry").unwrap(), "5");
    }

    /// Clients that read more than the standard says find nothing more.
    #[test]
    fn what_clients_could_read_differently_is_left_out() {
        for plain in [": hi\nid: 1\nretry: 2\ndata:\n\n", "event:\nid: 1\n\n", ": ping\r\n\r\n"] {
            assert_eq!(event(plain).beside_messages(), plain);
        }
        for (odd, passing) in [
            ("Data: x\n\n", ""),
            ("\u{feff}data: x\n\n", ""),
            (": \u{2028}data: x\n\n", ":\n\n"),
            ("id: 1\u{c}data: x\n\n", ""),
            ("event: other\nid: 1\ndata: x\n\n", "id: 1\n\n"),
            ("event: other\nevent: other\nid: 1\nid: 2\ndata:\n\n", "id: 2\ndata: \n\n"),
            ("id: 2\nid: 2\nretry: 1\nretry: 1\nretry: x\n\n", "id: 2\nretry: 1\n\n"),
            ("event: message\nevent\nevent: message\n\n", "event: message\n\n"),
        ] {
            assert_eq!(event(odd).beside_messages(), passing, "{odd:?}");
        }
        let plain = event("id: 1\r\ndata: {}\r\n\r\n");
        assert_eq!(plain.unchanged(b"{}"), plain.raw);
        let lone = event("data: {\"id\"\r:1}\ndata: }\n\n");
        let even = ":1}\ndata: {\"id\"\ndata: }\n\n";
        assert_eq!(lone.unchanged(&lone.message().unwrap()), even);
        let odd = event("event: other\nevent:\nid: 1\nid: 2\nnew: 3\ndata: {}\n\n");
        assert_eq!(odd.unchanged(b"{}"), "id: 2\ndata: {}\n\n");
        let lines = event("data: \"\u{2028}\u{85}\"\n\n");
        assert_eq!(lines.unchanged(&lines.message().unwrap()), "data: \"\\u2028\\u0085\"\n\n");
    }

    /// However many lines an event has, it is through at once. With a pass over all lines for each
    /// of them the first of these takes many minutes, and every other answer waits for it.
    #[test]
    fn an_event_of_many_lines_costs_one_pass() {
        const SIZE: usize = 256 << 10;
        let began = tokio::time::Instant::now();
        for line in
            ["id:1\n", "retry:1\n", "event: message\n", ":\n", ": x\r", "data:\n", "new: 1\n"]
        {
            let raw = [&line.repeat(SIZE / line.len()), "data: {}\n\n"].concat();
            let event = Event { raw: raw.into() };
            let message = event.message().unwrap();
            let comments = if line.starts_with(':') { SIZE } else { 0 };
            for passing in [event.with_message(b"{}"), event.beside_messages()] {
                assert!(passing.len() <= comments + 64, "{line:?}: {}", passing.len());
            }
            assert!(!event.unchanged(&message).is_empty());
            assert!(event.value(b"id").is_none_or(|id| id == "1"));
            assert!(began.elapsed() < std::time::Duration::from_mins(1), "{line:?}");
        }
    }
}
