//! The ways to the same server that are compared.

use anyhow::ensure;

use crate::cli;
use crate::lane::Lane;
use crate::person::Person;
use crate::rows::SLOW;
use crate::tool;

/// All of them.
pub(crate) struct Lanes {
    pub(crate) direct: Lane,
    pub(crate) nginx: Lane,
    /// The least that a hop which checks tokens can do.
    pub(crate) hop: Lane,
    pub(crate) wicketgate: Lane,
}

/// The name of the reference hop's lane.
pub(crate) const HOP: &str = "reference hop";

impl Lanes {
    pub(crate) async fn open(options: &cli::Run, person: &mut Person) -> anyhow::Result<Self> {
        let gateway = &options.gateway;
        let wicketgate =
            Lane::with_tokens_of(person, gateway.wicketgate, gateway.wicketgate_pid).await?;
        let mut hop = Lane::open(HOP, options.hop, options.hop_pid)?;
        hop.few = wicketgate.few.clone();
        Ok(Self {
            direct: Lane::open("direct", options.upstream, options.upstream_pid)?,
            nginx: Lane::open("nginx", options.proxy.nginx, options.proxy.nginx_pid)?,
            hop,
            wicketgate,
        })
    }

    /// All of them, in the order of the tables.
    pub(crate) fn all(&self) -> [&Lane; 4] {
        [&self.direct, &self.nginx, &self.hop, &self.wicketgate]
    }

    /// Those that take part in every row.
    pub(crate) fn main(&self) -> [&Lane; 3] {
        [&self.direct, &self.nginx, &self.wicketgate]
    }

    /// A figure counts only if events arrive one by one.
    pub(crate) async fn check_streaming(&self) -> anyhow::Result<()> {
        for lane in self.main() {
            let parts = lane.parts(SLOW).await?;
            ensure!(
                parts as usize > tool::EVENTS,
                "{} holds events back: they came in {parts} parts",
                lane.name
            );
        }
        Ok(())
    }
}
