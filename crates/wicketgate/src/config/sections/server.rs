//! `[server]` and `[database]`.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use ipnet::IpNet;
use kernel::Redacted;
use toml::Value;

use crate::config::reader::Reader;
use crate::config::settings::{DatabaseSettings, ProcessSettings, Role};

pub(super) fn read(section: &Reader<'_>) -> Option<ProcessSettings> {
    let fix = "Write an address and a port, such as \"127.0.0.1:8787\" or \"0.0.0.0:8787\"";
    let listen = section.parsed("listen", "127.0.0.1:8787", fix, str::parse::<SocketAddr>);
    let trusted_proxies = trusted_proxies(section);
    let title = section.text("title", "Wicketgate");
    let json_logs = log_format(section);
    let workers = workers(section);
    let reuse_port = section.flag("reuse_port", false);
    if section.has("tls") {
        section.section("tls", |tls| {
            tls.text("certificate", "");
            tls.text("key", "");
        });
        section.missing(
            "tls",
            "this version does not handle TLS itself",
            "Put a reverse proxy with TLS in front and remove this section",
        );
    }
    let listen = listen?;
    Some(ProcessSettings { listen, trusted_proxies, title, json_logs, workers, reuse_port })
}

fn trusted_proxies(section: &Reader<'_>) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for text in section.list("trusted_proxies", &[]) {
        let alone = text.parse::<IpAddr>().map(IpNet::from);
        match text.parse::<IpNet>().or(alone) {
            Ok(network) => networks.push(unmapped(network)),
            Err(_) => section.problem(
                "trusted_proxies",
                &Value::String(text),
                "it is not a network",
                "Write networks such as \"10.0.0.0/8\"",
            ),
        }
    }
    networks
}

/// A network of IPv4 addresses that is written as one of IPv6 (RFC 4291 §2.5.5.2): addresses are
/// compared as what they are.
fn unmapped(network: IpNet) -> IpNet {
    let IpAddr::V4(address) = network.addr().to_canonical() else { return network };
    let length = network.prefix_len().checked_sub(if network.addr().is_ipv6() { 96 } else { 0 });
    length.and_then(|length| IpNet::new(address.into(), length).ok()).unwrap_or(network)
}

/// As many threads as were asked for, or one for each core.
fn workers(section: &Reader<'_>) -> NonZeroUsize {
    let asked = usize::try_from(section.integer("workers", 0, 0..=256)).unwrap_or_default();
    let cores = || available_parallelism().unwrap_or(NonZeroUsize::MIN);
    NonZeroUsize::new(asked).unwrap_or_else(cores)
}

fn log_format(section: &Reader<'_>) -> bool {
    let fix = "Write \"text\" or \"json\"";
    let json = section.parsed("log_format", "text", fix, |format| match format {
        "text" => Ok(false),
        "json" => Ok(true),
        _ => Err("there is no such log format"),
    });
    json.unwrap_or_default()
}

pub(super) fn read_database(section: &Reader<'_>, role: Role) -> Option<DatabaseSettings> {
    let pool_size = section.integer("pool_size", 16, 1..=500);
    let needed = role != Role::Mcp;
    let url = if section.is_blank("url") {
        section.text("url", "sqlite://data/wicketgate.db");
        Some(Redacted::new("sqlite://data/wicketgate.db"))
    } else {
        section.secret("url", needed)
    };
    let url = url?;
    let checked = store::StoreOptions::new(url.reveal()).check_url();
    if let (true, Err(error)) = (needed, checked) {
        section.missing(
            "url",
            &error,
            "Write \"sqlite://data/wicketgate.db\" or \"postgres://user:password@host/database\"",
        );
        return None;
    }
    let listen_url = read_listen_url(section, needed, url.reveal());
    Some(DatabaseSettings { url, listen_url, pool_size: u32::try_from(pool_size).unwrap_or(16) })
}

/// Where PostgreSQL itself is, if `url` leads to something in front of it.
fn read_listen_url(section: &Reader<'_>, needed: bool, url: &str) -> Option<Redacted> {
    if section.is_blank("listen_url") {
        section.text("listen_url", "");
        return None;
    }
    let listen_url = section.secret("listen_url", needed)?;
    let given = Some(listen_url.reveal().to_owned());
    let checked = store::StoreOptions { listen_url: given, ..store::StoreOptions::new(url) };
    if let (true, Err(error)) = (needed, checked.check_listen_url()) {
        let fix = "Write \"postgres://user:password@host/database\", or leave it out";
        section.missing("listen_url", &error, fix);
        return None;
    }
    Some(listen_url)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::unmapped;

    #[test]
    fn networks_of_mapped_addresses_are_networks_of_ipv4() {
        for (written, meant) in [
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:192.0.2.7/128", "192.0.2.7/32"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::ffff:0:0/90", "::ffff:0:0/90"),
        ] {
            assert_eq!(unmapped(written.parse().unwrap()), meant.parse().unwrap(), "{written}");
        }
    }
}
