//! What the server of a test is told: what a configuration file with nothing special in it says,
//! and the test's own changes to that.

use std::sync::Arc;
use std::time::Duration;

use auth::config::{CookieSecurity, MetadataDocuments, Registration};
use auth::{Config, Resource, SignIn};
use kernel::encoding::sha256_base64url;
use kernel::seal::SealingKey;
use kernel::{Hashed, ManualClock, Redacted, Timestamp};
use model::client::ChosenSecret;
use model::{Client, ClientAuth, ClientId, ClientOrigin};
use protocol::redirect_uri::RedirectPolicy;
use protocol::registration::AllowedRedirects;
use protocol::{RedirectUri, ResourceUri, Scopes, UserType};
use sso::demo_people;
use sso::people::{Access, People};
use sso::user_types::UserTypeRule;

/// A public client of the configuration; its redirect URI is `https://desk.example.com/cb`.
pub(crate) const DESK: &str = "desk";
/// A confidential client of the configuration; its redirect URI is `https://vault.example.com/cb`.
pub(crate) const VAULT: &str = "vault:1";
/// The secret of [`VAULT`], with every character that HTTP Basic has to encode.
pub(crate) const VAULT_SECRET: &str = "vault secret:+%25&=0123456789";

/// Private-use schemes of well-known clients (CL-21).
const SCHEMES: [&str; 5] = ["cursor", "vscode", "vscode-insiders", "warp", "raycast"];

/// Where a server is known to be, and what time it is there.
#[derive(Clone)]
pub(crate) struct Site {
    /// The issuer, without a trailing slash.
    pub(crate) issuer: String,
    /// The default resource.
    pub(crate) mcp: String,
    /// The time.
    pub(crate) clock: ManualClock,
}

type WayIn = Arc<dyn Fn(&Site) -> SignIn + Send + Sync>;
type Change = Arc<dyn Fn(&mut Config) + Send + Sync>;

/// What a server is told.
#[derive(Clone)]
pub(crate) struct Settings {
    way_in: WayIn,
    ceiling: Scopes,
    access: Access,
    changes: Vec<Change>,
    pub(super) listen_url: Option<String>,
}

impl Default for Settings {
    /// All four scopes, and the demo's people.
    fn default() -> Self {
        Self {
            way_in: Arc::new(|_| SignIn::DemoPeople),
            ceiling: Scopes::ALL,
            access: Access::Open,
            changes: Vec::new(),
            listen_url: None,
        }
    }
}

impl Settings {
    /// With this way to sign in.
    pub(crate) fn sign_in(
        mut self,
        way_in: impl Fn(&Site) -> SignIn + Send + Sync + 'static,
    ) -> Self {
        self.way_in = Arc::new(way_in);
        self
    }

    /// With another value somewhere in the configuration.
    pub(crate) fn config(mut self, change: impl Fn(&mut Config) + Send + Sync + 'static) -> Self {
        self.changes.push(Arc::new(change));
        self
    }

    /// Listening for changes there and not where the database is.
    pub(crate) fn listen_url(mut self, url: impl Into<String>) -> Self {
        self.listen_url = Some(url.into());
        self
    }

    /// With these scopes at most.
    pub(crate) fn ceiling(mut self, scopes: &str) -> Self {
        self.ceiling = Scopes::parse_known(scopes).expect("scopes");
        self
    }

    /// For the people of this group only.
    pub(crate) fn only_for(mut self, group: &str) -> Self {
        self.access = Access::Restricted(people_of(group));
        self
    }

    pub(super) fn resources(&self, site: &Site) -> Vec<Resource> {
        vec![Resource {
            name: "default".to_owned(),
            title: "Workflow".to_owned(),
            scope_words: pages::ScopeWords::default(),
            uri: ResourceUri::parse(&site.mcp).expect("a resource"),
            ceiling: self.ceiling,
            access: self.access.clone(),
        }]
    }

    pub(super) fn configuration(&self, site: &Site) -> Config {
        let url = url::Url::parse(&site.issuer).expect("a URL");
        let sign_in = (self.way_in)(site);
        let mut config = Config {
            issuer: site.issuer.clone(),
            title: "Test deployment".to_owned(),
            default_scopes: Scopes::NONE,
            access_token_lifetime: 3600,
            code_lifetime: 600,
            refresh_token_lifetime: 7_776_000,
            refresh_reuse_grace: 120,
            remembered_consent: 2_592_000,
            redirect_policy: redirect_policy(),
            registration: Registration {
                enabled: true,
                per_minute: 100_000,
                initial_access_token: None,
                allowed_redirects: AllowedRedirects::default(),
            },
            authorizations_per_minute: 100_000,
            tokens_per_minute: 100_000,
            documents: MetadataDocuments::default(),
            clients: clients(),
            sidecars: Vec::new(),
            machines: Vec::new(),
            introspectors: Vec::new(),
            audit_retention_seconds: Some(365 * 86_400),
            poll: Duration::from_secs(2),
            user_types: if matches!(sign_in, SignIn::DemoPeople) { demo_rules() } else { vec![] },
            sign_in,
            // On loopback all names of this computer are one, whichever replica it is.
            allowed_hosts: [url.authority(), "127.0.0.1"].map(str::to_owned).to_vec(),
            signing_key_rotation: None,
            key_encryption_key: SealingKey::from_bytes([7; 32]),
            old_key_encryption_keys: Vec::new(),
            bridge_secret: Redacted::new("bridge-secret-of-the-tests-0123456789"),
            cookies: match url.scheme() {
                "https" => CookieSecurity::Https,
                _ => CookieSecurity::LoopbackHttp,
            },
        };
        for change in &self.changes {
            change(&mut config);
        }
        config
    }
}

fn redirect_policy() -> RedirectPolicy {
    RedirectPolicy { allow_loopback: true, allowed_schemes: SCHEMES.map(str::to_owned).to_vec() }
}

/// The clients that an operator wrote down.
fn clients() -> Vec<Client> {
    let vault = Hashed::from_stored(sha256_base64url(VAULT_SECRET.as_bytes()));
    let secrets = vec![ChosenSecret { hash: vault, expires_at: None }];
    let vault = Client { auth: ClientAuth::Secrets(secrets), ..client(VAULT, "Vault", "vault") };
    let reader = Client {
        refresh_tokens: false,
        scopes: Scopes::READ,
        ..client("reader", "Reader", "reader")
    };
    vec![client(DESK, "Desk", "desk"), vault, reader]
}

fn client(id: &str, name: &str, host: &str) -> Client {
    let uri = format!("https://{host}.example.com/cb");
    Client {
        id: ClientId::from_text(id),
        name: name.to_owned(),
        origin: ClientOrigin::Configured,
        redirect_uris: vec![RedirectUri::parse(&uri, &redirect_policy()).expect("a URI")],
        auth: ClientAuth::None,
        refresh_tokens: true,
        scopes: Scopes::ALL,
        created_at: Timestamp::from_millis(0),
    }
}

/// The rules that make the demo's people what they are.
fn demo_rules() -> Vec<UserTypeRule> {
    let people = demo_people::PEOPLE.iter();
    people.map(|person| group_rule(person.group, person.user_type)).collect()
}

/// The people of this group are users of this kind.
pub(super) fn group_rule(group: &str, user_type: UserType) -> UserTypeRule {
    UserTypeRule { user_type, people: people_of(group) }
}

fn people_of(group: &str) -> People {
    People { groups: vec![group.to_owned()], ..People::default() }
}
