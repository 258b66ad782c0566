//! What real clients send, and what nobody gets.

use super::*;
use serde_json::json;

fn register(body: &Value) -> Result<Registration, OAuthError> {
    let policy = RedirectPolicy { allow_loopback: true, allowed_schemes: vec!["cursor".into()] };
    UnverifiedRegistration::parse(body.to_string().as_bytes())?.validate(&policy, Scopes::ALL)
}

fn code_of(body: &Value) -> &'static str {
    register(body).unwrap_err().code.as_str()
}

/// CL-6: one URI of three has a scheme that may not be known here.
#[test]
fn a_mixed_set_keeps_what_is_acceptable() {
    let registration = register(&json!({
        "client_name": "Cursor",
        "redirect_uris": [
            "http://localhost:8787/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback",
            "unknown-app://oauth/callback",
        ],
        "grant_types": ["authorization_code", "refresh_token", "urn:x:jwt-bearer"],
        "token_endpoint_auth_method": "none",
    }))
    .unwrap();
    assert_eq!(registration.redirect_uris.len(), 2);
    assert_eq!(registration.grant_types(), ["authorization_code", "refresh_token"]);
}

/// CL-6: omitted and empty members mean the defaults.
#[test]
fn omitted_members_mean_defaults() {
    let bare = register(&json!({ "redirect_uris": ["http://127.0.0.1/cb"], "scope": "" }));
    let bare = bare.unwrap();
    assert!(bare.refresh_tokens);
    assert_eq!(bare.auth_method, AuthMethod::None);
    assert_eq!(bare.application_type, "native");
    assert_eq!(bare.scope, "mcp:read mcp:write mcp:process_admin mcp:admin");
    let web = register(&json!({ "redirect_uris": ["https://m365.example/cb"] })).unwrap();
    assert_eq!(web.auth_method, AuthMethod::SecretBasic);
}

/// T-REG-16, RG-6: links that nobody should follow are neither kept nor worth a refusal.
#[test]
fn links_that_cannot_be_used_are_left_out_and_named() {
    for bad in [
        json!("http://h/"),
        json!("data:image/png;base64,AAAA"),
        json!("javascript:alert(1)"),
        json!("https://u:p@h/"),
        json!("not a link"),
        json!(format!("https://h/{}", "a".repeat(2048))),
        json!(7),
        json!({}),
    ] {
        for name in ["client_uri", "logo_uri", "policy_uri", "tos_uri"] {
            let kept = if name == "tos_uri" { "client_uri" } else { "tos_uri" };
            let body = json!({ "redirect_uris": ["https://h/cb"], name: bad, kept: "https://h/" });
            let registration = register(&body).unwrap();
            assert_eq!(registration.dropped, [name], "{body}");
            let links = serde_json::to_value(&registration.links).unwrap();
            assert_eq!(links, json!({ kept: "https://h/" }), "{body}");
        }
    }
}

/// Members that are `null` or empty mean the same as members that are missing.
#[test]
fn null_and_empty_members_are_no_members() {
    let bare = register(&json!({ "redirect_uris": ["https://h/cb"] })).unwrap();
    for member in [
        "token_endpoint_auth_method",
        "grant_types",
        "response_types",
        "client_name",
        "client_uri",
        "logo_uri",
        "policy_uri",
        "tos_uri",
        "scope",
        "application_type",
        "jwks",
        "jwks_uri",
    ] {
        let empty: &[Value] = match member {
            "grant_types" | "response_types" => &[json!([]), json!([""]), json!([null])],
            "jwks" => &[],
            _ => &[json!("")],
        };
        for value in empty.iter().chain(&[Value::Null]) {
            let body = json!({ "redirect_uris": ["https://h/cb"], member: value });
            assert_eq!(register(&body).unwrap(), bare, "{body}");
        }
    }
}

/// T-REG-02, T-REG-09, T-REG-10, T-REG-11, T-REG-12, T-REG-14, T-REG-21.
#[test]
fn t_reg_what_cannot_be_is_refused() {
    let cb = "https://h/cb";
    let uris: Vec<String> = (0..11).map(|n| format!("https://h/{n}")).collect();
    for redirects in [
        json!(null),
        json!([]),
        json!(["/cb"]),
        json!(uris),
        // A15: what is no array of strings is wrong about the redirect URIs, too.
        json!(cb),
        json!(7),
        json!({ "0": cb }),
        json!([7]),
        json!([cb, null]),
        json!([[cb]]),
    ] {
        let code = code_of(&json!({ "redirect_uris": redirects }));
        assert_eq!(code, "invalid_redirect_uri", "{redirects}");
    }
    for redirects in [json!(["com.example.app:/cb"]), json!([cb, "com.example.app:/cb"])] {
        let body = json!({ "redirect_uris": redirects, "application_type": "web" });
        assert_eq!(code_of(&body), "invalid_redirect_uri", "{body}");
    }
    for (member, value) in [
        ("grant_types", json!(["implicit"])),
        ("grant_types", json!(["client_credentials"])),
        ("response_types", json!(["token"])),
        ("token_endpoint_auth_method", json!("client_secret_jwt")),
        ("token_endpoint_auth_method", json!("foo")),
        ("jwks", json!({ "keys": [{ "kty": "EC", "d": "private" }] })),
        ("jwks", json!({ "keys": [{ "kty": "oct" }] })),
        ("jwks", json!({ "keys": [{ "kty": "RSA", "n": "short" }] })),
        ("jwks", json!("x")),
        ("application_type", json!("toaster")),
        ("scope", json!("a\"b")),
        ("client_name", json!(7)),
    ] {
        let body = json!({ "redirect_uris": [cb], member: value });
        assert_eq!(code_of(&body), "invalid_client_metadata", "{body}");
    }
    for body in ["[]", "null", "\"x\"", "{", "", "{\"scope\":\"a\",\"scope\":\"b\"}"] {
        assert!(UnverifiedRegistration::parse(body.as_bytes()).is_err(), "{body}");
    }
}
