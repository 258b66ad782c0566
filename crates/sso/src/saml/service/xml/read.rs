//! From bytes to a tree.

use quick_xml::NsReader;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::name::{NamespaceResolver, QName, ResolveResult};

use super::super::flaw::{Flaw, flaw, require};
use super::{Attribute, Element, Node, wellformed};

/// How much a document may be, and whether it may have comments.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Limits {
    bytes: usize,
    depth: usize,
    nodes: usize,
    comments: bool,
}

impl Limits {
    /// For what a browser brings (SA-2). Some directories send hundreds of groups, each a node.
    pub(in super::super) const MESSAGE: Self =
        Self { bytes: 256 * 1024, depth: 64, nodes: 8_000, comments: false };

    /// For what an operator or a pinned address gives: a provider's metadata, perhaps among others.
    pub(in super::super) const METADATA: Self =
        Self { bytes: 4 * 1024 * 1024, depth: 64, nodes: 100_000, comments: true };

    /// The most bytes.
    pub(in super::super) const fn bytes(self) -> usize {
        self.bytes
    }
}

/// Reads a document, completely and strictly.
///
/// # Errors
///
/// The first thing that is wrong with it, or that this reader does not take.
pub(in super::super) fn parse(xml: &str, limits: Limits) -> Result<Element, Flaw> {
    require(xml.len() <= limits.bytes, || {
        format!("the document has more than {} bytes", limits.bytes)
    })?;
    require(xml.chars().all(wellformed::is_character), || "a character XML forbids".to_owned())?;
    let mut reader = NsReader::from_str(xml);
    reader.config_mut().enable_all_checks(true);
    let mut builder = Builder { limits, nodes: 0, open: Vec::new(), root: None };
    loop {
        let at_start = reader.buffer_position() == 0;
        let event =
            reader.read_event().map_err(|_| Flaw("the XML is not well-formed".to_owned()))?;
        match event {
            Event::Start(tag) => builder.start(element(&tag, reader.resolver())?)?,
            Event::Empty(tag) => {
                builder.start(element(&tag, reader.resolver())?)?;
                builder.end()?;
            }
            Event::End(_) => builder.end()?,
            Event::Text(text) => builder.text(&text.into_inner())?,
            Event::GeneralRef(reference) => builder.reference(&reference)?,
            Event::Decl(declaration) => declared(&declaration, at_start)?,
            Event::Comment(_) => {
                require(limits.comments, || "a comment".to_owned())?;
                builder.count()?;
            }
            Event::CData(_) => return flaw("a CDATA section"),
            Event::PI(_) => return flaw("a processing instruction"),
            Event::DocType(_) => return flaw("a document type"),
            Event::Eof => return builder.finish(),
        }
    }
}

/// The first element of a document, without what is in it. The rest is not read, so nothing is known
/// of it.
pub(in super::super) fn root(xml: &str) -> Result<Element, Flaw> {
    let mut reader = NsReader::from_str(xml);
    loop {
        let event = reader.read_event();
        match event.map_err(|_| Flaw("the XML is not well-formed".to_owned()))? {
            Event::Start(tag) | Event::Empty(tag) => return element(&tag, reader.resolver()),
            Event::Decl(_) | Event::Text(_) => {}
            _ => return flaw("the document does not begin with an element"),
        }
    }
}

/// The tree as far as it is read.
struct Builder {
    limits: Limits,
    nodes: usize,
    open: Vec<Element>,
    root: Option<Element>,
}

impl Builder {
    fn count(&mut self) -> Result<(), Flaw> {
        self.nodes += 1;
        let most = self.limits.nodes;
        require(self.nodes <= most, || format!("the document has more than {most} nodes"))
    }

    fn start(&mut self, element: Element) -> Result<(), Flaw> {
        self.count()?;
        require(self.root.is_none(), || "there is something after the document".to_owned())?;
        self.open.push(element);
        let most = self.limits.depth;
        require(self.open.len() <= most, || format!("elements nest deeper than {most}"))
    }

    fn end(&mut self) -> Result<(), Flaw> {
        let Some(element) = self.open.pop() else {
            return flaw("an end tag too many");
        };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(Node::Element(element)),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, raw: &str) -> Result<(), Flaw> {
        require(!raw.contains("]]>"), || "]]> in text".to_owned())?;
        require(!raw.contains('&'), || "a stray & in text".to_owned())?;
        self.add(&wellformed::line_ends(raw))
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), Flaw> {
        self.count()?;
        require(!self.open.is_empty(), || "a reference outside the document".to_owned())?;
        self.add(&resolved(reference)?.to_string())
    }

    fn add(&mut self, text: &str) -> Result<(), Flaw> {
        match self.open.last_mut() {
            Some(parent) => parent.add_text(text),
            None => require(text.trim_matches([' ', '\t', '\n']).is_empty(), || {
                "text outside the document".to_owned()
            })?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Element, Flaw> {
        require(self.open.is_empty(), || "the document ends too early".to_owned())?;
        self.root.ok_or_else(|| Flaw("the document is empty".to_owned()))
    }
}

/// The five names that XML itself knows, and characters by number.
fn resolved(reference: &BytesRef<'_>) -> Result<char, Flaw> {
    let known = match &**reference {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => reference.resolve_char_ref().ok().flatten(),
    };
    let known = known.filter(|&c| wellformed::is_character(c));
    known.ok_or_else(|| Flaw("an entity that XML does not know by itself".to_owned()))
}

/// XML 1.0 §2.8: only at the very start, version 1.0, and an encoding that everybody reads the
/// same way.
fn declared(declaration: &BytesDecl<'_>, at_start: bool) -> Result<(), Flaw> {
    require(at_start, || "an XML declaration that is not at the start".to_owned())?;
    let version = declaration.version().ok();
    let utf8 = match declaration.encoding() {
        None => true,
        Some(Ok(encoding)) => encoding.eq_ignore_ascii_case("utf-8"),
        Some(Err(_)) => false,
    };
    let fine = version.as_deref() == Some("1.0") && utf8;
    require(fine, || "the document is not XML 1.0 in UTF-8".to_owned())
}

fn element(tag: &BytesStart<'_>, resolver: &NamespaceResolver) -> Result<Element, Flaw> {
    wellformed::name(tag.name().into_inner())?;
    wellformed::attributes(tag.attributes_raw())?;
    let (namespace, local) = resolver.resolve_element(tag.name());
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute =
            attribute.map_err(|_| Flaw("a malformed or repeated attribute".to_owned()))?;
        let value = attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0);
        let value = value.map_err(|_| Flaw("an entity in an attribute".to_owned()))?;
        require(value.chars().all(wellformed::is_character), || {
            "a character XML forbids".to_owned()
        })?;
        let key = attribute.key;
        if key.as_namespace_binding().is_some() {
            wellformed::namespace(key.into_inner(), &attribute.value)?;
        } else {
            attributes.push(expanded(key, value.into_owned(), resolver)?);
        }
    }
    // T-SAML-11: the same name under two prefixes is the same attribute.
    attributes.sort();
    let twice = attributes
        .windows(2)
        .any(|two| matches!(two, [a, b] if a.namespace == b.namespace && a.name == b.name));
    require(!twice, || "an attribute is there twice".to_owned())?;
    Ok(Element {
        namespace: bound(&namespace)?,
        name: local.into_inner().to_owned(),
        attributes,
        children: Vec::new(),
    })
}

fn expanded(
    key: QName<'_>,
    value: String,
    resolver: &NamespaceResolver,
) -> Result<Attribute, Flaw> {
    let (namespace, local) = resolver.resolve_attribute(key);
    Ok(Attribute { namespace: bound(&namespace)?, name: local.into_inner().to_owned(), value })
}

fn bound(namespace: &ResolveResult<'_>) -> Result<String, Flaw> {
    match namespace {
        ResolveResult::Unbound => Ok(String::new()),
        ResolveResult::Bound(namespace) => Ok(namespace.0.to_owned()),
        ResolveResult::Unknown(_) => flaw("a prefix without a namespace"),
    }
}
