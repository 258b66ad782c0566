//! The headers of one call: made from its arguments, or compared with them.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};
use protocol::mcp::{decode_mirrored, encode_mirrored};
use protocol::splice::Members;
use serde_json::value::RawValue;

use crate::access::mirror::single;
use crate::tools::schemas::declared::{Kind, ParamHeader};

/// C-15: integers beyond this are not the same number in every language.
const LARGEST: i64 = (1 << 53) - 1;

/// The argument is there twice, and readers differ on which of the two counts.
struct Twice;

/// The headers that go with these arguments (D-51). C-16: none for what is null or absent.
pub(crate) fn generate(
    headers: &[ParamHeader],
    arguments: Option<&RawValue>,
) -> Vec<(HeaderName, HeaderValue)> {
    let made = headers.iter().filter_map(|header| {
        let value = header.value(arguments).ok().flatten()?;
        let text = header.text(value)?;
        let value = HeaderValue::from_str(&encode_mirrored(&text)).ok()?;
        Some((header.name.clone(), value))
    });
    made.collect()
}

/// Whether the headers that were sent say what the arguments say (C-16, C-17), or why not.
pub(crate) fn check(
    headers: &[ParamHeader],
    arguments: Option<&RawValue>,
    sent: &HeaderMap,
) -> Result<(), &'static str> {
    headers.iter().try_for_each(|header| header.check(arguments, sent))
}

impl ParamHeader {
    fn check(&self, arguments: Option<&RawValue>, sent: &HeaderMap) -> Result<(), &'static str> {
        let sent = single(sent, self.name.as_str())?;
        let value = self
            .value(arguments)
            .map_err(|Twice| "an argument that has a header appears twice; send it once")?;
        match (value, sent) {
            (None, None) => Ok(()),
            (Some(_), None) => Err("send each argument that the tool's schema marks with \
                                    x-mcp-header in its Mcp-Param header, too"),
            (None, Some(_)) => Err("an Mcp-Param header was sent for an argument that is absent \
                                    or null"),
            (Some(value), Some(sent)) => {
                let sent = decode_mirrored(sent).ok_or("an Mcp-Param header is not decodable")?;
                let agrees = self.agrees(value, &sent);
                agrees.then_some(()).ok_or("an Mcp-Param header must equal its argument")
            }
        }
    }

    /// C-16: integers are compared as numbers, so `42.0` and `42` agree.
    fn agrees(&self, value: &RawValue, sent: &str) -> bool {
        if self.kind == Kind::Integer && is_number(value.get()) {
            return whole(value.get()).is_some_and(|value| whole(sent) == Some(value));
        }
        self.text(value).is_some_and(|value| value == sent)
    }

    /// The argument; `None` if it is absent or null.
    fn value<'a>(&self, arguments: Option<&'a RawValue>) -> Result<Option<&'a RawValue>, Twice> {
        let mut found = arguments;
        for key in &self.path {
            let Some(object) = found else {
                break;
            };
            let Some(Members(members)) = Members::of(object) else {
                return Ok(None);
            };
            let mut named = members.iter().filter(|(name, _)| **name == **key);
            found = named.next().map(|(_, value)| *value);
            if named.next().is_some() {
                return Err(Twice);
            }
        }
        Ok(found.filter(|value| value.get() != "null"))
    }

    /// The argument as a header says it; `None` for what no header can say.
    fn text<'a>(&self, value: &'a RawValue) -> Option<Cow<'a, str>> {
        match value.get() {
            text if text.starts_with('"') => serde_json::from_str(text).ok().map(Cow::Owned),
            text @ ("true" | "false") => Some(text.into()),
            text if is_number(text) && self.kind == Kind::Integer => {
                whole(text).map(|number| number.to_string().into())
            }
            text if is_number(text) => Some(text.into()),
            _ => None,
        }
    }
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

/// The whole number that a text of a JSON number says, if it is one within the limits.
fn whole(text: &str) -> Option<i64> {
    let number = text.parse().ok().or_else(|| {
        let spelled = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
        let number: f64 = text.parse().ok().filter(|_| spelled && is_number(text))?;
        // A whole number of this size is written exactly, without a fraction.
        format!("{number}").parse().ok()
    })?;
    (-LARGEST..=LARGEST).contains(&number).then_some(number)
}
