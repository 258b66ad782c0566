//! The ids of a server's events, sealed on their way to a client.
//!
//! A server finds a stream by such an id, and some look no further. So like every other handle it
//! leaves here bound to the person, the client, the server and the session, and what does not open
//! for those is not asked about.

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, StatusCode};
use kernel::encoding::base64url;
use memchr::{memchr2, memmem};
use protocol::jsonrpc::INVALID_REQUEST;

use crate::forward::Call;
use crate::forward::headers::LAST_EVENT_ID;
use crate::reply::Refused;
use crate::session::Sealing;

/// Seals the ids in one stream. Everything else passes as it comes, halves of events too.
pub(crate) struct Ids {
    sealing: Sealing,
    place: String,
    /// The beginning of a line that may name an id, and has not ended yet.
    held: BytesMut,
    line: Line,
}

/// What the next byte of a stream belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// The very first line, in front of which a byte order mark may stand.
    First,
    Beginning,
    /// A line that names no id.
    Passing,
}

/// A line of an id that never ends is no line of an id.
const LONGEST: usize = 8 << 10;
/// A sealed id of that length, and not much more.
const LONGEST_SEALED: usize = 12 << 10;
const MARK: &[u8] = b"\xef\xbb\xbf";

impl Ids {
    /// For the answer to this call.
    pub(crate) fn of(call: &Call<'_>) -> Self {
        let sealing = call.shared.sealing.clone();
        let session = call.session.as_ref().map(|session| &session.digest);
        Self { sealing, place: place(call, session), held: BytesMut::new(), line: Line::First }
    }

    /// The same bytes with sealed ids. A line is held back for as long as it may become one that
    /// names an id.
    pub(crate) fn seal(&mut self, bytes: Bytes) -> Bytes {
        if self.passes_whole(&bytes) {
            return bytes;
        }
        let mut sealed = BytesMut::with_capacity(bytes.len() + 128);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let end = memchr2(b'\r', b'\n', rest);
            let (line, ended) = rest.split_at(end.unwrap_or(rest.len()));
            self.take(line, &mut sealed);
            if let Some((end, after)) = ended.split_first() {
                self.end(&mut sealed);
                sealed.extend_from_slice(&[*end]);
                rest = after;
            } else {
                rest = ended;
            }
        }
        sealed.freeze()
    }

    /// Most pieces hold whole lines, none of which begins with the letters.
    fn passes_whole(&mut self, bytes: &[u8]) -> bool {
        let within = match self.line {
            Line::First => false,
            Line::Beginning => self.held.is_empty() && bytes.first() != Some(&b'i'),
            Line::Passing => true,
        };
        let ends = bytes.last().is_some_and(|last| matches!(last, b'\r' | b'\n'));
        let names = |start: &[u8]| memmem::find(bytes, start).is_some();
        if !within || !ends || names(b"\ni") || names(b"\ri") {
            return false;
        }
        self.line = Line::Beginning;
        true
    }

    fn take(&mut self, part: &[u8], sealed: &mut BytesMut) {
        if self.line == Line::Passing {
            return sealed.extend_from_slice(part);
        }
        self.held.extend_from_slice(part);
        if self.held.len() > LONGEST || !could_name_an_id(self.line, &self.held) {
            self.line = Line::Passing;
            sealed.unsplit(self.held.split());
        }
    }

    fn end(&mut self, sealed: &mut BytesMut) {
        let line = self.held.split();
        let line = line.strip_prefix(MARK).filter(|_| self.line == Line::First).unwrap_or(&line);
        self.line = Line::Beginning;
        match line.strip_prefix(b"id:").map(|value| value.strip_prefix(b" ").unwrap_or(value)) {
            // An empty id says that there is none, and one with NUL counts for nobody.
            Some(id) if !id.is_empty() && !id.contains(&0) => {
                let Sealing { key, chance } = &self.sealing;
                sealed.extend_from_slice(b"id: ");
                sealed.extend_from_slice(key.seal(id, &self.place, &**chance).as_bytes());
            }
            Some(_) => sealed.extend_from_slice(b"id:"),
            None => sealed.extend_from_slice(line),
        }
    }
}

/// Whether a line that begins like this names an id, or may still turn out to.
fn could_name_an_id(line: Line, beginning: &[u8]) -> bool {
    if line == Line::First && MARK.starts_with(beginning) {
        return true;
    }
    let name = beginning.strip_prefix(MARK).filter(|_| line == Line::First).unwrap_or(beginning);
    name.starts_with(b"id:") || b"id:".starts_with(name)
}

/// Where sealed ids belong: to one person through one client at one server, and to one session.
/// Only those in the answer to `initialize` are of none, because it is still being opened.
fn place(call: &Call<'_>, session: Option<&[u8; 32]>) -> String {
    let session = session.map(|digest| base64url(digest)).unwrap_or_default();
    format!("mcp event/{session}/{}", call.permit.session_place())
}

impl Call<'_> {
    /// The id of the event after which a client wants to go on, as the server behind knows it.
    pub(crate) fn last_event(&self) -> Result<Option<HeaderValue>, Refused> {
        // An empty one says that there was none (WHATWG HTML, §9.2.3).
        let named = self.headers.get_all(LAST_EVENT_ID).iter();
        let mut named = named.filter(|value| !value.is_empty());
        let (Some(unverified), second) = (named.next(), named.next()) else { return Ok(None) };
        let opened =
            Some(unverified).filter(|value| second.is_none() && value.len() <= LONGEST_SEALED);
        let opened = opened.and_then(|value| value.to_str().ok());
        let opened = opened.and_then(|id| {
            let session = self.session.as_ref().map(|session| &session.digest);
            let key = &self.shared.sealing.key;
            let opened = key.open(id, &place(self, session));
            opened.or_else(|_| key.open(id, &place(self, None))).ok()
        });
        opened.and_then(|id| HeaderValue::from_bytes(&id).ok()).map(Some).ok_or_else(|| {
            let message = "Last-Event-ID names no event of this session; leave it out to open a \
                           new stream";
            self.fault(StatusCode::BAD_REQUEST, INVALID_REQUEST, message)
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Arc;

    use kernel::SystemChance;
    use kernel::seal::SealingKey;
    use proptest::prelude::*;

    use super::*;

    fn ids() -> Ids {
        let key = Arc::new(SealingKey::from_bytes([7; 32]));
        let sealing = Sealing { key, chance: Arc::new(SystemChance::new()) };
        Ids { sealing, place: "here".to_owned(), held: BytesMut::new(), line: Line::First }
    }

    /// What a client sees of a stream in these pieces.
    fn seen<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<u8> {
        let mut ids = ids();
        pieces.into_iter().flat_map(|piece| ids.seal(Bytes::copy_from_slice(piece))).collect()
    }

    /// The same stream with the ids opened again.
    fn opened(stream: &[u8]) -> String {
        let key = SealingKey::from_bytes([7; 32]);
        let line = |line: &str| match line.strip_prefix("id: ") {
            Some(id) => {
                let id = key.open(id, "here").unwrap();
                format!("id: {}", std::str::from_utf8(&id).unwrap())
            }
            None => line.to_owned(),
        };
        let text = std::str::from_utf8(stream).unwrap();
        text.split_inclusive(['\n', '\r'])
            .map(|whole| {
                let bare = whole.trim_end_matches(['\n', '\r']);
                line(bare) + &whole[bare.len()..]
            })
            .collect()
    }

    #[test]
    fn ids_are_sealed_wherever_they_stand() {
        for stream in [
            "id: 1\ndata: {}\n\n",
            "data: {}\nid: e-1_2\n\n",
            "event: message\r\nid: 1\r\ndata: id: 7\r\n\r\n",
            ": id: 1\rid: 2\rdata: x\r\r",
            "identity: 1\ni\nid\nid:\ndata: x\n\n",
            "data: half",
        ] {
            for size in 1..8 {
                let seen = seen(stream.as_bytes().chunks(size));
                assert_eq!(opened(&seen), stream, "in pieces of {size}");
            }
        }
        assert_eq!(opened(&seen([&b"\xef\xbb\xbfid:1\n\n"[..]])), "id: 1\n\n");
        assert_eq!(seen([&b"id: \0\n\n"[..]]), b"id:\n\n");
    }

    /// Nothing but a line that could name an id is waited for.
    #[test]
    fn halves_pass_at_once() {
        let mut ids = ids();
        assert_eq!(ids.seal(Bytes::from_static(b"data: half")), "data: half");
        assert_eq!(ids.seal(Bytes::from_static(b" an event\n\ni")), " an event\n\n");
        assert_eq!(ids.seal(Bytes::from_static(b"nstead: x")), "instead: x");
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(stream in "[id: x\\r\\n]{0,40}", size in 1usize..9) {
            let ended = stream + "\n";
            let whole = opened(&seen([ended.as_bytes()]));
            let pieces = opened(&seen(ended.as_bytes().chunks(size)));
            prop_assert_eq!(whole, pieces);
        }
    }
}
