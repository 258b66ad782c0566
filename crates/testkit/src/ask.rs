//! An authorization request, and what comes back.

use kernel::encoding::sha256_base64url;
use url::form_urlencoded;

use crate::random::random;

/// An authorization request. Each parameter can be replaced, repeated or left out.
#[derive(Clone, Debug)]
pub struct Ask {
    endpoint: String,
    params: Vec<(String, String)>,
    /// The PKCE verifier that belongs to the challenge.
    pub verifier: String,
}

/// Where a browser was sent at the end, with the authorization response in its query.
#[derive(Clone, Debug)]
pub struct Return {
    /// The whole URL.
    pub url: String,
    params: Vec<(String, String)>,
}

impl Ask {
    /// What a careful client sends: code, PKCE, state and resource, and no scope.
    pub fn new(endpoint: &str, client_id: &str, redirect_uri: &str, resource: &str) -> Self {
        let verifier = random();
        let challenge = sha256_base64url(verifier.as_bytes());
        let state = random();
        let params = [
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", redirect_uri),
            ("state", &state),
            ("resource", resource),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        Self {
            endpoint: endpoint.to_owned(),
            params: params.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            verifier,
        }
    }

    /// With this parameter instead of the one of the same name.
    #[must_use]
    pub fn set(self, name: &str, value: &str) -> Self {
        self.without(name).add(name, value)
    }

    /// With one more parameter, even if there is one of this name already.
    #[must_use]
    pub fn add(mut self, name: &str, value: &str) -> Self {
        self.params.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without this parameter.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.params.retain(|(known, _)| known != name);
        self
    }

    /// A parameter as it will be sent.
    #[track_caller]
    pub fn get(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).expect("a parameter")
    }

    /// The URL to open in a browser.
    pub fn url(&self) -> String {
        let query =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.params).finish();
        format!("{}?{query}", self.endpoint)
    }
}

impl Return {
    /// Reads a URL that a browser was sent to.
    pub fn read(url: &str) -> Self {
        let query = url.split_once('?').map_or("", |(_, query)| query);
        Self {
            url: url.to_owned(),
            params: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        }
    }

    /// A parameter's value; it must not be repeated.
    #[track_caller]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.params.iter().filter(|(known, _)| known == name);
        let first = found.next();
        assert!(found.next().is_none(), "{name} twice in {}", self.url);
        first.map(|(_, value)| value.as_str())
    }

    /// The code.
    #[track_caller]
    pub fn code(&self) -> &str {
        match self.get("code") {
            Some(code) => code,
            None => panic!("no code in {}", self.url),
        }
    }
}
