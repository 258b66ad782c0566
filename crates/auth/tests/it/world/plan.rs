//! What a server is to be like before it runs.

use auth::{Config, SignIn};
use kernel::{ManualClock, Timestamp};
use protocol::UserType;
use testkit::{Database, Engine, Place, prepare};

use super::running::{Running, listen};
use super::settings::group_rule;
use super::{Settings, Site, World};

/// A server that does not run yet.
pub(crate) struct Plan {
    engine: Engine,
    path: &'static str,
    public: Option<&'static str>,
    port: u16,
    settings: Settings,
    clock: ManualClock,
    database: Option<Database>,
}

impl Plan {
    /// On SQLite, with all four scopes and the demo's people.
    pub(crate) fn sqlite() -> Self {
        Self::on(Engine::Sqlite)
    }

    /// On PostgreSQL, with all four scopes and the demo's people.
    pub(crate) fn postgres() -> Self {
        Self::on(Engine::Postgres)
    }

    /// On this engine, with all four scopes and the demo's people.
    pub(crate) fn on(engine: Engine) -> Self {
        Self {
            engine,
            path: "",
            public: None,
            port: 0,
            settings: Settings::default(),
            clock: ManualClock::at(Timestamp::from_millis(1_800_000_000_000)),
            database: None,
        }
    }

    /// With the issuer at this path.
    pub(crate) fn at(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    /// Known to the world by another URL than the one at which the test reaches it, as behind a
    /// reverse proxy.
    pub(crate) fn public(mut self, url: &'static str) -> Self {
        self.public = Some(url);
        self
    }

    /// On this port, as after a restart.
    pub(crate) fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// With these scopes at most.
    pub(crate) fn ceiling(self, scopes: &str) -> Self {
        self.settings(|settings| settings.ceiling(scopes))
    }

    /// With this way to sign in.
    pub(crate) fn sign_in(self, way_in: impl Fn(&Site) -> SignIn + Send + Sync + 'static) -> Self {
        self.settings(|settings| settings.sign_in(way_in))
    }

    /// With another value somewhere in the configuration.
    pub(crate) fn config(self, change: impl Fn(&mut Config) + Send + Sync + 'static) -> Self {
        self.settings(|settings| settings.config(change))
    }

    /// The people of this group are users of this kind, and nobody else is anything but basic.
    pub(crate) fn group_is(self, group: &'static str, user_type: UserType) -> Self {
        self.config(move |config| config.user_types = vec![group_rule(group, user_type)])
    }

    /// With other settings.
    pub(crate) fn settings(mut self, change: impl FnOnce(Settings) -> Settings) -> Self {
        self.settings = change(self.settings);
        self
    }

    /// At the time of this clock.
    pub(crate) fn clock(mut self, clock: &ManualClock) -> Self {
        self.clock = clock.clone();
        self
    }

    /// Its clock.
    pub(crate) fn time(&self) -> &ManualClock {
        &self.clock
    }

    /// With a database that is there already.
    pub(crate) fn with(mut self, database: Database) -> Self {
        self.database = Some(database);
        self
    }

    /// Starts it.
    pub(crate) async fn start(self) -> World {
        match self.try_start().await {
            Ok(world) => world,
            Err((error, _)) => panic!("it does not start: {error}"),
        }
    }

    /// Starts it, or says why not and gives the database back.
    pub(crate) async fn try_start(self) -> Result<World, (String, Database)> {
        prepare();
        let database = match self.database {
            Some(database) => database,
            None => Database::create(self.engine).await,
        };
        let listener = listen(self.port).await;
        let address = listener.local_addr().expect("an address");
        let reached = format!("http://{address}{}", self.path);
        let issuer = self.public.map_or_else(|| reached.clone(), str::to_owned);
        let site = Site { mcp: format!("{issuer}/mcp"), issuer, clock: self.clock };
        match Running::start(listener, &self.settings, &site, database.url()).await {
            Ok(running) => Ok(World {
                place: Place::new(&reached, &site.mcp),
                clock: site.clock.clone(),
                database,
                running: vec![running],
                settings: self.settings,
                site,
            }),
            Err(error) => Err((error, database)),
        }
    }
}
