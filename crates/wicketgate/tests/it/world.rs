//! A deployment for one test.

mod plan;
mod process;

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use kernel::{ManualClock, OsRandom};
use testkit::{Database, Dump, Place, Upstream};
use tokio::net::TcpListener;
use wicketgate::config::{self, Role, Source};
use wicketgate::{Ambient, Running, start};

pub(crate) use self::plan::{BRIDGE_SECRET, DESK, Plan, VAULT, VAULT_SECRET};
pub(crate) use self::process::{Process, wicketgate};

/// A running deployment. Its URLs are those of its [`Place`].
pub(crate) struct World {
    place: Place,
    /// The time, for every part of it.
    pub(crate) clock: ManualClock,
    /// The database behind it.
    pub(crate) database: Database,
    running: Vec<Running>,
    upstream: Upstream,
    configuration: String,
    role: Role,
}

impl Deref for World {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

impl World {
    /// One process on SQLite with all four scopes.
    pub(crate) async fn sqlite() -> Self {
        Plan::sqlite().start().await
    }

    /// One process on PostgreSQL with all four scopes.
    pub(crate) async fn postgres() -> Self {
        Plan::postgres().start().await
    }

    /// Where its numbers are served.
    pub(crate) fn metrics_address(&self) -> SocketAddr {
        self.running.iter().find_map(Running::metrics_address).expect("metrics are served")
    }

    /// Everything that is in the database.
    pub(crate) async fn dump(&self) -> Dump {
        self.database.dump().await
    }

    /// Checks that the database is as it was.
    pub(crate) async fn is_unchanged_since(&self, before: &Dump) {
        before.equals(&self.dump().await);
    }

    /// Starts one more process like the first, on the same database, and says where it is. A load
    /// balancer would make both look like one; the test talks to each as it likes.
    pub(crate) async fn replica(&mut self) -> Place {
        let listener = listen(0).await;
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let started = run(listener, &self.configuration, Role::All, &self.clock).await;
        self.running.push(started.expect("it starts"));
        Place::new(&url, &format!("{url}/mcp"))
    }

    /// Stops the authorization server and starts it again at its place with another
    /// configuration. A sidecar that runs apart goes on.
    pub(crate) async fn reconfigure(&mut self, change: impl Fn(&str) -> String) {
        self.configuration = change(&self.configuration);
        let url = url::Url::parse(&self.place.issuer).expect("a URL");
        let port = url.port().expect("a port");
        self.running.remove(0).stop().await;
        let listener = listen(port).await;
        let started = run(listener, &self.configuration, self.role, &self.clock).await;
        self.running.insert(0, started.expect("it starts"));
    }

    /// Stops every process, and leaves what a restart finds.
    pub(crate) async fn stop(self) -> Database {
        for running in self.running {
            running.stop().await;
        }
        self.database
    }

    /// Begins to stop without waiting.
    pub(crate) fn stopping(&mut self) -> tokio::task::JoinHandle<()> {
        let running = std::mem::take(&mut self.running);
        tokio::spawn(async move {
            for running in running {
                running.stop().await;
            }
        })
    }

    /// Runs a command on the same database and configuration as this, in a process of its own, and
    /// says what it answers in JSON.
    pub(crate) fn command(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.try_command(arguments, str::to_owned);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// The same for a command that may fail, with a configuration that may be another one.
    pub(crate) fn try_command(
        &self,
        arguments: &[&str],
        change: impl Fn(&str) -> String,
    ) -> std::process::Output {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("wicketgate.toml");
        std::fs::write(&file, change(&self.configuration)).expect("written");
        let mut command = wicketgate(directory.path());
        command.args(arguments).args(["--json", "--config"]).arg(&file);
        command.output().expect("it runs")
    }

    /// The upstream's MCP endpoint.
    pub(crate) fn upstream(&self) -> String {
        self.upstream.url()
    }
}

/// Starts one process with this configuration.
pub(crate) async fn run(
    listener: TcpListener,
    text: &str,
    role: Role,
    clock: &ManualClock,
) -> Result<Running, String> {
    let source = Source { text: text.to_owned(), ..Source::default() };
    let loaded = config::load(&source, role).map_err(|problems| format!("{problems}\n{text}"))?;
    let ambient = Ambient { clock: Arc::new(clock.clone()), random: Arc::new(OsRandom::new()) };
    start(listener, loaded.settings, ambient).await.map_err(|error| format!("{error:#}"))
}

/// A listener on loopback; port 0 takes any.
pub(crate) async fn listen(port: u16) -> TcpListener {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    TcpListener::bind(address).await.expect("a free port")
}
