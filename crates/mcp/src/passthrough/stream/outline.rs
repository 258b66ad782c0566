//! What a JSON-RPC text is about, told while its bytes pass: whether it is a result with a list of
//! tools, and under which id. Nothing is kept of it but a few names.

use memchr::{memchr2, memmem};
use protocol::jsonrpc::member::{ID, RESULT};
use protocol::mcp::member;
use upstream::wire::ambiguity;

/// Reads on with each piece. What is no JSON is not understood by its client either.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outline {
    /// The containers that are open: how many, and which of the outer ones are objects.
    depth: usize,
    objects: [bool; COUNTED + 1],
    /// A message is at depth 1, or at depth 2 in a batch.
    message: usize,
    text: Text,
    /// Whether a string would be the name of a member.
    name_next: bool,
    /// The name at hand, or the id, as far as it counts.
    word: Vec<u8>,
    member: Member,
    is_list: bool,
    id: Vec<u8>,
    /// Members of the message that some reader takes for its id, and for its result.
    ids: u8,
    results: u8,
}

/// Whether the next byte belongs to a string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Text {
    #[default]
    Outside,
    Inside,
    /// Inside, and whatever it is, it does not end the string.
    Escaped,
}

/// What is read of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Member {
    Id,
    Result,
    #[default]
    Other,
}

/// The depth of the members of a result in a batch; nothing deeper counts.
const COUNTED: usize = 3;
/// A longer id is compared as far as this, and longer names are none that count.
const WORD: usize = 256;

impl Outline {
    /// Reads a piece. Gives the id of each list that ends in it to `listed`.
    pub(crate) fn read(&mut self, mut text: &[u8], mut listed: impl FnMut(&[u8])) {
        while let Some((byte, rest)) = text.split_first() {
            text = if self.text == Text::Outside {
                self.structure(*byte, &mut listed);
                rest
            } else {
                self.string(text)
            };
        }
    }

    /// Reads on in a string, as far as it goes in this piece.
    fn string<'t>(&mut self, text: &'t [u8]) -> &'t [u8] {
        if self.text == Text::Escaped {
            self.text = Text::Inside;
            self.keep(&text[..1]);
            return &text[1..];
        }
        let end = memchr2(b'"', b'\\', text);
        let (passed, rest) = text.split_at(end.map_or(text.len(), |end| end + 1));
        self.keep(passed);
        match passed.last() {
            Some(b'\\') if end.is_some() => self.text = Text::Escaped,
            Some(b'"') if end.is_some() => self.text = Text::Outside,
            _ => {}
        }
        rest
    }

    fn structure(&mut self, byte: u8, listed: &mut impl FnMut(&[u8])) {
        match byte {
            b'"' => {
                self.text = Text::Inside;
                if self.member != Member::Id || self.name_next {
                    self.word.clear();
                }
                self.keep(b"\"");
            }
            b'{' | b'[' => self.open(byte == b'{'),
            b'}' | b']' => self.close(listed),
            b':' => self.named(),
            b',' => self.next(),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            other => self.keep(&[other]),
        }
    }

    fn open(&mut self, object: bool) {
        if self.depth == 0 {
            self.message = if object { 1 } else { 2 };
        }
        self.depth += 1;
        if let Some(known) = self.objects.get_mut(self.depth) {
            *known = object;
        }
        self.name_next = object;
    }

    fn close(&mut self, listed: &mut impl FnMut(&[u8])) {
        self.next();
        if self.depth == self.message {
            // With two of them it depends on the reader which one counts.
            let ambiguous = self.ids > 1 || self.results > 1;
            if std::mem::take(&mut self.is_list) {
                listed(if ambiguous { b"" } else { &self.id });
            }
            self.id.clear();
            (self.ids, self.results) = (0, 0);
        }
        self.depth = self.depth.saturating_sub(1);
    }

    /// The name of a member ended.
    fn named(&mut self) {
        if !std::mem::take(&mut self.name_next) {
            return;
        }
        let is = |known: &str| reads_as(&self.word, known);
        if self.depth == self.message {
            self.member = match () {
                () if is(RESULT) => Member::Result,
                () if is(ID) => Member::Id,
                () => Member::Other,
            };
            self.ids = self.ids.saturating_add(u8::from(self.member == Member::Id));
            self.results = self.results.saturating_add(u8::from(self.member == Member::Result));
        } else if self.depth == self.message + 1 && self.member == Member::Result {
            self.is_list |= is(member::TOOLS);
        }
        self.word.clear();
    }

    /// A value ended, and with it perhaps the id.
    fn next(&mut self) {
        if self.depth == self.message {
            if self.member == Member::Id {
                std::mem::swap(&mut self.id, &mut self.word);
                self.word.clear();
            }
            self.member = Member::Other;
        }
        self.name_next = self.objects.get(self.depth).is_some_and(|object| *object);
    }

    /// Keeps what may be a name or an id that counts.
    fn keep(&mut self, text: &[u8]) {
        let counts = self.depth <= self.message + 1
            && (self.name_next || self.member == Member::Id && self.depth == self.message);
        if counts {
            let room = WORD.saturating_sub(self.word.len()).min(text.len());
            self.word.extend_from_slice(&text[..room]);
        }
    }
}

/// Whether some reader takes this string for the name of a known member.
fn reads_as(word: &[u8], known: &str) -> bool {
    match plain(word) {
        Some(name) => ambiguity::reads_as(name, known),
        None => name(word).is_some_and(|name| ambiguity::reads_as(&name, known)),
    }
}

/// What stands in a string of JSON, if it stands there as it is.
fn plain(word: &[u8]) -> Option<&str> {
    let inner = word.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let as_it_is = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    inner.iter().all(as_it_is).then(|| std::str::from_utf8(inner).ok())?
}

/// The name of a member, as it is kept: of a long one what stands before a NUL, where there are
/// readers for which it ends.
fn name(word: &[u8]) -> Option<String> {
    if let Ok(name) = serde_json::from_slice(word) {
        return Some(name);
    }
    let nul = memmem::find(word, br"\u0000")?;
    serde_json::from_slice(&[&word[..nul], b"\""].concat()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lists(text: &str, piece: usize) -> Vec<String> {
        let (mut outline, mut found) = (Outline::default(), Vec::new());
        for piece in text.as_bytes().chunks(piece) {
            outline.read(piece, |id| found.push(String::from_utf8_lossy(id).into_owned()));
        }
        found
    }

    /// A name is not kept whole, however long it is.
    #[test]
    fn a_long_name_that_some_readers_cut_counts() {
        let text = format!(r#"{{"id":1,"result\u0000{}":{{"tools":[]}}}}"#, "x".repeat(500));
        assert_eq!(lists(&text, 7), ["1"]);
    }

    #[test]
    fn lists_are_found_with_their_ids() {
        for (text, expected) in [
            (r#"{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"x"}]}}"#, vec!["7"]),
            (r#"{"result":{"a":{"b":[1,"}"]},"tools":[]},"id": "a\"b" }"#, vec![r#""a\"b""#]),
            (r#"{"RESULT":{"\u0074ools":[]},"id":null}"#, vec!["null"]),
            (r#"{"id":1,"ID":2,"result":{"tools":[]}}"#, vec![""]),
            (r#"{"id":1,"result":{"tools":[]},"Result":{}}"#, vec![""]),
            (r#"{"id":1,"result\u0000x":{"tools\u0000":[]}}"#, vec!["1"]),
            (r#"{"result":{"tools":[]}}"#, vec![""]),
            (r#"[{"id":1,"result":{}},{"id":2,"result":{"tools":[]}}]"#, vec!["2"]),
            (r#"{"id":1,"result":{"tools":[]}} {"id":2,"result":{"tools":[]}}"#, vec!["1", "2"]),
            (r#"{"id":1,"result":{"content":[{"tools":1}],"x":{"tools":1},"y":"tools"}}"#, vec![]),
            (r#"{"id":1,"params":{"tools":[]},"result":["tools"]}"#, vec![]),
            (r#"{"id":1,"result":{"text":"\"tools\":[]","a":["tools",":"]}}"#, vec![]),
            (r#"{"method":"x","params":{"result":{"tools":[]}}}"#, vec![]),
            ("]]}}{", vec![]),
        ] {
            for piece in [1, 3, 1000] {
                assert_eq!(lists(text, piece), expected, "{text} in pieces of {piece}");
            }
        }
    }

    proptest! {
        /// Nothing that arrives makes it fail, and how it arrives makes no difference.
        #[test]
        fn any_text_in_any_pieces(text in "[{}\\[\\]\",:\\\\ idresulttools]{0,60}", piece in 1usize..9) {
            prop_assert_eq!(lists(&text, piece), lists(&text, 1000));
        }
    }
}
