//! Every page once, filled in. Shared with the `render` example.

#[path = "samples/people.rs"]
mod people;

use std::time::Duration;

use pages::{
    AlreadyDone, Asking, Audience, Client, ClientTrust, Connect, Consent, Deployment, Earlier,
    Failure, Form, Interstitial, Lifetime, Navigation, Offer, OpenApp, Organization, Person,
    Provider, ProviderSignOut, Resource, ScopeChoice, ScopeWords, SignIn, SignedOut, Tick,
};
use protocol::catalogue::CatalogueTool;
use protocol::{RedirectUri, Scope, UserType};

/// The texts that somebody else chose, so that a test can choose worse ones.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    /// Stands where a name or title is shown.
    pub(crate) name: &'a str,
    /// Stands at the head of a failure.
    pub(crate) title: &'a str,
    /// Stands where it is told what happened.
    pub(crate) sentence: &'a str,
    /// Stands where it is told what to do.
    pub(crate) advice: &'a str,
    /// Stands where a name for the server in clients' settings is suggested.
    pub(crate) key: &'a str,
    /// Stands where a redirect URI with a response in its query is linked.
    pub(crate) url: &'a str,
    /// The same, for an application with a scheme of its own.
    pub(crate) app_url: &'a str,
    /// Stands where an opaque value goes into a form.
    pub(crate) token: &'a str,
}

/// What an ordinary day brings.
pub(crate) const ORDINARY: Words<'static> = Words {
    name: "Release Notes Helper",
    title: "This sign-in link has expired",
    sentence: "The app asked for something that this server does not offer.",
    advice: "Go back to the app and start connecting again. Links like this work for ten minutes.",
    key: "workflow",
    url: "https://notes.example.com/oauth/callback?error=invalid_request&iss=x",
    app_url: "cursor://anysphere.cursor-mcp/oauth/callback?code=wgc_4uT&state=9&iss=x",
    token: "yQ8mFhYl3b0",
};

/// The four scopes as consent offers them to an administrator.
pub(crate) const CHOICES: [ScopeChoice; 4] = [
    ScopeChoice { scope: Scope::Read, tick: Tick::Fixed, earlier: Earlier::Nothing },
    ScopeChoice { scope: Scope::Write, tick: Tick::On, earlier: Earlier::Nothing },
    ScopeChoice { scope: Scope::ProcessAdmin, tick: Tick::Off, earlier: Earlier::NotCovered },
    ScopeChoice { scope: Scope::Admin, tick: Tick::Off, earlier: Earlier::Nothing },
];

/// What a client is asked about that has reading and writing and wants more.
pub(crate) const MORE: [ScopeChoice; 3] = [
    ScopeChoice { scope: Scope::Read, tick: Tick::Fixed, earlier: Earlier::Allowed },
    ScopeChoice { scope: Scope::Write, tick: Tick::On, earlier: Earlier::Allowed },
    ScopeChoice { scope: Scope::ProcessAdmin, tick: Tick::Off, earlier: Earlier::NotCovered },
];

/// The demo's people.
pub(crate) const PEOPLE: [Person<'static>; 3] = [
    Person { id: "basic", name: "Bea Lindqvist", user_type: UserType::Basic },
    Person { id: "manager", name: "Milo Okafor", user_type: UserType::ProcessManager },
    Person { id: "admin", name: "Ada Moreau", user_type: UserType::Administrator },
];

/// How long access lasts in the samples.
pub(crate) const LIFETIME: Lifetime<'static> = Lifetime {
    access: Duration::from_hours(1),
    idle: Some(Duration::from_hours(90 * 24)),
    account_url: None,
};

/// Whose pages the samples are.
pub(crate) const DEPLOYMENT: Deployment<'static> = Deployment { title: "Northwind Workflow" };
/// What access is asked to.
pub(crate) const RESOURCE: Resource<'static> = Resource {
    title: "Workflow",
    url: "https://mcp.northwind.example/mcp",
    words: ScopeWords::NEUTRAL,
};

/// A client on this computer that a web site vouches for.
pub(crate) const CLAUDE_CODE: Client<'static> =
    Client { name: "Claude Code", standing: ClientTrust::Document { host: "claude.ai" } };
/// A client that registered itself, with a URI scheme of its own.
pub(crate) const CURSOR: Client<'static> =
    Client { name: "Cursor", standing: ClientTrust::SelfDeclared };
/// The redirect URIs of the samples.
pub(crate) struct Places {
    /// On a web site.
    pub(crate) web: RedirectUri,
    /// On this computer.
    pub(crate) loopback: RedirectUri,
    /// In an application with a scheme of its own.
    pub(crate) app: RedirectUri,
}

/// The redirect URIs of the samples.
pub(crate) fn places() -> Places {
    Places {
        web: place("https://notes.example.com/oauth/callback"),
        loopback: place("http://localhost:53682/callback"),
        app: place("cursor://anysphere.cursor-mcp/oauth/callback"),
    }
}

fn place(uri: &str) -> RedirectUri {
    RedirectUri::from_stored(uri).expect("the samples' redirect URIs are acceptable")
}

/// What the server of the samples offers.
pub(crate) fn catalogue(words: &Words<'_>) -> Vec<CatalogueTool> {
    [
        ("list_requests", "List requests", "mcp:read"),
        ("get_request", "Show a request", "mcp:read"),
        ("search_requests", "Search requests", "mcp:read"),
        ("get_my_profile", "get_my_profile", "mcp:read"),
        ("create_request", "Create a request", "mcp:write"),
        ("submit_action", "Approve or reject a request", "mcp:write"),
        ("admin_get_settings", words.name, "mcp:admin"),
    ]
    .map(|(name, title, scope)| CatalogueTool {
        name: name.to_owned(),
        title: title.to_owned(),
        scope: scope.to_owned(),
    })
    .into()
}

/// The form of a sample.
pub(crate) fn form<'a>(words: &Words<'a>, action: &'a str) -> Form<'a> {
    Form { action, csrf: words.token, txn: Some(words.token) }
}

/// Sign-in for a client that nobody vouches for.
pub(crate) fn sign_in<'a>(
    words: &Words<'a>,
    place: &'a RedirectUri,
    offer: Offer<'a>,
) -> SignIn<'a> {
    SignIn {
        deployment: DEPLOYMENT,
        form: form(words, "/sign-in"),
        asking: Asking::Authorization {
            client: Client { name: words.name, standing: ClientTrust::SelfDeclared },
            redirect: place,
            resource: RESOURCE,
        },
        offer,
        notice: None,
    }
}

/// Consent for a client that nobody vouches for, with all four scopes on offer.
pub(crate) fn consent<'a>(
    words: &Words<'a>,
    place: &'a RedirectUri,
    catalogue: &'a [CatalogueTool],
) -> Consent<'a> {
    Consent {
        deployment: DEPLOYMENT,
        form: form(words, "/authorize/consent"),
        client: Client { name: words.name, standing: ClientTrust::SelfDeclared },
        asks_again: false,
        redirect: place,
        resource: RESOURCE,
        person: "Ada Moreau",
        organization: None,
        scopes: &CHOICES,
        catalogue: Some(catalogue),
        lifetime: LIFETIME,
    }
}

/// The way back to an application, by a click.
pub(crate) fn open_app<'a>(words: &Words<'a>, place: &'a RedirectUri) -> OpenApp<'a> {
    OpenApp {
        deployment: DEPLOYMENT,
        client: Client { name: words.name, ..CLAUDE_CODE },
        redirect: place,
        return_url: words.app_url,
        navigation: Navigation::ByClick,
    }
}

/// Every page in every shape that it takes, by name.
pub(crate) fn every_page(words: &Words<'_>) -> Vec<(&'static str, String)> {
    let mut pages = sign_ins(words);
    pages.extend(people::every_page(words));
    pages.extend(consents(words));
    pages.extend(outcomes(words));
    pages.extend(connects(words));
    pages
}

fn sign_ins(words: &Words<'_>) -> Vec<(&'static str, String)> {
    let places = places();
    let providers = [
        Provider { id: words.token, name: words.name },
        Provider { id: "portal", name: "the customer portal" },
    ];
    let resource = Resource { title: words.name, url: words.url, ..RESOURCE };
    let registered = Client { name: words.name, standing: ClientTrust::Registered };
    let providers = |find_by_email| Offer::Providers { providers: &providers, find_by_email };
    let nothing = Offer::Providers { providers: &[], find_by_email: true };
    let people = Offer::People(&PEOPLE);
    let asking = Asking::Authorization {
        client: CLAUDE_CODE,
        redirect: &places.loopback,
        resource: RESOURCE,
    };
    let demo = SignIn { asking, ..sign_in(words, &places.loopback, people) };
    let vouched = SignIn {
        deployment: Deployment { title: words.name },
        asking: Asking::Authorization { client: registered, redirect: &places.web, resource },
        notice: Some(words.sentence),
        ..sign_in(words, &places.web, providers(false))
    };
    let by_email = SignIn { asking, ..sign_in(words, &places.loopback, providers(true)) };
    let form = Form { txn: None, ..form(words, "/sign-in") };
    let account = SignIn {
        asking: Asking::Account,
        form,
        notice: Some(words.sentence),
        ..sign_in(words, &places.web, providers(true))
    };
    vec![
        ("sign-in-demo", pages::sign_in(&demo)),
        ("sign-in-unverified", pages::sign_in(&sign_in(words, &places.web, people))),
        ("sign-in-providers", pages::sign_in(&vouched)),
        ("sign-in-by-email", pages::sign_in(&by_email)),
        ("sign-in-account", pages::sign_in(&account)),
        ("sign-in-nothing", pages::sign_in(&sign_in(words, &places.web, nothing))),
    ]
}

fn consents(words: &Words<'_>) -> Vec<(&'static str, String)> {
    let places = places();
    let catalogue = catalogue(words);
    let unverified = consent(words, &places.web, &catalogue);
    let loopback = Consent { client: CLAUDE_CODE, ..consent(words, &places.loopback, &catalogue) };
    let organization = Some(Organization { name: words.name, may_change: true });
    let one = Some(Organization { name: "Northwind AB", may_change: false });
    let tenant = Consent { organization, ..loopback };
    let app = Consent {
        organization: one,
        client: CURSOR,
        scopes: &CHOICES[..2],
        catalogue: None,
        lifetime: Lifetime { account_url: Some("/account"), ..LIFETIME },
        ..consent(words, &places.app, &catalogue)
    };
    let scope_words = ScopeWords {
        titles: [(Scope::Read, words.name.to_owned())].into(),
        sentences: [(Scope::Read, words.sentence.to_owned())].into(),
    };
    let short_lived = Consent {
        person: words.name,
        resource: Resource { words: &scope_words, ..RESOURCE },
        lifetime: Lifetime { idle: None, ..LIFETIME },
        ..unverified
    };
    let for_more = Consent { scopes: &MORE, asks_again: true, ..loopback };
    vec![
        ("consent-more", pages::consent(&for_more)),
        ("consent-loopback", pages::consent(&loopback)),
        ("consent-app", pages::consent(&app)),
        ("consent-unverified", pages::consent(&unverified)),
        ("consent-organization", pages::consent(&tenant)),
        ("consent-short-lived", pages::consent(&short_lived)),
    ]
}

fn outcomes(words: &Words<'_>) -> Vec<(&'static str, String)> {
    let places = places();
    let deployment = DEPLOYMENT;
    let stranger = Client { name: words.name, standing: ClientTrust::SelfDeclared };
    let failure = Failure {
        deployment,
        status: 400,
        title: words.title,
        what_happened: words.sentence,
        what_to_do: words.advice,
        reference: Some(words.token),
    };
    let interstitial = Interstitial {
        deployment,
        client: stranger,
        redirect: &places.web,
        what_happened: words.sentence,
        return_url: words.url,
    };
    let open_app = open_app(words, &places.app);
    let at_provider = Some(ProviderSignOut { provider_name: words.name, url: words.url });
    vec![
        ("failure", pages::failure(&failure)),
        ("interstitial", pages::interstitial(&interstitial)),
        ("open-app", pages::open_app(&open_app)),
        (
            "open-app-at-once",
            pages::open_app(&OpenApp { navigation: Navigation::Automatic, ..open_app }),
        ),
        ("already-done", pages::already_done(&AlreadyDone { deployment, client: Some(stranger) })),
        ("signed-out", pages::signed_out(&SignedOut { deployment, at_provider: None })),
        ("signed-out-provider", pages::signed_out(&SignedOut { deployment, at_provider })),
    ]
}

fn connects(words: &Words<'_>) -> Vec<(&'static str, String)> {
    let demo = Connect {
        deployment: Deployment { title: "Wicketgate demo" },
        resource: Resource { title: "Workflow", url: "http://127.0.0.1:8787/mcp", ..RESOURCE },
        key: "workflow",
        account: "/account",
        audience: Audience::Visitors,
    };
    let public = Connect {
        deployment: DEPLOYMENT,
        resource: Resource { title: words.name, ..RESOURCE },
        key: words.key,
        account: "/account",
        audience: Audience::Members,
    };
    vec![("connect-demo", pages::connect(&demo)), ("connect-public", pages::connect(&public))]
}
