//! W3C Trace Context: whose span a request belongs to, and ours.

use std::time::Duration;

use http::HeaderValue;
use kernel::SecureRandom;

use super::request_record::{Finished, RequestRecord};
use crate::config::{Span, SpanKind, SpanValue};

/// What `traceparent` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parent {
    trace: [u8; 16],
    span: [u8; 8],
    sampled: bool,
}

/// The place of one request in a trace that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) trace: [u8; 16],
    pub(crate) parent: Option<[u8; 8]>,
    /// The request here.
    pub(crate) here: [u8; 8],
    /// Its part at the upstream.
    pub(crate) behind: [u8; 8],
}

impl Parent {
    /// Trace Context §3.2: version, trace, span and flags in lower-case hexadecimal, none all zero.
    /// A later version may have more behind.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (version, rest) = text.split_at_checked(2)?;
        let (known, more) = rest.split_at_checked(53)?;
        let fits = if version == "00" {
            more.is_empty()
        } else {
            more.is_empty() || more.starts_with('-')
        };
        let mut parts = known.strip_prefix('-')?.split('-');
        let (trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?);
        let (trace, span): ([u8; 16], [u8; 8]) = (bytes(trace)?, bytes(span)?);
        let [flags] = bytes::<1>(flags)?;
        let [version] = bytes::<1>(version)?;
        let valid = fits && version != 0xff && trace != [0; 16] && span != [0; 8];
        valid.then_some(Self { trace, span, sampled: flags & 1 == 1 })
    }
}

impl Context {
    /// The place of a new request below `parent`, if its trace is kept.
    pub(crate) fn below(
        parent: Option<Parent>,
        ratio: f64,
        random: &dyn SecureRandom,
    ) -> Option<Self> {
        if parent.is_some_and(|parent| !parent.sampled) || (parent.is_none() && ratio <= 0.0) {
            return None;
        }
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        let [trace, spans] = [take::<16>(&bytes, 0), take(&bytes, 16)];
        if parent.is_none() && !within(take(&trace, 8), ratio) {
            return None;
        }
        Some(Self {
            trace: parent.map_or(trace, |parent| parent.trace),
            parent: parent.map(|parent| parent.span),
            here: take(&spans, 0),
            behind: take(&spans, 8),
        })
    }

    /// What the upstream gets as its parent.
    pub(crate) fn header(&self) -> HeaderValue {
        let mut text = String::with_capacity(55);
        text.push_str("00-");
        hex(&mut text, &self.trace);
        text.push('-');
        hex(&mut text, &self.behind);
        text.push_str("-01");
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
    }
}

/// Gives the span of a request away.
pub(super) fn tell(finished: &Finished<'_>, context: &Context) {
    let Finished { record, facts, status, took, verdict, .. } = finished;
    let asked = facts.asked.first();
    let mut attributes = vec![
        ("wicketgate.request.id", record.id.to_string().into()),
        ("wicketgate.server", record.server.to_string().into()),
        ("wicketgate.decision", verdict.decision.as_str().to_owned().into()),
        ("http.request.method", record.method.to_string().into()),
        ("http.response.status_code", SpanValue::Number(status.as_u16().into())),
    ];
    if let Some(asked) = asked {
        attributes.push(("mcp.method.name", asked.method.to_string().into()));
        attributes.extend(asked.name.as_deref().map(|name| ("mcp.name", name.to_owned().into())));
    }
    let span = Span {
        trace: context.trace,
        id: context.here,
        parent: context.parent,
        kind: SpanKind::Server,
        name: asked.map_or("mcp", |asked| asked.label()),
        begun: record.at,
        after: Duration::ZERO,
        took: *took,
        attributes,
        failed: status.is_server_error(),
    };
    send(record, span);
}

/// Gives the span of its part at the upstream away, if it had one.
pub(super) fn tell_upstream(finished: &Finished<'_>, context: &Context) {
    let Finished { record, facts, .. } = finished;
    let Some(upstream) = facts.upstream else { return };
    let span = Span {
        trace: context.trace,
        id: context.behind,
        parent: Some(context.here),
        kind: SpanKind::Client,
        name: "upstream",
        begun: record.at,
        after: upstream.after,
        took: upstream.took,
        attributes: vec![("wicketgate.server", record.server.to_string().into())],
        failed: upstream.failed,
    };
    send(record, span);
}

fn send(record: &RequestRecord, span: Span) {
    let observer = &record.observer;
    if let Some(spans) = &observer.spans
        && spans.to.try_send(span).is_err()
    {
        observer.meter.spans_lost.inc();
    }
}

/// Whether this draw is among the first `ratio` of all.
fn within(draw: [u8; 8], ratio: f64) -> bool {
    // 53 bits are as many as a float tells apart.
    let draw = u64::from_be_bytes(draw) >> 11;
    let parts = 1_u64 << 53;
    #[expect(clippy::cast_precision_loss, reason = "both have at most 53 bits")]
    let draw = draw as f64 / parts as f64;
    draw < ratio
}

fn take<const N: usize>(bytes: &[u8], from: usize) -> [u8; N] {
    let mut taken = [0; N];
    for (to, byte) in taken.iter_mut().zip(bytes.iter().skip(from)) {
        *to = *byte;
    }
    taken
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use kernel::OsRandom;

    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn parents_are_read_strictly() {
        let parent = Parent::parse(GOOD).unwrap();
        assert!(parent.sampled);
        assert_eq!((parent.trace[0], parent.span[7]), (0x0a, 0x31));
        assert!(!Parent::parse(&GOOD.replace("-01", "-00")).unwrap().sampled);
        assert!(Parent::parse(&format!("{}-more", GOOD.replace("00-0a", "01-0a"))).is_some());
        for bad in [
            "",
            "00-é",
            &GOOD.to_uppercase(),
            &GOOD.replace("00-0a", "ff-0a"),
            &format!("{GOOD}-more"),
            &GOOD[..54],
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
        ] {
            assert_eq!(Parent::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn whoever_began_a_trace_decides_about_it() {
        let random = OsRandom::new();
        let parent = Parent::parse(GOOD).unwrap();
        let context = Context::below(Some(parent), 0.0, &random).unwrap();
        assert_eq!((context.trace, context.parent), (parent.trace, Some(parent.span)));
        let sent = Parent::parse(context.header().to_str().unwrap()).unwrap();
        assert_eq!((sent.trace, sent.span, sent.sampled), (parent.trace, context.behind, true));
        let unsampled = Parent { sampled: false, ..parent };
        assert_eq!(Context::below(Some(unsampled), 1.0, &random), None);
        assert_eq!(Context::below(None, 0.0, &random), None);
        assert!(Context::below(None, 1.0, &random).unwrap().parent.is_none());
    }

    #[test]
    fn a_ratio_is_a_part_of_all_draws() {
        let draw = |first: u8| [first, 0, 0, 0, 0, 0, 0, 0];
        assert!(within(draw(0), 0.1) && within(draw(25), 0.1));
        assert!(!within(draw(26), 0.1) && !within([255; 8], 0.999_999));
        assert!(within([255; 8], 1.0));
    }
}
