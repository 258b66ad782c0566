//! Being told at once that another process changed something, by `LISTEN` and `NOTIFY`.
//!
//! `NOTIFY` is part of the transaction of the change, so it leaves with the commit. What it says is not
//! believed: it is only a reason to look. One gets lost while the connection is away, and a pooler may
//! swallow all of them, so everything works without any, only later.

use std::convert::Infallible;
use std::time::Duration;

use sqlx::Executor as _;
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgListener, Postgres};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::TAKES_CHANGES;
use crate::conn::Conn;
use crate::error::StoreError;
use crate::query::query;
use crate::table::revision::Watched;

/// The cast is for sqlx, which has no name for `void`.
const ANNOUNCE: &str = "SELECT CAST(pg_notify('wicketgate_changes', $1) AS TEXT)";

const LISTEN: &str = "wicketgate_changes";

/// How long to wait before the next attempt to connect; it doubles up to the longer one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long one attempt may take.
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// A connection that was silent for so long is asked for a sign of life, and may take so long to give
/// one. Its node may have vanished without a word, or have become a standby.
const SILENCE: Duration = Duration::from_secs(30);
const ANSWER_WAIT: Duration = Duration::from_secs(5);

/// Tells listeners of a change when the transaction commits, and only then.
pub(super) async fn announce(conn: &mut Conn, change: Watched) -> Result<(), StoreError> {
    let notify = query(ANNOUNCE).bind(change.name());
    conn.one_or_none("announce a change", notify).await.map(drop)
}

/// Listens, and connects again whenever it has to.
pub(super) async fn run(to: &PgConnectOptions, look: &Notify) -> Infallible {
    let mut pause = FIRST_PAUSE;
    let mut is_deaf = false;
    loop {
        let error = match connect(to).await {
            Ok(mut listener) => {
                if is_deaf {
                    tracing::info!("the database tells of changes again");
                }
                (pause, is_deaf) = (FIRST_PAUSE, false);
                // Nobody was told of what changed before.
                look.notify_one();
                pass_on(&mut listener, look).await
            }
            Err(error) => error,
        };
        if !is_deaf {
            tracing::warn!(
                %error,
                "the database cannot tell of changes (LISTEN); they are found a little later, by asking"
            );
            is_deaf = true;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// A connection that belongs to nobody else. A standby refuses `LISTEN`.
async fn connect(to: &PgConnectOptions) -> Result<PgListener, sqlx::Error> {
    let connecting = async {
        let pool = PoolOptions::<Postgres>::new()
            .max_connections(1)
            .acquire_timeout(CONNECT_WAIT)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(to.clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        // What happened in between has to be looked for, so this is done here and not by sqlx.
        listener.eager_reconnect(false);
        give_sign_of_life(&mut listener).await?;
        listener.listen(LISTEN).await?;
        Ok(listener)
    };
    timeout(CONNECT_WAIT, connecting).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

/// Until the connection is of no use any more; returns why.
async fn pass_on(listener: &mut PgListener, look: &Notify) -> sqlx::Error {
    loop {
        let heard = match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(_))) => {
                look.notify_one();
                Ok(())
            }
            Ok(Ok(None)) => Err(closed()),
            Ok(Err(error)) => Err(error),
            Err(_) => {
                let asked = timeout(ANSWER_WAIT, give_sign_of_life(listener)).await;
                asked.unwrap_or(Err(sqlx::Error::PoolTimedOut))
            }
        };
        if let Err(error) = heard {
            return error;
        }
    }
}

/// Fails unless the node is there and takes changes: only such a one is told of any.
async fn give_sign_of_life(listener: &mut PgListener) -> Result<(), sqlx::Error> {
    let asked = listener.fetch_one(TAKES_CHANGES).await?;
    match sqlx::Row::try_get::<i32, _>(&asked, 0)? {
        1 => Ok(()),
        _ => Err(super::read_only()),
    }
}

fn closed() -> sqlx::Error {
    sqlx::Error::Protocol("the connection was closed".to_owned())
}
