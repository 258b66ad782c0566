//! `[outbound]`.

use net::outbound::{CannotProxy, ForwardProxy};

use crate::config::reader::Reader;
use crate::config::settings::{OutboundSettings, Role};

/// The sidecar alone asks no identity provider, so it needs no proxy and not its login.
pub(super) fn read(section: &Reader<'_>, role: Role) -> Option<OutboundSettings> {
    let direct = section.list("no_proxy", &[]);
    if section.is_blank("proxy") {
        section.text("proxy", "");
        if !direct.is_empty() {
            let fix = "Remove it, or set proxy";
            section.misplaced("no_proxy", "it has no effect without proxy", fix);
        }
        return Some(OutboundSettings::default());
    }
    let needed = role != Role::Mcp;
    let url = section.secret("proxy", needed);
    if !needed {
        return Some(OutboundSettings::default());
    }
    match ForwardProxy::new(url?.reveal(), &direct) {
        Ok(proxy) => Some(OutboundSettings { proxy: Some(proxy) }),
        Err(error) => {
            let (key, fix) = match error {
                CannotProxy::Url => ("proxy", "Write it as \"http://proxy.example.com:3128\""),
                CannotProxy::Direct(_) => (
                    "no_proxy",
                    "Write host names without scheme, port and *, such as \"example.com\" (which \
                     means everything below it, too), addresses, or networks such as \"10.0.0.0/8\"",
                ),
            };
            section.missing(key, &error.to_string(), fix);
            None
        }
    }
}
