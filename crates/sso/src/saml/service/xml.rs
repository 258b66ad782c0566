//! A strict reader of XML, and the small tree it makes.
//!
//! It takes the part of XML that signed SAML needs and nothing more: elements, attributes, text,
//! namespaces. Everything that two parsers could read differently is an error (SA-2, SA-7):
//! document types, entities of one's own, processing instructions, CDATA sections, odd names,
//! relative namespaces, attributes that are there twice. Comments are an error in messages and are
//! left out in metadata.

mod read;
mod wellformed;

pub(super) use read::{Limits, parse, root};

use super::flaw::{Flaw, flaw, require};

/// An element with its expanded name. Namespace declarations are not kept: they have done their
/// work when the names are expanded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    namespace: String,
    name: String,
    attributes: Vec<Attribute>,
    children: Vec<Node>,
}

/// An attribute with its expanded name. In an element they are sorted, so that two elements can be
/// compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Attribute {
    namespace: String,
    name: String,
    value: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Element(Element),
    /// As long as can be: there are never two in a row.
    Text(String),
}

impl Element {
    /// Whether it has this name in this namespace.
    pub(super) fn is(&self, namespace: &str, name: &str) -> bool {
        self.name == name && self.namespace == namespace
    }

    /// The name without its namespace.
    pub(super) fn local_name(&self) -> &str {
        &self.name
    }

    /// The attribute of this name in no namespace, which is where SAML's own are.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|a| a.namespace.is_empty() && a.name == name);
        found.map(|attribute| attribute.value.as_str())
    }

    /// Whether it has attributes other than these.
    pub(super) fn has_attributes_beside(&self, names: &[&str]) -> bool {
        self.attributes.iter().any(|a| !a.namespace.is_empty() || !names.contains(&a.name.as_str()))
    }

    /// The values of all attributes that anybody could take for an identifier.
    pub(super) fn identifiers(&self) -> impl Iterator<Item = &str> {
        let is_id = |a: &&Attribute| {
            (a.namespace.is_empty() || a.namespace == super::names::XML)
                && a.name.eq_ignore_ascii_case("id")
        };
        self.attributes.iter().filter(is_id).map(|attribute| attribute.value.as_str())
    }

    /// The elements directly in it.
    pub(super) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// Itself and everything in it.
    pub(super) fn everything(&self) -> Vec<&Self> {
        let mut found = vec![self];
        let mut next = 0;
        while let Some(element) = found.get(next).copied() {
            found.extend(element.elements());
            next += 1;
        }
        found
    }

    /// The elements of this name directly in it.
    pub(super) fn all<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Self> {
        self.elements().filter(move |element| element.is(namespace, name))
    }

    /// The only element of this name directly in it, if there is one.
    pub(super) fn optional(&self, namespace: &str, name: &str) -> Result<Option<&Self>, Flaw> {
        let mut found = self.elements().filter(|element| element.is(namespace, name));
        let first = found.next();
        require(found.next().is_none(), || format!("{} has two of {name}", self.name))?;
        Ok(first)
    }

    /// The only element of this name directly in it.
    pub(super) fn required(&self, namespace: &str, name: &str) -> Result<&Self, Flaw> {
        let found = self.optional(namespace, name)?;
        found.ok_or_else(|| Flaw(format!("{} has no {name}", self.name)))
    }

    /// All its text, if it has nothing but text.
    pub(super) fn text(&self) -> Result<&str, Flaw> {
        match self.children.as_slice() {
            [] => Ok(""),
            [Node::Text(text)] => Ok(text),
            _ => flaw(format!("{} has elements where text belongs", self.name)),
        }
    }

    /// Whether there is text in it other than white space between elements.
    pub(super) fn has_stray_text(&self) -> bool {
        let stray = |text: &str| text.contains(|c: char| !matches!(c, ' ' | '\t' | '\r' | '\n'));
        self.children.iter().any(|node| matches!(node, Node::Text(text) if stray(text)))
    }

    /// A copy without the elements of this name directly in it: what the enveloped-signature
    /// transform leaves.
    pub(super) fn without(&self, namespace: &str, name: &str) -> Self {
        let mut copy = Self { children: Vec::new(), ..self.clone() };
        for node in &self.children {
            match node {
                Node::Element(element) if element.is(namespace, name) => {}
                Node::Element(element) => copy.children.push(Node::Element(element.clone())),
                Node::Text(text) => copy.add_text(text),
            }
        }
        copy
    }

    fn add_text(&mut self, more: &str) {
        match self.children.last_mut() {
            Some(Node::Text(text)) => text.push_str(more),
            _ if more.is_empty() => {}
            _ => self.children.push(Node::Text(more.to_owned())),
        }
    }
}
