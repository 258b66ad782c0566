//! What would stand in the log.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

/// Everything that this process logs from now on, at the finest level.
#[derive(Clone, Debug, Default)]
pub struct CapturedLog(Arc<Mutex<Vec<u8>>>);

static LOG: OnceLock<CapturedLog> = OnceLock::new();

impl CapturedLog {
    /// Starts capturing; a second call in the same process continues the first.
    pub fn start() -> Self {
        LOG.get_or_init(|| {
            let log = Self::default();
            // The demo server stands for a process of somebody else.
            let ours = Targets::new()
                .with_default(LevelFilter::TRACE)
                .with_target("rmcp", LevelFilter::OFF);
            let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(log.clone());
            let subscriber = tracing_subscriber::registry().with(lines).with(ours);
            tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");
            log
        })
        .clone()
    }

    /// The log so far.
    pub fn text(&self) -> String {
        let bytes = self.0.lock().expect("no poison");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Checks that none of these secrets is in the log.
    #[track_caller]
    pub fn is_free_of<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) {
        let text = self.text();
        for secret in secrets {
            assert!(secret.len() >= 16, "too short to be told from other text");
            if let Some(line) = text.lines().find(|line| line.contains(secret)) {
                panic!("a secret is in the log: {line}");
            }
        }
    }
}

impl Write for CapturedLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no poison").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for CapturedLog {
    type Writer = Self;

    fn make_writer(&'a self) -> Self::Writer {
        self.clone()
    }
}
