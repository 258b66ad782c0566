//! `wicketgate audit`: reading the record of what happened.

mod filter;
mod record;

use std::collections::HashSet;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use kernel::{Clock as _, SystemClock, Timestamp};
use store::Store;
use store::audit::AuditRecord;

use self::filter::Filter;
use super::{migrate, run_to_end};
use crate::cli::{AuditCommand, AuditExport, AuditTail, ConfigFile};
use crate::output::records::Records;

/// Rows that are read at once. No connection is held from one page to the next, so that reading
/// millions of them keeps neither the database from tidying up nor a connection from others.
const PAGE: u32 = 1_000;

/// How often `--follow` looks for more.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How far `--follow` looks back each time: replicas have clocks of their own, sidecars report a moment
/// later, and a transaction becomes visible when it commits.
const LATE_SECONDS: i64 = 10;

/// Runs one of the commands.
pub(super) fn run(command: &AuditCommand) -> anyhow::Result<ExitCode> {
    run_to_end(async {
        match command {
            AuditCommand::Tail(options) => tail(options).await,
            AuditCommand::Export(options) => export(options).await,
        }
    })?
}

async fn open(file: &ConfigFile) -> anyhow::Result<Store> {
    let store = migrate::open(file).await?;
    let ready = store.require_current_schema().await;
    ready.context("the database is not ready; run `wicketgate migrate` first")?;
    Ok(store)
}

/// Every record of a time, in order. Each line is complete when the next begins.
async fn export(options: &AuditExport) -> anyhow::Result<ExitCode> {
    let now = SystemClock.now();
    let moment = |text: &Option<String>| text.as_deref().map(|text| filter::moment(text, now));
    let since = moment(&options.since).transpose()?;
    let until = moment(&options.until).transpose()?.unwrap_or(now);
    let store = open(&options.config).await?;
    let mut out = Records::to_stdout();
    let mut after = since.map_or(Timestamp::from_millis(i64::MIN), just_before);
    loop {
        let page = page_after(&store, after, until).await?;
        let Some(last) = page.last() else { break };
        after = last.event.at;
        let mut written = true;
        for record in &page {
            written = written && out.write(&record::json(record))?;
        }
        if !written || !out.flush()? {
            break;
        }
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// The last records, and with `--follow` those that come.
async fn tail(options: &AuditTail) -> anyhow::Result<ExitCode> {
    let now = SystemClock.now();
    let filter = Filter::of(&options.filter, now)?;
    let store = open(&options.config).await?;
    let mut out = Records::to_stdout();
    let text = |record: &AuditRecord| {
        if options.json { record::json(record) } else { record::line(record) }
    };
    let last = last_matching(&store, &filter, options.lines).await?;
    let mut written = true;
    for record in &last {
        written = written && out.write(&text(record))?;
    }
    written = written && out.flush()?;
    if options.follow && written {
        let mut follow = Follow::after(now, &last);
        while written {
            tokio::time::sleep(LOOK_AGAIN).await;
            for record in follow.fresh(&store).await? {
                if filter.lets_through(&record) {
                    written = written && out.write(&text(&record))?;
                }
            }
            written = written && out.flush()?;
        }
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// So many of the newest that fit, the oldest first. Reads backwards, page by page.
async fn last_matching(
    store: &Store,
    filter: &Filter<'_>,
    lines: usize,
) -> anyhow::Result<Vec<AuditRecord>> {
    let since = filter.since();
    let mut before = Timestamp::from_millis(i64::MAX);
    // The newest first.
    let mut found = Vec::new();
    while found.len() < lines {
        let mut reader = store.read().await.context(AWAY)?;
        let page = store::audit::page_before(reader.conn(), before, since, PAGE).await;
        drop(reader);
        let page = page.context(UNREADABLE)?;
        let Some(first) = page.first() else { break };
        before = first.event.at;
        found.extend(page.into_iter().rev().filter(|record| filter.lets_through(record)));
    }
    found.truncate(lines);
    found.reverse();
    Ok(found)
}

async fn page_after(
    store: &Store,
    after: Timestamp,
    until: Timestamp,
) -> anyhow::Result<Vec<AuditRecord>> {
    let mut reader = store.read().await.context(AWAY)?;
    let page = store::audit::page_after(reader.conn(), after, until, PAGE).await;
    page.context(UNREADABLE)
}

const AWAY: &str = "the database does not answer";
const UNREADABLE: &str = "the record cannot be read";

const fn just_before(moment: Timestamp) -> Timestamp {
    Timestamp::from_millis(moment.as_millis().saturating_sub(1))
}

/// What tells one record from another: all of it, since two replicas may give one number at one moment.
type Key = (Timestamp, String);

/// Looks again at the last seconds and leaves out what was shown.
struct Follow {
    newest: Timestamp,
    seen: HashSet<Key>,
    /// Nothing from before is news.
    begun: Timestamp,
}

impl Follow {
    /// The newest that fit were shown, so from the first of them on anything else is news. What is older
    /// than late records can be was searched just now.
    fn after(now: Timestamp, shown: &[AuditRecord]) -> Self {
        let first = shown.first().map_or(now, |record| record.event.at.min(now));
        let begun = just_before(first.max(now.plus_seconds(-LATE_SECONDS)));
        Self { newest: now, seen: shown.iter().map(key).collect(), begun }
    }

    async fn fresh(&mut self, store: &Store) -> anyhow::Result<Vec<AuditRecord>> {
        let mut fresh = Vec::new();
        let mut after = self.newest.plus_seconds(-LATE_SECONDS).max(self.begun);
        loop {
            let page = page_after(store, after, Timestamp::from_millis(i64::MAX)).await?;
            let Some(last) = page.last() else { break };
            after = last.event.at;
            fresh.extend(page.into_iter().filter(|record| self.seen.insert(key(record))));
        }
        // A record from the future must not hide what comes until then.
        self.newest = self.newest.max(after.min(SystemClock.now()));
        let kept = self.newest.plus_seconds(-LATE_SECONDS);
        self.seen.retain(|(at, ..)| *at > kept);
        Ok(fresh)
    }
}

fn key(record: &AuditRecord) -> Key {
    (record.event.at, record::json(record))
}
