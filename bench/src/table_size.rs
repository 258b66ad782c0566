//! Whether a refresh costs more when there are many refresh tokens (A6).

use std::time::Duration;

use tokio::time::Instant;

use crate::cli;
use crate::figures::Figures;
use crate::filled::{Filled, Filling};

/// Clients, each with one refresh token: the rows of the smaller table.
pub(crate) const FEW: u32 = 10;

/// The medians with few and with many rows.
pub(crate) struct TableSize {
    pub(crate) rows: u32,
    pub(crate) few: Figures,
    pub(crate) many: Figures,
    /// How long it took to fill the table.
    pub(crate) filling: Duration,
}

/// The gateway with the larger table comes back with what was measured.
pub(crate) async fn measure(options: &cli::Run) -> anyhow::Result<(TableSize, Filled)> {
    let mut few = Filled::start(options, "few-rows", FEW, None).await?;
    let begin = Instant::now();
    let mut many = with_many_rows(options).await?;
    let filling = begin.elapsed();
    let (mut with_few, mut with_many) = (Vec::new(), Vec::new());
    for _ in 0..options.pace.rounds {
        with_few.push(few.refresh(options).await?);
        with_many.push(many.refresh(options).await?);
    }
    let sizes = TableSize {
        rows: options.table_rows,
        few: Figures::medians(&with_few),
        many: Figures::medians(&with_many),
        filling,
    };
    Ok((sizes, many))
}

/// A gateway with the larger table.
pub(crate) async fn with_many_rows(options: &cli::Run) -> anyhow::Result<Filled> {
    let filling = Filling { script: "rows.sql", rows: options.table_rows };
    Filled::start(options, "many-rows", FEW, Some(filling)).await
}
