//! The consent page: the one place where a person says yes (CO-1 to CO-9).

use std::time::Duration;

use askama::Template;
use protocol::catalogue::CatalogueTool;
use protocol::redirect_uri::RedirectKind;
use protocol::{RedirectUri, Scope};

use crate::wording::Wording;
use crate::{Client, Deployment, Form, Resource, duration, shell};

/// What the consent page shows.
#[derive(Clone, Copy, Debug)]
pub struct Consent<'a> {
    /// Whose page this is.
    pub deployment: Deployment<'a>,
    /// Where the decision goes.
    pub form: Form<'a>,
    /// Who asks.
    pub client: Client<'a>,
    /// Whether the person refused it in this browser a moment ago, so that it asks again.
    pub asks_again: bool,
    /// Where the answer goes: the redirect URI of this request, as used (CO-9).
    pub redirect: &'a RedirectUri,
    /// What access is asked to.
    pub resource: Resource<'a>,
    /// The name of the person who is signed in and decides.
    pub person: &'a str,
    /// The organization that the client would act for; `None` if the person has none.
    pub organization: Option<Organization<'a>>,
    /// What is offered: requested ∩ ceiling ∩ user type, least privileged first.
    pub scopes: &'a [ScopeChoice],
    /// The server's tools, each with the scope that opens it; `None` while they are not known, and
    /// then the page explains the scopes alone.
    pub catalogue: Option<&'a [CatalogueTool]>,
    /// How long access lasts and how it ends.
    pub lifetime: Lifetime<'a>,
}

/// The organization that a client would act for.
#[derive(Clone, Copy, Debug)]
pub struct Organization<'a> {
    /// Its name as the identity provider gives it, sent back as `organization`.
    pub name: &'a str,
    /// Whether the person has others, so that a button leads to the choice again:
    /// `decision` = `organization`.
    pub may_change: bool,
}

/// One scope on offer.
#[derive(Clone, Copy, Debug)]
pub struct ScopeChoice {
    /// The scope: the checkbox's value.
    pub scope: Scope,
    /// How its checkbox starts.
    pub tick: Tick,
    /// What an earlier consent to this client said of it.
    pub earlier: Earlier,
}

/// What an earlier consent to the client said of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// There was none.
    Nothing,
    /// It was allowed.
    Allowed,
    /// It was not covered, so that this is what is new about the question (T-CO-04).
    NotCovered,
}

/// How a scope's checkbox starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// Ticked, and not to be changed: it comes with any access at all.
    Fixed,
    /// Ticked.
    On,
    /// Not ticked: the person has to want it.
    Off,
}

/// How long access lasts and how a person ends it.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime<'a> {
    /// How long one access token works.
    pub access: Duration,
    /// How long the client may stay unused before it has to ask again; `None` if it gets no
    /// refresh token.
    pub idle: Option<Duration>,
    /// Our page that lists and ends connections, if this deployment has one.
    pub account_url: Option<&'a str>,
}

/// The consent page.
pub fn consent(view: &Consent<'_>) -> String {
    let rows: Vec<Row<'_>> = view.scopes.iter().map(|choice| view.row(*choice)).collect();
    let may_untick = rows.iter().any(|row| !row.is_fixed);
    let has = |earlier| view.scopes.iter().any(|choice| choice.earlier == earlier);
    let asks_for_more = has(Earlier::Allowed) && has(Earlier::NotCovered);
    shell::page(&Page { view, rows, may_untick, asks_for_more })
}

#[derive(Template)]
#[template(path = "consent.html", whitespace = "minimize")]
struct Page<'a> {
    view: &'a Consent<'a>,
    rows: Vec<Row<'a>>,
    /// Whether the person can leave something out. Some clients answer a later
    /// `insufficient_scope` with a refresh and never ask again, so the page says what helps (C2).
    may_untick: bool,
    /// Whether the client has some of it already and asks for more.
    asks_for_more: bool,
}

/// A scope as the page shows it.
struct Row<'a> {
    scope: Scope,
    wording: Wording<'a>,
    is_fixed: bool,
    is_ticked: bool,
    earlier: Earlier,
    /// The tools that it opens, if they are known.
    tools: Option<Vec<&'a CatalogueTool>>,
}

impl<'a> Consent<'a> {
    fn row(&self, choice: ScopeChoice) -> Row<'a> {
        let opens = |tool: &&CatalogueTool| tool.scope == choice.scope.as_str();
        Row {
            scope: choice.scope,
            wording: self.resource.words.of(choice.scope),
            is_fixed: choice.tick == Tick::Fixed,
            is_ticked: choice.tick != Tick::Off,
            earlier: choice.earlier,
            tools: self.catalogue.map(|tools| tools.iter().filter(opens).collect()),
        }
    }
}

impl Lifetime<'_> {
    fn access_in_words(&self) -> String {
        duration::in_words(self.access)
    }

    fn idle_in_words(&self) -> Option<String> {
        self.idle.map(duration::in_words)
    }
}
