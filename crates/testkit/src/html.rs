//! Just enough of an HTML reader to fill in the forms of pages that we write ourselves.

/// A start tag.
#[derive(Clone, Debug)]
pub struct Tag {
    /// The element's name.
    pub name: String,
    /// Names and unescaped values; an attribute without a value has an empty one.
    pub attributes: Vec<(String, String)>,
}

/// A form with its fields.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// The URL or path that takes the POST.
    pub action: String,
    /// What a browser would send if the person changed nothing, without a button.
    pub fields: Vec<(String, String)>,
    /// The values of the checkboxes that the person can change, by name.
    pub choices: Vec<(String, String)>,
    /// The submit buttons.
    pub buttons: Vec<(String, String)>,
}

impl Tag {
    /// The attribute's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    fn pair(&self) -> (String, String) {
        let text = |name| self.get(name).unwrap_or_default().to_owned();
        (text("name"), text("value"))
    }
}

impl Form {
    /// The only form of a page.
    #[track_caller]
    pub fn of(html: &str) -> Self {
        let mut forms = Self::all_of(html);
        assert!(forms.len() < 2, "two forms on one page");
        match forms.pop() {
            Some(form) => form,
            None => panic!("no form on this page: {html}"),
        }
    }

    /// Every form of a page, in order.
    #[track_caller]
    pub fn all_of(html: &str) -> Vec<Self> {
        let mut forms: Vec<Self> = Vec::new();
        for tag in tags(html) {
            match (tag.name.as_str(), forms.last_mut()) {
                ("form", _) => {
                    assert_eq!(tag.get("method"), Some("post"), "forms post");
                    let action = tag.get("action").expect("an action").to_owned();
                    forms.push(Self { action, ..Self::default() });
                }
                ("input", Some(form)) => form.take_input(&tag),
                ("button", Some(form)) => form.buttons.push(tag.pair()),
                _ => {}
            }
        }
        forms
    }

    fn take_input(&mut self, tag: &Tag) {
        if tag.get("type") != Some("checkbox") {
            self.fields.push(tag.pair());
        } else if tag.get("disabled").is_none() {
            self.choices.push(tag.pair());
            if tag.get("checked").is_some() {
                self.fields.push(tag.pair());
            }
        }
    }
}

/// Every start tag of a page, in order.
pub(crate) fn tags(html: &str) -> Vec<Tag> {
    let mut rest = html;
    let mut found = Vec::new();
    while let Some(open) = rest.find('<') {
        rest = &rest[open + 1..];
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        let (tag, after) = start_tag(rest);
        // A stylesheet is text up to its end tag.
        rest = if tag.name == "style" {
            after.find("</style").map_or("", |end| &after[end..])
        } else {
            after
        };
        found.push(tag);
    }
    found
}

fn start_tag(text: &str) -> (Tag, &str) {
    let name_end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    let mut tag = Tag { name: text[..name_end].to_ascii_lowercase(), attributes: Vec::new() };
    let mut rest = text[name_end..].trim_start();
    while !rest.is_empty() && !rest.starts_with('>') {
        let end =
            rest.find(|c: char| c == '=' || c == '>' || c.is_whitespace()).unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        rest = rest[end..].trim_start();
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            (value, rest) = attribute_value(after.trim_start());
        }
        if name.is_empty() {
            rest = rest.get(1..).unwrap_or_default();
        } else {
            tag.attributes.push((name, value));
        }
        rest = rest.trim_start();
    }
    (tag, rest.strip_prefix('>').unwrap_or(rest))
}

fn attribute_value(text: &str) -> (String, &str) {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let Some(quote) = quote else {
        let end = text.find(|c: char| c == '>' || c.is_whitespace()).unwrap_or(text.len());
        return (unescaped(&text[..end]), &text[end..]);
    };
    let inside = &text[1..];
    let end = inside.find(quote).unwrap_or(inside.len());
    let after = inside.get(end + 1..).unwrap_or_default();
    (unescaped(&inside[..end]), after)
}

/// A text without its character references.
pub(crate) fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        let reference = rest.find(';').map_or("", |end| &rest[..end]);
        if let Some(c) = character(reference) {
            out.push(c);
            rest = &rest[reference.len() + 1..];
        } else {
            out.push('&');
        }
    }
    out + rest
}

fn character(reference: &str) -> Option<char> {
    match reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = reference.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_a_browser_would_send_it() {
        let form = Form::of(
            "<style>a<b{}</style><form method=\"post\" action=\"/x?a=1&amp;b=2\">\
             <input type=hidden name=csrf value='a&#x27;b'>\
             <input type=\"checkbox\" name=\"scope\" value=\"r\" checked disabled>\
             <input type=\"checkbox\" name=\"scope\" value=\"w\" checked>\
             <input type=\"checkbox\" name=\"scope\" value=\"a\">\
             <button name=\"decision\" value=\"allow\">Allow &lt;it&gt;</button></form>",
        );
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(form.action, "/x?a=1&b=2");
        assert_eq!(form.fields, [pair("csrf", "a'b"), pair("scope", "w")]);
        assert_eq!(form.choices, [pair("scope", "w"), pair("scope", "a")]);
        assert_eq!(form.buttons, [pair("decision", "allow")]);
    }
}
