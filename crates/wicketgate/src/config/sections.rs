//! One file for each part of the configuration: which keys there are, their defaults, what they
//! must be, and what to do when they are not.

mod behind;
mod clients;
mod mcp;
mod oauth;
mod outbound;
mod people;
mod scope_words;
mod server;
mod sign_in;
mod telemetry;
mod upstream;
mod upstream_http;

use tracing::level_filters::LevelFilter;

use super::reader::Reader;
use super::settings::{Role, Settings};
use super::urls::{PublicUrl, is_loopback};

/// Reads everything. `None` only together with a filed problem.
pub(super) fn read(root: &Reader<'_>, role: Role) -> Option<Settings> {
    point_to_the_role(root, role);
    let public_url = public_url(root);
    let server = root.section("server", server::read);
    let database = root.section("database", |section| server::read_database(section, role));
    let loopback = Loopback {
        url: names_loopback(root),
        listen: server.as_ref().is_none_or(|server| server.listen.ip().is_loopback()),
    };
    let (oauth, issuer, owners) = root.section("oauth", |section| {
        let issuer = oauth::issuer(section, public_url.as_ref());
        let around =
            sign_in::Around { loopback, issuer: issuer.as_ref(), needed: role != Role::Mcp };
        let mut sign_in = root.section("sign_in", |section| sign_in::read(section, &around));
        let user_types =
            root.sections("user_type", |section| people::read_user_type(section, &sign_in.owners));
        let owners = std::mem::take(&mut sign_in.owners);
        (oauth::read(section, role, sign_in, user_types), issuer, owners)
    });
    let (mcp, foreign_issuer) = root.section("mcp", |section| {
        let issuer = mcp::issuer(section, role);
        let around =
            mcp::Around { public_url: public_url.as_ref(), issuer: issuer.as_ref(), owners };
        (mcp::read(section, role, &around), issuer)
    });
    let telemetry = root.section("telemetry", telemetry::read);
    let outbound = root.section("outbound", |section| outbound::read(section, role));
    Some(Settings {
        role,
        telemetry: telemetry?,
        outbound: outbound?,
        issuer: if role == Role::Mcp { foreign_issuer? } else { issuer? },
        public_url: public_url?,
        server: server?,
        database: if role == Role::Mcp { None } else { Some(database?) },
        oauth: if role == Role::Mcp { None } else { Some(oauth?) },
        mcp: mcp?,
    })
}

/// A sidecar's file has none of the authorization server's keys, and not knowing the role we would
/// only ask for them.
fn point_to_the_role(root: &Reader<'_>, role: Role) {
    let names_an_issuer = root.part("mcp", |mcp| !mcp.is_blank("issuer"));
    if role != Role::Mcp && names_an_issuer && !root.has("oauth") {
        root.missing(
            "oauth",
            "it is missing, and mcp.issuer is set as in the file of a sidecar",
            "For a sidecar's file use --role mcp",
        );
    }
}

/// `mcp.diagnostic_log_level` alone.
pub(super) fn log_level(root: &Reader<'_>) -> LevelFilter {
    root.part("mcp", mcp::log_level)
}

/// What is known to be reachable from this computer only.
#[derive(Clone, Copy)]
struct Loopback {
    url: bool,
    listen: bool,
}

/// Asked of the text itself, so that a URL that is refused for another reason does not hide this.
fn names_loopback(root: &Reader<'_>) -> bool {
    url::Url::parse(&root.peek("public_url")).map_or(true, |url| is_loopback(&url))
}

fn public_url(root: &Reader<'_>) -> Option<PublicUrl> {
    if !root.has("public_url") {
        root.text("public_url", "");
        root.missing(
            "public_url",
            "it is missing",
            "Set the URL under which people and clients reach this server, such as \
             \"https://mcp.example.com\"",
        );
        return None;
    }
    let fix = "Use https, or http with 127.0.0.1 or localhost for a try on one computer";
    root.parsed("public_url", "", fix, PublicUrl::parse)
}
