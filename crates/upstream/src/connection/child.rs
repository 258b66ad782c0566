//! An upstream that is a child process: MCP over its standard input and output. For Unix,
//! where a process group lets a whole family of processes be ended together.

mod command;
mod life;
mod lines;
pub mod program;
pub(crate) mod slots;
mod stderr;
mod stdin;

use std::sync::Arc;

use self::slots::Room;
use super::pipe::{Core, End, Manner, Pipe};
use super::{Caller, ConnectionError};
use crate::ChildConfig;
use crate::Upstream;
use crate::wire::Era;

/// Starts a child on this caller's behalf. It ends with the pipe.
pub(crate) async fn open(
    upstream: &Arc<Upstream>,
    caller: &Caller,
    era: Era,
    config: &ChildConfig,
) -> Result<Pipe, ConnectionError> {
    let (children, limits) = (&upstream.children, &upstream.means.limits);
    children.may_start(upstream.now())?;
    let room = Room { limit: config.limit, courtesy: limits.child_courtesy };
    let seat = children.seat(room, caller.whose).await?;
    let subject = command::subject(caller);
    let Some(mut process) = command::spawn(config, caller)
        .inspect_err(|error| {
            let program = config.command.first().map(String::as_str).unwrap_or_default();
            let hint = command::hint(config, error);
            tracing::warn!(server.name = %upstream.name, %program, %error, hint, "mcp.child.failed");
        })
        .ok()
        .and_then(life::Process::new)
    else {
        children.failed(upstream.now());
        return Err(ConnectionError::Away);
    };
    // G-42: who made which process start.
    tracing::info!(
        server.name = %upstream.name, %subject, pid = process.pid(),
        shared = config.shared_by_everyone, "mcp.child.started"
    );
    let (stdin, lines) = stdin::stdin(upstream);
    let first_answer = limits.first_byte_timeout;
    let manner = Manner { era, everybody: config.shared_by_everyone, first_answer };
    let core = Core::new(upstream, Box::new(stdin), manner);
    seat.take_by(&core);
    if let Some(stdin) = process.child.stdin.take() {
        tokio::spawn(stdin::write(Arc::clone(&core), stdin, lines));
    }
    if let Some(stdout) = process.child.stdout.take() {
        tokio::spawn(read(Arc::clone(&core), stdout, limits.message_bytes));
    }
    if let Some(stderr) = process.child.stderr.take() {
        tokio::spawn(stderr::log(upstream.name.clone(), process.pid(), stderr));
    }
    let life = life::Life {
        process,
        core: Arc::clone(&core),
        seat,
        server: upstream.name.clone(),
        idle_seconds: config.idle_seconds,
    };
    tokio::spawn(life.run());
    Ok(Pipe::new(core))
}

/// Takes in what the child says, line by line.
async fn read(core: Arc<Core>, stdout: tokio::process::ChildStdout, limit: usize) {
    let mut lines = lines::Lines::new(stdout, limit);
    let end = loop {
        let line = tokio::select! {
            () = core.ended() => return,
            line = lines.next() => line,
        };
        match line {
            Ok(Some(line)) if line.is_empty() => {}
            Ok(Some(line)) => {
                if core.take_in(line).await.is_err() {
                    break End::CutOff;
                }
            }
            Ok(None) => break End::Gone,
            Err(_) => break End::CutOff,
        }
    };
    core.shut(end);
}
