//! A gateway beside the measured one, with a person who calls through it.

use crate::cli;
use crate::lane::Lane;
use crate::person::Person;
use crate::start::{Site, Started};

/// It ends with this value.
pub(crate) struct OwnGateway {
    pub(crate) lane: Lane,
    _process: Started,
}

impl OwnGateway {
    /// Starts the one of this name.
    pub(crate) async fn start(options: &cli::Run, name: &str) -> anyhow::Result<Self> {
        Self::at(&Site::of(options, name)?).await
    }

    pub(crate) async fn at(site: &Site) -> anyhow::Result<Self> {
        let process = site.start().await?;
        let mut person = Person::at(site.address).await?;
        let lane = Lane::with_tokens_of(&mut person, site.address, process.pid()).await?;
        Ok(Self { lane, _process: process })
    }
}
