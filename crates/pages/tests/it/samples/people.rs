//! The pages on which people prove who they are and look after their account.

use pages::{
    Account, AccountHolder, Asking, ChooseOrganization, Client, ClientTrust, Connection, Form,
    LocalSignIn, SecondFactor, UpstreamPost,
};
use protocol::{Scope, Scopes, UserType};

use super::{CLAUDE_CODE, DEPLOYMENT, RESOURCE, Words, form, places};

pub(crate) fn every_page(words: &Words<'_>) -> Vec<(&'static str, String)> {
    let mut pages = ways_in(words);
    pages.extend(accounts(words));
    pages
}

fn ways_in(words: &Words<'_>) -> Vec<(&'static str, String)> {
    let places = places();
    let stranger = Client { name: words.name, standing: ClientTrust::SelfDeclared };
    let first = LocalSignIn {
        deployment: DEPLOYMENT,
        form: form(words, "/sign-in/staff"),
        provider_name: "Northwind account",
        asking: Asking::Authorization {
            client: CLAUDE_CODE,
            redirect: &places.loopback,
            resource: RESOURCE,
        },
        username: "",
        notice: None,
        other_ways: Some("/sign-in?txn=x"),
    };
    let again = LocalSignIn {
        form: Form { txn: None, ..first.form },
        provider_name: words.name,
        asking: Asking::Account,
        username: words.token,
        notice: Some(words.sentence),
        other_ways: None,
        ..first
    };
    let second = SecondFactor {
        deployment: DEPLOYMENT,
        form: first.form,
        ticket: words.token,
        notice: None,
    };
    let organizations = ["Northwind AB", words.name, "Contoso Logistics GmbH"];
    let choose = ChooseOrganization {
        deployment: DEPLOYMENT,
        form: form(words, "/authorize/organization"),
        organizations: &organizations,
        remembered: Some(words.name),
        person: words.name,
        client: stranger,
    };
    let fields = [("SAMLRequest", words.token.to_owned()), ("RelayState", words.token.to_owned())];
    let post = UpstreamPost {
        deployment: DEPLOYMENT,
        provider_name: words.name,
        url: words.url,
        fields: &fields,
    };
    let nowhere = UpstreamPost { url: "javascript:alert(1)", ..post };
    let wrong = SecondFactor { notice: Some(words.sentence), ..second };
    vec![
        ("local-sign-in", pages::local_sign_in(&first)),
        ("local-sign-in-again", pages::local_sign_in(&again)),
        ("second-factor", pages::second_factor(&second)),
        ("second-factor-again", pages::second_factor(&wrong)),
        ("choose-organization", pages::choose_organization(&choose)),
        ("upstream-post", pages::upstream_post(&post)),
        ("upstream-post-nowhere", pages::upstream_post(&nowhere)),
    ]
}

fn accounts(words: &Words<'_>) -> Vec<(&'static str, String)> {
    let connections = [
        Connection {
            id: "grt_1",
            client: CLAUDE_CODE,
            redirect_host: "localhost",
            resource: RESOURCE,
            organization: Some("Northwind AB"),
            scopes: Scopes::of(&[Scope::Read, Scope::Write]),
            since: "on 4 May 2026",
        },
        Connection {
            id: words.token,
            client: Client { name: words.name, standing: ClientTrust::SelfDeclared },
            redirect_host: "notes.example.com",
            resource: RESOURCE,
            organization: Some(words.name),
            scopes: Scopes::of(&[Scope::Read]),
            since: "on 21 June 2026",
        },
        Connection {
            id: "grt_3",
            client: Client { name: words.name, standing: ClientTrust::Registered },
            redirect_host: "ledger.northwind.example",
            resource: RESOURCE,
            organization: None,
            scopes: Scopes::ALL,
            since: "today",
        },
    ];
    let organizations = ["Northwind AB", words.name];
    let full = Account {
        deployment: DEPLOYMENT,
        action: "/account",
        connect: "/connect",
        csrf: words.token,
        person: AccountHolder {
            name: words.name,
            email: Some(words.advice),
            user_type: UserType::ProcessManager,
            provider_name: words.name,
        },
        organizations: &organizations,
        organization: Some(words.name),
        connections: &connections,
        disconnected: Some(connections[1].client),
    };
    let person =
        AccountHolder { name: "Ada Moreau", email: Some("ada@northwind.example"), ..full.person };
    let new = Account {
        person: AccountHolder { provider_name: "Northwind account", ..person },
        organizations: &["Northwind AB"],
        organization: Some("Northwind AB"),
        connections: &[],
        disconnected: None,
        ..full
    };
    vec![("account", pages::account(&full)), ("account-new", pages::account(&new))]
}
