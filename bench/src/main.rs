//! `bench`: what a hop through Wicketgate costs, beside a direct call, nginx, the least that a hop
//! can do, and another authorization server. `scripts/bench.sh` starts the servers and calls it.
//!
//! Everything runs on one thread: a driver that needs two cores would measure itself.

mod allocations;
mod ask;
mod asker;
mod cleanup;
mod cli;
mod crowd;
mod eras;
mod exchange;
mod figures;
mod filled;
mod fresh;
mod goals;
mod hop;
mod huge;
mod introspection;
mod lane;
mod lanes;
mod load;
mod machine;
mod markdown;
mod own_gateway;
mod paced;
mod peers;
mod person;
mod portal;
mod process;
mod refresh;
mod rotation;
mod rows;
mod run;
mod selection;
mod soak;
mod sqlite;
mod standing;
mod start;
mod status_list;
mod steady;
mod subscriber;
mod switched_off;
mod table_size;
mod template;
mod token;
mod token_endpoints;
mod tool;
mod uneven;
mod upstream;
mod wire;

use clap::Parser as _;

use cli::{Cli, Command};

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match Cli::parse().command {
        Command::Upstream(options) => runtime.block_on(upstream::serve(options.port)),
        Command::Hop(options) => runtime.block_on(hop::serve(&options)),
        Command::Load(options) => runtime.block_on(run::load(&options)),
        Command::Crowd(options) => runtime.block_on(crowd::hold(&options)),
        Command::Soak(options) => runtime.block_on(soak::soak(&options)),
        Command::Peers(options) => runtime.block_on(peers::peers(&options)),
        Command::Run(options) => runtime.block_on(run::run(&options)),
    }
}
