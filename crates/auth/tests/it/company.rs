//! A company with an OpenID provider of its own.

use std::sync::Arc;

use auth::SignIn;
use auth::providers::{BackChannelLogout, Provider, ProviderKind};
use kernel::{ManualClock, Redacted, Timestamp};
use sso::oidc::{self, Algorithm, ClaimNames, ClientAuth, GroupOverage, Userinfo};
use testkit::{Ask, Client, IDP_CLIENT, IDP_SECRET, Idp, Person, Tick, Tokens};

use crate::world::{Plan, Site, World};

/// A server with the company's provider behind it.
pub(crate) struct Company {
    pub(crate) world: World,
    pub(crate) idp: Idp,
}

/// What the server is told of the provider `corp`.
pub(crate) struct Corp {
    /// The relying party.
    pub(crate) party: oidc::Config,
    /// Whether signing out here signs out there as well.
    pub(crate) signs_out_there: bool,
    /// What its logout tokens end.
    pub(crate) back_channel: BackChannelLogout,
}

impl Company {
    /// With this said of the provider.
    pub(crate) async fn start(
        plan: Plan,
        change: impl Fn(&mut Corp) + Send + Sync + 'static,
    ) -> Self {
        Self::beside(plan, change, Vec::new).await
    }

    /// With other providers after it.
    pub(crate) async fn beside(
        plan: Plan,
        change: impl Fn(&mut Corp) + Send + Sync + 'static,
        others: impl Fn() -> Vec<Provider> + Send + Sync + 'static,
    ) -> Self {
        let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
        let idp = Idp::start(&clock).await;
        let issuer = idp.issuer().to_owned();
        let providers = move |site: &Site| {
            let mut corp = Corp::new(&issuer, site);
            change(&mut corp);
            let mut all = vec![corp.provider(site)];
            all.extend(others());
            SignIn::Providers(all)
        };
        let world = plan.clock(&clock).sign_in(providers).start().await;
        Self { world, idp }
    }

    pub(crate) async fn sqlite() -> Self {
        Self::start(Plan::sqlite(), |_| {}).await
    }

    /// Clicks through to the provider and says where the browser was sent.
    pub(crate) async fn leave(&self, person: &Person, ask: &Ask) -> String {
        let page = person.visit(&ask.url()).await;
        let gone = person.press(&page, "provider", "corp").await;
        gone.left_to.unwrap_or_else(|| panic!("still here: {}", gone.answer.body))
    }

    /// The whole way, as this person of the provider.
    pub(crate) async fn connect(
        &self,
        person: &Person,
        client: &Client,
        claims: serde_json::Value,
    ) -> Tokens {
        let ask = client.ask();
        let there = self.leave(person, &ask).await;
        let consent = person.visit(&self.idp.approve(&there, claims)).await;
        let returned = person.allow(&consent, Tick::All).await.returned();
        Tokens::of(&client.exchange(returned.code(), &ask).await)
    }
}

impl Corp {
    /// What a configuration file says that names the provider and nothing else.
    fn new(issuer: &str, site: &Site) -> Self {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        let party = oidc::Config {
            id: "corp".to_owned(),
            issuer: issuer.to_owned(),
            discovery_url: None,
            client_id: IDP_CLIENT.to_owned(),
            client_auth: ClientAuth::Basic(Redacted::new(IDP_SECRET)),
            redirect_uri: format!("{}/sign-in/corp/callback", site.issuer),
            scopes: texts(&["openid", "profile", "email"]),
            claims: ClaimNames {
                user: "sub".to_owned(),
                name: "name".to_owned(),
                email: "email".to_owned(),
                groups: "groups".to_owned(),
                organization: String::new(),
            },
            kept_claims: Vec::new(),
            domains: Vec::new(),
            trusted_audiences: Vec::new(),
            expects_logout_tokens: false,
            expects_groups: false,
            signing_algorithms: vec![
                Algorithm::Rs256,
                Algorithm::Es256,
                Algorithm::Ps256,
                Algorithm::EdDsa,
            ],
            clock_skew_seconds: 60,
            userinfo: Userinfo::default(),
            group_overage: GroupOverage::default(),
            authorize_parameters: Vec::new(),
            max_age_seconds: None,
            recheck_seconds: 0,
        };
        Self { party, signs_out_there: false, back_channel: BackChannelLogout::Sessions }
    }

    fn provider(self, site: &Site) -> Provider {
        let http = net::outbound::client(10).expect("an HTTP client");
        let domains = self.party.domains.clone();
        let party = oidc::Provider::new(self.party, http, Arc::new(site.clock.clone()));
        Provider {
            id: "corp".to_owned(),
            name: "Northwind".to_owned(),
            domains,
            kind: ProviderKind::Oidc {
                party: Box::new(party.expect("a relying party")),
                signs_out_there: self.signs_out_there,
                back_channel: self.back_channel,
            },
        }
    }
}
