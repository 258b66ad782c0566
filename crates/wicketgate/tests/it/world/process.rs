//! The binary itself, in a process of its own that can be killed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
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
    /// How many processes came before this one.
    life: u32,
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
        let (life, child) = (0, spawn(&directory, role, 0));
        let mut process =
            Self { place, database, directory, role, life, child, _upstream: upstream };
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
        std::fs::read_to_string(log_of(&self.directory, self.life)).expect("a log")
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
        terminate(&mut self.child).await;
    }

    /// Starts the next process while this one serves, and then asks this one to stop.
    pub(crate) async fn hand_over(&mut self) {
        self.life += 1;
        let next = spawn(&self.directory, self.role, self.life);
        let mut before = std::mem::replace(&mut self.child, next);
        let listening = async {
            while !self.log().contains("listening on") {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), listening).await.expect("the next one listens");
        terminate(&mut before).await;
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
        self.life += 1;
        self.child = spawn(&self.directory, self.role, self.life);
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
                    self.child = spawn(&self.directory, self.role, self.life);
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        let came_up = timeout(Duration::from_secs(20), up).await;
        assert!(came_up.is_ok(), "it does not start: {}", self.log());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Asks a process to stop, and waits until it did so in good order.
async fn terminate(child: &mut Child) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status().expect("it runs");
    assert!(sent.success());
    let ended = async {
        loop {
            if let Some(status) = child.try_wait().expect("a status") {
                break status;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    let status = timeout(Duration::from_secs(20), ended).await.expect("it stops");
    assert!(status.success(), "{status}");
}

fn log_of(directory: &TempDir, life: u32) -> PathBuf {
    directory.path().join(format!("wicketgate.{life}.log"))
}

fn spawn(directory: &TempDir, role: &str, life: u32) -> Child {
    let log = std::fs::File::create(log_of(directory, life)).expect("a log");
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
