//! The binary itself, in a process of its own that can be killed.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use testkit::{Answer, Database, Dump, Place, Upstream};
use tokio::time::{sleep, timeout};

/// A deployment whose process can be killed. It tells the time by the system's clock.
pub(crate) struct Process {
    place: Place,
    /// What a sidecar apart does not have.
    database: Option<Database>,
    directory: TempDir,
    role: &'static str,
    child: Child,
    _upstream: Upstream,
}

/// The built binary, run in `directory` without an environment.
pub(crate) fn wicketgate(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wicketgate"));
    command.current_dir(directory).env_clear();
    command
}

const CONFIGURATION: &str = "wicketgate.toml";
const LOG: &str = "wicketgate.log";

impl Process {
    /// Starts the binary in this role with this configuration, which makes it listen at `place`.
    pub(super) async fn start(
        place: Place,
        database: Option<Database>,
        upstream: Upstream,
        role: &'static str,
        text: &str,
    ) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join(CONFIGURATION), text).expect("written");
        let child = spawn(&directory, role);
        let mut process = Self { place, database, directory, role, child, _upstream: upstream };
        process.is_up().await;
        process
    }

    /// Where it is. After a restart nobody goes on with a connection of the life before.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Everything that is in the database.
    pub(crate) async fn dump(&self) -> Dump {
        self.database.as_ref().expect("a database").dump().await
    }

    /// What it wrote to standard error in this life.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join(LOG)).expect("a log")
    }

    /// Its configuration file.
    pub(crate) fn configuration(&self) -> String {
        std::fs::read_to_string(self.directory.path().join(CONFIGURATION)).expect("a file")
    }

    /// Changes its configuration file, which it does not notice by itself.
    pub(crate) fn configure(&self, text: &str) {
        std::fs::write(self.directory.path().join(CONFIGURATION), text).expect("written");
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it SIGHUP.
    pub(crate) fn hang_up(&self) {
        let id = self.id().to_string();
        let sent = Command::new("kill").args(["-HUP", &id]).status().expect("it runs");
        assert!(sent.success());
    }

    /// Asks it to stop, with SIGTERM, and waits until it did so in good order.
    pub(crate) async fn terminate(&mut self) {
        let id = self.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().expect("it runs");
        assert!(sent.success());
        let ended = async {
            loop {
                if let Some(status) = self.child.try_wait().expect("a status") {
                    break status;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        let status = timeout(Duration::from_secs(20), ended).await.expect("it stops");
        assert!(status.success(), "{status}");
    }

    /// Kills it after so much real time, without a warning (SIGKILL). This blocks the thread,
    /// because a timer of the runtime is not precise enough to hit the middle of a request.
    pub(crate) fn kill_after(&mut self, delay: Duration) {
        tokio::task::block_in_place(|| {
            std::thread::sleep(delay);
            self.child.kill().expect("killed");
            self.child.wait().expect("ended");
        });
    }

    /// Starts it again after it was killed.
    pub(crate) async fn restart(&mut self) {
        self.place = Place::new(&self.place.issuer, &self.place.mcp);
        self.child = spawn(&self.directory, self.role);
        self.is_up().await;
    }

    /// Waits until it answers. Its port was free for a moment, so another program may have it:
    /// then it is tried again.
    async fn is_up(&mut self) {
        let up = async {
            let health = self.place.at("/health");
            while !matches!(Answer::try_to(self.place.http.get(&health)).await, Ok(a) if a.status == 200)
            {
                if self.child.try_wait().expect("a status").is_some() {
                    self.child = spawn(&self.directory, self.role);
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        if timeout(Duration::from_secs(20), up).await.is_err() {
            let log = std::fs::read_to_string(self.directory.path().join(LOG));
            panic!("it does not start: {}", log.unwrap_or_default());
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn spawn(directory: &TempDir, role: &str) -> Child {
    let log = std::fs::File::create(directory.path().join(LOG)).expect("a log");
    wicketgate(directory.path())
        .args(["serve", "--role", role, "--config", CONFIGURATION])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("it runs")
}

/// An address on loopback that is free at the moment.
pub(super) async fn free_address() -> SocketAddr {
    super::listen(0).await.local_addr().expect("an address")
}
