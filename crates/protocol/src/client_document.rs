//! Client ID Metadata Documents: a client whose id is the URL at which it describes itself
//! (draft-ietf-oauth-client-id-metadata-document; MCP Client Registration).

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::client_keys::ClientKeys;
use crate::redirect_uri::{RedirectPolicy, RedirectUri};
use crate::text::display_name;

/// An id that names a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentUrl(Url);

/// The id is no URL of a document (CI-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a client_id that is a URL must be https in normal form, with a path, and without a login, a \
     fragment or dot segments"
)]
pub struct NotADocumentUrl;

/// What a client says of itself, as far as it counts here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientDocument {
    /// The name, cleaned for display.
    pub name: String,
    /// At least one, each acceptable.
    pub redirect_uris: Vec<RedirectUri>,
    /// How it authenticates.
    pub auth: DocumentAuth,
    /// Whether it may hold refresh tokens.
    pub refresh_tokens: bool,
}

/// How the client of a document authenticates. There are no shared secrets (CI-5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentAuth {
    /// Not at all.
    None,
    /// With one of these keys.
    Keys(ClientKeys),
    /// With one of the keys that are at this URL.
    KeysAt {
        /// Where they are.
        url: Url,
        /// The only algorithm in which the client signs, if it says so.
        algorithm: Option<String>,
    },
}

/// The document is none that is taken. The text is for the client's developer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadDocument(String);

/// Members that we know. Others are passed over, and one that comes twice is an error.
#[derive(Deserialize)]
struct Unverified {
    client_id: String,
    client_name: Option<String>,
    redirect_uris: Option<Vec<String>>,
    grant_types: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_signing_alg: Option<String>,
    client_secret: Option<Value>,
    client_secret_expires_at: Option<Value>,
    jwks: Option<Value>,
    jwks_uri: Option<String>,
}

const MAX_LENGTH: usize = 1024;
const MAX_REDIRECT_URIS: usize = 50;
const NONE: &str = "none";
const PRIVATE_KEY_JWT: &str = "private_key_jwt";

impl DocumentUrl {
    /// Whether an id can only be meant as a URL of a document.
    pub fn is_meant(client_id: &str) -> bool {
        client_id.starts_with("https://")
    }

    /// The URL, if it is written as every parser reads it (CI-1).
    pub fn parse(client_id: &str) -> Result<Self, NotADocumentUrl> {
        let plain = client_id.len() <= MAX_LENGTH
            && client_id
                .bytes()
                .all(|b| matches!(b, 0x21..=0x7E) && !br#"\"<>^`{|}#"#.contains(&b));
        let before_query = client_id.split('?').next().unwrap_or_default().to_ascii_lowercase();
        let hidden = ["%2e", "%2f", "%5c", "%25", "/./", "/.."];
        let is_hidden = hidden.iter().any(|trick| before_query.contains(trick));
        let url = Url::parse(client_id).map_err(|_| NotADocumentUrl)?;
        let good = plain
            && !is_hidden
            && !before_query.ends_with("/.")
            && url.scheme() == "https"
            && url.as_str() == client_id
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() != "/"
            && url.has_host();
        if good { Ok(Self(url)) } else { Err(NotADocumentUrl) }
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Its host, which vouches for what the document says.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl ClientDocument {
    /// Reads the document that is at `own` (CI-3 to CI-6).
    pub fn read(
        body: &[u8],
        own: &DocumentUrl,
        policy: &RedirectPolicy,
    ) -> Result<Self, BadDocument> {
        // The reader passes over members that it does not know without looking at their bytes.
        let text = std::str::from_utf8(body).map_err(|_| bad("it is not in UTF-8"))?;
        if !text.trim_ascii_start().starts_with('{') {
            return Err(bad("it is no JSON object"));
        }
        let unverified: Unverified = serde_json::from_str(text)
            .map_err(|_| bad("it is no JSON object with the members of RFC 7591, each once"))?;
        if unverified.client_id != own.url().as_str() {
            return Err(bad("its client_id is not the URL at which it is"));
        }
        if unverified.client_secret.is_some() || unverified.client_secret_expires_at.is_some() {
            return Err(bad("it holds a client_secret, which everyone can read there"));
        }
        let name = unverified.client_name.as_deref().and_then(display_name);
        Ok(Self {
            name: name.ok_or_else(|| bad("client_name is missing"))?,
            redirect_uris: redirect_uris(unverified.redirect_uris.as_deref(), policy)?,
            auth: auth(&unverified)?,
            // A client that names no grants gets both, as one that registers.
            refresh_tokens: unverified
                .grant_types
                .is_none_or(|grants| grants.iter().any(|grant| grant == "refresh_token")),
        })
    }
}

/// One that cannot be used here is left out, if there is another.
fn redirect_uris(
    unverified: Option<&[String]>,
    policy: &RedirectPolicy,
) -> Result<Vec<RedirectUri>, BadDocument> {
    let given = unverified.unwrap_or_default();
    if given.is_empty() || given.len() > MAX_REDIRECT_URIS {
        return Err(bad(format!("redirect_uris must hold 1 to {MAX_REDIRECT_URIS} URIs")));
    }
    let parsed = given.iter().map(|text| RedirectUri::parse(text, policy));
    let (good, refused): (Vec<_>, Vec<_>) = parsed.partition(Result::is_ok);
    let good: Vec<RedirectUri> = good.into_iter().flatten().collect();
    match refused.into_iter().find_map(Result::err) {
        Some(error) if good.is_empty() => Err(bad(error.to_string())),
        _ => Ok(good),
    }
}

/// What the client prefers comes first; in the plural it may say what else it can (RP Metadata Choices).
/// Without a word it is a public client.
fn auth(unverified: &Unverified) -> Result<DocumentAuth, BadDocument> {
    let preferred = unverified.token_endpoint_auth_method.as_deref();
    let others = unverified.token_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
    let method = preferred
        .into_iter()
        .chain(others.iter().map(String::as_str))
        .find(|method| matches!(*method, NONE | PRIVATE_KEY_JWT));
    let says_nothing = preferred.is_none() && others.is_empty();
    // A secret that everyone can read is none: whoever prefers it is misled (CI-5).
    if preferred.is_some_and(|method| method.starts_with("client_secret_")) {
        return Err(bad("token_endpoint_auth_method must be none or private_key_jwt"));
    }
    match method {
        Some(NONE) => Ok(DocumentAuth::None),
        None if says_nothing => Ok(DocumentAuth::None),
        Some(_) => keys(unverified),
        None => Err(bad("token_endpoint_auth_method must be none or private_key_jwt")),
    }
}

fn keys(unverified: &Unverified) -> Result<DocumentAuth, BadDocument> {
    let algorithm = unverified.token_endpoint_auth_signing_alg.as_deref();
    match (&unverified.jwks, &unverified.jwks_uri) {
        (Some(_), Some(_)) => Err(bad("it holds jwks and jwks_uri; one of them is enough")),
        (Some(jwks), None) => ClientKeys::parse(jwks, algorithm)
            .ok()
            .filter(|keys| !keys.is_empty())
            .map(DocumentAuth::Keys)
            .ok_or_else(|| bad("its jwks must hold public keys that sign, and no private ones")),
        (None, Some(text)) => {
            let url = Url::parse(text).ok().filter(|url| url.scheme() == "https");
            let url = url.ok_or_else(|| bad("its jwks_uri is no https URL"))?;
            Ok(DocumentAuth::KeysAt { url, algorithm: algorithm.map(str::to_owned) })
        }
        (None, None) => Err(bad("private_key_jwt needs jwks or jwks_uri")),
    }
}

fn bad(why: impl Into<String>) -> BadDocument {
    BadDocument(why.into())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    const URL: &str = "https://client.example.com/oauth/client.json";

    fn policy() -> RedirectPolicy {
        RedirectPolicy { allow_loopback: true, allowed_schemes: vec!["cursor".to_owned()] }
    }

    fn read(body: &str) -> Result<ClientDocument, BadDocument> {
        ClientDocument::read(body.as_bytes(), &DocumentUrl::parse(URL).unwrap(), &policy())
    }

    fn document() -> Value {
        json!({
            "client_id": URL,
            "client_name": "Desk",
            "redirect_uris": ["http://127.0.0.1/callback"],
        })
    }

    /// T-CIMD-01, CI-1.
    #[test]
    fn t_cimd_01_ids_that_name_no_document() {
        for bad in [
            "http://client.example.com/x",
            "https://client.example.com",
            "https://client.example.com/",
            "https://client.example.com/x#f",
            "https://u@client.example.com/x",
            "https://u:p@client.example.com/x",
            "https://client.example.com/./x",
            "https://client.example.com/a/../x",
            "https://client.example.com/a/..",
            "https://client.example.com/a/.",
            "https://client.example.com/%2e%2E/x",
            "https://client.example.com/a\\x",
            "https://client.example.com/a\tx",
            "https://client.example.com/a x",
            "HTTPS://client.example.com/x",
            "https:/client.example.com/x",
            "https:///x",
            "https://Client.example.com/x",
            "https://client.example.com:443/x",
            "https://0x7f.1/x",
            "",
        ] {
            assert_eq!(DocumentUrl::parse(bad), Err(NotADocumentUrl), "{bad:?}");
        }
        for good in [URL, "https://client.example.com:8443/x", "https://client.example.com/x?v=1"] {
            assert_eq!(DocumentUrl::parse(good).unwrap().url().as_str(), good);
        }
    }

    /// T-CIMD-02, T-CIMD-06, T-CIMD-07, T-CIMD-08, CI-3, CI-4, CI-5.
    #[test]
    fn t_cimd_02_to_08_documents_that_are_not_taken() {
        let with = |name: &str, value: Value| {
            let mut document = document();
            document[name] = value;
            document.to_string()
        };
        let without = |name: &str| {
            let mut document = document();
            document.as_object_mut().unwrap().remove(name);
            document.to_string()
        };
        let private =
            json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA" }] });
        for body in [
            String::new(),
            "<html></html>".to_owned(),
            "[]".to_owned(),
            format!("[{}]", document()),
            format!("\u{feff}{}", document()),
            document().to_string().replacen('{', &format!("{{\"client_id\":\"{URL}\","), 1),
            with("client_id", json!("https://CLIENT.example.com/oauth/client.json")),
            with("client_id", json!("https://client.example.com:443/oauth/client.json")),
            with("client_id", json!(format!("{URL}/"))),
            with("client_id", json!("https://client.example.com/oauth/client%2Ejson")),
            without("client_id"),
            without("client_name"),
            without("redirect_uris"),
            with("client_name", json!("")),
            with("redirect_uris", json!([])),
            with("redirect_uris", json!("http://127.0.0.1/callback")),
            with("redirect_uris", json!(["javascript:alert(1)"])),
            with("client_secret", json!("s")),
            with("client_secret_expires_at", json!(0)),
            with("token_endpoint_auth_method", json!("client_secret_post")),
            with("token_endpoint_auth_method", json!("client_secret_jwt")),
            with("token_endpoint_auth_method", json!("tls_client_auth")),
            with("token_endpoint_auth_methods_supported", json!(["client_secret_basic"])),
            with("token_endpoint_auth_method", json!("private_key_jwt")),
        ] {
            assert!(read(&body).is_err(), "{body}");
        }
        let body = with("x", json!("?")).replace('?', "\u{e9}");
        let latin_1: Vec<u8> = body.chars().map(|c| u8::try_from(c).unwrap()).collect();
        let own = DocumentUrl::parse(URL).unwrap();
        assert!(ClientDocument::read(&latin_1, &own, &policy()).is_err(), "not in UTF-8");
        assert!(ClientDocument::read(body.as_bytes(), &own, &policy()).is_ok());
        let mut signing = document();
        signing["token_endpoint_auth_method"] = json!("private_key_jwt");
        signing["jwks"] = private;
        assert!(read(&signing.to_string()).is_err(), "a private key");
        signing["jwks"] = json!({ "keys": [] });
        signing["jwks_uri"] = json!("https://client.example.com/jwks");
        assert!(read(&signing.to_string()).is_err(), "both");
    }

    /// CI-5: what real documents say, in the plural, with members and grants that are not known here.
    #[test]
    fn ci_5_real_documents_are_understood() {
        let taken = read(&document().to_string()).unwrap();
        assert_eq!((taken.name.as_str(), &taken.auth), ("Desk", &DocumentAuth::None));
        assert!(taken.refresh_tokens);
        let mut rich = document();
        rich["grant_types"] = json!([
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code"
        ]);
        rich["token_endpoint_auth_methods_supported"] = json!(["none", "private_key_jwt"]);
        rich["redirect_uris"] = json!(["unknown-scheme://x", "cursor://x/cb"]);
        rich["logo_uri"] = json!("https://client.example.com/logo.png");
        rich["x"] = json!({ "y": 1 });
        let taken = read(&rich.to_string()).unwrap();
        assert_eq!(taken.redirect_uris.len(), 1);
        assert_eq!(taken.auth, DocumentAuth::None);
        rich["token_endpoint_auth_method"] = json!("private_key_jwt");
        rich["token_endpoint_auth_signing_alg"] = json!("RS256");
        rich["jwks_uri"] = json!("https://client.example.com/jwks.json");
        let DocumentAuth::KeysAt { url, algorithm } = read(&rich.to_string()).unwrap().auth else {
            panic!("the client prefers to sign");
        };
        assert_eq!(url.path(), "/jwks.json");
        assert_eq!(algorithm.as_deref(), Some("RS256"));
        rich["grant_types"] = json!(["authorization_code"]);
        assert!(!read(&rich.to_string()).unwrap().refresh_tokens);
    }
}
