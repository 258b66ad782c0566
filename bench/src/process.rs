//! What the kernel says of a process.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

/// One tick of the times in `/proc/PID/stat`. Linux reports 100 ticks a second on every platform
/// that this runs on.
const TICK: Duration = Duration::from_millis(10);

/// A process with the children it has now: nginx works in one.
#[derive(Clone, Debug)]
pub(crate) struct Family(Vec<u32>);

impl Family {
    /// The process and its children.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let mut members = vec![pid];
        for entry in std::fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(other) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // It may have ended since the directory was read.
            if fields(other).is_ok_and(|fields| fields.parent == pid) {
                members.push(other);
            }
        }
        Ok(Self(members))
    }

    /// Processor time that it used so far, its own and the kernel's on its behalf.
    pub(crate) fn processor_time(&self) -> anyhow::Result<Duration> {
        self.0.iter().map(|pid| Ok(fields(*pid)?.used)).sum()
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> anyhow::Result<u32> {
        self.0.iter().map(|pid| memory(*pid, "VmRSS:")).sum()
    }

    /// The most resident memory that it ever had since [`Family::forget_peak`], in KiB.
    pub(crate) fn peak(&self) -> anyhow::Result<u32> {
        self.0.iter().map(|pid| memory(*pid, "VmHWM:")).sum()
    }

    /// See proc(5), `/proc/PID/clear_refs`.
    pub(crate) fn forget_peak(&self) -> anyhow::Result<()> {
        for pid in &self.0 {
            let path = format!("/proc/{pid}/clear_refs");
            std::fs::write(&path, "5").with_context(|| format!("{path} is not writable"))?;
        }
        Ok(())
    }
}

struct Fields {
    parent: u32,
    used: Duration,
}

/// See proc(5): the name in parentheses may contain anything, so fields are counted behind it.
fn fields(pid: u32) -> anyhow::Result<Fields> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| format!("{path} is not readable"))?;
    let (_, behind_name) = text.rsplit_once(')').context("a stat file without a name")?;
    let field = |position: usize| -> anyhow::Result<u32> {
        let field = behind_name.split_whitespace().nth(position);
        Ok(field.context("a short stat file")?.parse()?)
    };
    Ok(Fields { parent: field(1)?, used: TICK * (field(11)? + field(12)?) })
}

/// One of the lines of memory in `/proc/PID/status`.
fn memory(pid: u32, name: &str) -> anyhow::Result<u32> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(Path::new(&path))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.with_context(|| format!("no {name}"))?.parse()?)
}
