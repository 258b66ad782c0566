//! A deployment with a SAML provider behind it.

use std::sync::OnceLock;

use kernel::encoding::base64;
use kernel::{Clock as _, ManualClock, Timestamp};
use reqwest::header::HeaderMap;
use tempfile::TempDir;
use testkit::saml::{self, AuthnRequest, Keys, Sign, Signature, assertion_of, metadata, swap};
use testkit::{Answer, Ask, Client, Dump, Page, Person, Tick, Tokens, random};

use crate::world::{Plan, World};

/// People of this group are administrators.
pub(super) const ADMINISTRATORS: &str =
    "[[user_type]]\ntype = \"administrator\"\ngroups = [\"admins\"]\n";

const START: i64 = 1_800_000_000;

pub(super) struct Company {
    pub(super) world: World,
    /// The provider's metadata; every process reads them when it starts.
    directory: TempDir,
    tables: String,
}

impl Company {
    /// With a provider `corp`.
    pub(super) async fn start(plan: Plan) -> Self {
        Self::with(plan, "", "").await
    }

    /// With more lines about the provider, and more tables.
    pub(super) async fn with(plan: Plan, lines: &str, tables: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("idp.xml"), metadata(&[keys()])).expect("written");
        let tables = provider(&directory, "corp", lines) + tables;
        let clock = ManualClock::at(Timestamp::from_millis(START * 1000));
        let world = plan.clock(&clock).providers(&tables).start().await;
        Self { world, directory, tables }
    }

    /// With a second provider `partner`, of the same people.
    pub(super) async fn with_partner(plan: Plan) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("idp.xml"), metadata(&[keys()])).expect("written");
        let tables = provider(&directory, "corp", "") + &provider(&directory, "partner", "");
        let world = plan.providers(&tables).start().await;
        Self { world, directory, tables }
    }

    /// Stops and starts again at the same address, on the same database, with more lines about the
    /// provider.
    pub(super) async fn restart(self, lines: &str) -> Self {
        let Self { world, directory, tables } = self;
        let address = world.origin();
        let (_, port) = address.rsplit_once(':').expect("a port");
        let (port, clock) = (port.parse().expect("a port"), world.clock.clone());
        let database = world.stop().await;
        let plan = Plan::on(database.engine()).with(database).port(port).clock(&clock);
        let tables = tables + lines;
        let world = plan.providers(&tables).start().await;
        Self { world, directory, tables }
    }

    /// The same browser after a restart; nobody goes on with a connection of the life before.
    pub(super) fn again(&self, person: &Person) -> Person {
        let again = self.world.person();
        again.set_cookies(person.cookies());
        again
    }

    /// Clicks through to the provider.
    pub(super) async fn leave(&self, person: &Person, ask: &Ask) -> AuthnRequest {
        self.leave_for("corp", person, ask).await
    }

    /// Clicks through to this provider.
    pub(super) async fn leave_for(&self, id: &str, person: &Person, ask: &Ask) -> AuthnRequest {
        let gone = press(person, &person.visit(&ask.url()).await, id).await;
        match gone.left_to {
            Some(url) => AuthnRequest::by_redirect(&url),
            None => panic!("still here: {}", gone.answer.body),
        }
    }

    /// The provider's good answer, a new one each time.
    pub(super) fn vouches(&self, asked: &AuthnRequest) -> String {
        self.says(asked, &format!("_{}", random()), |xml| xml)
    }

    /// The provider's answer with an assertion of this id, changed before it is signed.
    pub(super) fn says(
        &self,
        asked: &AuthnRequest,
        id: &str,
        edit: impl Fn(String) -> String,
    ) -> String {
        let answer = self.answer(asked);
        let named = |xml: String| edit(swap(&xml, "ID=\"_assertion\"", &format!("ID=\"{id}\"")));
        base64(answer.signed(keys(), Sign::Assertion, &Signature::default(), named).as_bytes())
    }

    /// The provider's signed word that the person was not let in, and nothing else.
    pub(super) fn refuses(&self, asked: &AuthnRequest, status: &str) -> String {
        let without = |xml: String| refusal(&swap(&xml, assertion_of(&xml), ""), status);
        let answer = self.answer(asked);
        base64(answer.signed(keys(), Sign::Response, &Signature::default(), without).as_bytes())
    }

    fn answer<'a>(&self, asked: &'a AuthnRequest) -> saml::Answer<'a> {
        saml::Answer {
            acs_url: asked.acs_url(),
            audience: asked.issuer(),
            request_id: asked.id(),
            now: self.world.clock.now().as_seconds(),
        }
    }

    /// Posts an answer as a browser does from a foreign site: without our cookies.
    pub(super) async fn post(&self, asked: &AuthnRequest, response: &str) -> Answer {
        self.post_with(response, &asked.relay_state).await
    }

    /// Posts an answer with this relay state.
    pub(super) async fn post_with(&self, response: &str, relay_state: &str) -> Answer {
        let fields = [("SAMLResponse", response), ("RelayState", relay_state)];
        self.world.post_form(&self.world.at("/saml/corp/acs"), &fields).await
    }

    /// Where an accepted answer sends the browser.
    #[track_caller]
    pub(super) fn way_back(&self, answer: &Answer) -> String {
        assert_eq!(answer.status, 303, "{}", answer.body);
        let location = answer.header("location").expect("a location");
        assert!(location.starts_with('/'), "{location}");
        format!("{}{location}", self.world.origin())
    }

    /// Checks that answers which were not believed changed nothing, and are on record once for each
    /// sign-in at most (A10).
    pub(super) async fn is_only_on_record_since(&self, before: &Dump) {
        let after = self.world.dump().await;
        before.equals_but(&after, &["OAUTH_AUDIT", "OAUTH_REPLAY"]);
        let rejected = |dump: &Dump| dump.count_with("OAUTH_AUDIT", "kind=upstream.rejected");
        let new = rejected(&after) - rejected(before);
        assert_eq!(new, after.count("OAUTH_AUDIT") - before.count("OAUTH_AUDIT"));
        assert!(new <= after.count("OAUTH_UPSTREAM"), "{new} rows");
    }

    /// The provider answers, and the browser comes back.
    pub(super) async fn arrive(
        &self,
        person: &Person,
        asked: &AuthnRequest,
        response: &str,
    ) -> Page {
        let kept = self.post(asked, response).await;
        person.visit(&self.way_back(&kept)).await
    }

    /// The whole way, with this answer of the provider.
    pub(super) async fn connect(
        &self,
        client: &Client,
        id: &str,
        edit: impl Fn(String) -> String,
    ) -> Tokens {
        let (person, ask) = (self.world.person(), client.ask());
        let asked = self.leave_for(id, &person, &ask).await;
        let response = self.says(&asked, &format!("_{}", random()), edit);
        let fields = [("SAMLResponse", &*response), ("RelayState", &*asked.relay_state)];
        let kept = self.world.post_form(asked.acs_url(), &fields).await;
        let consent = person.visit(&self.way_back(&kept)).await;
        let returned = person.allow(&consent, Tick::All).await.returned();
        Tokens::of(&client.exchange(returned.code(), &ask).await)
    }
}

/// Presses a provider's button; the page may have a form for an e-mail address as well.
pub(super) async fn press(person: &Person, page: &Page, id: &str) -> Page {
    let form = page.form_for("provider");
    person.submit(page, form, Some(("provider", id)), HeaderMap::new()).await
}

/// An answer in which the sign-in failed for this reason.
pub(super) fn refusal(xml: &str, status: &str) -> String {
    const URN: &str = "urn:oasis:names:tc:SAML:2.0:status";
    let message = "&lt;svg onload=alert(1)&gt; by Mallory";
    swap(
        xml,
        &format!("<samlp:StatusCode Value=\"{URN}:Success\"/>"),
        &format!(
            "<samlp:StatusCode Value=\"{URN}:Responder\"><samlp:StatusCode \
             Value=\"{URN}:{status}\"/></samlp:StatusCode>\
             <samlp:StatusMessage>{message}</samlp:StatusMessage>"
        ),
    )
}

/// The provider's keys. RSA keys take a while to make. The certificate is good for the test's time
/// and for today, because a configuration is judged by the system's clock.
fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| Keys::rsa(START).certified(1_600_000_000, 2_200_000_000))
}

fn provider(directory: &TempDir, id: &str, lines: &str) -> String {
    let file = directory.path().join("idp.xml");
    format!(
        "[[sign_in.provider]]\nid = \"{id}\"\nname = \"Northwind {id}\"\nkind = \"saml\"\n\
         metadata_file = \"{}\"\n{lines}\n",
        file.display()
    )
}
