//! Properties of the parsers that face the network.

use proptest::prelude::*;
use protocol::params::Params;
use protocol::pkce::{CodeChallenge, CodeVerifier};
use protocol::redirect_uri::{RedirectKind, RedirectPolicy};
use protocol::registration::UnverifiedRegistration;
use protocol::{OAuthErrorCode, RedirectUri, ResourceUri, Scopes};
use url::Url;
use url::form_urlencoded;

fn policy() -> RedirectPolicy {
    RedirectPolicy {
        allow_loopback: true,
        allowed_schemes: vec!["cursor".to_owned(), "vscode".to_owned()],
    }
}

/// Text that is nearly a URI, made of the parts in which parsers differ.
fn uri_like() -> impl Strategy<Value = String> {
    let scheme = prop_oneof![
        Just("https://"),
        Just("http://"),
        Just("https:"),
        Just("cursor://"),
        Just("javascript:"),
        Just("com.example.app:/"),
        Just("HTTPS://"),
        Just("//"),
        Just(""),
        Just("data:"),
    ];
    let host = prop_oneof![
        Just("client.example.com"),
        Just("127.0.0.1"),
        Just("localhost"),
        Just("[::1]"),
        Just("127.0.0.1.evil.example"),
        Just("user@evil.example"),
        Just("evil.example\\"),
        Just("0x7f.1"),
        Just("[::ffff:127.0.0.1]"),
        Just("EXAMPLE.com"),
        Just("b\u{fc}cher.example"),
        Just("localhost."),
        Just(""),
        Just("%6cocalhost"),
    ];
    let port = prop_oneof![
        Just(""),
        Just(":1"),
        Just(":443"),
        Just(":80"),
        Just(":443:443"),
        Just(":"),
        Just(":99999"),
        Just(":8x")
    ];
    let rest = "(/[a-z%2.;@\\\\]{0,6}){0,3}(\\?[a-z=&%+#]{0,8})?";
    (scheme, host, port, rest)
        .prop_map(|(scheme, host, port, rest)| format!("{scheme}{host}{port}{rest}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// RU-1, RU-7, CO-9: what is accepted stays as it was written, and leads for every parser to
    /// the host that the person is shown.
    #[test]
    fn accepted_redirect_uris_lead_where_they_say(text in prop_oneof![uri_like(), ".{0,80}"]) {
        let Ok(uri) = RedirectUri::parse(&text, &policy()) else { return Ok(()) };
        prop_assert_eq!(uri.as_str(), text.as_str());
        prop_assert_eq!(&RedirectUri::from_stored(&text), &Ok(uri.clone()));
        prop_assert!(uri.admits(&uri));
        let read = Url::parse(&text).expect("accepted URIs parse");
        let default_port = match read.scheme() {
            "https" => ":443",
            "http" => ":80",
            _ => "",
        };
        let host = read.host_str().unwrap_or_default();
        let portless = text.replacen(&format!("//{host}{default_port}"), &format!("//{host}"), 1);
        prop_assert_eq!(read.as_str().trim_end_matches('/'), portless.trim_end_matches('/'));
        match uri.kind() {
            RedirectKind::Web { host } | RedirectKind::Loopback { host, .. } => {
                prop_assert_eq!(read.host_str(), Some(host.as_str()));
                prop_assert_eq!(uri.shown_host(), host.as_str());
            }
            RedirectKind::PrivateUse { scheme } => prop_assert_eq!(read.scheme(), scheme.as_str()),
        }
        let answer = uri.with_params(&[("code", "a b&c"), ("state", &text)]);
        prop_assert!(answer.starts_with(&text));
        let sent = Url::parse(&answer).expect("answers parse");
        prop_assert_eq!(sent.host_str(), read.host_str());
        prop_assert_eq!(sent.fragment(), None);
        let states = sent.query_pairs().filter(|(name, _)| name == "state").count();
        prop_assert_eq!(states, 1);
    }

    /// RU-2, RU-3: whatever else is accepted, only the port of a loopback URI is free.
    #[test]
    fn matching_is_exact(one in uri_like(), other in uri_like()) {
        let parse = |text: &str| RedirectUri::parse(text, &policy());
        let (Ok(one), Ok(other)) = (parse(&one), parse(&other)) else { return Ok(()) };
        if one.admits(&other) && one != other {
            let both = (one.kind(), other.kind());
            let loopback = matches!(both, (RedirectKind::Loopback { .. }, RedirectKind::Loopback { .. }));
            prop_assert!(loopback, "{} {}", one, other);
            prop_assert_eq!(one.shown_host(), other.shown_host());
        }
    }

    /// OA-2, OA-3: parameters are read as a browser writes them, and never twice.
    #[test]
    fn parameters_round_trip(pairs in prop::collection::vec(("[a-z_]{1,8}", ".{0,20}"), 0..20)) {
        let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let params = Params::parse(encoded.as_bytes());
        let refused = pairs.iter().any(|(_, value)| value.contains(['\u{FFFD}', '\0']));
        prop_assert_eq!(params.is_err(), refused);
        let Ok(params) = params else { return Ok(()) };
        for (name, value) in &pairs {
            prop_assert!(params.has(name));
            let all: Vec<&str> = params.all(name).collect();
            prop_assert_eq!(all.contains(&value.as_str()), !value.is_empty());
        }
    }

    /// Nothing that anybody sends makes a parser panic.
    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,100}") {
        if let Ok(params) = Params::parse(&bytes) {
            let _ = params.one("code");
        }
        if let Ok(registration) = UnverifiedRegistration::parse(&bytes) {
            let _ = registration.validate(&policy(), Scopes::ALL);
        }
        let _ = UnverifiedRegistration::parse(text.as_bytes());
        let _ = CodeVerifier::parse(&text);
        let _ = CodeChallenge::parse(Some(&text), Some("S256"));
    }

    /// RFC 6749 §3.3: known names are kept, others are noted, and the result is stable.
    #[test]
    fn scopes_are_read_once(words in prop::collection::vec(
        prop_oneof![Just("mcp:read"), Just("mcp:write"), Just("mcp:admin"), Just("openid"),
            Just("offline_access"), Just("read"), Just("mcp:READ"), Just("")], 0..8), text in ".{0,60}") {
        let list = words.join(" ");
        let requested = Scopes::parse_requested(&list).expect("well formed");
        let written = requested.known.to_string();
        prop_assert_eq!(Scopes::parse_known(&written), Ok(requested.known));
        prop_assert_eq!(requested.offline_access, words.contains(&"offline_access"));
        prop_assert_eq!(requested.unknown, words.iter().any(|w| matches!(*w, "read" | "mcp:READ")));
        let _ = Scopes::parse_requested(&text);
    }

    /// RI-2: the canonical form is its own canonical form, without what an identifier cannot have.
    #[test]
    fn resources_have_one_form(text in prop_oneof![uri_like(), ".{0,80}"]) {
        let Ok(resource) = ResourceUri::parse(&text) else { return Ok(()) };
        prop_assert_eq!(&ResourceUri::parse(resource.as_str()), &Ok(resource.clone()));
        let read = Url::parse(resource.as_str()).expect("a URL");
        prop_assert!(matches!(read.scheme(), "http" | "https"));
        prop_assert_eq!((read.query(), read.fragment(), read.username()), (None, None, ""));
        let given = Url::parse(&text).expect("a URL");
        prop_assert_eq!(read.host_str(), given.host_str());
    }

    /// RG-1, RG-6, RG-12: whatever a registration accepts is something that it may keep.
    #[test]
    fn registrations_keep_only_what_is_acceptable(
        uris in prop::collection::vec(uri_like(), 0..12),
        link in prop_oneof![uri_like(), Just(String::new())],
        name in ".{0,200}",
    ) {
        let body = serde_json::json!({ "redirect_uris": uris, "client_uri": link, "client_name": name });
        let unverified = UnverifiedRegistration::parse(body.to_string().as_bytes()).expect("an object");
        match unverified.validate(&policy(), Scopes::ALL) {
            Ok(accepted) => {
                prop_assert!(!accepted.redirect_uris.is_empty());
                for uri in &accepted.redirect_uris {
                    prop_assert!(uris.iter().any(|given| given == uri.as_str()));
                }
                if let Some(link) = &accepted.links.client_uri {
                    prop_assert!(link.starts_with("https://"));
                }
                if let Some(name) = &accepted.client_name {
                    prop_assert!(name.chars().count() <= 128 && !name.chars().any(char::is_control));
                }
            }
            Err(error) => prop_assert!(matches!(
                error.code,
                OAuthErrorCode::InvalidRedirectUri | OAuthErrorCode::InvalidClientMetadata
            )),
        }
    }
}
