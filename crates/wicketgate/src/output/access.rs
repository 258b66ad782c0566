//! How lines of the access log are written: as the usual formatter writes them, without what it costs.
//! There is one for each request, so they are most of a log.

use std::cell::RefCell;
use std::fmt::{self, Debug, Write as _};
use std::time::Duration;

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
        self.form.line(&mut writer, event)
    }
}

impl Form {
    /// Writes the line, put together in memory first: the writer is asked once, not for each field.
    fn line(self, writer: &mut Writer<'_>, event: &Event<'_>) -> fmt::Result {
        LINE.with_borrow_mut(|line| {
            line.clear();
            match self {
                Self::Text => text(line, event)?,
                Self::Json => json(line, event)?,
            }
            writer.write_str(line)
        })
    }
}

thread_local! {
    /// Where a line is put together.
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
    /// The last second that was written out, since the epoch, and how.
    static SECOND: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
}

fn text(line: &mut String, event: &Event<'_>) -> fmt::Result {
    let about = event.metadata();
    time(line)?;
    write!(line, " {:>5} {}: ", about.level().as_str(), about.target())?;
    event.record(&mut Fields { line, form: Form::Text, any: false });
    line.push('\n');
    Ok(())
}

fn json(line: &mut String, event: &Event<'_>) -> fmt::Result {
    let about = event.metadata();
    line.push_str(r#"{"timestamp":""#);
    time(line)?;
    write!(line, r#"","level":"{}""#, about.level())?;
    event.record(&mut Fields { line, form: Form::Json, any: true });
    writeln!(line, r#","target":"{}"}}"#, about.target())
}

/// The time as the usual formatter writes it, which works out a calendar for it: once a second here.
fn time(line: &mut String) -> fmt::Result {
    let now = since_epoch();
    SECOND.with_borrow_mut(|(second, written)| {
        if *second != now.as_secs() {
            written.clear();
            SystemTime.format_time(&mut Writer::new(written))?;
            // It looked at the clock once more, so this may be the next second already.
            *second = if since_epoch().as_secs() == now.as_secs() { now.as_secs() } else { 0 };
            line.push_str(written);
            written.truncate(written.find('.').unwrap_or(written.len()));
            return Ok(());
        }
        write!(line, "{written}.{:06}Z", now.subsec_micros())
    })
}

fn since_epoch() -> Duration {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}

/// Writes fields one after the other.
struct Fields<'l> {
    line: &'l mut String,
    form: Form,
    any: bool,
}

impl Fields<'_> {
    /// Writes the name of a field; what it is comes next.
    fn name(&mut self, field: &Field) {
        let any = std::mem::replace(&mut self.any, true);
        let (before, after) = match self.form {
            // The sentence comes first, by itself.
            Form::Text if field.name() == MESSAGE => return,
            Form::Text => (if any { " " } else { "" }, "="),
            Form::Json => (if any { ",\"" } else { "\"" }, "\":"),
        };
        self.line.push_str(before);
        self.line.push_str(field.name());
        self.line.push_str(after);
    }

    fn put(&mut self, field: &Field, value: impl fmt::Display) {
        self.name(field);
        // Writing into a String cannot fail.
        let _ = write!(self.line, "{value}");
    }
}

const MESSAGE: &str = "message";

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match self.form {
            _ if is_plain(value) => {
                self.name(field);
                self.line.push('"');
                self.line.push_str(value);
                self.line.push('"');
            }
            Form::Text => self.put(field, format_args!("{value:?}")),
            Form::Json => self.put(field, json_string(value)),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match self.form {
            Form::Text => self.put(field, format_args!("{value:?}")),
            Form::Json => self.put(field, json_string(&format!("{value:?}"))),
        }
    }
}

/// Whether a text stands between quotation marks as it is, in either form.
fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~');
    // Each byte is looked at, without a way out between: that compiles to vector instructions.
    text.as_bytes().iter().fold(true, |all, byte| all & plain(*byte))
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

    /// The first of a second is written by the usual formatter, all others with what it wrote.
    #[test]
    fn times_are_those_of_the_usual_formatter() {
        let (mut usual, mut lines) = (String::new(), Vec::new());
        for _ in 0..3 {
            let mut line = String::new();
            time(&mut line).unwrap();
            lines.push(line);
        }
        SystemTime.format_time(&mut Writer::new(&mut usual)).unwrap();
        lines.push(usual);
        assert!(lines.is_sorted(), "{lines:?}");
        assert!(lines.iter().all(|line| line.len() == "2026-01-01T00:00:00.000000Z".len()));
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
