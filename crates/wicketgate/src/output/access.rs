//! How lines of the access log are written: as the usual formatter writes them, without what it costs.
//! There is one for each request, so they are most of a log.

use std::fmt::{self, Debug};

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes lines of the access log itself and leaves all others to the usual formatter.
pub(crate) struct Quick<F> {
    usual: Format<F, SystemTime>,
    form: Form,
}

/// How a line looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Json,
}

/// Whether an event is a line of the access log.
pub(super) fn is_access(about: &Metadata<'_>) -> bool {
    about.target() == ACCESS
}

const ACCESS: &str = "mcp.access";

impl<F> Quick<F> {
    /// In place of this formatter, whose lines look so.
    pub(crate) fn instead_of(usual: Format<F, SystemTime>, form: Form) -> Self {
        Self { usual, form }
    }
}

impl<S, N, F> FormatEvent<S, N> for Quick<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    Format<F, SystemTime>: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if !is_access(event.metadata()) {
            return self.usual.format_event(context, writer, event);
        }
        match self.form {
            Form::Text => text(&mut writer, event),
            Form::Json => json(&mut writer, event),
        }
    }
}

fn text(writer: &mut Writer<'_>, event: &Event<'_>) -> fmt::Result {
    let about = event.metadata();
    SystemTime.format_time(writer)?;
    write!(writer, " {:>5} {}: ", about.level().as_str(), about.target())?;
    let mut fields = Fields { writer, form: Form::Text, any: false, written: Ok(()) };
    event.record(&mut fields);
    fields.written?;
    writer.write_char('\n')
}

fn json(writer: &mut Writer<'_>, event: &Event<'_>) -> fmt::Result {
    let about = event.metadata();
    writer.write_str(r#"{"timestamp":""#)?;
    SystemTime.format_time(writer)?;
    write!(writer, r#"","level":"{}""#, about.level())?;
    let mut fields = Fields { writer, form: Form::Json, any: true, written: Ok(()) };
    event.record(&mut fields);
    fields.written?;
    writeln!(writer, r#","target":"{}"}}"#, about.target())
}

/// Writes fields one after the other.
struct Fields<'w, 'b> {
    writer: &'w mut Writer<'b>,
    form: Form,
    any: bool,
    written: fmt::Result,
}

impl Fields<'_, '_> {
    /// Writes the name of a field and, with `value`, what it is.
    fn put(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        if self.written.is_ok() {
            self.written = self.name(field).and_then(|()| value(self.writer));
        }
    }

    fn name(&mut self, field: &Field) -> fmt::Result {
        let any = std::mem::replace(&mut self.any, true);
        let (before, after) = match self.form {
            // The sentence comes first, by itself.
            Form::Text if field.name() == MESSAGE => return Ok(()),
            Form::Text => (if any { " " } else { "" }, "="),
            Form::Json => (if any { ",\"" } else { "\"" }, "\":"),
        };
        self.writer.write_str(before)?;
        self.writer.write_str(field.name())?;
        self.writer.write_str(after)
    }
}

const MESSAGE: &str = "message";

impl Visit for Fields<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let form = self.form;
        self.put(field, |writer| match form {
            _ if is_plain(value) => quoted(writer, value),
            Form::Text => write!(writer, "{value:?}"),
            Form::Json => writer.write_str(&json_string(value)),
        });
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, |writer| write!(writer, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, |writer| write!(writer, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, |writer| write!(writer, "{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match self.form {
            Form::Text => self.put(field, |writer| write!(writer, "{value:?}")),
            Form::Json => {
                self.put(field, |writer| writer.write_str(&json_string(&format!("{value:?}"))));
            }
        }
    }
}

fn quoted(writer: &mut Writer<'_>, plain: &str) -> fmt::Result {
    writer.write_char('"')?;
    writer.write_str(plain)?;
    writer.write_char('"')
}

/// Whether a text stands between quotation marks as it is, in either form.
fn is_plain(text: &str) -> bool {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    text.as_bytes().iter().all(plain)
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::{self, format};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Kept {
        /// The lines but for their times, which are of one length.
        fn lines(&self, after: &str) -> Vec<String> {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            text.lines().map(|line| line.split_once(after).unwrap().1.to_owned()).collect()
        }
    }

    fn to<S>(
        kept: &Kept,
    ) -> fmt::Layer<S, format::DefaultFields, format::Format, impl Fn() -> Kept + 'static> {
        let kept = kept.clone();
        fmt::layer().with_ansi(false).with_writer(move || kept.clone())
    }

    /// What is usual and what clients may send: quotation marks, line ends, escape sequences.
    fn tell() {
        for value in ["default", "", "a \"b\" \\ c", "line\nend\u{1b}[31m", "ä \u{202e}\u{7f}"] {
            tracing::event!(
                target: "mcp.access",
                tracing::Level::INFO,
                request.id = %format_args!("{:08x}-1", 7),
                server.name = value,
                http.status = 200_u16,
                mcp.id = Some("1"),
                mcp.name = None::<&str>,
                mcp.messages = Some(3_usize),
                below = -4_i64,
                asked = true,
                "answered"
            );
        }
    }

    #[test]
    fn lines_are_those_of_the_usual_formatter() {
        let (usual, quick) = (Kept::default(), Kept::default());
        let text = fmt::format().with_ansi(false).compact();
        let both = tracing_subscriber::registry()
            .with(to(&usual).compact())
            .with(to(&quick).event_format(Quick::instead_of(text, Form::Text)));
        tracing::subscriber::with_default(both, tell);
        assert_eq!(quick.lines("Z"), usual.lines("Z"));
        assert!(
            quick.lines("Z")[0].starts_with("  INFO mcp.access: answered request.id=00000007-")
        );
    }

    #[test]
    fn lines_of_json_are_those_of_the_usual_formatter() {
        let (usual, quick) = (Kept::default(), Kept::default());
        let json = fmt::format().json().flatten_event(true);
        let both = tracing_subscriber::registry()
            .with(to(&usual).json().flatten_event(true))
            .with(to(&quick).json().event_format(Quick::instead_of(json, Form::Json)));
        tracing::subscriber::with_default(both, tell);
        assert_eq!(quick.lines("Z\""), usual.lines("Z\""));
        assert!(quick.lines("Z\"").iter().all(|rest| {
            serde_json::from_str::<serde_json::Value>(&format!("{{{}", &rest[1..])).is_ok()
        }));
    }
}
