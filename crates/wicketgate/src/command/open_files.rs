//! How many files this process may open, sockets among them.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For as many connections as a listener takes, one behind for each, and the rest.
const ENOUGH: u64 = 45_000;

/// Raises the soft limit, which is 1,024 on many systems for the sake of very old programs, as far
/// as the hard limit allows. Where that fails, the process does with what it has: it accepts fewer
/// connections and says so in the log.
pub(super) fn allow_enough() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(ENOUGH, |maximum| maximum.min(ENOUGH));
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::debug!(%error, "the limit of open files stays as it is");
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_low_limit_is_raised_and_a_high_one_stays() {
        let before = getrlimit(Resource::Nofile);
        let most = before.maximum.unwrap_or(ENOUGH).min(ENOUGH);
        let set = |current| setrlimit(Resource::Nofile, Rlimit { current, ..before }).unwrap();
        set(Some(300));
        allow_enough();
        let raised = getrlimit(Resource::Nofile);
        assert_eq!((raised.current, raised.maximum), (Some(most), before.maximum));
        set(before.maximum);
        allow_enough();
        assert_eq!(getrlimit(Resource::Nofile).current, before.maximum);
    }
}
