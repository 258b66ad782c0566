//! Which records are wanted.

use anyhow::{Context as _, bail};
use kernel::{Id, Timestamp};
use model::{AuditKind, ClientId};
use store::audit::AuditRecord;

use crate::cli::AuditFilter;

/// What was asked for. Everything that is named has to fit.
pub(super) struct Filter<'o> {
    options: &'o AuditFilter,
    kinds: Vec<AuditKind>,
    since: Timestamp,
}

impl<'o> Filter<'o> {
    /// Fails for a kind that does not exist, so that a slip of the pen does not look like silence.
    pub(super) fn of(options: &'o AuditFilter, now: Timestamp) -> anyhow::Result<Self> {
        let since = options.since.as_deref().map(|text| moment(text, now)).transpose()?;
        let mut kinds = Vec::new();
        for name in &options.kinds {
            let before = kinds.len();
            kinds.extend(AuditKind::ALL.into_iter().filter(|kind| is_meant(*kind, name)));
            if kinds.len() == before {
                let all: Vec<&str> = AuditKind::ALL.into_iter().map(AuditKind::as_str).collect();
                bail!("there is no kind {name:?}; there are: {}", all.join(", "));
            }
        }
        let since = since.unwrap_or(Timestamp::from_millis(i64::MIN));
        Ok(Self { options, kinds, since })
    }

    /// The moment from which records are wanted.
    pub(super) const fn since(&self) -> Timestamp {
        self.since
    }

    /// Whether a record is wanted.
    pub(super) fn lets_through(&self, record: &AuditRecord) -> bool {
        let (event, options) = (&record.event, self.options);
        let fits = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        event.at >= self.since
            && (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && fits(&options.person, event.subject.as_ref().map(Id::as_str))
            && fits(&options.client, event.client.as_ref().map(ClientId::as_str))
            && fits(&options.grant, event.grant.as_ref().map(Id::as_str))
            && fits(&options.txn, event.authorization.as_deref())
    }
}

/// The name itself, or what stands before its dot.
fn is_meant(kind: AuditKind, name: &str) -> bool {
    let own = kind.as_str();
    own == name || own.split_once('.').is_some_and(|(family, _)| family == name)
}

/// A moment, or how long ago it was: `30m`, `12h`, `7d`.
pub(super) fn moment(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    if let Some(moment) = Timestamp::from_rfc3339(text) {
        return Ok(moment);
    }
    ago(text).map(|seconds| now.plus_seconds(-seconds)).with_context(|| {
        format!(
            "{text:?} is no moment: write 2026-12-01, 2026-12-01T08:30:00Z or how long ago it was, \
             as 30m, 12h or 7d"
        )
    })
}

fn ago(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse::<i64>().ok().filter(|_| is_number)?.checked_mul(unit)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_said_in_two_ways() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let before = |text: &str| (now.as_millis() - moment(text, now).unwrap().as_millis()) / 1000;
        assert_eq!((before("90s"), before("30m"), before("12h")), (90, 1_800, 43_200));
        assert_eq!(before("7d"), 604_800);
        assert_eq!(moment("1970-01-02", now).unwrap().as_millis(), 86_400_000);
        for text in ["", "d", "-1d", "+1d", "1w", "1.5h", "yesterday", "9223372036854775807d", "1é"]
        {
            assert!(moment(text, now).is_err(), "{text}");
        }
    }

    #[test]
    fn a_kind_is_meant_by_its_name_or_its_family() {
        assert!(is_meant(AuditKind::RefreshRotated, "refresh.rotated"));
        assert!(is_meant(AuditKind::RefreshRotated, "refresh"));
        assert!(!is_meant(AuditKind::RefreshRotated, "ref"));
        assert!(!is_meant(AuditKind::RefreshRotated, ""));
    }
}
