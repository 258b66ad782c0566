//! `[[mcp.server]] upstream`: which generations of MCP the upstream speaks, and over what.

use std::path::PathBuf;

use ::mcp::{ChildConfig, EraChoice, Transport};
use http::Uri;
use kernel::Redacted;
use toml::Value;

use crate::config::reader::Reader;

/// What belongs to a child process only.
const OF_COMMANDS: [&str; 4] = ["env", "directory", "share", "max_children"];

pub(super) fn read(section: &Reader<'_>) -> (Option<Transport>, Option<EraChoice>) {
    let transport = if section.has("command") { child(section) } else { over_http(section) };
    let fix =
        "Write \"auto\", \"modern\" (2026-07-28), \"legacy\" (2025-11-25 and earlier) or \"both\"";
    let eras = section.parsed("eras", "auto", fix, |name| match name {
        "auto" => Ok(EraChoice::Auto),
        "modern" => Ok(EraChoice::Modern),
        "legacy" => Ok(EraChoice::Legacy),
        "both" => Ok(EraChoice::Both),
        _ => Err("there is no such choice"),
    });
    (transport, eras)
}

/// The address of what has none. Nothing is ever sent there.
pub(super) fn no_url(section: &Reader<'_>) -> Uri {
    for key in ["url", "transport"] {
        if section.has(key) {
            let reason = "a server is reached by url or by command, not both";
            section.misplaced(key, reason, "Remove it, or remove command");
        }
    }
    Uri::from_static("http://command.invalid/")
}

fn over_http(section: &Reader<'_>) -> Option<Transport> {
    for key in OF_COMMANDS {
        if section.has(key) {
            let reason = "it is only for servers with command";
            section.misplaced(key, reason, "Remove it, or write command instead of url");
        }
    }
    let fix = "Write \"http\" for Streamable HTTP, or \"sse\" for the two endpoints of 2024-11-05";
    section.parsed("transport", "http", fix, |name| match name {
        "http" => Ok(Transport::Http),
        "sse" => Ok(Transport::HttpSse),
        _ => Err("there is no such transport"),
    })
}

/// MCP over standard input and output of a child process.
fn child(section: &Reader<'_>) -> Option<Transport> {
    let command = section.list("command", &[]);
    let named = command.first().is_some_and(|program| !program.is_empty());
    if !named {
        let fix = "List the program and its arguments, such as [\"npx\", \"-y\", \"some-server\"]";
        section.missing("command", "it names no program", fix);
    }
    let environment = environment(section);
    let directory = section.optional_text("directory").map(|name| section.beside_the_file(&name));
    if directory.as_ref().is_some_and(|directory| !directory.is_dir()) {
        let name = Value::String(section.peek("directory"));
        let fix = "Name a directory; relative names start at the configuration file";
        section.problem("directory", &name, "there is no such directory", fix);
    }
    let share = section.choice("share", &[("principal", false), ("everyone", true)]);
    let limit = section.integer("max_children", 50, 1..=10_000);
    let idle_seconds = section.integer("idle_timeout_seconds", 600, 1..=86_400);
    Some(Transport::Stdio(ChildConfig {
        command: Some(command).filter(|_| named)?,
        environment: environment?,
        directory: directory.filter(|directory: &PathBuf| directory.is_dir()),
        shared_by_everyone: share?,
        limit: usize::try_from(limit).unwrap_or(50),
        idle_seconds,
    }))
}

/// Nothing is inherited but `PATH`, so that no secret of ours reaches a child.
fn environment(section: &Reader<'_>) -> Option<Vec<(String, Redacted)>> {
    let mut environment = section.secrets_by_name("env");
    let mut good = true;
    for (name, value) in &environment {
        let plain = !name.is_empty() && !name.contains(['=', '\0']);
        let ours = name.starts_with("WICKETGATE_");
        if !plain || ours || value.reveal().contains('\0') {
            let reason = "it cannot be passed to the program";
            let fix = "Names have no =, and do not begin with WICKETGATE_";
            section.misplaced(&format!("env.{name}"), reason, fix);
            good = false;
        }
    }
    if !environment.iter().any(|(name, _)| name == "PATH")
        && let Some(path) = section.ambient("PATH")
    {
        environment.push(("PATH".to_owned(), path));
    }
    good.then_some(environment)
}
