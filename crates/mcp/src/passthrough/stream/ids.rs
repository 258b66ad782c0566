//! The ids of a server's events, sealed on their way to a client, and `retry` in bounds.
//!
//! A server finds a stream by such an id, and some look no further. So like every other handle it
//! leaves here bound to the person, the client, the server and the session, and what does not open
//! for those is not asked about. `retry` stands in a line like an id does, so it is found here, too:
//! see [`wishes`](super::wishes).

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, StatusCode};
use kernel::encoding::base64url;
use memchr::{memchr2, memchr2_iter};
use protocol::jsonrpc::INVALID_REQUEST;
use upstream::wire::headers::LAST_EVENT_ID;

use crate::reply::Refused;
use crate::request::Call;
use crate::request::wishes::Wishes;
use crate::sealing::Sealing;

/// Seals the ids in one stream. Everything else passes as it comes, halves of events too.
pub(crate) struct Ids {
    sealing: Sealing,
    place: String,
    wishes: Arc<Wishes>,
    /// The beginning of a line that may be of interest, and has not ended yet.
    held: BytesMut,
    line: Line,
}

/// What the next byte of a stream belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    /// The very first line, in front of which a byte order mark may stand.
    First,
    Beginning,
    /// A line that is neither.
    Passing,
}

/// The lines of interest begin with these.
const ID: &[u8] = b"id:";
const RETRY: &[u8] = b"retry:";
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
        let (place, wishes) = (place(call, session), Arc::clone(&call.server.wishes));
        Self { sealing, place, wishes, held: BytesMut::new(), line: Line::First }
    }

    /// The same bytes with sealed ids. A line is held back for as long as it may become one of
    /// interest.
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
        let begins = |at: usize| matches!(bytes.get(at), Some(b'i' | b'r'));
        let within = match self.line {
            Line::First => false,
            Line::Beginning => self.held.is_empty() && !begins(0),
            Line::Passing => true,
        };
        let ends = bytes.last().is_some_and(|last| matches!(last, b'\r' | b'\n'));
        if !within || !ends || memchr2_iter(b'\r', b'\n', bytes).any(|end| begins(end + 1)) {
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
        if self.held.len() > LONGEST || !could_be_of_interest(self.line, &self.held) {
            // To some clients even so many zeros are a number; a comment is nothing to any.
            if unmarked(self.line, &self.held).starts_with(RETRY) {
                sealed.extend_from_slice(b":");
            }
            self.line = Line::Passing;
            sealed.unsplit(self.held.split());
        }
    }

    fn end(&mut self, sealed: &mut BytesMut) {
        let held = self.held.split();
        let line = unmarked(self.line, &held);
        self.line = Line::Beginning;
        let wish = value(line, RETRY).and_then(|wish| self.wishes.instead(wish));
        if let Some(instead) = wish {
            return sealed.extend_from_slice(instead.as_bytes());
        }
        match value(line, ID) {
            // An empty id says that there is none, and one with NUL counts for nobody.
            Some(id) if !id.is_empty() && !id.contains(&0) => {
                let Sealing { key, random } = &self.sealing;
                sealed.extend_from_slice(b"id: ");
                sealed.extend_from_slice(key.seal(id, &self.place, &**random).as_bytes());
            }
            Some(_) => sealed.extend_from_slice(b"id:"),
            None => sealed.extend_from_slice(line),
        }
    }
}

/// The value of a line that begins like this.
fn value<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let value = line.strip_prefix(name)?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

/// The line without the byte order mark that may stand before the first one.
fn unmarked(line: Line, text: &[u8]) -> &[u8] {
    text.strip_prefix(MARK).filter(|_| line == Line::First).unwrap_or(text)
}

/// Whether a line that begins like this names an id or a wish, or may still turn out to.
fn could_be_of_interest(line: Line, beginning: &[u8]) -> bool {
    if line == Line::First && MARK.starts_with(beginning) {
        return true;
    }
    let text = unmarked(line, beginning);
    [ID, RETRY].iter().any(|name| text.starts_with(name) || name.starts_with(text))
}

/// Where sealed ids belong: to one person through one client at one server, and to one session.
/// Only those in the answer to `initialize` are of none, because it is still being opened.
fn place(call: &Call<'_>, session: Option<&[u8; 32]>) -> String {
    let session = session.map(|digest| base64url(digest)).unwrap_or_default();
    let upstream = &call.server.upstream_identity;
    format!("mcp event/{upstream}/{session}/{}", call.permit.session_place())
}

impl Call<'_> {
    /// The id of the event after which a client wants to go on, as the upstream knows it.
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
    use kernel::OsRandom;
    use kernel::seal::SealingKey;
    use proptest::prelude::*;

    use super::*;

    fn ids() -> Ids {
        let key = Arc::new(SealingKey::from_bytes([7; 32]));
        let sealing = Sealing { key, random: Arc::new(OsRandom::new()) };
        let (place, wishes) = ("here".to_owned(), Wishes::of(&"default".into()));
        Ids { sealing, place, wishes, held: BytesMut::new(), line: Line::First }
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

    /// Issue 12, item 14: a client that is told 0 asks again at once, and for ever.
    #[test]
    fn wishes_that_hurt_a_client_do_not_reach_it() {
        for (stream, told) in [
            ("retry: 0\n\n", "retry: 250\n\n"),
            ("data: x\nretry:0\ndata: y\n\n", "data: x\nretry: 250\ndata: y\n\n"),
            ("data: x\r\nretry: 99999999999\r\n\r\n", "data: x\r\nretry: 3600000\r\n\r\n"),
            ("\u{feff}retry: 1\r\r", "retry: 250\r\r"),
            ("retry: -1\ndata: x\n\n", ":\ndata: x\n\n"),
            ("retry: 5000\n\n", "retry: 5000\n\n"),
            ("data: retry: 0\nretrying: 0\nretry\n\n", "data: retry: 0\nretrying: 0\nretry\n\n"),
        ] {
            for size in 1..8 {
                assert_eq!(seen(stream.as_bytes().chunks(size)), told.as_bytes(), "{stream:?}");
            }
        }
        let zeros = format!("retry: {}\n\n", "0".repeat(2 * LONGEST));
        assert_eq!(seen([zeros.as_bytes()]), format!(":{zeros}").as_bytes());
        assert!(seen(zeros.as_bytes().chunks(1000)).starts_with(b":retry: 0"));
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
        fn pieces_do_not_matter(stream in "[id: xretry0\\r\\n]{0,40}", size in 1usize..9) {
            let ended = stream + "\n";
            let whole = opened(&seen([ended.as_bytes()]));
            let pieces = opened(&seen(ended.as_bytes().chunks(size)));
            prop_assert_eq!(whole, pieces);
        }
    }
}
