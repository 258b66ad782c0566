//! An authorization server for one test.

mod plan;
mod robot;
mod running;
mod settings;

use std::ops::Deref;

use kernel::ManualClock;
use testkit::{Database, Dump, Place};

pub(crate) use self::plan::Plan;
pub(crate) use self::robot::{ASSERTION_TYPE, ROBOT, ROBOT_URI, Robot};
pub(crate) use self::running::{Running, listen};
pub(crate) use self::settings::{DESK, Settings, Site, VAULT, VAULT_SECRET};

/// A running authorization server. Its URLs are those of its [`Place`].
pub(crate) struct World {
    place: Place,
    /// The time, for every part of it.
    pub(crate) clock: ManualClock,
    /// The database behind it.
    pub(crate) database: Database,
    running: Vec<Running>,
    settings: Settings,
    /// Where it is known to be.
    pub(crate) site: Site,
}

impl Deref for World {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

impl World {
    /// On SQLite, with all four scopes and the demo's people.
    pub(crate) async fn sqlite() -> Self {
        Plan::sqlite().start().await
    }

    /// On PostgreSQL, with all four scopes and the demo's people.
    pub(crate) async fn postgres() -> Self {
        Plan::postgres().start().await
    }

    /// Whether the first server says that it signed this very token.
    pub(crate) fn has_signed(&self, token: &str) -> bool {
        self.running.first().is_some_and(|running| running.has_signed(token))
    }

    /// Everything that is in the database.
    pub(crate) async fn dump(&self) -> Dump {
        self.database.dump().await
    }

    /// Checks that the database is as it was.
    pub(crate) async fn is_unchanged_since(&self, before: &Dump) {
        before.equals(&self.dump().await);
    }

    /// Starts one more server like the first, on the same database, and says where it is. A load
    /// balancer would make both look like one; the test talks to each as it likes.
    pub(crate) async fn replica(&mut self) -> Place {
        let listener = listen(0).await;
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let started = self.run(listener).await;
        self.running.push(started);
        Place::new(&url, &format!("{url}/mcp"))
    }

    /// Tells when the server that was started last finds that keys or statuses may have changed.
    pub(crate) fn changes_at_last(&self) -> tokio::sync::watch::Receiver<u64> {
        self.running.last().expect("a server").changes()
    }

    /// Stops the first server and starts it again at its place with other settings.
    pub(crate) async fn reconfigure(&mut self, change: impl FnOnce(Settings) -> Settings) {
        self.settings = change(self.settings.clone());
        let url = url::Url::parse(&self.place.issuer).expect("a URL");
        self.running.remove(0).stop().await;
        let listener = listen(url.port().expect("a port")).await;
        let started = self.run(listener).await;
        self.running.insert(0, started);
    }

    /// Stops every server, and leaves what a restart finds.
    pub(crate) async fn stop(self) -> Database {
        for running in self.running {
            running.stop().await;
        }
        self.database
    }

    async fn run(&self, listener: tokio::net::TcpListener) -> Running {
        let url = self.database.url();
        let started = Running::start(listener, &self.settings, &self.site, url).await;
        started.expect("it starts")
    }
}
