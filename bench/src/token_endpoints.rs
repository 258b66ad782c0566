//! The two authorization servers that are compared.

use crate::cli;
use crate::figures::Figures;
use crate::process::Family;
use crate::refresh::Server;

/// Clients at the same time: the two rows of each table.
pub(crate) const CLIENTS: [usize; 2] = [1, 16];

/// Both.
pub(crate) struct TokenEndpoints {
    pub(crate) provider: Server,
    pub(crate) ours: Server,
}

/// Something of each server, for each of [`CLIENTS`].
#[derive(Clone, Copy, Default)]
pub(crate) struct Compared<T> {
    pub(crate) provider: [T; 2],
    pub(crate) ours: [T; 2],
}

impl TokenEndpoints {
    pub(crate) fn of(options: &cli::Run, client_id: &str) -> anyhow::Result<Self> {
        Ok(Self {
            provider: Server {
                address: options.provider,
                watched: Family::of(options.provider_pid)?,
                client_id: "bench".to_owned(),
            },
            ours: Server {
                address: options.gateway.wicketgate,
                watched: Family::of(options.gateway.wicketgate_pid)?,
                client_id: client_id.to_owned(),
            },
        })
    }
}

impl Compared<Vec<Figures>> {
    pub(crate) fn medians(&self) -> Compared<Figures> {
        let of = |rounds: &[Vec<Figures>; 2]| {
            let [one, many] = rounds;
            [Figures::medians(one), Figures::medians(many)]
        };
        Compared { provider: of(&self.provider), ours: of(&self.ours) }
    }
}
