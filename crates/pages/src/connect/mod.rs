//! The connect page: how to add this server to each client.

mod encoding;
mod links;
mod tiles;

use askama::Template;

use crate::{Deployment, Resource, shell};
use tiles::Tile;

/// What the connect page shows.
#[derive(Clone, Copy, Debug)]
pub struct Connect<'a> {
    /// Whose page this is.
    pub deployment: Deployment<'a>,
    /// The server to connect to; its URL is what every command on the page names.
    pub resource: Resource<'a>,
    /// The name that the page suggests for the server in clients' settings. Clients build tool
    /// names with it: at most 12 of `a-z`, `0-9` and `-` suits them all (CL-22).
    pub key: &'a str,
    /// The path of the page on which people see and end what they connected.
    pub account: &'a str,
    /// Who reads the page.
    pub audience: Audience,
}

/// Who reads the connect page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// People of a deployment, who sign in with their own account.
    Members,
    /// Whoever tries the demo, and signs in as one of its three people.
    Visitors,
}

/// The connect page.
pub fn connect(view: &Connect<'_>) -> String {
    shell::page(&Page { view, tiles: tiles::for_server(view.key, view.resource.url) })
}

#[derive(Template)]
#[template(path = "connect.html", whitespace = "minimize")]
struct Page<'a> {
    view: &'a Connect<'a>,
    tiles: Vec<Tile>,
}

impl Connect<'_> {
    fn is_demo(&self) -> bool {
        self.audience == Audience::Visitors
    }

    /// Hosted clients call from their own networks and insist on https (CL-20).
    fn is_public(&self) -> bool {
        tiles::is_https(self.resource.url)
    }
}
