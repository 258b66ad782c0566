//! What a deployment is to be like, and its configuration files.

use std::fmt::Write as _;
use std::net::SocketAddr;

use kernel::encoding::base64;
use kernel::{ManualClock, Timestamp};
use testkit::{Database, Engine, Place, UPSTREAM_KEY, Upstream, prepare};
use wicketgate::config::Role;

use super::process::{Process, free_address};
use super::{World, listen, run};

/// A public client of the configuration; its redirect URI is `https://desk.example.com/cb`.
pub(crate) const DESK: &str = "desk";
/// A confidential client of the configuration; its redirect URI is `https://vault.example.com/cb`.
pub(crate) const VAULT: &str = "vault:1";
/// The secret of [`VAULT`], with every character that HTTP Basic has to encode.
pub(crate) const VAULT_SECRET: &str = "vault secret:+%25&=0123456789";

/// Signs bridge tokens in every deployment.
pub(crate) const BRIDGE_SECRET: &str = "bridge-secret-of-the-tests-0123456789";

const ALL_SCOPES: &str = "mcp:read mcp:write mcp:process_admin mcp:admin";

/// A deployment that does not run yet.
pub(crate) struct Plan {
    engine: Engine,
    shape: Shape,
    path: &'static str,
    port: u16,
    ceiling: &'static str,
    sign_in: &'static str,
    tables: String,
    server: &'static str,
    listener: &'static str,
    oauth: String,
    mcp: &'static str,
    sections: String,
    authority: String,
    servers: usize,
    visibility: &'static str,
    clock: ManualClock,
    database: Option<Database>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Together,
    Apart,
}

/// The addresses of the parts.
struct Addresses {
    listen: SocketAddr,
    issuer: String,
    mcp_host: String,
    mcp: String,
    upstream: String,
}

impl Plan {
    /// One process on SQLite with all four scopes.
    pub(crate) fn sqlite() -> Self {
        Self::on(Engine::Sqlite)
    }

    /// One process on PostgreSQL with all four scopes.
    pub(crate) fn postgres() -> Self {
        Self::on(Engine::Postgres)
    }

    /// One process on this engine with all four scopes.
    pub(crate) fn on(engine: Engine) -> Self {
        Self {
            engine,
            shape: Shape::Together,
            path: "",
            port: 0,
            ceiling: ALL_SCOPES,
            sign_in: "demo_people = true",
            tables: String::new(),
            server: "",
            listener: "",
            oauth: String::new(),
            mcp: "",
            sections: String::new(),
            authority: String::new(),
            servers: 1,
            visibility: "hide",
            clock: ManualClock::at(Timestamp::from_millis(1_800_000_000_000)),
            database: None,
        }
    }

    /// Authorization server and sidecar in processes of their own.
    pub(crate) fn apart(mut self) -> Self {
        self.shape = Shape::Apart;
        self
    }

    /// With `public_url` at this path.
    pub(crate) fn at(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    /// On this port: an identity provider knows the URL.
    #[cfg(feature = "saml")]
    pub(crate) fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// With these scopes at most.
    pub(crate) fn ceiling(mut self, scopes: &'static str) -> Self {
        self.ceiling = scopes;
        self
    }

    /// With this line in `[sign_in]`.
    pub(crate) fn sign_in(mut self, line: &'static str) -> Self {
        self.sign_in = line;
        self
    }

    /// With these identity providers, and perhaps rules, instead of the demo's people.
    pub(crate) fn providers(mut self, tables: &str) -> Self {
        self.sign_in = "";
        self.tables = format!("{}{tables}\n", self.tables);
        self
    }

    /// With this line in each `[[mcp.server]]`.
    pub(crate) fn server(mut self, line: &'static str) -> Self {
        self.server = line;
        self
    }

    /// With this line in `[server]`.
    pub(crate) fn listener(mut self, line: &'static str) -> Self {
        self.listener = line;
        self
    }

    /// With another line in `[oauth]`.
    pub(crate) fn oauth(mut self, line: &str) -> Self {
        self.oauth = format!("{}{line}\n", self.oauth);
        self
    }

    /// With this line in `[mcp]`.
    pub(crate) fn mcp(mut self, line: &'static str) -> Self {
        self.mcp = line;
        self
    }

    /// With another section.
    pub(crate) fn section(mut self, text: &str) -> Self {
        self.sections = format!("{}{text}\n", self.sections);
        self
    }

    /// With these members in the sidecar's `mcp.authority`.
    pub(crate) fn authority(mut self, members: &str) -> Self {
        self.authority = format!(", {members}");
        self
    }

    /// With a second MCP server, at `/mcp/second`.
    pub(crate) fn second_server(mut self) -> Self {
        self.servers = 2;
        self
    }

    /// With tools listed that a further grant would open.
    pub(crate) fn challenging(mut self) -> Self {
        self.visibility = "challenge";
        self
    }

    /// At the time of this clock.
    pub(crate) fn clock(mut self, clock: &ManualClock) -> Self {
        self.clock = clock.clone();
        self
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
    pub(crate) async fn try_start(mut self) -> Result<World, (String, Database)> {
        let database = match self.database.take() {
            Some(database) => database,
            None => Database::create(self.engine).await,
        };
        prepare();
        let upstream = Upstream::start().await;
        let first = listen(self.port).await;
        let second = listen(0).await;
        let host = |listener: &tokio::net::TcpListener| {
            format!("http://{}", listener.local_addr().expect("an address"))
        };
        let issuer = format!("{}{}", host(&first), self.path);
        let mcp_host = match self.shape {
            Shape::Together => issuer.clone(),
            Shape::Apart => format!("{}{}", host(&second), self.path),
        };
        let addresses = Addresses {
            listen: first.local_addr().expect("an address"),
            mcp: format!("{mcp_host}/mcp"),
            issuer,
            mcp_host,
            upstream: upstream.url(),
        };
        let role = match self.shape {
            Shape::Together => Role::All,
            Shape::Apart => Role::Auth,
        };
        let text = self.authorization_server(&addresses, database.url());
        let mut running = match run(first, &text, role, &self.clock).await {
            Ok(running) => vec![running],
            Err(error) => return Err((error, database)),
        };
        if self.shape == Shape::Apart {
            let sidecar = self.sidecar(&addresses);
            match run(second, &sidecar, Role::Mcp, &self.clock).await {
                Ok(sidecar) => running.push(sidecar),
                Err(error) => return Err((error, database)),
            }
        }
        Ok(World {
            place: Place::new(&addresses.issuer, &addresses.mcp),
            clock: self.clock,
            database,
            running,
            upstream,
            configuration: text,
            role,
        })
    }

    /// Starts the binary itself, in a process of its own. It can be killed, and it tells the time
    /// by the system's clock.
    pub(crate) async fn start_process(self) -> Process {
        let database = Database::create(self.engine).await;
        let upstream = Upstream::start().await;
        let listen = free_address().await;
        let issuer = format!("http://{listen}");
        let addresses = Addresses {
            listen,
            mcp: format!("{issuer}/mcp"),
            mcp_host: issuer.clone(),
            issuer,
            upstream: upstream.url(),
        };
        let place = Place::new(&addresses.issuer, &addresses.mcp);
        let text = self.authorization_server(&addresses, database.url());
        Process::start(place, Some(database), upstream, "all", &text).await
    }

    /// The same for authorization server and sidecar in processes of their own.
    pub(crate) async fn start_processes(self) -> (Process, Process) {
        let database = Database::create(self.engine).await;
        let (upstream, other) = (Upstream::start().await, Upstream::start().await);
        let (listen, apart) = (free_address().await, free_address().await);
        let (issuer, mcp_host) = (format!("http://{listen}"), format!("http://{apart}"));
        let mcp = format!("{mcp_host}/mcp");
        let addresses = Addresses { listen, mcp, mcp_host, issuer, upstream: upstream.url() };
        let Addresses { mcp, mcp_host, issuer, .. } = &addresses;
        let (place, beside) = (Place::new(issuer, mcp), Place::new(mcp_host, mcp));
        let text = self.authorization_server(&addresses, database.url());
        let auth = Process::start(place, Some(database), other, "auth", &text).await;
        let text = self.sidecar(&addresses).replace("127.0.0.1:0", &apart.to_string());
        (auth, Process::start(beside, None, upstream, "mcp", &text).await)
    }

    fn authorization_server(&self, addresses: &Addresses, database: &str) -> String {
        let mut text = format!(
            "public_url = \"{}\"\n[server]\nlisten = \"{}\"\ntitle = \"Test deployment\"\n{}\n\
             [database]\nurl = \"{database}\"\n[sign_in]\n{}\n[oauth]\n",
            addresses.issuer, addresses.listen, self.listener, self.sign_in
        );
        write!(
            text,
            "key_encryption_key = \"{}\"\nbridge_token_signing_secret = \"{}\"\n{}",
            base64(&[7; 32]),
            BRIDGE_SECRET,
            self.oauth
        )
        .expect("written");
        if !self.oauth.contains("authorizations_per_minute") {
            let at = text.find("[oauth]\n").expect("a section") + "[oauth]\n".len();
            text.insert_str(at, "authorizations_per_minute = 100000\n");
            text.insert_str(at, "tokens_per_minute = 100000\n");
        }
        // A line of the test may have opened this section already.
        if !self.oauth.contains("[oauth.registration]") {
            text.push_str("[oauth.registration]\nper_minute = 100000\n");
        }
        write!(
            text,
            "[[oauth.client]]\nid = \"{DESK}\"\nname = \"Desk\"\n\
             redirect_uris = [\"https://desk.example.com/cb\"]\n\
             [[oauth.client]]\nid = \"{VAULT}\"\nname = \"Vault\"\nsecret = \"{VAULT_SECRET}\"\n\
             redirect_uris = [\"https://vault.example.com/cb\"]\n\
             [[oauth.client]]\nid = \"reader\"\nname = \"Reader\"\nscopes = [\"mcp:read\"]\n\
             redirect_uris = [\"https://reader.example.com/cb\"]\n\
             grant_types = [\"authorization_code\"]\n"
        )
        .expect("written");
        text.push_str(&self.tables);
        text.push_str(&self.sections);
        let mcp = format!("[mcp]\nallowed_scopes = \"{}\"\n{}\n", self.ceiling, self.mcp);
        text + &mcp + &self.servers(addresses)
    }

    fn sidecar(&self, addresses: &Addresses) -> String {
        format!(
            "public_url = \"{}\"\n[server]\nlisten = \"127.0.0.1:0\"\n\
             [mcp]\nissuer = \"{}\"\nallowed_scopes = \"{}\"\nauthority = {{ url = \"{}\"{} }}\n{}",
            addresses.mcp_host,
            addresses.issuer,
            self.ceiling,
            addresses.issuer,
            self.authority,
            self.servers(addresses)
        )
    }

    fn servers(&self, addresses: &Addresses) -> String {
        let rule = |tools: &str, scope: &str| {
            let visibility = self.visibility;
            format!(
                "{{ tools = [{tools}], scope = \"{scope}\", visibility = \"{visibility}\" }},\n"
            )
        };
        let rules = [
            rule(r#""list_*", "get_*", "search_*""#, "mcp:read"),
            rule(
                r#""create_*", "update_*", "add_*", "remove_*", "submit_*", "export_*""#,
                "mcp:write",
            ),
            rule(r#""process_*", "participant_*""#, "mcp:process_admin"),
            rule(r#""admin_*""#, "mcp:admin"),
        ]
        .concat();
        let server = |name: &str, path: &str| {
            format!(
                "[[mcp.server]]\nname = \"{name}\"\ntitle = \"Workflow\"\n\
                 resource_uri = \"{}{path}\"\nupstream = {{ url = \"{}\" }}\n\
                 upstream_auth = {{ kind = \"header\", name = \"X-Wicketgate-Key\", \
                 value = \"{UPSTREAM_KEY}\" }}\n{}\nrules = [\n{rules}]\n",
                addresses.mcp, addresses.upstream, self.server
            )
        };
        let all = [server("default", ""), server("second", "/second")];
        all[..self.servers].concat()
    }
}
