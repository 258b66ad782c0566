//! Just enough of an HTML reader for pages that we write ourselves.

use std::fmt;

/// A start tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
}

impl Tag {
    /// The attribute's value, unescaped; empty for one without a value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn is(&self, name: &str, key: &str, value: &str) -> bool {
        self.name == name && self.get(key) == Some(value)
    }
}

/// The shape of a tag: its name and its attributes' names.
impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.attributes.iter().map(|(name, _)| name.as_str()).collect();
        write!(f, "{}[{}]", self.name, names.join(" "))
    }
}

/// Every start tag after the stylesheet and the head's own tags before it, in order. Reads as a
/// browser does where it matters: anything after `<` and a letter is a tag, and an attribute's
/// value ends at its own quote.
pub(crate) fn tags(html: &str) -> Vec<Tag> {
    let mut rest = html;
    let mut found = Vec::new();
    while let Some(open) = rest.find('<') {
        rest = &rest[open + 1..];
        if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let (tag, after) = start_tag(rest);
            // The stylesheet is text until its end tag.
            rest = if tag.name == "style" { after_style(after) } else { after };
            found.push(tag);
        }
    }
    found
}

/// The text of the first element with this start, without tags and unescaped.
pub(crate) fn text_after(html: &str, start: &str, end: &str) -> String {
    let from = html.find(start).expect("the element starts") + start.len();
    let to = html[from..].find(end).expect("the element ends") + from;
    let mut out = String::new();
    let mut in_tag = false;
    for c in html[from..to].chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => in_tag = false,
            _ if in_tag => {}
            _ => out.push(c),
        }
    }
    unescape(&out)
}

pub(crate) fn style_of(html: &str) -> &str {
    let from = html.find("<style>").expect("a page has a stylesheet") + "<style>".len();
    let to = html.find("</style>").expect("a stylesheet ends");
    &html[from..to]
}

fn after_style(rest: &str) -> &str {
    rest.split_once("</style>").map_or("", |(_, after)| after)
}

fn start_tag(text: &str) -> (Tag, &str) {
    let end = text.find(|c: char| c.is_whitespace() || c == '>' || c == '/').unwrap_or(text.len());
    let mut tag = Tag { name: text[..end].to_ascii_lowercase(), attributes: Vec::new() };
    let mut rest = &text[end..];
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() {
            return (tag, rest);
        }
        if let Some(after) = rest.strip_prefix('>') {
            return (tag, after);
        }
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/'))
            .unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        rest = &rest[end..];
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix("=\"") {
            let (text, after) = after.split_once('"').unwrap_or((after, ""));
            value = unescape(text);
            rest = after;
        } else if rest.starts_with('=') {
            value.push_str("an unquoted value");
            rest = &rest[1..];
        }
        tag.attributes.push((name, value));
    }
}

fn unescape(text: &str) -> String {
    [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
        .into_iter()
        .fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}
