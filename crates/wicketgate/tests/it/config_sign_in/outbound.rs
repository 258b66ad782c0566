//! `[outbound]`: the proxy to the providers.

use std::path::Path;

use wicketgate::config::{self, Role};

use super::{OIDC, SERVER, load, only_mistake, problems, source};

const PROXY: &str =
    "[outbound]\nproxy = \"http://gate:the-login-of-the-proxy@proxy.example:3128\"\n";

#[test]
fn a_proxy_is_optional_and_its_login_is_never_shown() {
    assert!(load(OIDC).expect("it is good").settings.outbound.proxy.is_none());
    let empty = format!("[outbound]\nproxy = \"\"\nno_proxy = []\n{OIDC}");
    assert!(load(&empty).expect("it is good").settings.outbound.proxy.is_none());
    let direct = "no_proxy = [\"corp.example\", \"10.0.0.0/8\"]\n";
    let loaded = load(&format!("{PROXY}{direct}{OIDC}")).expect("it is good");
    assert!(loaded.settings.outbound.proxy.is_some());
    let proxy = loaded.shown.iter().find(|shown| shown.key == "outbound.proxy").expect("shown");
    assert_eq!(proxy.value, "***");
    let everything = format!("{:?} {:?}", loaded.settings, loaded.shown);
    assert!(!everything.contains("the-login-of-the-proxy"), "{everything}");
}

#[test]
fn each_mistake_is_told_at_its_key_without_the_login() {
    for (wrong, key) in [
        (PROXY.replace("http:", "socks5:"), "outbound.proxy"),
        (PROXY.replace(":3128", "/path"), "outbound.proxy"),
        ("[outbound]\nproxy = { env = \"NOT_SET\" }\n".to_owned(), "outbound.proxy"),
        ("[outbound]\nno_proxy = [\"corp.example\"]\n".to_owned(), "outbound.no_proxy"),
        (format!("{PROXY}no_proxy = [\"https://corp.example\"]\n"), "outbound.no_proxy"),
        (format!("{PROXY}no_proxy = [\"*\"]\n"), "outbound.no_proxy"),
        (format!("{PROXY}no_proxy = \"corp.example\"\n"), "outbound.no_proxy"),
        (format!("{PROXY}https_proxy = \"x\"\n"), "outbound.https_proxy"),
    ] {
        let problem = only_mistake(&format!("{wrong}{OIDC}"), key);
        assert!(!format!("{problem:?}").contains("the-login"), "{problem:?}");
    }
    assert!(problems(&format!("{PROXY}{OIDC}")).is_empty());
}

/// The sidecar alone asks no provider.
#[test]
fn the_sidecar_alone_needs_no_proxy() {
    let sidecar = "public_url = \"https://mcp.example.com\"\n[mcp]\nissuer = \"https://id.example\"\n\
                   sealing_key = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"\n";
    let text = format!("{sidecar}[outbound]\nproxy = {{ env = \"NOT_SET\" }}\n{SERVER}");
    let loaded = config::load(&source(&text, Path::new(".")), Role::Mcp);
    assert!(
        loaded.unwrap_or_else(|problems| panic!("{problems}")).settings.outbound.proxy.is_none()
    );
}
