//! Signing in at a company's provider, in each shape of the process.

use kernel::ManualClock;
use serde_json::json;
use testkit::{Ask, CapturedLog, Client, Idp, Person, Tick, Tokens};

use crate::world::{Plan, World};

/// A deployment with one provider behind it.
pub(crate) struct Company {
    pub(crate) world: World,
    pub(crate) idp: Idp,
}

impl Company {
    pub(crate) async fn start(plan: Plan, provider: &str, tables: &str) -> Self {
        let clock = ManualClock::at(kernel::Timestamp::from_millis(1_800_000_000_000));
        let idp = Idp::start(&clock).await;
        let tables = idp.configuration(provider) + tables;
        let world = plan.clock(&clock).providers(&tables).start().await;
        Self { world, idp }
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

/// UP-1: a person of the company gets exactly what the groups say, in both databases
/// and process shapes. O5: the log says what they came to, and names no group.
#[tokio::test]
async fn a_person_of_the_company_signs_in() {
    let log = CapturedLog::start();
    let rules = "[[user_type]]\ntype = \"process_manager\"\ngroups = [\"managers\"]\n";
    for plan in [Plan::sqlite(), Plan::postgres(), Plan::sqlite().apart(), Plan::postgres().apart()]
    {
        let company = Company::start(plan, "", rules).await;
        let client = company.world.client().await;
        let claims = json!({ "sub": "tom", "name": "Tom", "groups": ["staff", "managers"] });
        let tokens = company.connect(&company.world.person(), &client, claims).await;
        assert_eq!(tokens.scope, "mcp:read mcp:write mcp:process_admin");
        let claims = json!({ "sub": "ada", "name": "Ada" });
        let tokens = company.connect(&company.world.person(), &client, claims).await;
        assert_eq!(tokens.scope, "mcp:read mcp:write");
    }
    let text = log.text();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("signed in")).collect();
    for (user_type, groups) in [("process_manager", 2), ("basic", 0)] {
        let said = format!("user_type=\"{user_type}\" groups={groups}");
        assert!(lines.iter().any(|line| line.contains(&said)), "{said}: {lines:?}");
    }
    assert!(!lines.iter().any(|line| line.contains("staff")), "{lines:?}");
}
