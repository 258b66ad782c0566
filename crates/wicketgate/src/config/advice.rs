//! What is no mistake, and yet probably not meant. `config check` says all of it, and the start says
//! what may keep people from connecting.

mod groups;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

pub(crate) use groups::about as about_groups;
use mcp::{ChildConfig, Transport};
use toml::{Table, Value};

use super::hide;
use super::problem::Problem;
use super::settings::{OAuthSettings, Role, ServerSettings, Settings, SignInSettings};

/// Clients that refresh ahead do so up to five minutes before the end.
const REFRESHED_AHEAD_SECONDS: i64 = 300;

/// Programs that keep what they run below `HOME`.
const FETCHERS: [&str; 8] = ["npx", "npm", "pnpm", "yarn", "bunx", "uvx", "uv", "pipx"];

/// Everything worth saying about these settings, most important first.
pub(super) fn about(settings: &Settings) -> Vec<Problem> {
    let oauth = settings.oauth.iter().flat_map(about_oauth);
    let sealing = (settings.role == Role::Mcp && settings.mcp.sealing_key.is_none()).then(|| {
        advice(
            "mcp.sealing_key",
            "it is missing, so each sidecar has its own, and none knows the sessions of another",
            "Where there are several, set the same key at each, and a peer_url",
        )
    });
    let documents = about_documents(settings);
    let groups = about_groups(settings);
    let clients = about_clients(settings);
    let servers = settings.mcp.servers.iter().enumerate();
    let servers = servers.flat_map(|(place, server)| about_server(place, server));
    oauth.chain(documents).chain(clients).chain(groups).chain(sealing).chain(servers).collect()
}

/// Variables that look as if they were meant for this program, and are read by nobody. Those that
/// Kubernetes makes for a service of this name are not meant.
pub(super) fn unread_variables(
    environment: &BTreeMap<String, String>,
    root: &Table,
) -> Vec<Problem> {
    let mut referred = BTreeSet::from(["WICKETGATE_CONFIG".to_owned()]);
    collect_references(&Value::Table(root.clone()), &mut referred);
    let by_kubernetes = |name: &str| {
        ["_SERVICE_HOST", "_PORT"].iter().any(|end| name.ends_with(end))
            || ["_SERVICE_PORT", "_PORT_"].iter().any(|part| name.contains(part))
    };
    let ours = environment.keys().filter(|name| {
        name.starts_with("WICKETGATE_")
            && !name.starts_with("WICKETGATE__")
            && !referred.contains(*name)
            && !by_kubernetes(name)
    });
    let unread = |name: &String| {
        advice(
            &format!("the environment variable {name}"),
            "nothing reads it",
            "Write WICKETGATE__SECTION__KEY with two underscores each, or refer to it with \
             { env = \"…\" }",
        )
    };
    ours.map(unread).collect()
}

fn collect_references(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Table(table) => {
            if let Some(Value::String(name)) = table.get("env") {
                names.insert(name.clone());
            }
            table.values().for_each(|value| collect_references(value, names));
        }
        Value::Array(items) => items.iter().for_each(|value| collect_references(value, names)),
        _ => {}
    }
}

fn about_oauth(oauth: &OAuthSettings) -> Vec<Problem> {
    let mut said = Vec::new();
    if matches!(oauth.sign_in, SignInSettings::Nobody) {
        said.push(advice(
            "sign_in",
            "no way to sign in is configured: nobody can connect",
            "Add a [[sign_in.provider]]",
        ));
    }
    if oauth.access_token_lifetime <= REFRESHED_AHEAD_SECONDS {
        said.push(advice(
            "oauth.access_token_lifetime_seconds",
            "some clients refresh five minutes before the end, so before every request",
            "Use more than 300; ending a grant ends its access tokens at once anyway",
        ));
    }
    if oauth.refresh_reuse_grace == 0 {
        said.push(advice(
            "oauth.refresh_reuse_grace_seconds",
            "of two processes of one client that refresh at once, the loser signs both out",
            "Use the default of 120, unless every client refreshes one at a time",
        ));
    }
    said
}

/// Servers come and go while it runs, so one that is not there is no mistake.
fn about_clients(settings: &Settings) -> Vec<Problem> {
    let has = |name: &String| settings.mcp.servers.iter().any(|server| server.name == *name);
    let Some(oauth) = &settings.oauth else { return Vec::new() };
    let machines = oauth.machines.iter().map(|one| ("servers", &one.client, &one.servers));
    let asking = oauth.introspectors.iter();
    let asking = asking.map(|one| ("introspects", &one.client, &one.servers));
    let named = machines.chain(asking).flat_map(|(key, client, servers)| {
        servers.iter().filter(|name| !has(name)).map(move |name| (key, client, name))
    });
    let said = named.map(|(key, client, name)| {
        let reason = format!("{key} of the client {client} names {name}, which is not there");
        advice("oauth.client", &reason, "Correct the name, or add the server")
    });
    said.collect()
}

/// Through a proxy only listed hosts are asked, and a list of none is a list of none.
fn about_documents(settings: &Settings) -> Option<Problem> {
    let documents = settings.oauth.as_ref()?.documents.as_ref()?;
    let unlisted = settings.outbound.proxy.is_some() && documents.policy.hosts.is_empty();
    unlisted.then(|| {
        advice(
            "oauth.registration.metadata_document_hosts",
            "it is empty, and with a proxy only listed hosts are asked: no client metadata document can \
             be fetched, although clients are told that they can use one",
            "Name the hosts of your clients, such as \"claude.ai\", set bundled_documents, or set \
             metadata_documents = false",
        )
    })
}

fn about_server(place: usize, server: &ServerSettings) -> Vec<Problem> {
    let at = format!("mcp.server[{place}]");
    let mut said = Vec::new();
    if let Transport::Stdio(child) = &server.transport {
        let key = format!("{at}.upstream.command");
        said.extend(about_child(&key, child));
        said.extend(about_arguments(&key, child));
    }
    for rule in server.policy.unreachable_rules() {
        said.push(advice(
            &format!("{at}.rules[{rule}]"),
            "earlier rules name every tool that it names, so it never decides",
            "Move it up, or remove it",
        ));
    }
    for (rule, settings) in server.policy.rules.iter().enumerate() {
        if !server.ceiling.contains(settings.scope) {
            let scope = settings.scope;
            said.push(advice(
                &format!("{at}.rules[{rule}]"),
                &format!("nobody can use its tools: {scope} is not in allowed_scopes"),
                "Leave it so if that is meant, as in a read-only deployment; else add the scope",
            ));
        }
    }
    let words = &server.scope_words;
    let titles = words.titles.keys().map(|scope| ("scope_titles", *scope));
    let texts = words.sentences.keys().map(|scope| ("scope_texts", *scope));
    let unread = titles.chain(texts).filter(|(_, scope)| !server.ceiling.contains(*scope));
    said.extend(unread.map(|(table, scope)| {
        advice(
            &format!("{at}.{table}.{scope}"),
            "nobody reads these words: the scope is not in allowed_scopes",
            "Remove them, or add the scope",
        )
    }));
    said
}

fn about_child(key: &str, child: &ChildConfig) -> Option<Problem> {
    let program = child.command.first()?;
    let variable = |wanted: &str| {
        let found = child.environment.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.reveal().to_owned())
    };
    if !is_there(program, child.directory.as_deref(), &variable("PATH").unwrap_or_default()) {
        return Some(advice(
            key,
            &format!("there is no program {program} here that can be run"),
            "Install it, or write its whole path",
        ));
    }
    let name = Path::new(program).file_name()?.to_str()?;
    (FETCHERS.contains(&name) && variable("HOME").is_none()).then(|| {
        advice(
            key,
            &format!("{name} keeps its packages below HOME, and a child gets PATH alone"),
            "Add env = { HOME = \"/var/lib/…\" } beside command, or name an installed program",
        )
    })
}

/// `ps` shows arguments to everybody on the computer, and no environment.
fn about_arguments(key: &str, child: &ChildConfig) -> Option<Problem> {
    let seen = hide::arguments(child.command.iter().map(String::as_str));
    (!seen.eq(child.command.iter().cloned())).then(|| {
        advice(
            key,
            "an argument looks like a secret, and whoever lists processes here can read it",
            "If the program takes it from its environment, write it into env beside command",
        )
    })
}

fn is_there(program: &str, directory: Option<&Path>, path: &str) -> bool {
    let runs = |file: &Path| {
        file.metadata()
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return runs(&directory.unwrap_or(Path::new("")).join(program));
    }
    path.split(':').any(|part| runs(&Path::new(part).join(program)))
}

fn advice(key: &str, reason: &str, fix: &str) -> Problem {
    Problem {
        key: key.to_owned(),
        value: String::new(),
        reason: reason.to_owned(),
        fix: fix.to_owned(),
    }
}
