//! How many files this process may open, sockets among them, and so how many connections it takes.

use net::server::Limits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are open whatever happens: the database, listeners, children, other replicas.
const OTHERS: usize = 256;

/// Fewer connections than this are worth a line in the log: a team's clients may need them.
const FEW: usize = 2_000;

/// How many connections the listener takes. Each may need one behind, and strangers who fill the
/// places must not take the descriptors that calls and the database need.
pub(super) fn connections() -> usize {
    let wanted = Limits::default().connections;
    let enough = 2 * wanted + OTHERS;
    let files = raise(enough);
    let connections = fitting(files, wanted);
    if connections < FEW {
        tracing::warn!(
            open_files = files,
            connections,
            "this process may open few files, so it takes few connections at the same time; raise \
             the limit (ulimit -n, LimitNOFILE=) to {enough} for {wanted}"
        );
    }
    connections
}

fn fitting(files: usize, wanted: usize) -> usize {
    // Half of very few files is still a listener that answers.
    (files.saturating_sub(OTHERS) / 2).clamp(32, wanted)
}

/// Raises the soft limit, which is 1,024 on many systems for the sake of very old programs, as far
/// as the hard limit allows, and returns it.
fn raise(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let as_limit = |files: usize| u64::try_from(files).unwrap_or(u64::MAX);
    let enough = limit.maximum.map_or(as_limit(wanted), |most| most.min(as_limit(wanted)));
    let mut current = limit.current;
    if current.is_some_and(|current| current < enough) {
        match setrlimit(Resource::Nofile, Rlimit { current: Some(enough), ..limit }) {
            Ok(()) => current = Some(enough),
            Err(error) => tracing::debug!(%error, "the limit of open files stays as it is"),
        }
    }
    current.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_low_limit_is_raised_and_a_high_one_stays() {
        const ENOUGH: usize = 40_256;
        let before = getrlimit(Resource::Nofile);
        let most = before.maximum.unwrap_or(u64::MAX).min(40_256);
        let set = |current| setrlimit(Resource::Nofile, Rlimit { current, ..before }).unwrap();
        set(Some(300));
        assert_eq!(raise(ENOUGH) as u64, most);
        assert_eq!(getrlimit(Resource::Nofile), Rlimit { current: Some(most), ..before });
        set(before.maximum);
        raise(ENOUGH);
        assert_eq!(getrlimit(Resource::Nofile).current, before.maximum);
    }

    /// Strangers' connections leave descriptors for what their requests need.
    #[test]
    fn connections_leave_room_for_what_is_behind_them() {
        assert_eq!(fitting(45_000, 20_000), 20_000);
        assert_eq!(fitting(1024, 20_000), 384);
        assert_eq!(fitting(300, 20_000), 32);
        assert_eq!(fitting(usize::MAX, 20_000), 20_000);
    }
}
