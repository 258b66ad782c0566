//! What ends when an administrator switches something off (GR-1, GR-2, GR-4): a test for each thing,
//! with the commands themselves, on both databases and in both shapes of the process.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Ask, Client, Era, McpCaller, Person, Tick, Tokens};
use tokio::time::timeout;

use crate::providers::Company;
use crate::revoke::is_refused_soon;
use crate::world::Plan;

/// GR-4: no replica takes longer.
const SOON: Duration = Duration::from_secs(5);

const SESSIONS: Era = Era::Sessions("2025-11-25");

/// Somebody who is connected in every way there is.
struct Connected {
    company: Company,
    person: Person,
    client: Client,
    tokens: Tokens,
    caller: McpCaller,
    /// A stream that waits for news.
    stream: reqwest::Response,
    /// A code that is not redeemed yet.
    code: (String, Ask),
}

impl Connected {
    async fn start(plan: Plan) -> Self {
        let company =
            Box::pin(Company::start(plan, "claims = { organization = \"orgs\" }", "")).await;
        let world = &company.world;
        let (person, client) = (world.person(), world.client().await);
        let tokens = company.connect(&person, &client, tom()).await;
        let caller = McpCaller::connect(world, &tokens.access, SESSIONS).await;
        let stream = caller.listen().send().await.expect("a stream");
        assert_eq!(stream.status(), 200);
        let ask = client.ask();
        let consent = person.visit(&ask.url()).await;
        let returned = person.allow(&consent, Tick::All).await.returned();
        let code = (returned.code().to_owned(), ask);
        Self { company, person, client, tokens, caller, stream, code }
    }

    /// Runs a command as an operator does, on the same database.
    fn run(&self, arguments: &[&str]) -> Value {
        self.company.world.command(arguments)
    }

    /// Access token, stream, refresh token and code end, the latter two with this error.
    async fn everything_ends(&mut self, status: u16, error: &str) {
        let stream = &mut self.stream;
        let over = async { while let Ok(Some(_)) = stream.chunk().await {} };
        timeout(SOON, over).await.expect("the stream ends within five seconds");
        is_refused_soon(&self.caller).await;
        let refreshed = self.client.refresh(&self.tokens.refresh).await;
        refreshed.refuses(status, error);
        let (code, ask) = &self.code;
        self.client.exchange(code, ask).await.refuses(status, error);
    }

    /// What ended stays ended when it is switched on again, and the person can connect anew.
    async fn comes_back(&self) {
        let refreshed = async {
            loop {
                let answer = self.client.refresh(&self.tokens.refresh).await;
                if answer.json()["error"] == "invalid_grant" {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(SOON, refreshed).await.expect("the refresh token is refused for good");
        let let_in = async {
            while !self.lets_in().await {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(SOON, let_in).await.expect("it is back within five seconds");
        let person = self.company.world.person();
        let tokens = self.company.connect(&person, &self.client, tom()).await;
        let caller = McpCaller::new(&self.company.world, &tokens.access, Era::Stateless);
        assert!(!caller.tools().await.is_empty());
        is_refused_soon(&self.caller).await;
    }

    /// Whether somebody comes as far as consent.
    async fn lets_in(&self) -> bool {
        if !self.offers_to_sign_in().await {
            return false;
        }
        let (person, ask) = (self.company.world.person(), self.client.ask());
        let there = self.company.leave(&person, &ask).await;
        person.visit(&self.company.idp.approve(&there, tom())).await.has_button("decision")
    }

    async fn offers_to_sign_in(&self) -> bool {
        let page = self.company.world.person().visit(&self.client.ask().url()).await;
        page.answer.body.contains("value=\"corp\"")
    }

    /// The person of this browser is not signed in any more.
    async fn is_signed_out(&self) {
        let page = self.person.visit(&self.client.ask().url()).await;
        assert!(!page.has_button("decision"), "{}", page.answer.body);
    }
}

fn tom() -> Value {
    json!({ "sub": "tom", "name": "Tom", "orgs": ["acme"] })
}

/// One process and two, on both databases.
fn plans() -> [Plan; 4] {
    [Plan::sqlite(), Plan::postgres(), Plan::sqlite().apart(), Plan::postgres().apart()]
}

#[tokio::test]
async fn gr_2_a_client_is_switched_off() {
    for plan in plans() {
        let mut connected = Connected::start(plan).await;
        let other = connected.company.world.client_named("Another").await;
        let kept =
            connected.company.connect(&connected.company.world.person(), &other, tom()).await;
        let id = connected.client.id.clone();
        let said = connected.run(&["client", "disable", &id]);
        assert_eq!(said["ended"], json!({ "grants": 1, "sessions": 0 }));
        connected.everything_ends(401, "invalid_client").await;
        let page = connected.person.visit(&connected.client.ask().url()).await;
        assert_eq!(page.answer.status, 403);
        assert!(page.answer.body.contains("switched off"), "{}", page.answer.body);
        let listed = connected.run(&["client", "list"]);
        assert_eq!(listed[0]["name"], id.as_str());

        Tokens::of(&other.refresh(&kept.refresh).await);
        assert_eq!(connected.run(&["client", "enable", &id])["changed"], true);
        connected.comes_back().await;
    }
}

#[tokio::test]
async fn gr_2_an_organization_is_switched_off() {
    for plan in plans() {
        let mut connected = Connected::start(plan).await;
        let said = connected.run(&["organization", "disable", "acme"]);
        assert_eq!(said["ended"]["grants"], 1);
        connected.everything_ends(400, "invalid_grant").await;
        connected.is_signed_out().await;
        let world = &connected.company.world;
        let (person, ask) = (world.person(), connected.client.ask());
        let there = connected.company.leave(&person, &ask).await;
        let back = person.visit(&connected.company.idp.approve(&there, tom())).await;
        assert_eq!(back.answer.status, 403, "{}", back.answer.body);
        connected.run(&["organization", "enable", "acme"]);
        connected.comes_back().await;
    }
}

#[tokio::test]
async fn gr_2_a_provider_is_switched_off() {
    for plan in plans() {
        let mut connected = Connected::start(plan).await;
        let said = connected.run(&["provider", "disable", "corp"]);
        assert_eq!(said["ended"], json!({ "grants": 1, "sessions": 1 }));
        connected.everything_ends(400, "invalid_grant").await;
        connected.is_signed_out().await;
        assert!(!connected.offers_to_sign_in().await);
        connected.run(&["provider", "enable", "corp"]);
        connected.comes_back().await;
    }
}

#[tokio::test]
async fn gr_2_a_server_is_switched_off() {
    for plan in plans() {
        let mut connected = Connected::start(plan).await;
        let said = connected.run(&["server", "disable", "default"]);
        assert_eq!(said["ended"]["grants"], 1);
        connected.everything_ends(400, "invalid_grant").await;
        let page = connected.person.visit(&connected.client.ask().url()).await;
        assert!(page.answer.body.contains("no such resource"), "{}", page.answer.body);
        connected.run(&["server", "enable", "default"]);
        connected.comes_back().await;
    }
}

#[tokio::test]
async fn gr_2_a_person_is_switched_off() {
    for plan in plans() {
        let mut connected = Connected::start(plan).await;
        let id = connected.run(&["user", "list"])[0]["id"].as_str().expect("an id").to_owned();
        assert_eq!(connected.run(&["user", "disable", &id])["changed"], true);
        connected.everything_ends(400, "invalid_grant").await;
        connected.is_signed_out().await;
        connected.run(&["user", "enable", &id]);
        connected.comes_back().await;
    }
}

/// GR-1: the code that is on its way to the same client ends with it.
#[tokio::test]
async fn gr_1_a_grant_is_revoked() {
    for plan in plans() {
        let mut connected = Connected::start(plan).await;
        let grants = connected.run(&["grant", "list", "--client", &connected.client.id]);
        let [grant] = grants.as_array().expect("a list").as_slice() else { panic!("{grants}") };
        let id = grant["id"].as_str().expect("an id");
        assert_eq!(connected.run(&["grant", "revoke", id])["changed"], true);
        assert_eq!(connected.run(&["grant", "revoke", id])["changed"], false);
        assert_eq!(connected.run(&["grant", "list"]), json!([]));
        let over = async { while let Ok(Some(_)) = connected.stream.chunk().await {} };
        timeout(SOON, over).await.expect("the stream ends within five seconds");
        is_refused_soon(&connected.caller).await;
        let refreshed = connected.client.refresh(&connected.tokens.refresh).await;
        refreshed.refuses(400, "invalid_grant");
        let (code, ask) = &connected.code;
        connected.client.exchange(code, ask).await.refuses(400, "invalid_grant");
    }
}
